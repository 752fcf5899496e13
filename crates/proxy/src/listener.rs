//! Listeners of one worker: which address is served by which configuration.
//! In: bound sockets and listeners from the fleet. Out: connections, each with the listener that it came in by.
//! A connection keeps its filter chain until it ends; it drains when the listener is removed or changes, or when that
//! chain is not there any more.

pub mod accept;
pub mod chain;
pub mod served;
pub mod socket;

pub use served::{Ending, Registration, Served};

use crate::tls::Contexts;
use crate::worker::Context;
use lateen_proxy_core::ir::Listener;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// One address of this worker.
pub struct Slot {
    /// As configured.
    pub address: SocketAddr,
    current: RefCell<Rc<Served>>,
    /// Tells the accept loop to end.
    pub stop: Notify,
    /// Whether it has been told.
    pub stopped: Cell<bool>,
}

impl Slot {
    /// What new connections are served by.
    pub fn current(&self) -> Rc<Served> {
        Rc::clone(&self.current.borrow())
    }

    fn stop(&self) {
        self.stopped.set(true);
        self.stop.notify_one();
    }
}

/// All addresses of this worker, and listeners that still drain.
#[derive(Default)]
pub struct Listeners {
    slots: HashMap<SocketAddr, Rc<Slot>>,
}

impl Listeners {
    /// Takes one more address into service.
    pub fn add(
        &mut self,
        address: SocketAddr,
        listener: Arc<Listener>,
        tls: &Contexts,
        context: &Rc<Context>,
    ) -> Rc<Slot> {
        let served = Served::new(listener, address, tls, context);
        let slot =
            Rc::new(Slot { address, current: RefCell::new(served), stop: Notify::new(), stopped: Cell::new(false) });
        self.slots.insert(address, Rc::clone(&slot));
        slot
    }

    /// From now on connections of this address are served by `listener`; older ones drain unless it has their chain.
    pub fn replace(&mut self, address: SocketAddr, listener: Arc<Listener>, tls: &Contexts, context: &Rc<Context>) {
        if let Some(slot) = self.slots.get(&address) {
            let old = slot.current();
            if !old.update(&listener, tls, context) {
                slot.current.replace(Served::new(listener, address, tls, context));
                old.drain(context);
            }
        }
    }

    /// Takes an address out of service.
    pub fn remove(&mut self, address: SocketAddr, context: &Rc<Context>) {
        if let Some(slot) = self.slots.remove(&address) {
            slot.stop();
            slot.current().drain(context);
        }
    }

    /// All connections drain.
    pub fn drain(&self, context: &Rc<Context>) {
        for slot in self.slots.values() {
            slot.current().drain(context);
        }
    }

    /// Closes all listening sockets; connections go on.
    pub fn stop_accepting(&mut self) {
        for (_, slot) in self.slots.drain() {
            slot.stop();
        }
    }
}
