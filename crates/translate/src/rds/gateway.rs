//! Routes of gateways: a virtual host for each host that a server and a VirtualService share.
//! In: the merged gateway. Out: `http.8080` and `https.443.name.gateway.namespace`.

use super::{configuration, route};
use crate::values::domain_name;
use crate::{Options, provenance};
use lateen_core::{Host, NamespacedName};
use lateen_envoy_api::v3::core::Metadata;
use lateen_envoy_api::v3::route::virtual_host::TlsRequirementType;
use lateen_envoy_api::v3::route::{Route, RouteConfiguration, VirtualHost};
use lateen_model::{Scope, Server, VirtualService};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The routes of one VirtualService at one Gateway.
type RouteSet = (Arc<str>, NamespacedName);

struct Building {
    port: u16,
    require_tls: bool,
    /// Keys of the sets in the order they were added; virtual hosts with the same sets become one.
    sets: Vec<RouteSet>,
    metadata: Option<Metadata>,
}

/// Routes made so far, so that hosts and servers share them.
#[derive(Default)]
struct Sets {
    routes: HashMap<RouteSet, Vec<Route>>,
    /// Sets that say the same as an earlier one: a VirtualService bound to several Gateways of one workload.
    same: HashMap<RouteSet, RouteSet>,
}

impl Sets {
    /// The set of a rule at a Gateway; none when it has no route there.
    fn of(
        &mut self,
        rule: &VirtualService,
        place: route::Listener<'_>,
        make: impl FnOnce() -> Vec<Route>,
    ) -> Option<RouteSet> {
        let key: RouteSet = (place.gateway.into(), rule.source.name.clone());
        if let Some(earlier) = self.same.get(&key) {
            return Some(earlier.clone());
        }
        if !self.routes.contains_key(&key) {
            let made = make();
            if made.is_empty() {
                self.routes.insert(key, made);
                return None;
            }
            let mut others = self.routes.iter().filter(|(other, _)| other.1 == key.1);
            if let Some((earlier, _)) = others.find(|(_, routes)| **routes == made) {
                let earlier = earlier.clone();
                self.same.insert(key, earlier.clone());
                return Some(earlier);
            }
            self.routes.insert(key.clone(), made);
        }
        self.routes.get(&key).filter(|routes| !routes.is_empty()).map(|_| key)
    }
}

/// All route configurations of a gateway.
pub fn routes(scope: &Scope, options: &Options) -> Vec<RouteConfiguration> {
    scope.gateway.routes.iter().map(|(name, servers)| one(scope, options, name, servers)).collect()
}

fn one(scope: &Scope, options: &Options, name: &str, servers: &[Arc<Server>]) -> RouteConfiguration {
    let mut hosts: BTreeMap<Host, Building> = BTreeMap::new();
    let mut sets = Sets::default();
    let mut bound: HashMap<Arc<str>, Vec<Arc<VirtualService>>> = HashMap::new();
    for server in servers {
        let rules = bound.entry(server.gateway.clone()).or_insert_with(|| scope.virtual_services(&server.gateway));
        for rule in rules.iter() {
            let common = server.intersection(&rule.hosts, rule.source.namespace());
            if common.is_empty() {
                continue;
            }
            let place = route::Listener { port: server.port, tls: server.tls.is_some(), gateway: &server.gateway };
            let Some(key) = sets.of(rule, place, || route::of_virtual_service(scope, options, rule, place)) else {
                continue;
            };
            for host in common {
                let building = hosts.entry(host).or_insert_with(|| Building {
                    port: server.port,
                    require_tls: false,
                    sets: Vec::new(),
                    metadata: provenance::of(options, &rule.source, Default::default(), "spec.hosts"),
                });
                building.require_tls |= server.redirects_to_https();
                if !building.sets.contains(&key) {
                    building.sets.push(key.clone());
                }
            }
        }
        redirect_hosts(options, server, &mut hosts);
    }
    configuration(name, virtual_hosts(hosts, &sets.routes, servers))
}

/// Hosts without a rule are redirected too.
fn redirect_hosts(options: &Options, server: &Server, hosts: &mut BTreeMap<Host, Building>) {
    if !server.redirects_to_https() {
        return;
    }
    for host in &server.hosts {
        let building = hosts.entry(host.host.clone()).or_insert_with(|| Building {
            port: server.port,
            require_tls: false,
            sets: Vec::new(),
            metadata: provenance::of(options, &server.source, server.at, &format!("{}.hosts", server.path())),
        });
        building.require_tls = true;
    }
}

fn virtual_hosts(
    hosts: BTreeMap<Host, Building>,
    sets: &HashMap<RouteSet, Vec<Route>>,
    servers: &[Arc<Server>],
) -> Vec<VirtualHost> {
    if hosts.is_empty() {
        let port = servers.first().map_or(0, |server| server.port);
        // No route: everything is answered 404.
        return vec![VirtualHost {
            name: domain_name("blackhole", port),
            domains: vec!["*".to_owned()],
            ..Default::default()
        }];
    }
    let mut out: Vec<VirtualHost> = Vec::new();
    let mut same: HashMap<(bool, Vec<RouteSet>), usize> = HashMap::new();
    for (host, building) in hosts {
        let key = (building.require_tls, building.sets);
        if let Some(first) = same.get(&key).and_then(|index| out.get_mut(*index)) {
            first.domains.push(host.to_string());
            continue;
        }
        let require = if building.require_tls { TlsRequirementType::All } else { TlsRequirementType::None };
        let routes: Vec<Route> = key.1.iter().filter_map(|set| sets.get(set)).flatten().cloned().collect();
        same.insert(key, out.len());
        out.push(VirtualHost {
            name: domain_name(host.as_str(), building.port),
            domains: vec![host.to_string()],
            routes: route::catch_all_last(routes),
            require_tls: require.into(),
            include_request_attempt_count: true,
            metadata: building.metadata,
            ..Default::default()
        });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}
