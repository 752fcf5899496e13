//! Which port a gateway's listener takes when several gateways share one machine.
//! In come the ports that each gateway wants, out come the ports that it gets. Pure; an answer that was given stays.

use lateen_core::{NamespacedName, ports};
use std::collections::{BTreeMap, BTreeSet};

/// For each gateway the ports that it wants, or for each wanted port the one that it gets.
pub type Wanted = BTreeMap<NamespacedName, BTreeSet<u16>>;
/// For each gateway: wanted port to the port it gets, where they differ.
pub type Moved = BTreeMap<NamespacedName, BTreeMap<u16, u16>>;

/// The ports that were given out.
#[derive(Debug, Default)]
pub struct PortTable {
    given: BTreeMap<u16, (NamespacedName, u16)>,
}

impl PortTable {
    /// Gives every gateway a port of its own for each port that it wants; the first by name keeps the number, the next
    /// one gets the next free number. What a gateway no longer wants is free again.
    pub fn assign(&mut self, wanted: &Wanted) -> Moved {
        self.given.retain(|_, (gateway, port)| wanted.get(gateway).is_some_and(|ports| ports.contains(port)));
        let all: BTreeSet<u16> = wanted.values().flatten().copied().collect();
        let mut moved = Moved::new();
        for (gateway, wanted_ports) in wanted {
            for &port in wanted_ports {
                let actual = self.actual(gateway, port).or_else(|| self.take(gateway, port, &all)).unwrap_or(port);
                if actual != port {
                    moved.entry(gateway.clone()).or_default().insert(port, actual);
                }
            }
        }
        moved
    }

    fn actual(&self, gateway: &NamespacedName, port: u16) -> Option<u16> {
        let is_ours = |(_, (owner, wanted)): &(&u16, &(NamespacedName, u16))| owner == gateway && *wanted == port;
        self.given.iter().find(is_ours).map(|(actual, _)| *actual)
    }

    fn take(&mut self, gateway: &NamespacedName, port: u16, all: &BTreeSet<u16>) -> Option<u16> {
        let free = |candidate: &u16| {
            !self.given.contains_key(candidate)
                && (*candidate == port || !all.contains(candidate) && !is_reserved(*candidate))
        };
        let actual = (port..=u16::MAX).find(free)?;
        self.given.insert(actual, (gateway.clone(), port));
        Some(actual)
    }
}

/// The ports that the mesh itself uses.
fn is_reserved(port: u16) -> bool {
    (ports::PROXY_ADMIN..=ports::PROMETHEUS).contains(&port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(rows: &[(&str, &[u16])]) -> Wanted {
        rows.iter().map(|(name, ports)| (NamespacedName::new("ns", name), ports.iter().copied().collect())).collect()
    }

    fn moved(table: &mut PortTable, rows: &[(&str, &[u16])]) -> Vec<String> {
        let moved = table.assign(&wanted(rows));
        moved.iter().flat_map(|(name, map)| map.iter().map(move |(a, b)| format!("{}:{a}>{b}", name.name))).collect()
    }

    #[test]
    fn the_first_keeps_the_port_and_the_next_moves() {
        let mut table = PortTable::default();
        assert_eq!(moved(&mut table, &[("a", &[8080]), ("b", &[8080, 8081])]), ["b:8080>8082"]);
    }

    #[test]
    fn what_was_given_stays() {
        let mut table = PortTable::default();
        assert!(moved(&mut table, &[("b", &[8080])]).is_empty());
        assert_eq!(moved(&mut table, &[("a", &[8080]), ("b", &[8080])]), ["a:8080>8081"]);
        assert_eq!(moved(&mut table, &[("a", &[8080])]), ["a:8080>8081"]);
    }

    #[test]
    fn ports_of_the_mesh_are_not_given_away() {
        let mut table = PortTable::default();
        assert_eq!(moved(&mut table, &[("a", &[14999]), ("b", &[14999])]), ["b:14999>15091"]);
    }
}
