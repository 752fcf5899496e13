//! Ports that nobody listens on, for programs that must be told their port.
//! Another process may take one before it is used: where a program can bind port 0, let it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A port on 127.0.0.1 that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `count` different ports on 127.0.0.1 that were free a moment ago.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let held: Vec<_> = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    held.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}
