//! A server session and a subscriber talk in every order that chance finds.
//!
//! In: random worlds, delays, refusals and lost connections. Out: what must
//! hold in all of them: nothing names a cluster that the client does not have,
//! and in the end the client has exactly the latest world.
#![allow(clippy::unwrap_used)] // tests

use lateen_envoy_api::v3::discovery::{DeltaDiscoveryRequest, DiscoveryRequest};
use lateen_envoy_api::v3::{cluster, core, endpoint, listener, route};
use lateen_envoy_api::{Any, pack, type_url, unpack};
use lateen_xds::client::{Outgoing, Subscriber, Subscription};
use lateen_xds::server::{Response, Session};
use lateen_xds::{Rejected, Resource, ResourceSet, Variant};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A small generator, so that a failure can be repeated by its seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

type Live = BTreeMap<String, BTreeMap<String, Any>>;

struct Talk {
    variant: Variant,
    chance: Chance,
    now: Instant,
    generation: u64,
    world: Arc<ResourceSet>,
    session: Session,
    subscriber: Subscriber,
    live: Live,
    to_server: VecDeque<Outgoing>,
    to_client: VecDeque<Response>,
    /// Refuse some resources.
    picky: bool,
    responses: usize,
    connections: usize,
}

/// Routes name clusters by their virtual host, listeners routes by their stat prefix.
fn world(chance: &mut Chance) -> ResourceSet {
    let clusters: Vec<String> = (0..6).filter(|_| chance.below(2) == 0).map(|at| format!("c{at}")).collect();
    let mut set = ResourceSet::new();
    let mut routes = Vec::new();
    let mut listeners = Vec::new();
    if !clusters.is_empty() {
        for at in 0..chance.below(4) {
            let target = clusters[chance.below(clusters.len() as u64) as usize].clone();
            let virtual_host = route::VirtualHost { name: target, ..Default::default() };
            let name = format!("r{at}");
            let body = route::RouteConfiguration {
                name: name.clone(),
                virtual_hosts: vec![virtual_host],
                ..Default::default()
            };
            listeners.push(Resource::new(
                format!("l{at}"),
                pack(&listener::Listener { name: format!("l{at}"), stat_prefix: name.clone(), ..Default::default() }),
            ));
            routes.push(Resource::new(name, pack(&body)));
        }
    }
    let cluster = |name: &String, version: u64| cluster::Cluster {
        name: name.clone(),
        alt_stat_name: version.to_string(),
        ..Default::default()
    };
    let assignment =
        |name: &String| endpoint::ClusterLoadAssignment { cluster_name: name.clone(), ..Default::default() };
    let endpoints = clusters.iter().map(|name| Resource::new(name.clone(), pack(&assignment(name)))).collect();
    let clusters =
        clusters.iter().map(|name| Resource::new(name.clone(), pack(&cluster(name, chance.below(2))))).collect();
    set = set.with(type_url::CLUSTER, clusters).with(type_url::ENDPOINT, endpoints);
    set.with(type_url::LISTENER, listeners.into_iter().collect()).with(type_url::ROUTE, routes.into_iter().collect())
}

fn interests(live: &Live) -> Vec<(String, BTreeSet<String>)> {
    let of = |url: &str| live.get(url).into_iter().flatten();
    let endpoints = of(type_url::CLUSTER).map(|(name, _)| name.clone()).collect();
    let routes = of(type_url::LISTENER).map(|(_, body)| unpack::<listener::Listener>(body).unwrap().stat_prefix);
    vec![(type_url::ENDPOINT.into(), endpoints), (type_url::ROUTE.into(), routes.collect())]
}

impl Talk {
    fn new(variant: Variant, seed: u64) -> Self {
        let node = core::Node { id: "x".into(), ..Default::default() };
        let types = Subscription::of_a_proxy();
        Self {
            variant,
            chance: Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            now: Instant::now(),
            generation: 0,
            world: Arc::default(),
            session: Session::new(variant, Duration::from_secs(5)),
            subscriber: Subscriber::new(variant, node, types, Duration::from_secs(15)),
            live: Live::new(),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            picky: seed.is_multiple_of(3),
            responses: 0,
            connections: 0,
        }
    }

    fn change_world(&mut self) {
        self.world = Arc::new(world(&mut self.chance));
        self.generation += 1;
        self.session.on_world(self.generation, self.world.clone());
        self.poll();
    }

    fn connect(&mut self) {
        self.connections += 1;
        self.to_server.clear();
        self.to_client.clear();
        self.session = Session::new(self.variant, Duration::from_secs(5));
        self.session.on_world(self.generation, self.world.clone());
        self.to_server.extend(self.subscriber.open(&interests(&self.live), self.now));
    }

