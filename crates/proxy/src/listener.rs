//! Listeners of one worker: which address is served by which configuration.
//! In: bound sockets and listeners from the fleet. Out: connections, each with the listener that it came in by.
//! A connection keeps its listener until it ends; it drains when its listener is removed, or replaced by one
//! that does not have its filter chain.

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
use std::rc::{Rc, Weak};
use std::sync::Arc;
use tokio::sync::Notify;

/// One address of this worker.
pub struct Slot {
    /// As configured.
    pub address: SocketAddr,
    current: RefCell<Rc<Served>>,
    /// Earlier forms whose connections go on, because their filter chains are still there.
    former: RefCell<Vec<Weak<Served>>>,
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

    fn drain(&self, context: &Rc<Context>) {
        self.current().drain(context);
        for served in self.former.borrow().iter().filter_map(Weak::upgrade) {
            served.drain(context);
        }
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
        let slot = Rc::new(Slot {
            address,
            current: RefCell::new(served),
            former: RefCell::default(),
            stop: Notify::new(),
            stopped: Cell::new(false),
        });
        self.slots.insert(address, Rc::clone(&slot));
        slot
    }

    /// From now on connections of this address are served by `listener`; older ones drain unless it has their chain.
    pub fn replace(&mut self, address: SocketAddr, listener: Arc<Listener>, tls: &Contexts, context: &Rc<Context>) {
        if let Some(slot) = self.slots.get(&address) {
            let old = slot.current.replace(Served::new(Arc::clone(&listener), address, tls, context));
            let mut former = slot.former.borrow_mut();
            former.push(Rc::downgrade(&old));
            former.retain(|served| served.upgrade().is_some_and(|served| served.give_way(&listener, context)));
        }
    }

    /// Takes an address out of service.
    pub fn remove(&mut self, address: SocketAddr, context: &Rc<Context>) {
        if let Some(slot) = self.slots.remove(&address) {
            slot.stop();
            slot.drain(context);
        }
    }

    /// All connections drain.
    pub fn drain(&self, context: &Rc<Context>) {
        for slot in self.slots.values() {
            slot.drain(context);
        }
    }

    /// Closes all listening sockets; connections go on.
    pub fn stop_accepting(&mut self) {
        for (_, slot) in self.slots.drain() {
            slot.stop();
        }
    }
}
