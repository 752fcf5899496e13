//! Which proxy leads to a cluster, by the variables that kubectl reads.
//! In come `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` and a server; out comes a proxy or none.
//! The rules are those of Go's `net/http`: loopback is never asked through a proxy.

use std::env;
use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

use super::error::ClusterError;

/// What the environment says about proxies; empty texts say nothing.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    /// For servers of `https://`.
    pub(super) https: String,
    /// For servers of `http://`.
    pub(super) http: String,
    /// Hosts that are asked without, with commas between.
    pub(super) no: String,
}

impl Proxies {
    /// Those of this process; names in capitals come first.
    pub(super) fn of_process() -> Self {
        let read = |name: &str| {
            let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
            value(name).or_else(|| value(&name.to_ascii_lowercase())).unwrap_or_default()
        };
        Self { https: read("HTTPS_PROXY"), http: read("HTTP_PROXY"), no: read("NO_PROXY") }
    }

    /// The proxy for a server.
    pub(super) fn of(&self, server: &Uri) -> Result<Option<Uri>, ClusterError> {
        let is_plain = server.scheme_str() == Some("http");
        let proxy = if is_plain { &self.http } else { &self.https };
        let host = server.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let port = server.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
        if proxy.is_empty() || self.is_direct(&host, port) {
            return Ok(None);
        }
        let url = if proxy.contains("://") { proxy.clone() } else { format!("http://{proxy}") };
        url.parse().map(Some).map_err(|why| ClusterError::Config {
            config: format!("proxy {proxy:?} of {}", if is_plain { "HTTP_PROXY" } else { "HTTPS_PROXY" }),
            why: format!("{why}"),
        })
    }

    fn is_direct(&self, host: &str, port: u16) -> bool {
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        self.no.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(
            |entry| {
                if entry == "*" {
                    return true;
                }
                if let (Ok(net), Some(address)) = (entry.parse::<IpNet>(), address) {
                    return net.contains(&address);
                }
                let (name, wanted) = match entry.rsplit_once(':') {
                    // More than one colon is an address of IPv6 without a port.
                    Some((name, wanted)) if !name.contains(':') || name.ends_with(']') => (name, wanted.parse().ok()),
                    _ => (entry.as_str(), None),
                };
                let name = name.trim_matches(['[', ']']);
                wanted.is_none_or(|wanted: u16| wanted == port) && is_named(host, address, name)
            },
        )
    }
}

/// Whether an entry of `NO_PROXY` names a host: `a.b` also what is below it, `.a.b` and `*.a.b` only that.
fn is_named(host: &str, address: Option<IpAddr>, entry: &str) -> bool {
    if let Some(address) = address {
        return entry.parse::<IpAddr>().is_ok_and(|named| named == address);
    }
    let below = entry.strip_prefix('*').unwrap_or(entry);
    match below.strip_prefix('.') {
        Some(_) => host.ends_with(below),
        None => host == below || host.strip_suffix(below).is_some_and(|rest| rest.ends_with('.')),
    }
}

#[cfg(test)]
mod tests;
