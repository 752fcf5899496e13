//! What a control plane sees of a client: requests, written as short lines.

use super::*;
use lateen_envoy_api::v3::discovery::{DeltaDiscoveryResponse, DiscoveryResponse, Resource as Wrapper};
use lateen_envoy_api::v3::{cluster, endpoint};
use lateen_envoy_api::{Any, pack};

type Interests = Vec<(String, BTreeSet<String>)>;

fn subscriber(variant: Variant) -> Subscriber {
    let types = [(type_url::CLUSTER, Scope::All), (type_url::ENDPOINT, Scope::Named), (type_url::LISTENER, Scope::All)];
    let types = types.map(|(url, scope)| Subscription { type_url: url.into(), scope });
    let node = Node { id: "n".into(), ..Default::default() };
    Subscriber::new(variant, node, types.into(), Duration::from_secs(15))
}

fn endpoints(names: &[&str]) -> Interests {
    vec![(type_url::ENDPOINT.into(), names.iter().map(|name| (*name).to_owned()).collect())]
}

/// `CDS node +a -b have a=1 names[a] ack 1`.
fn describe(requests: &[Outgoing]) -> Vec<String> {
    requests
        .iter()
        .map(|request| {
            let mut text = match request.type_url.as_str() {
                type_url::CLUSTER => "CDS",
                type_url::ENDPOINT => "EDS",
                _ => "LDS",
            }
            .to_owned();
            text += if request.node.is_some() { " node" } else { "" };
            request.subscribe.iter().for_each(|name| text += &format!(" +{name}"));
            request.unsubscribe.iter().for_each(|name| text += &format!(" -{name}"));
            request.initial.iter().for_each(|(name, version)| text += &format!(" have {name}={version}"));
            if !request.names.is_empty() {
                text += &format!(" [{}]", request.names.join(" "));
            }
            if !request.version.is_empty() {
                text += &format!(" at {}", request.version);
            }
            match &request.error {
                Some(error) => text += &format!(" nack {} {}", request.nonce, error.message),
                None if !request.nonce.is_empty() => text += &format!(" ack {}", request.nonce),
                None => {}
            }
            text
        })
        .collect()
}

fn cluster_body(name: &str) -> Any {
    pack(&cluster::Cluster { name: name.into(), ..Default::default() })
}

fn delta(url: &str, nonce: &str, names: &[&str], removed: &[&str]) -> Incoming {
    let body = |name: &str| match url {
        type_url::CLUSTER => cluster_body(name),
        _ => pack(&endpoint::ClusterLoadAssignment { cluster_name: name.into(), ..Default::default() }),
    };
    let resources = names.iter().map(|name| Wrapper {
        name: (*name).into(),
        version: "1".into(),
        resource: Some(body(name)),
        ..Default::default()
    });
    DeltaDiscoveryResponse {
        type_url: url.into(),
        nonce: nonce.into(),
        resources: resources.collect(),
        removed_resources: removed.iter().map(|name| (*name).into()).collect(),
        ..Default::default()
    }
    .into()
}

fn full(nonce: &str, version: &str, resources: Vec<Any>) -> Incoming {
    DiscoveryResponse {
        type_url: type_url::CLUSTER.into(),
        nonce: nonce.into(),
        version_info: version.into(),
        resources,
        ..Default::default()
    }
    .into()
}

#[test]
fn listeners_wait_for_clusters_and_their_endpoints() {
    let now = Instant::now();
    let mut client = subscriber(Variant::Delta);
    assert_eq!(describe(&client.open(&[], now)), ["CDS node"]);
    let (_, pending) = client.on_response(delta(type_url::CLUSTER, "1", &["a", "b"], &[])).unwrap();
    let wanted = endpoints(&["a", "b"]);
    // The subscription goes out before the ACK.
    assert_eq!(describe(&client.answer(pending, vec![], &wanted, now)), ["EDS +a +b", "CDS ack 1"]);
    let (_, pending) = client.on_response(delta(type_url::ENDPOINT, "2", &["a"], &[])).unwrap();
    assert_eq!(describe(&client.answer(pending, vec![], &wanted, now)), ["EDS ack 2"]);
    assert_eq!(client.deadline(), Some(now + Duration::from_secs(15)));
    let (_, pending) = client.on_response(delta(type_url::ENDPOINT, "3", &[], &["b"])).unwrap();
    assert_eq!(describe(&client.answer(pending, vec![], &wanted, now)), ["LDS", "EDS ack 3"]);
    assert_eq!(client.deadline(), None);
}

