//! Which path is answered by whom.
//! In: method, path and query. Out: status, type and body.
//! Never here: sockets; a test asks this function.

use super::query::Query;
use super::{certs, clusters, config_dump, drain_paths, listeners, log_levels, memory, server_info, stats};
use crate::process::{Order, Phase, Shared};
use http::{Method, StatusCode};
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
}

impl Answer {
    pub(super) fn text(body: impl Into<String>) -> Self {
        Self { status: StatusCode::OK, content_type: "text/plain; charset=UTF-8", body: body.into() }
    }

    pub(super) fn json(body: &serde_json::Value) -> Self {
        // A Value always serializes: its keys are strings.
        let body = serde_json::to_string_pretty(body).unwrap_or_default();
        Self { status: StatusCode::OK, content_type: "application/json", body }
    }

    pub(super) fn error(status: StatusCode, body: impl Into<String>) -> Self {
        Self { status, ..Self::text(body) }
    }
}

/// A path, whether it changes something (and so wants POST), what it is for, and who answers.
struct Path {
    path: &'static str,
    mutates: bool,
    help: &'static str,
    answer: fn(&Shared, &Query) -> Answer,
}

const PATHS: [Path; 24] = [
    Path { path: "/", mutates: false, help: "this page", answer: |_, _| home() },
    Path { path: "/certs", mutates: false, help: "certificates in use", answer: certs::answer },
    Path { path: "/clusters", mutates: false, help: "clusters and their endpoints", answer: clusters::answer },
    Path {
        path: "/config_dump",
        mutates: false,
        help: "every resource as it is served or refused",
        answer: config_dump::answer,
    },
    Path {
        path: "/drain_listeners",
        mutates: true,
        help: "stop listening; with ?graceful after the drain time",
        answer: drain_paths::answer,
    },
    Path {
        path: "/healthcheck/fail",
        mutates: true,
        help: "answer health checks with failure",
        answer: |shared, _| {
            shared.health_failed.store(true, Ordering::Relaxed);
            Answer::text("OK\n")
        },
    },
    Path {
        path: "/healthcheck/ok",
        mutates: true,
        help: "answer health checks truthfully again",
        answer: |shared, _| {
            shared.health_failed.store(false, Ordering::Relaxed);
            Answer::text("OK\n")
        },
    },
    Path { path: "/help", mutates: false, help: "the paths, as text", answer: |_, _| Answer::text(help()) },
    Path {
        path: "/hot_restart_version",
        mutates: false,
        help: "there is no hot restart",
        answer: |_, _| Answer::text("disabled\n"),
    },
    Path { path: "/init_dump", mutates: false, help: "what is still waited for", answer: server_info::init_dump },
    Path { path: "/listeners", mutates: false, help: "listeners and their addresses", answer: listeners::answer },
    Path { path: "/logging", mutates: true, help: "the log level, and how to change it", answer: log_levels::answer },
    Path { path: "/memory", mutates: false, help: "memory in use", answer: |_, _| memory::answer() },
    Path {
        path: "/quitquitquit",
        mutates: true,
        help: "end the process",
        answer: |shared, _| {
            // Without a control task the process ends already.
            let _ = shared.orders.send(Order::Quit);
            Answer::text("OK\n")
        },
    },
    Path {
        path: "/ready",
        mutates: false,
        help: "LIVE once the first configuration serves",
        answer: |shared, _| ready(shared),
    },
    Path {
        path: "/reopen_logs",
        mutates: true,
        help: "open the files of access logs again",
        answer: |shared, _| {
            shared.access_logs.reopen();
            Answer::text("OK\n")
        },
    },
    Path {
        path: "/reset_counters",
        mutates: true,
        help: "set counters to 0",
        answer: |shared, _| {
            shared.stats.reset_counters();
            Answer::text("OK\n")
        },
    },
    Path { path: "/runtime", mutates: false, help: "runtime values", answer: server_info::runtime },
    Path { path: "/server_info", mutates: false, help: "version, state and command line", answer: server_info::answer },
    Path {
        path: "/stats",
        mutates: false,
        help: "statistics; ?filter=regex&usedonly&format=json|prometheus&type=Counters|Gauges|Histograms",
        answer: stats::answer,
    },
    Path { path: "/stats/prometheus", mutates: false, help: "statistics for Prometheus", answer: stats::prometheus },
    Path {
        path: "/stats/recentlookups",
        mutates: false,
        help: "always empty",
        answer: |_, _| Answer::text("Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n"),
    },
    Path {
        path: "/heap_dump",
        mutates: false,
        help: "not there",
        answer: |_, _| Answer::error(StatusCode::NOT_IMPLEMENTED, "no heap profile is kept\n"),
    },
    Path {
        path: "/contention",
        mutates: false,
        help: "not there",
        answer: |_, _| Answer::text("Mutex contention tracing is not enabled.\n"),
    },
];

