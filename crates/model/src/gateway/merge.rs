//! Servers of all Gateways of a workload, merged by port (Istio `mergeGateways`).
//! In: Gateways with their target ports, oldest first. Out: merged ports, and a finding for each server that lost.

use super::{MergedGateway, MergedPort, MergedServer, Server, TargetPorts};
use lateen_config::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Identifies a merged port: number, protocol as written, bind.
type Key = (u16, String, String);

#[derive(Default)]
struct Merging<'f> {
    out: MergedGateway,
    /// Numbers that some server uses.
    used: BTreeSet<u16>,
    /// The plain-text port that owns a number.
    plain: BTreeMap<u16, Key>,
    /// Hosts of servers with TLS by number: host with namespace to bind.
    tls_hosts: BTreeMap<u16, BTreeMap<String, (String, Arc<Server>)>>,
    /// Binds of servers with TLS by number.
    tls_binds: BTreeMap<u16, BTreeSet<String>>,
    findings: Option<&'f mut Vec<Finding>>,
}

/// Merges servers; each comes with the ports it listens on.
pub fn merge<'a>(
    servers: impl Iterator<Item = (&'a Arc<Server>, TargetPorts<'a>)>,
    findings: &mut Vec<Finding>,
) -> MergedGateway {
    let mut merging = Merging { findings: Some(findings), ..Merging::default() };
    for (server, ports) in servers {
        for number in ports.resolve(server.port) {
            merging.add(server, number);
        }
    }
    merging.out
}

impl Merging<'_> {
    fn add(&mut self, server: &Arc<Server>, number: u16) {
        let route_name = server.route_name(number);
        if server.tls.is_some() && !self.claim_hosts(server, number) {
            return;
        }
        let key: Key = (number, server.protocol_text.clone(), server.bind.clone());
        if self.used.insert(number) {
            if !server.is_tls() {
                self.plain.insert(number, key.clone());
            }
            self.open(server, key, route_name);
            return;
        }
        if let Some(current) = self.plain.get(&number).cloned() {
            self.beside_plain(server, key, current, route_name);
        } else if !server.is_tls() {
            self.plain.insert(number, key.clone());
            self.open(server, key, route_name);
        } else {
            self.beside_tls(server, key, route_name);
        }
    }

    /// Takes the hosts of a server with TLS; false when one is taken on this port and bind, as two filter chains
    /// with the same match are refused by Envoy.
    fn claim_hosts(&mut self, server: &Arc<Server>, number: u16) -> bool {
        let known = self.tls_hosts.entry(number).or_default();
        let name = |host: &super::ServerHost| match &host.namespace {
            Some(namespace) => format!("{namespace}/{}", host.host),
            None => host.host.to_string(),
        };
        let taken = server.hosts.iter().find_map(|host| {
            known.get(&name(host)).filter(|(bind, _)| *bind == server.bind).map(|(_, winner)| (host, winner.clone()))
        });
        if let Some((host, winner)) = taken {
            let message = format!(
                "host {} on port {} is already served by {} of {}; this server is left out",
                host.host,
                server.port,
                winner.path(),
                winner.source
            );
            self.lost(server, "hosts", message);
            return false;
        }
        for host in &server.hosts {
            known.insert(name(host), (server.bind.clone(), server.clone()));
        }
        true
    }

    fn beside_plain(&mut self, server: &Arc<Server>, key: Key, current: Key, route_name: String) {
        let same_bind = current.2 == server.bind;
        let current_protocol = lateen_core::Protocol::parse(&current.1);
        let mergeable =
            server.protocol.is_http() && (current_protocol.is_http() || current_protocol == server.protocol);
        if same_bind && (!mergeable || route_name.is_empty()) {
            let message = format!(
                "port {} already speaks {}; this server with protocol {} is left out",
                server.port, current.1, server.protocol_text
            );
            self.lost(server, "port.protocol", message);
            return;
        }
        let wanted = if same_bind { &current } else { &key };
        let Some(port) = self.find(wanted) else {
            if !server.is_tls() {
                self.plain.insert(key.0, key.clone());
            }
            self.open(server, key, route_name);
            return;
        };
        port.route_name.clone_from(&route_name);
        port.servers.push(MergedServer { server: server.clone(), route_name: route_name.clone() });
        if server.is_http() {
            self.out.routes.entry(route_name).or_default().push(server.clone());
        }
    }

    fn beside_tls(&mut self, server: &Arc<Server>, key: Key, route_name: String) {
        if server.is_http() {
            if self.out.routes.contains_key(&route_name) {
                let message =
                    format!("port name {} is already used for this port; this server is left out", server.port_name);
                self.lost(server, "port.name", message);
                return;
            }
            self.out.routes.insert(route_name.clone(), vec![server.clone()]);
        }
        self.tls_binds.entry(key.0).or_default().insert(server.bind.clone());
        let merged = MergedServer { server: server.clone(), route_name };
        match self.find(&key) {
            Some(port) => port.servers.push(merged),
            None => self.out.ports.push(port(server, &key, String::new(), merged)),
        }
    }

    fn open(&mut self, server: &Arc<Server>, key: Key, route_name: String) {
        if server.is_http() {
            self.out.routes.insert(route_name.clone(), vec![server.clone()]);
        }
        let merged = MergedServer { server: server.clone(), route_name: route_name.clone() };
        self.out.ports.push(port(server, &key, route_name, merged));
    }

    fn find(&mut self, key: &Key) -> Option<&mut MergedPort> {
        self.out.ports.iter_mut().find(|p| p.number == key.0 && p.protocol_text == key.1 && p.bind == key.2)
    }

    fn lost(&mut self, server: &Server, field: &str, message: String) {
        if let Some(findings) = self.findings.as_mut() {
            findings.push(server.source.warn(server.at, format!("{}.{field}", server.path()), message));
        }
    }
}

fn port(server: &Server, key: &Key, route_name: String, merged: MergedServer) -> MergedPort {
    MergedPort {
        number: key.0,
        bind: server.bind.clone(),
        protocol: server.protocol,
        protocol_text: key.1.clone(),
        route_name,
        servers: vec![merged],
    }
}
