//! What the fleet tells its workers.
//! In: changes that were checked and bound already. Out: nothing; a command cannot fail.

use crate::tls::Contexts;
use lateen_proxy_core::ir::Listener;
use std::net::SocketAddr;
use std::sync::Arc;

/// One order to one worker.
pub(super) enum Command {
    /// Serves a new address.
    Add { address: SocketAddr, socket: std::net::TcpListener, listener: Arc<Listener>, tls: Arc<Contexts> },
    /// New connections of this address see this listener; old ones drain.
    Replace { address: SocketAddr, listener: Arc<Listener>, tls: Arc<Contexts> },
    /// Takes what waits in the accept queue, then closes the socket; connections drain.
    Remove { address: SocketAddr },
    /// The tables have changed.
    Tables,
    /// Every connection drains, new ones too.
    Drain,
    /// Closes all listening sockets.
    StopAccepting,
    /// Ends the thread.
    Shutdown,
}
