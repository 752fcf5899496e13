//! What the injection webhook counts, by istiod's names where it has them.
//! In: one call for each event. Out: Prometheus text.
//! Never here: labels that a client chooses.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets of `sidecar_injection_time_seconds`, in seconds; Istio's.
const BOUNDS: [f64; 8] = [0.1, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0];

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A pod was injected.
    Injected,
    /// A pod was let through as it came.
    Skipped,
    /// A pod was refused, or the request was none.
    Failed,
}

/// The files that may change while the webhook serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Certificate and key.
    Certificate,
    /// Templates, values, mesh configuration.
    Injector,
    /// The same from a cluster.
    ConfigMaps,
}

impl Watched {
    const ALL: [Watched; 3] = [Watched::Certificate, Watched::Injector, Watched::ConfigMaps];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Watched::Certificate => "certificate",
            Watched::Injector => "injector",
            Watched::ConfigMaps => "configmaps",
        }
    }
}

#[derive(Debug, Default)]
struct Reloads {
    taken: AtomicU64,
    rejected: AtomicU64,
    /// What is on disk just now was rejected; the last good state is served.
    stale: AtomicBool,
}

/// Counters of the webhook.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: AtomicU64,
    success: AtomicU64,
    failure: AtomicU64,
    skip: AtomicU64,
    /// By bucket, the last for everything above.
    times: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    certificate: Reloads,
    injector: Reloads,
    config_maps: Reloads,
}

impl Metrics {
    /// A request came.
    pub(crate) fn asked(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// It was answered. A skipped request is a success too, as in Istio; a failed one, unlike there, is none.
    pub(crate) fn answered(&self, end: End, after: Duration) {
        match end {
            End::Injected => self.success.fetch_add(1, Relaxed),
            End::Skipped => {
                self.skip.fetch_add(1, Relaxed);
                self.success.fetch_add(1, Relaxed)
            }
            End::Failed => self.failure.fetch_add(1, Relaxed),
        };
        let seconds = after.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.times[bucket].fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// New files were taken, or the last good ones kept.
    pub(crate) fn reloaded(&self, what: Watched, taken: bool) {
        let reloads = self.reloads(what);
        if taken { &reloads.taken } else { &reloads.rejected }.fetch_add(1, Relaxed);
        reloads.stale.store(!taken, Relaxed);
    }

    fn reloads(&self, what: Watched) -> &Reloads {
        match what {
            Watched::Certificate => &self.certificate,
            Watched::Injector => &self.injector,
            Watched::ConfigMaps => &self.config_maps,
        }
    }

    /// Adds all of it to a page in Prometheus' text format.
    pub(crate) fn write(&self, out: &mut String) {
        for (name, help, value) in [
            ("sidecar_injection_requests_total", "Total number of sidecar injection requests.", &self.requests),
            (
                "sidecar_injection_success_total",
                "Total number of successful sidecar injection requests.",
                &self.success,
            ),
            ("sidecar_injection_failure_total", "Total number of failed sidecar injection requests.", &self.failure),
            ("sidecar_injection_skip_total", "Total number of skipped sidecar injection requests.", &self.skip),
        ] {
            head(out, name, help, "counter");
            line(out, name, "", value.load(Relaxed));
        }
        self.write_times(out);
        let name = "lateen_webhook_reloads_total";
        head(out, name, "Times that changed files were taken or rejected.", "counter");
        for what in Watched::ALL {
            let (reloads, what) = (self.reloads(what), what.text());
            for (result, value) in [("taken", &reloads.taken), ("rejected", &reloads.rejected)] {
                line(out, name, &format!("{{files=\"{what}\",result=\"{result}\"}}"), value.load(Relaxed));
            }
        }
        let name = "lateen_webhook_stale";
        head(out, name, "Whether the files on disk were rejected and the last good ones serve.", "gauge");
        for what in Watched::ALL {
            let value = u64::from(self.reloads(what).stale.load(Relaxed));
            line(out, name, &format!("{{files=\"{}\"}}", what.text()), value);
        }
    }

    fn write_times(&self, out: &mut String) {
        let name = "sidecar_injection_time_seconds";
        head(out, name, "Total time taken for injection in seconds.", "histogram");
        let mut count = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, value) in bounds.zip(&self.times) {
            count += value.load(Relaxed);
            line(out, "sidecar_injection_time_seconds_bucket", &format!("{{le=\"{bound}\"}}"), count);
        }
        let sum = Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{name}_sum {sum}\n{name}_count {count}");
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: u64) {
    let _ = writeln!(out, "{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use super::{End, Metrics, Watched};
    use std::time::Duration;

    #[test]
    fn every_end_is_counted_and_buckets_add_up() {
        let metrics = Metrics::default();
        for (end, millis) in [(End::Injected, 100), (End::Skipped, 101), (End::Failed, 2_000), (End::Failed, 61_000)] {
            metrics.asked();
            metrics.answered(end, Duration::from_millis(millis));
        }
        metrics.reloaded(Watched::Injector, true);
        metrics.reloaded(Watched::Injector, false);
        let mut page = String::new();
        metrics.write(&mut page);
        for expected in [
            "sidecar_injection_requests_total 4",
            "sidecar_injection_success_total 2",
            "sidecar_injection_failure_total 2",
            "sidecar_injection_skip_total 1",
            "# TYPE sidecar_injection_time_seconds histogram",
            "sidecar_injection_time_seconds_bucket{le=\"0.1\"} 1",
            "sidecar_injection_time_seconds_bucket{le=\"1\"} 2",
            "sidecar_injection_time_seconds_bucket{le=\"3\"} 3",
            "sidecar_injection_time_seconds_bucket{le=\"60\"} 3",
            "sidecar_injection_time_seconds_bucket{le=\"+Inf\"} 4",
            "sidecar_injection_time_seconds_sum 63.201",
            "sidecar_injection_time_seconds_count 4",
            "lateen_webhook_reloads_total{files=\"injector\",result=\"taken\"} 1",
            "lateen_webhook_reloads_total{files=\"injector\",result=\"rejected\"} 1",
            "lateen_webhook_stale{files=\"injector\"} 1",
            "lateen_webhook_stale{files=\"certificate\"} 0",
        ] {
            assert!(page.lines().any(|line| line == expected), "{expected} in:\n{page}");
        }
        metrics.reloaded(Watched::Injector, true);
        page.clear();
        metrics.write(&mut page);
        assert!(page.contains("lateen_webhook_stale{files=\"injector\"} 0"), "good files again:\n{page}");
    }
}
