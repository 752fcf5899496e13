//! Filter chains of one listener that would match the same connections.
//! In: chains in the order in which servers were written. Out: chains that Envoy takes beside each other.
//! Never here: findings; what a chain lost is told to the caller.

use lateen_envoy_api::v3::core::CidrRange;
use lateen_envoy_api::v3::listener::FilterChain;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Destination, ALPN and server name; empty for all of them.
type Key = (String, Vec<String>, String);

/// A name that an earlier chain has.
pub struct Lost<O> {
    /// Who wrote the chain that goes without it.
    pub by: O,
    /// The server name; empty when the chain is for every name.
    pub name: String,
    /// Who has it.
    pub to: O,
}

/// Takes from each chain the server names that an earlier one matches under the same conditions, and leaves out those
/// that keep none: Envoy refuses the whole listener for one name in two chains.
pub fn distinct<O: Clone>(chains: Vec<(FilterChain, O)>) -> (Vec<FilterChain>, Vec<Lost<O>>) {
    let mut taken: BTreeMap<Key, O> = BTreeMap::new();
    let (mut kept, mut lost) = (Vec::with_capacity(chains.len()), Vec::new());
    for (mut chain, owner) in chains {
        let matched = chain.filter_chain_match.clone().unwrap_or_default();
        let ranges = texts(&matched.prefix_ranges);
        let keys = |name: &String| ranges.iter().map(|range| key(range, &chain, name)).collect::<Vec<Key>>();
        let mut free = Vec::new();
        for name in names(&chain) {
            match keys(&name).iter().find_map(|key| taken.get(key)) {
                Some(to) => lost.push(Lost { by: owner.clone(), name, to: to.clone() }),
                None => free.push(name),
            }
        }
        if free.is_empty() {
            continue;
        }
        taken.extend(free.iter().flat_map(keys).map(|key| (key, owner.clone())));
        set_names(&mut chain, free);
        kept.push(chain);
    }
    (kept, lost)
}

/// Repeats chains for the destinations of others. Envoy looks for the narrowest destination first and does not come
/// back from there, so that one name of one destination would hide all other names from connections to it.
pub fn widen(chains: &mut Vec<FilterChain>) {
    let mut places: BTreeMap<String, CidrRange> = BTreeMap::new();
    for chain in chains.iter() {
        let ranges = chain.filter_chain_match.iter().flat_map(|matched| &matched.prefix_ranges);
        places.extend(ranges.map(|range| (text(range), range.clone())));
    }
    let mut more = Vec::new();
    for (place, range) in &places {
        // The narrowest of those that this destination is part of comes first; equal ones stay in order.
        let mut around: Vec<(u32, &FilterChain)> =
            chains.iter().filter_map(|chain| Some((covering(chain, range)?, chain))).collect();
        around.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        let here = chains.iter().filter(|chain| covers_itself(chain, place));
        let mut taken: Vec<Key> =
            here.flat_map(|chain| names(chain).into_iter().map(|n| key(place, chain, &n))).collect();
        for (_, chain) in around {
            let mut copy = chain.clone();
            let free: Vec<String> =
                names(chain).into_iter().filter(|n| !taken.contains(&key(place, chain, n))).collect();
            if free.is_empty() {
                continue;
            }
            taken.extend(free.iter().map(|name| key(place, chain, name)));
            set_names(&mut copy, free);
            copy.filter_chain_match.get_or_insert_default().prefix_ranges = vec![range.clone()];
            more.push(copy);
        }
    }
    chains.extend(more);
}

fn key(range: &str, chain: &FilterChain, name: &str) -> Key {
    let alpn = chain.filter_chain_match.as_ref().map(|matched| matched.application_protocols.clone());
    (range.to_owned(), alpn.unwrap_or_default(), name.to_owned())
}

/// The server names of a chain; an empty one for all.
fn names(chain: &FilterChain) -> Vec<String> {
    match &chain.filter_chain_match {
        Some(matched) if !matched.server_names.is_empty() => matched.server_names.clone(),
        _ => vec![String::new()],
    }
}

fn set_names(chain: &mut FilterChain, mut names: Vec<String>) {
    names.retain(|name| !name.is_empty());
    if let Some(matched) = &mut chain.filter_chain_match {
        matched.server_names = names;
    }
}

fn texts(ranges: &[CidrRange]) -> Vec<String> {
    if ranges.is_empty() { vec![String::new()] } else { ranges.iter().map(text).collect() }
}

fn text(range: &CidrRange) -> String {
    format!("{}/{}", range.address_prefix, length(range))
}

fn length(range: &CidrRange) -> u32 {
    range.prefix_len.unwrap_or_default().value
}

fn covers_itself(chain: &FilterChain, place: &str) -> bool {
    chain
        .filter_chain_match
        .as_ref()
        .is_some_and(|matched| texts(&matched.prefix_ranges).iter().any(|own| own == place))
}

/// The length of the narrowest range of a chain that holds all of `place` and more.
fn covering(chain: &FilterChain, place: &CidrRange) -> Option<u32> {
    let Some(matched) = &chain.filter_chain_match else { return Some(0) };
    if matched.prefix_ranges.is_empty() {
        return Some(0);
    }
    let wider = matched.prefix_ranges.iter().filter(|range| length(range) < length(place) && holds(range, place));
    wider.map(length).max()
}

fn holds(range: &CidrRange, place: &CidrRange) -> bool {
    let (Ok(a), Ok(b)) = (range.address_prefix.parse::<IpAddr>(), place.address_prefix.parse::<IpAddr>()) else {
        return false;
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let mask = u128::MAX.checked_shl(128 - length(range)).unwrap_or(0);
    a.is_ipv4() == b.is_ipv4() && bits(a) & mask == bits(b) & mask
}