/// The admin interface.
pub(crate) fn admin(shared: &Shared, method: &Method, path_and_query: &str) -> Answer {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let Some(found) = PATHS.iter().find(|known| known.path == path) else {
        return Answer::error(StatusCode::NOT_FOUND, format!("invalid path. admin commands are:\n{}", help()));
    };
    if found.mutates && method != Method::POST {
        return Answer::error(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("{path} changes the server: use POST, not {method}\n"),
        );
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(method) {
        return Answer::error(StatusCode::METHOD_NOT_ALLOWED, format!("use GET or POST, not {method}\n"));
    }
    (found.answer)(shared, &Query::parse(query))
}

/// The health port: `/healthz/ready`.
pub(crate) fn health(shared: &Shared, method: &Method, path_and_query: &str) -> Answer {
    let path = path_and_query.split('?').next().unwrap_or_default();
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/healthz/ready" | "/ready") => ready(shared),
        (_, "/healthz/ready" | "/ready") => Answer::error(StatusCode::METHOD_NOT_ALLOWED, "use GET\n"),
        _ => Answer::error(StatusCode::NOT_FOUND, "only /healthz/ready is here\n"),
    }
}

/// The metrics port: `/stats/prometheus`.
pub(crate) fn prometheus(shared: &Shared, method: &Method, path_and_query: &str) -> Answer {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/stats/prometheus" | "/metrics") => {
            stats::prometheus(shared, &Query::parse(query))
        }
        (_, "/stats/prometheus" | "/metrics") => Answer::error(StatusCode::METHOD_NOT_ALLOWED, "use GET\n"),
        _ => Answer::error(StatusCode::NOT_FOUND, "only /stats/prometheus is here\n"),
    }
}

fn ready(shared: &Shared) -> Answer {
    let phase = shared.phase();
    let status = if phase == Phase::Live { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::error(status, format!("{}\n", phase.name()))
}

fn help() -> String {
    let mut out = String::from("admin commands are:\n");
    for Path { path, mutates, help, .. } in &PATHS {
        let post = if *mutates { " (POST)" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {path}{post}: {help}");
    }
    out
}

fn home() -> Answer {
    let mut rows = String::new();
    for Path { path, mutates, help, .. } in &PATHS {
        let help = help.replace('&', "&amp;");
        let _ = if *mutates {
            writeln!(
                rows,
                "<tr><td><form method=\"post\" action=\"{path}\"><button>{path}</button></form></td><td>{help}</td></tr>"
            )
        } else {
            writeln!(rows, "<tr><td><a href=\"{path}\">{path}</a></td><td>{help}</td></tr>")
        };
    }
    let body = format!("<!doctype html><title>lateen proxy</title><h1>lateen proxy</h1><table>{rows}</table>\n");
    Answer { status: StatusCode::OK, content_type: "text/html; charset=UTF-8", body }
}
