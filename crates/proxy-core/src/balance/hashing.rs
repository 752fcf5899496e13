//! Consistent hashing: a ring, or Maglev's table.
//! In: hosts with keys and weights. Out: the host for a hash; the same as Envoy's for the same keys.

use crate::hash::xx_hash64;
use crate::ir::LbPolicy;

/// Hosts by hash.
#[derive(Debug)]
pub(super) enum Table {
    /// Points on a ring, sorted.
    Ring(Vec<(u64, usize)>),
    /// Maglev's table.
    Maglev(Vec<usize>),
}

impl Table {
    /// A table over hosts (index, key, weight above zero).
    pub(super) fn new(policy: &LbPolicy, hosts: Vec<(usize, String, f64)>) -> Self {
        let total: f64 = hosts.iter().map(|(_, _, weight)| weight).sum();
        let normal: Vec<(usize, String, f64)> =
            hosts.into_iter().map(|(index, key, weight)| (index, key, weight / total)).collect();
        match policy {
            LbPolicy::Maglev { table_size } => Table::Maglev(maglev(&normal, *table_size)),
            LbPolicy::RingHash { minimum, maximum } => Table::Ring(ring(&normal, *minimum, *maximum)),
            _ => Table::Ring(Vec::new()),
        }
    }

    /// The host for a hash; later attempts find others.
    pub(super) fn choose(&self, hash: u64, attempt: u32) -> Option<usize> {
        match self {
            Table::Ring(points) => {
                let at = points.partition_point(|(point, _)| *point < hash);
                let at = (at + attempt as usize).checked_rem(points.len())?;
                points.get(at).map(|(_, index)| *index)
            }
            Table::Maglev(table) => {
                // Each attempt flips other bits, so that retries spread.
                let hash = if attempt > 0 { hash ^ (u64::MAX - u64::from(attempt) + 1) } else { hash };
                let at = hash.checked_rem(table.len() as u64)?;
                table.get(usize::try_from(at).ok()?).copied()
            }
        }
    }
}

fn ring(hosts: &[(usize, String, f64)], minimum: u64, maximum: u64) -> Vec<(u64, usize)> {
    let least = hosts.iter().map(|(_, _, weight)| *weight).fold(f64::INFINITY, f64::min);
    if !least.is_finite() || least <= 0.0 {
        return Vec::new();
    }
    // So many points that the lightest host has a whole number of them, if the maximum allows.
    let scale = ((least * minimum as f64).ceil() / least).min(maximum as f64);
    let mut points = Vec::with_capacity(scale.ceil() as usize);
    let (mut made, mut wanted) = (0.0, 0.0);
    for (index, key, weight) in hosts {
        wanted += scale * weight;
        let mut number = 0_u64;
        while made < wanted {
            points.push((xx_hash64(format!("{key}_{number}").as_bytes(), 0), *index));
            number += 1;
            made += 1.0;
        }
    }
    points.sort_unstable();
    points
}

fn maglev(hosts: &[(usize, String, f64)], size: u64) -> Vec<usize> {
    struct Entry {
        host: usize,
        offset: u64,
        skip: u64,
        weight: f64,
        target: f64,
        next: u64,
    }
    let Ok(length) = usize::try_from(size) else { return Vec::new() };
    if hosts.is_empty() || size < 2 {
        return hosts.first().map(|(index, _, _)| vec![*index]).unwrap_or_default();
    }
    let heaviest = hosts.iter().map(|(_, _, weight)| *weight).fold(0.0, f64::max);
    let mut entries: Vec<Entry> = hosts
        .iter()
        .map(|(host, key, weight)| Entry {
            host: *host,
            offset: xx_hash64(key.as_bytes(), 0) % size,
            skip: xx_hash64(key.as_bytes(), 1) % (size - 1) + 1,
            weight: *weight,
            target: 0.0,
            next: 0,
        })
        .collect();
    let mut table: Vec<Option<usize>> = vec![None; length];
    let mut filled = 0;
    let mut iteration = 1.0;
    while filled < length {
        for entry in &mut entries {
            if filled >= length {
                break;
            }
            // Lighter hosts skip turns.
            if iteration * entry.weight < entry.target {
                continue;
            }
            entry.target += heaviest;
            loop {
                let place = entry.offset.wrapping_add(entry.skip.wrapping_mul(entry.next)) % size;
                entry.next += 1;
                // `size` is prime, so the walk comes to every place.
                if let Some(slot @ None) = usize::try_from(place).ok().and_then(|place| table.get_mut(place)) {
                    *slot = Some(entry.host);
                    break;
                }
            }
            filled += 1;
        }
        iteration += 1.0;
    }
    table.into_iter().flatten().collect()
}
