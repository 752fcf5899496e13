//! How many chains one port may grow to.

use super::{MOST_COPIES, widen};
use lateen_envoy_api::google::protobuf::UInt32Value;
use lateen_envoy_api::v3::core::CidrRange;
use lateen_envoy_api::v3::listener::{FilterChain, FilterChainMatch};

fn chain(name: String, networks: Vec<String>) -> FilterChain {
    let range = |address_prefix| CidrRange { address_prefix, prefix_len: Some(UInt32Value { value: 24 }) };
    let matched = FilterChainMatch {
        server_names: vec![name],
        prefix_ranges: networks.into_iter().map(range).collect(),
        ..Default::default()
    };
    FilterChain { filter_chain_match: Some(matched), ..Default::default() }
}

/// One rule for some networks beside servers for every destination.
fn port(networks: usize, servers: usize) -> Vec<FilterChain> {
    let networks = (0..networks).map(|at| format!("10.{}.{}.0", at / 256, at % 256)).collect();
    let servers = (0..servers).map(|at| chain(format!("{at}.example"), Vec::new()));
    std::iter::once(chain("one.example".to_owned(), networks)).chain(servers).collect()
}

#[test]
fn servers_are_repeated_for_networks_up_to_a_bound() {
    // (networks of the rule, other servers, chains in the end or the networks that are too many)
    for (networks, servers, wanted) in [
        (0, 5, Ok(6)),
        (3, 5, Ok(1 + 5 + 3 * 5)),
        (100, MOST_COPIES / 100, Ok(1 + MOST_COPIES / 100 + MOST_COPIES)),
        (101, MOST_COPIES / 100, Err(101)),
        (20_000, 1000, Err(20_000)),
    ] {
        let mut chains = port(networks, servers);
        let found = widen(&mut chains).map(|()| chains.len());
        assert_eq!(found, wanted, "{networks} networks, {servers} servers");
        assert!(found.is_ok() || chains.len() == 1 + servers, "nothing is repeated by halves");
    }
}
