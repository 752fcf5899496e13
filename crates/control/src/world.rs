//! The world as the control plane serves it at one moment.
//! In comes a [`Change`], out comes a [`World`]; building it is pure.

use lateen_config::{Finding, Object};
use lateen_core::NamespacedName;
use lateen_model::{Input, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that there is to serve, as its source has it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// Every valid object.
    pub objects: Vec<Arc<Object>>,
    /// What is said of objects that are not valid.
    pub refused: Vec<Finding>,
    /// Ports of listeners that are taken by somebody else on this machine: by workload, wanted port to actual port.
    pub moved_ports: BTreeMap<NamespacedName, BTreeMap<u16, u16>>,
}

/// A snapshot and what goes with it.
#[derive(Debug)]
pub struct World {
    /// Counts up from 1; 0 is the empty world before the first change.
    pub generation: u64,
    /// The snapshot.
    pub snapshot: Snapshot,
    /// What is wrong with references between objects.
    pub findings: Vec<Finding>,
    /// As in [`Change::moved_ports`].
    pub moved_ports: BTreeMap<NamespacedName, BTreeMap<u16, u16>>,
}

impl World {
    /// The world after `change`, at `now` (seconds since 1970). What is known of the certificates of `previous` is
    /// not worked out again, and those that turn bad stay as they were there.
    pub fn build(
        generation: u64,
        change: Change,
        options: &lateen_model::Options,
        previous: Option<Snapshot>,
        now: Option<i64>,
    ) -> Self {
        let Change { objects, refused, moved_ports } = change;
        let input = Input { objects, refused, mesh: None, options: options.clone(), now, previous };
        let (snapshot, findings) = Snapshot::build(&input);
        Self { generation, snapshot, findings, moved_ports }
    }
}

impl World {
    /// Moves the listeners of `proxy` where this machine has room for them.
    pub fn place_ports(&self, proxy: &mut lateen_model::Proxy) {
        let name = NamespacedName::new(&proxy.namespace, &proxy.name);
        if let Some(moved) = self.moved_ports.get(&name) {
            proxy.moved_ports.clone_from(moved);
        }
    }
}
