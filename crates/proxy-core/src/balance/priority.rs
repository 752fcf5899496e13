//! How much traffic each priority takes.
//! In: how many hosts of each priority are healthy. Out: percent by priority, and which are in panic.
//! Integer percent as in Envoy.

/// Hosts of one priority.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) healthy: u64,
    pub(super) degraded: u64,
}

/// Percent of traffic by priority; the sum is 100 unless there are no priorities.
#[derive(Debug, Clone, Default)]
pub(super) struct Loads {
    healthy: Vec<u64>,
    degraded: Vec<u64>,
    panic: Vec<bool>,
}

impl Loads {
    pub(super) fn new(counts: &[Counts], overprovisioning: u32, panic_threshold: f64) -> Self {
        let available = |part: u64, total: u64| match total {
            0 => 0,
            total => (u64::from(overprovisioning) * part / total).min(100),
        };
        let health: Vec<u64> = counts.iter().map(|level| available(level.healthy, level.total)).collect();
        let degraded: Vec<u64> = counts.iter().map(|level| available(level.degraded, level.total)).collect();
        let total = health.iter().chain(&degraded).sum::<u64>().min(100);
        let mut loads =
            Self { healthy: vec![0; counts.len()], degraded: vec![0; counts.len()], panic: vec![false; counts.len()] };
        if total > 0 {
            let mut left = 100;
            loads.spread(&health, &degraded, total, &mut left);
            // What integer division leaves over goes to the first that takes anything.
            let loaded = loads.healthy.iter_mut().chain(loads.degraded.iter_mut());
            if let Some(first) = loaded.into_iter().find(|load| **load > 0) {
                *first += left;
            }
        }
        loads.mark_panic(counts, total, panic_threshold);
        loads
    }

    fn spread(&mut self, health: &[u64], degraded: &[u64], total: u64, left: &mut u64) {
        for (load, available) in self.healthy.iter_mut().zip(health) {
            *load = (available * 100 / total).min(*left);
            *left -= *load;
        }
        for (load, available) in self.degraded.iter_mut().zip(degraded) {
            *load = (available * 100 / total).min(*left);
            *left -= *load;
        }
    }

    fn mark_panic(&mut self, counts: &[Counts], total: u64, threshold: f64) {
        if threshold <= 0.0 && total == 0 {
            // Panic is turned off and nobody is there: all goes to priority 0 and finds nobody.
            if let Some(first) = self.healthy.first_mut() {
                *first = 100;
            }
            return;
        }
        if total < 100 {
            for (panic, level) in self.panic.iter_mut().zip(counts) {
                let usable = (level.healthy + level.degraded) as f64;
                let percent = if level.total == 0 { 0.0 } else { 100.0 * usable / level.total as f64 };
                *panic = percent < threshold;
            }
        }
        if self.panic.iter().all(|panic| *panic) {
            self.spread_in_total_panic(counts);
        }
    }

    /// By number of hosts, healthy or not.
    fn spread_in_total_panic(&mut self, counts: &[Counts]) {
        let hosts: u64 = counts.iter().map(|level| level.total).sum();
        self.degraded.fill(0);
        self.healthy.fill(0);
        if hosts == 0 {
            if let Some(first) = self.healthy.first_mut() {
                *first = 100;
            }
            return;
        }
        let mut left = 100;
        for (load, level) in self.healthy.iter_mut().zip(counts) {
            *load = 100 * level.total / hosts;
            left -= *load;
        }
        if let Some((load, _)) = self.healthy.iter_mut().zip(counts).find(|(_, level)| level.total > 0) {
            *load += left;
        }
    }

    /// The priority for a random number, and whether its degraded hosts are meant.
    pub(super) fn choose(&self, random: u64) -> Option<(usize, bool)> {
        let mut left = random % 100;
        for (degraded, loads) in [(false, &self.healthy), (true, &self.degraded)] {
            for (priority, load) in loads.iter().enumerate() {
                if left < *load {
                    return Some((priority, degraded));
                }
                left -= load;
            }
        }
        None
    }

    pub(super) fn in_panic(&self, priority: usize) -> bool {
        self.panic.get(priority).copied().unwrap_or(false)
    }
}
