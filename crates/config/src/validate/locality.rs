//! Load balancing by locality: shares that sum up, regions that differ, no overlaps.

use std::collections::{BTreeMap, BTreeSet};

use crate::decode::context::shorten;
use crate::kinds::load_balancer::{LocalityFailover, LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting};
use crate::validate::{Check, Rule, wrong};

/// Labels by which localities are ranked.
const TOPOLOGY: &[&str] =
    &["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

/// Judges shares and failover by locality.
pub(crate) fn locality(check: &mut Check<'_, '_>, setting: &LocalityLoadBalancerSetting, ejects: bool) {
    if !setting.distribute.is_empty() && !setting.failover.is_empty() {
        check.field("failover", |check| {
            check.error("`distribute` and `failover` exclude each other", "keep one of the two")
        });
        return;
    }
    if !setting.failover.is_empty() {
        topology(check, &setting.failover_priority, "`failover` ranks by region already");
    }
    check.each("distribute", &setting.distribute, |check, share| {
        let sum: u64 = share.to.values().map(|weight| u64::from(*weight)).sum();
        check.field("to", |check| {
            for (to, weight) in &share.to {
                if !(1..=100).contains(weight) {
                    check.entry(to, |check| check.error(format!("{weight} is no share"), "shares go from 1 to 100"));
                }
            }
            if sum != 100 {
                check.error(format!("the shares sum up to {sum}"), "they sum up to 100");
            }
            let mut seen = Overlaps::default();
            for to in share.to.keys() {
                if let Err(wrong) = seen.add(to) {
                    check.key(to, |check| check.rule(Err(wrong)));
                }
            }
        });
    });
    let mut seen = Overlaps::default();
    check.each("distribute", &setting.distribute, |check, share| check.rule_of("from", seen.add(&share.from)));
    failover(check, &setting.failover);
    let fails_over = !setting.failover.is_empty() || !setting.failover_priority.is_empty();
    if fails_over && !ejects {
        check.warning("failover needs `outlierDetection` to notice failures", "add it to the same policy");
    }
}

/// Judges failover of zone-aware load balancing.
pub(crate) fn zone_aware(check: &mut Check<'_, '_>, setting: &ZoneAwareLoadBalancerSetting, ejects: bool) {
    topology(check, &setting.failover_priority, "regions and zones are ranked already");
    failover(check, &setting.failover);
    if setting.min_cluster_size == Some(0) {
        check.field("min_cluster_size", |check| check.error("the smallest cluster has 1 endpoint", ""));
    }
    let fails_over = !setting.failover.is_empty() || !setting.failover_priority.is_empty();
    if fails_over && !ejects {
        check.warning("failover needs `outlierDetection` to notice failures", "add it to the same policy");
    }
}

fn topology(check: &mut Check<'_, '_>, priority: &[String], message: &str) {
    check.each("failover_priority", priority, |check, label| {
        if TOPOLOGY.contains(&label.as_str()) {
            check.error(message, "remove this label");
        }
    });
}

fn failover(check: &mut Check<'_, '_>, failover: &[LocalityFailover]) {
    check.each("failover", failover, |check, pair| {
        if pair.from == pair.to {
            check.error("a region cannot stand in for itself", "name two regions");
        }
        for (field, region) in [("from", &pair.from), ("to", &pair.to)] {
            if region.contains(['/', '*']) {
                let message = format!("`{}` is no region", shorten(region));
                check.field(field, |check| check.error(message, "write the region alone, without zone and `*`"));
            }
        }
    });
}

/// Zones of a region, and their subzones.
type Zones<'a> = BTreeMap<&'a str, Option<BTreeSet<&'a str>>>;

/// Localities of one list, as a tree: region, zone, subzone. A locality that was added whole is `None` below.
#[derive(Default)]
struct Overlaps<'a> {
    all: bool,
    regions: BTreeMap<&'a str, Option<Zones<'a>>>,
}

impl<'a> Overlaps<'a> {
    fn add(&mut self, locality: &'a str) -> Rule {
        if locality.matches('*').count() > usize::from(locality.ends_with('*')) {
            return wrong(format!("`{}` has a `*` that is not at its end", shorten(locality)), "");
        }
        let mut parts = locality.splitn(3, '/');
        let (region, zone, subzone) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if region.is_empty() || zone == Some("") || subzone == Some("") {
            return wrong(format!("`{}` has an empty part", shorten(locality)), "write it as `region/zone/subzone`");
        }
        let free = !self.all && self.insert(region, zone, subzone);
        self.all |= region == "*" && zone.is_none();
        match free {
            true => Ok(()),
            false => wrong(
                format!("`{}` overlaps with another locality here", shorten(locality)),
                "keep the narrower or the wider one",
            ),
        }
    }

    fn insert(&mut self, region: &'a str, zone: Option<&'a str>, subzone: Option<&'a str>) -> bool {
        let Some(zone) = zone else {
            return self.regions.insert(region, None).is_none();
        };
        let Some(zones) = self.regions.entry(region).or_insert_with(|| Some(BTreeMap::new())) else { return false };
        if zones.contains_key("*") {
            return false;
        }
        let Some(subzone) = subzone else {
            return zones.insert(zone, None).is_none();
        };
        let Some(subzones) = zones.entry(zone).or_insert_with(|| Some(BTreeSet::new())) else { return false };
        !subzones.contains("*") && subzones.insert(subzone)
    }
}
