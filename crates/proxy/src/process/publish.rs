//! What the process asks of the workers.
//! In: tables, addresses of DNS clusters, orders to drain. Out: what could not be bound, what is bound.

use crate::tls::CertificateStatus;
use crate::worker::Fleet;
use lateen_proxy_core::ir::{Endpoints, Tables};
use std::net::SocketAddr;
use std::sync::Arc;

/// The workers, as the process sees them; tests put something else in their place.
pub trait Publish: Send + Sync + 'static {
    /// New tables for every worker. Listeners that could not be bound come back; all else counts.
    fn apply(&self, tables: Arc<Tables>) -> Vec<BindFailure>;
    /// New addresses of a DNS cluster.
    fn set_resolved(&self, cluster: Arc<str>, endpoints: Arc<Endpoints>);
    /// Connections end with their next response, idle ones now; listeners go on accepting.
    fn drain(&self);
    /// Closes the listening sockets.
    fn stop_accepting(&self);
    /// Downstream connections that are open.
    fn active_connections(&self) -> usize;
    /// Reads again the files of certificates that have changed.
    fn look_at_files(&self) {}
    /// Certificates in use and what is wrong with others.
    fn certificates(&self) -> Vec<CertificateStatus> {
        Vec::new()
    }
    /// What is bound.
    fn listeners(&self) -> Vec<BoundListener>;
    /// Ends the workers, whatever they do.
    fn shutdown(&self);
}

/// A listener that could not be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindFailure {
    /// Its name.
    pub listener: Arc<str>,
    /// The address that failed and why.
    pub reason: String,
}

/// A listener that is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundListener {
    /// Its name.
    pub name: Arc<str>,
    /// Its addresses, with the port that the system chose for port 0.
    pub addresses: Vec<SocketAddr>,
}

impl Publish for Fleet {
    fn apply(&self, tables: Arc<Tables>) -> Vec<BindFailure> {
        let rejected = Fleet::apply(self, tables);
        rejected
            .into_iter()
            .map(|rejected| BindFailure {
                reason: format!("cannot bind '{}': {}", rejected.address, rejected.error),
                listener: rejected.name,
            })
            .collect()
    }

    fn set_resolved(&self, cluster: Arc<str>, endpoints: Arc<Endpoints>) {
        Fleet::set_resolved(self, cluster, endpoints);
    }

    fn drain(&self) {
        Fleet::drain(self);
    }

    fn stop_accepting(&self) {
        Fleet::stop_accepting(self);
    }

    fn active_connections(&self) -> usize {
        Fleet::active_connections(self)
    }

    fn look_at_files(&self) {
        Fleet::look_at_files(self);
    }

    fn certificates(&self) -> Vec<CertificateStatus> {
        Fleet::certificates(self)
    }

    fn listeners(&self) -> Vec<BoundListener> {
        let listeners = Fleet::listeners(self);
        listeners.into_iter().map(|one| BoundListener { name: one.name, addresses: one.addresses }).collect()
    }

    fn shutdown(&self) {
        Fleet::shutdown(self);
    }
}
