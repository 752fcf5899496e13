//! Listening sockets: one for each worker, all bound to the same address.
//! In: an address. Out: sockets that share it (`SO_REUSEPORT`), or why it is not ours.
//! An address that another process holds is refused, although `SO_REUSEPORT` would let us share it.

use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Why an address cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another listener of the configuration has it.
    #[error("listener {other} has the same address; give one of them another port")]
    Duplicate {
        /// Its name.
        other: Arc<str>,
    },
    /// The system says no.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What it says.
        source: std::io::Error,
    },
}

/// Binds one socket for each worker; port 0 becomes the same free port for all.
///
/// `ours` are addresses that this process serves or has just stopped to serve.
///
/// # Errors
/// When the address is in use, not local or not allowed.
pub fn bind(
    address: SocketAddr,
    workers: usize,
    backlog: u32,
    ours: &[SocketAddr],
) -> Result<(SocketAddr, Vec<TcpListener>), BindError> {
    let failed = |source| BindError::Bind { address, source };
    // A wildcard and one of its addresses may both be ours; then the probe would only see ourselves.
    let overlaps = ours.iter().any(|other| other.port() == address.port());
    if address.port() != 0 && !overlaps {
        open(address, false).map_err(failed)?;
    }
    let mut actual = address;
    let mut sockets = Vec::with_capacity(workers);
    for _ in 0..workers {
        let socket = open(actual, true).map_err(failed)?;
        let backlog = i32::try_from(backlog.max(1)).unwrap_or(i32::MAX);
        socket.listen(backlog).map_err(failed)?;
        let socket = TcpListener::from(socket);
        actual = socket.local_addr().map_err(failed)?;
        sockets.push(socket);
    }
    Ok((actual, sockets))
}

fn open(address: SocketAddr, share: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if share {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    if !share {
        // Only listening finds another process that listens with SO_REUSEADDR.
        socket.listen(1)?;
    }
    Ok(socket)
}
