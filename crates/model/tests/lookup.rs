//! Lookups that the resources of one proxy do not show: order, precedence, visibility, and speed of indexes.

use lateen_config::decode;
use lateen_core::{Host, Labels, ProxyType};
use lateen_model::{Input, Options, Proxy, Scope, Snapshot, host_index::HostIndex};
use std::sync::Arc;

fn snapshot(config: &str) -> Snapshot {
    let decoded = decode("config.yaml", config);
    assert!(decoded.findings.is_empty(), "{:#?}", decoded.findings);
    let objects = decoded.objects.into_iter().map(Arc::new).collect();
    Snapshot::build(&Input { objects, ..Input::default() }).0
}

fn rule(name: &str, namespace: &str, host: &str, more: &str) -> String {
    format!(
        "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{host: \"{host}\"{more}}}\n"
    )
}

#[test]
fn the_most_specific_host_is_found() {
    let mut index = HostIndex::default();
    for host in ["a.b.c", "*.b.c", "*.c", "*", "*-x.b.c"] {
        index.insert(Host::new(host), host);
    }
    let table = [
        ("a.b.c", "a.b.c"),
        ("z.b.c", "*.b.c"),
        ("z.y.b.c", "*.b.c"),
        ("one-x.b.c", "*-x.b.c"),
        ("b.c", "*.c"),
        ("d", "*"),
        ("*.b.c", "*.b.c"),
        ("*.y.b.c", "*.b.c"),
        ("*.d", "*"),
    ];
    for (name, want) in table {
        assert_eq!(index.find(&Host::new(name)).map(|found| *found.1), Some(want), "{name}");
    }
    let empty: HostIndex<()> = HostIndex::default();
    assert!(empty.find(&Host::new("a")).is_none());
}

/// Client namespace, then that of the service, then the root; a rule of the root is for nobody's neighbours before.
#[test]
fn destination_rules_are_looked_up_in_istios_order() {
    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: svc}\n\
                           spec: {ports: [{name: http, port: 80}]}\n";
    let host = "s.svc.svc.cluster.local";
    let rules = [
        ("client", rule("client", "client", host, "")),
        ("service", rule("service", "svc", "s", "")),
        ("service-private", rule("service-private", "svc", "s", ", exportTo: [\".\"]")),
        ("root", rule("root", "istio-system", "*.cluster.local", "")),
        ("stranger", rule("stranger", "stranger", host, "")),
    ];
    let table: [(&[&str], &str, Option<&str>); 8] = [
        (&["client", "service", "root"], "client", Some("client")),
        (&["service", "root", "stranger"], "client", Some("service")),
        (&["service-private", "root"], "client", Some("root")),
        (&["service-private", "root"], "svc", Some("service-private")),
        (&["root"], "client", Some("root")),
        (&["stranger"], "client", None),
        // A client in the root namespace takes the service's own rule before the mesh-wide one.
        (&["service", "root"], "istio-system", Some("service")),
        (&["client", "root"], "istio-system", Some("root")),
    ];
    for (names, namespace, want) in table {
        let chosen = rules.iter().filter(|(name, _)| names.contains(name)).map(|(_, text)| text.as_str());
        let config: String = std::iter::once(SERVICE).chain(chosen).collect();
        let world = snapshot(&config);
        let scope = Scope::new(&world, &Proxy::new(ProxyType::Router, namespace, Labels::default()));
        let host = Host::new(host);
        let found = scope.destination_rule(&host, scope.service(&host).map(|service| &**service));
        let found = found.map(|rule| rule.source().unwrap().name.name.to_string());
        assert_eq!(found.as_deref(), want, "{names:?} seen from {namespace}");
    }
}

#[test]
fn a_rule_for_certain_workloads_is_for_them_alone() {
    let host = "a.example.org";
    let config =
        rule("plain", "web", host, "") + &rule("picky", "web", host, ", workloadSelector: {matchLabels: {app: one}}");
    let world = snapshot(&config);
    for (app, want) in [("one", "picky"), ("two", "plain")] {
        let proxy = Proxy::new(ProxyType::Sidecar, "web", [("app", app)].into_iter().collect());
        let found = Scope::new(&world, &proxy).destination_rule(&Host::new(host), None).unwrap();
        assert_eq!(&*found.source().unwrap().name.name, want, "{app}");
    }
}

#[test]
fn the_oldest_gateway_wins_a_port_and_names_break_ties() {
    let gateway = |name: &str, protocol: &str, created: &str| {
        format!(
            "---\napiVersion: networking.istio.io/v1\nkind: Gateway\n\
             metadata: {{name: {name}, namespace: web, creationTimestamp: \"{created}\"}}\n\
             spec: {{servers: [{{port: {{number: 80, name: p, protocol: {protocol}}}, hosts: [\"*\"]}}]}}\n"
        )
    };
    let table = [
        ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "TCP"),
        ("2021-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "HTTP"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "HTTP"),
    ];
    for (tcp, http, want) in table {
        let world = snapshot(&(gateway("z-tcp", "TCP", tcp) + &gateway("a-http", "HTTP", http)));
        let scope = Scope::new(&world, &Proxy::new(ProxyType::Router, "web", Labels::default()));
        let protocols: Vec<&str> = scope.gateway.ports.iter().map(|port| port.protocol_text.as_str()).collect();
        assert_eq!(protocols, [want]);
        assert_eq!(scope.findings.len(), 1);
        assert!(scope.findings[0].message.contains("left out"), "{}", scope.findings[0].message);
    }
}

#[test]
fn ports_move_where_they_are_taken() {
    let config = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: web}\n\
                  spec: {servers: [{port: {number: 80, name: p, protocol: HTTP}, hosts: [\"*\"]}]}\n";
    let world = snapshot(config);
    let mut proxy = Proxy::new(ProxyType::Router, "web", Labels::default());
    let number = |proxy: &Proxy| Scope::new(&world, proxy).gateway.ports[0].number;
    assert_eq!(number(&proxy), 80);
    proxy.ports = lateen_model::PortMapping::GatewayService;
    assert_eq!(number(&proxy), 8080);
    proxy.moved_ports.insert(8080, 18080);
    assert_eq!(number(&proxy), 18080);
    assert!(Scope::new(&world, &proxy).gateway.routes.contains_key("http.18080"));
}

/// The order of the input says nothing: ages and names do.
#[test]
fn a_snapshot_does_not_depend_on_the_order_of_objects() {
    let mut config = String::new();
    for index in 0..20 {
        config += &format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s{index}, namespace: web}}\n\
             spec: {{selector: {{app: a{index}}}, ports: [{{name: http, port: 80}}]}}\n"
        );
        config += &rule(&format!("r{index}"), "web", &format!("s{}", index / 2), ", subsets: [{name: v1}]");
    }
    let objects: Vec<_> = decode("config.yaml", &config).objects.into_iter().map(Arc::new).collect();
    let reversed: Vec<_> = objects.iter().rev().cloned().collect();
    let build = |objects| Snapshot::build(&Input { objects, options: Options::default(), ..Input::default() }).0;
    let (one, two) = (build(objects), build(reversed));
    let names = |world: &Snapshot| world.services.iter().map(|s| s.host.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&two));
    for index in 0..10 {
        let host = Host::new(&format!("s{index}.web.svc.cluster.local"));
        let find = |world: &Snapshot| {
            let found = world.destination_rules.find(&world.mesh, "web", Some("web"), &host);
            found.iter().flat_map(|r| r.sources.iter().map(ToString::to_string)).collect::<Vec<_>>()
        };
        assert_eq!(find(&one), find(&two), "{host}");
    }
}
