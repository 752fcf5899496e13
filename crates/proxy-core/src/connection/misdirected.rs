//! Requests for a host that another filter chain of the listener serves.
//! In: the chain of the connection, the host of the request. Out: 421 (RFC 9110 section 15.5.20), or nothing to say.
//! A browser reuses an HTTP/2 connection for every name of its certificate; 421 makes it open another one.

use super::{ConnectionFacts, select_filter_chain};
use crate::flags::ResponseFlags;
use crate::ir::{FilterChain, Listener, Tables, TerminalFilter};
use crate::local_reply::LocalReply;
use crate::route::{select_virtual_host, without_port};
use std::sync::Arc;

/// The answer to a request that no virtual host of `chain` is for, when a connection with its host as server name
/// would have found another chain that serves it. `facts` are those of the connection.
#[must_use]
pub fn misdirected(
    listener: &Listener,
    chain: &FilterChain,
    facts: &ConnectionFacts<'_>,
    authority: &[u8],
    tables: &Tables,
) -> Option<LocalReply> {
    chain.tls.as_ref()?;
    let host = without_port(std::str::from_utf8(authority).ok()?).to_ascii_lowercase();
    let other = select_filter_chain(listener, &ConnectionFacts { server_name: &host, ..*facts })?;
    if std::ptr::eq(Arc::as_ptr(other), chain) {
        return None;
    }
    other.tls.as_ref()?;
    let TerminalFilter::Http(manager) = &other.terminal else { return None };
    select_virtual_host(tables.route_configuration(&manager.routes)?, authority)?;
    Some(LocalReply::new(421, ResponseFlags::NO_ROUTE_FOUND, "misdirected_request"))
}
