//! A trace as a person reads it.
//! In: a trace. Out: lines of text, the decisions in order, each with the line that asked for it.

use crate::trace::{Step, Trace};
use std::fmt;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = [
            ("listener", &self.listener),
            ("filter chain", &self.filter_chain),
            ("route config", &self.route_config),
            ("virtual host", &self.virtual_host),
            ("route", &self.route),
            ("cluster", &self.cluster),
        ];
        writeln!(f, "{}", self.name)?;
        for (label, found) in steps {
            if let Some(found) = found.as_ref().filter(|step| !step.name.is_empty() || step.source.is_some()) {
                line(f, label, found)?;
            }
        }
        for endpoint in &self.endpoints {
            let weight = if endpoint.weight == 1 { String::new() } else { format!(", weight {}", endpoint.weight) };
            let name = format!("{} ({}{weight})", endpoint.address, endpoint.health);
            line(f, "endpoint", &Step { name, source: endpoint.source.clone() })?;
        }
        if let Some(request) = &self.upstream_request {
            writeln!(f, "  {:<13} {} {} with host {}", "sent as", request.method, request.path, request.authority)?;
        }
        if let Some(verdict) = self.verdict() {
            writeln!(f, "  {:<13} {verdict}", "answer")?;
        }
        if !self.near_misses.is_empty() {
            writeln!(f, "  near misses")?;
        }
        for miss in &self.near_misses {
            let route = if miss.route.is_empty() { String::new() } else { format!(" route {}", miss.route) };
            writeln!(f, "    {}{route}: {}", miss.virtual_host, miss.reasons.join("; "))?;
            if let Some(source) = &miss.source {
                writeln!(f, "      {source}")?;
            }
        }
        Ok(())
    }
}

impl Trace {
    /// What the client gets when no endpoint answers, in one sentence; `None` when one does.
    pub fn verdict(&self) -> Option<String> {
        if let Some(answer) = &self.answer {
            let location = answer.location.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            let flags = if answer.flags == "-" { String::new() } else { format!(", flags {}", answer.flags) };
            return Some(format!("{}{location} by the proxy itself ({}{flags})", answer.status, answer.details));
        }
        if let Some(failure) = self.error {
            return Some(
                match failure.as_str() {
                    "no_listener" => "connection refused: nobody listens on that port",
                    "no_filter_chain" => "connection closed: no filter chain takes it (NR filter_chain_not_found)",
                    "tls_error" => "connection closed: the listener wants TLS",
                    "mtls_error" => "connection closed: the client certificate does not fit what the listener wants",
                    "protocol_error" => "connection closed or 400: not HTTP where HTTP is expected",
                    _ => "404 by the proxy itself (NR route_not_found)",
                }
                .to_owned(),
            );
        }
        match &self.cluster {
            Some(cluster) if self.endpoints.is_empty() && cluster.source.is_none() => {
                Some(format!("503 by the proxy itself: no cluster {} (NC cluster_not_found)", cluster.name))
            }
            Some(_) if self.endpoints.is_empty() => {
                Some("503 by the proxy itself: no endpoint (UH no_healthy_upstream)".into())
            }
            _ => None,
        }
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, step: &Step) -> fmt::Result {
    let name = if step.name.is_empty() { "(unnamed)" } else { &step.name };
    match &step.source {
        Some(source) => writeln!(f, "  {label:<13} {name:<44}  {source}"),
        None => writeln!(f, "  {label:<13} {name}"),
    }
}
