//! Filter chains as one worker runs them.
//! In: a filter chain of the tables. Out: the same with the worker's counters and codec options at hand.
//! Never here: which chain is chosen (`proxy_core::connection`).

use crate::http::Manager;
use crate::tcp::TcpRoute;
use crate::worker::Context;
use lateen_proxy_core::ir::{FilterChain, Listener, TerminalFilter};
use std::rc::Rc;

/// What becomes of a connection.
pub enum Chain {
    /// HTTP.
    Http(Rc<Manager>),
    /// Bytes.
    Tcp(Rc<TcpRoute>),
    /// Closed at once.
    Close,
}

/// Makes a chain ready for connections.
pub fn prepare(chain: &FilterChain, listener: &Listener, context: &Context) -> Chain {
    match &chain.terminal {
        TerminalFilter::Http(manager) => Chain::Http(Rc::new(Manager::new(manager, chain, listener, context))),
        TerminalFilter::Tcp(proxy) => Chain::Tcp(Rc::new(TcpRoute::new(proxy, context))),
        TerminalFilter::Close => Chain::Close,
    }
}
