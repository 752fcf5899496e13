//! Filter chains as one worker runs them.
//! In: a filter chain of the tables. Out: the same with the worker's counters and codec options at hand.
//! Never here: which chain is chosen (`proxy_core::connection`).

use crate::http::Manager;
use crate::tcp::TcpRoute;
use crate::tls::{Contexts, ServerEntry};
use crate::worker::Context;
use lateen_proxy_core::ir::{FilterChain, Listener, TerminalFilter};
use std::rc::Rc;
use std::sync::Arc;

/// What becomes of a connection.
pub enum Chain {
    /// HTTP.
    Http(Rc<Manager>),
    /// Bytes.
    Tcp(Rc<TcpRoute>),
    /// Closed at once.
    Close,
}

/// A chain ready for connections.
pub struct Prepared {
    /// What becomes of them.
    pub chain: Chain,
    /// TLS to end first; `Some(None)` for a context that is not known, which cannot be.
    pub tls: Option<Option<Arc<ServerEntry>>>,
}

/// Makes a chain ready for connections.
pub fn prepare(chain: &Arc<FilterChain>, listener: &Arc<Listener>, tls: &Contexts, context: &Context) -> Prepared {
    Prepared {
        chain: match &chain.terminal {
            TerminalFilter::Http(manager) => Chain::Http(Rc::new(Manager::new(manager, chain, listener, context))),
            TerminalFilter::Tcp(proxy) => Chain::Tcp(Rc::new(TcpRoute::new(proxy, context))),
            TerminalFilter::Close => Chain::Close,
        },
        tls: chain.tls.as_ref().map(|settings| tls.server(settings).cloned()),
    }
}
