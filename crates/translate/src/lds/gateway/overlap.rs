//! Filter chains of one listener that would match the same connections.
//! In: chains in the order in which servers were written. Out: chains that Envoy takes beside each other.
//! Never here: findings; what a chain lost is told to the caller.

use lateen_envoy_api::v3::core::CidrRange;
use lateen_envoy_api::v3::listener::FilterChain;
use std::collections::{BTreeMap, BTreeSet, HashSet};
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

/// Chains that [`widen`] makes at the most.
const MOST_COPIES: usize = 10_000;

/// Repeats chains for the destinations of others. Envoy looks for the narrowest destination first and does not come
/// back from there, so that one name of one destination would hide all other names from connections to it.
///
/// # Errors
/// The number of destinations, when that would take more than [`MOST_COPIES`] chains; nothing is repeated then.
pub fn widen(chains: &mut Vec<FilterChain>) -> Result<(), usize> {
    let mut places: BTreeMap<String, CidrRange> = BTreeMap::new();
    for chain in chains.iter() {
        let ranges = chain.filter_chain_match.iter().flat_map(|matched| &matched.prefix_ranges);
        places.extend(ranges.map(|range| (text(range), range.clone())));
    }
    let networks: Vec<Networks> = chains.iter().map(Networks::of).collect();
    let mut more = Vec::new();
    for (place, range) in &places {
        // The narrowest of those that this destination is part of comes first; equal ones stay in order.
        let mut around: Vec<(u32, &FilterChain)> = Vec::new();
        let mut taken: BTreeSet<Key> = BTreeSet::new();
        for (chain, networks) in chains.iter().zip(&networks) {
            if networks.own.contains(place) {
                taken.extend(names(chain).iter().map(|name| key(place, chain, name)));
            }
            around.extend(networks.around(range).map(|length| (length, chain)));
        }
        around.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
        for (_, chain) in around {
            let free: Vec<String> =
                names(chain).into_iter().filter(|n| !taken.contains(&key(place, chain, n))).collect();
            if free.is_empty() {
                continue;
            }
            if more.len() == MOST_COPIES {
                return Err(places.len());
            }
            taken.extend(free.iter().map(|name| key(place, chain, name)));
            let mut copy = chain.clone();
            set_names(&mut copy, free);
            copy.filter_chain_match.get_or_insert_default().prefix_ranges = vec![range.clone()];
            more.push(copy);
        }
    }
    chains.extend(more);
    Ok(())
}

/// The destinations of a chain.
struct Networks {
    /// As they are written.
    own: HashSet<String>,
    /// Whether of IPv4, the length, and so many bits of the address.
    bits: BTreeSet<(bool, u32, u128)>,
    lengths: BTreeSet<u32>,
}

impl Networks {
    fn of(chain: &FilterChain) -> Self {
        let ranges = chain.filter_chain_match.as_ref().map_or(&[][..], |matched| &matched.prefix_ranges);
        Self {
            own: ranges.iter().map(text).collect(),
            bits: ranges.iter().filter_map(|range| bits(range, length(range))).collect(),
            lengths: ranges.iter().map(length).collect(),
        }
    }

    /// The length of the narrowest range that holds all of `place` and more; 0 where every destination is meant.
    fn around(&self, place: &CidrRange) -> Option<u32> {
        if self.own.is_empty() {
            return Some(0);
        }
        let holds = |wider: &u32| bits(place, *wider).is_some_and(|bits| self.bits.contains(&bits));
        self.lengths.range(..length(place)).rev().copied().find(|wider| holds(wider))
    }
}

/// The first bits of a range's address; nothing when there is no address.
fn bits(range: &CidrRange, length: u32) -> Option<(bool, u32, u128)> {
    let (v4, bits) = match range.address_prefix.parse().ok()? {
        IpAddr::V4(v4) => (true, u128::from(v4.to_bits()) << 96),
        IpAddr::V6(v6) => (false, v6.to_bits()),
    };
    let mask = u128::MAX.checked_shl(128u32.saturating_sub(length)).unwrap_or(0);
    Some((v4, length, bits & mask))
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

#[cfg(test)]
mod tests;