    fn poll(&mut self) {
        let responses = self.session.poll(self.now);
        self.responses += responses.len();
        self.to_client.extend(responses);
    }

    fn step_server(&mut self) {
        if let Some(request) = self.to_server.pop_front() {
            let request = match self.variant {
                Variant::Delta => DeltaDiscoveryRequest::from(request).into(),
                Variant::StateOfTheWorld => DiscoveryRequest::from(request).into(),
            };
            self.session.on_request(request).unwrap();
            self.poll();
        }
    }

    fn step_client(&mut self) {
        let Some(response) = self.to_client.pop_front() else {
            return;
        };
        let incoming = match self.variant {
            Variant::Delta => response.into_delta(None).into(),
            Variant::StateOfTheWorld => response.into_discovery(None).into(),
        };
        let (update, pending) = self.subscriber.on_response(incoming).expect("a type that was asked for");
        let live = self.live.entry(update.type_url.clone()).or_default();
        let mut rejected = Vec::new();
        for name in &update.removed {
            live.remove(name);
        }
        for resource in update.added {
            if self.picky && self.chance.below(8) == 0 {
                rejected.push(Rejected { name: resource.name, reason: "no".into() });
            } else {
                live.insert(resource.name, resource.body);
            }
        }
        let interests = interests(&self.live);
        // A proxy forgets what it does not ask for any more.
        for (url, names) in &interests {
            self.live.entry(url.clone()).or_default().retain(|name, _| names.contains(name));
        }
        // After a reconnect in state of the world the server does not know what
        // the client still uses, and sends the world as it is.
        let is_known = self.variant == Variant::Delta || self.connections == 1;
        if !self.picky && is_known {
            self.check();
        }
        self.to_server.extend(self.subscriber.answer(pending, rejected, &interests, self.now));
    }

    /// Make before break.
    fn check(&self) {
        let empty = BTreeMap::new();
        let clusters = self.live.get(type_url::CLUSTER).unwrap_or(&empty);
        for (name, body) in self.live.get(type_url::ROUTE).unwrap_or(&empty) {
            let route: route::RouteConfiguration = unpack(body).unwrap();
            let target = &route.virtual_hosts[0].name;
            assert!(clusters.contains_key(target), "route {name} names {target}, which is not there");
        }
    }

    /// Everything is delivered and nothing is left to say.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.step_server();
            self.step_client();
            if self.to_server.is_empty() && self.to_client.is_empty() {
                self.now += Duration::from_secs(6);
                self.poll();
                let requests = self.subscriber.subscribe(&interests(&self.live), self.now);
                self.to_server.extend(requests);
                if self.to_server.is_empty() && self.to_client.is_empty() && self.subscriber.deadline().is_none() {
                    return;
                }
            }
        }
        panic!("the two never stop talking");
    }

    fn assert_converged(&self) {
        for url in [type_url::CLUSTER, type_url::ENDPOINT, type_url::LISTENER, type_url::ROUTE] {
            let wanted: BTreeMap<_, _> = self
                .world
                .get(url)
                .into_iter()
                .flat_map(|set| set.iter())
                .map(|resource| (resource.name.clone(), resource.body.clone()))
                .collect();
            assert_eq!(self.live.get(url).cloned().unwrap_or_default(), wanted, "{url}");
        }
    }
}

fn run(variant: Variant, seed: u64) {
    let mut talk = Talk::new(variant, seed);
    talk.change_world();
    talk.connect();
    for _ in 0..400 {
        match talk.chance.below(40) {
            0 => talk.change_world(),
            1 if seed.is_multiple_of(2) && talk.chance.below(4) == 0 => talk.connect(),
            2..20 => talk.step_server(),
            _ => talk.step_client(),
        }
    }
    talk.settle();
    if !talk.picky {
        talk.assert_converged();
        let before = talk.responses;
        let (generation, world) = (talk.generation + 1, talk.world.clone());
        talk.session.on_world(generation, world);
        talk.settle();
        assert_eq!(talk.responses, before, "an unchanged world is not worth a response");
    }
}

#[test]
fn any_order_of_events_ends_with_the_latest_world() {
    for seed in 1..=600 {
        for variant in [Variant::Delta, Variant::StateOfTheWorld] {
            let outcome = std::panic::catch_unwind(|| run(variant, seed));
            assert!(outcome.is_ok(), "seed {seed}, {variant:?}");
        }
    }
}