#[test]
fn listeners_do_not_wait_for_ever() {
    let now = Instant::now();
    let mut client = subscriber(Variant::Delta);
    client.open(&[], now);
    assert_eq!(describe(&client.subscribe(&[], now + Duration::from_secs(14))), [""; 0]);
    assert_eq!(describe(&client.subscribe(&[], now + Duration::from_secs(15))), ["LDS"]);
}

#[test]
fn a_reconnect_says_what_is_kept() {
    let now = Instant::now();
    let mut client = subscriber(Variant::Delta);
    client.open(&[], now);
    let (_, pending) = client.on_response(delta(type_url::CLUSTER, "1", &["a", "bad"], &[])).unwrap();
    let rejected = vec![Rejected { name: "bad".into(), reason: "no".into() }];
    let wanted = endpoints(&["a"]);
    let requests = client.answer(pending, rejected, &wanted, now);
    assert_eq!(describe(&requests), ["EDS +a", "CDS nack 1 bad: no"]);
    let (_, pending) = client.on_response(delta(type_url::ENDPOINT, "2", &["a", "uninvited"], &[])).unwrap();
    client.answer(pending, vec![], &wanted, now);
    let requests = describe(&client.open(&wanted, now));
    assert_eq!(requests, ["CDS node have a=1", "EDS +a have a=1", "LDS"]);
    assert_eq!(describe(&client.subscribe(&endpoints(&["c"]), now)), ["EDS +c -a"]);
}

#[test]
fn state_of_the_world_tells_what_is_gone() {
    let now = Instant::now();
    let mut client = subscriber(Variant::StateOfTheWorld);
    assert_eq!(describe(&client.open(&[], now)), ["CDS node"]);
    let wanted = endpoints(&["a"]);
    // (resources, removed, answer)
    let broken = Any { type_url: type_url::CLUSTER.into(), value: vec![0x0a, 0xff] };
    let foreign = Any { type_url: type_url::LISTENER.into(), value: cluster_body("a").value };
    let is_a_listener = format!("CDS at v2 nack 4 a: the resource is a `{}`", type_url::LISTENER);
    let cases: Vec<(Vec<Any>, Vec<&str>, &str)> = vec![
        (vec![cluster_body("a"), cluster_body("b")], vec![], "CDS at v1 ack 1"),
        (vec![cluster_body("a")], vec!["b"], "CDS at v2 ack 2"),
        // It may be `a` that is broken, so `a` is not taken away.
        (vec![broken], vec![], "CDS at v2 nack 3 : the resource has no name"),
        (vec![foreign], vec![], &is_a_listener),
        (
            vec![cluster_body("a"), cluster_body("a")],
            vec![],
            "CDS at v2 nack 5 a: the response has two resources of this name",
        ),
        (vec![], vec!["a"], "CDS at v6 ack 6"),
    ];
    for (at, (resources, removed, answer)) in cases.into_iter().enumerate() {
        let (nonce, version) = ((at + 1).to_string(), format!("v{}", at + 1));
        let (update, pending) = client.on_response(full(&nonce, &version, resources)).unwrap();
        assert_eq!(update.removed, removed, "{answer}");
        let requests = describe(&client.answer(pending, vec![], &wanted, now));
        assert_eq!(requests.last().unwrap(), answer);
    }
    assert_eq!(describe(&client.open(&wanted, now))[..2], ["CDS node at v6", "EDS [a]"]);
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    let mut client = subscriber(Variant::Delta);
    client.open(&[], Instant::now());
    assert!(client.on_response(delta(type_url::SECRET, "1", &["s"], &[])).is_none());
    assert!(client.on_response(delta(type_url::ENDPOINT, "1", &["a"], &[])).is_none());
}
