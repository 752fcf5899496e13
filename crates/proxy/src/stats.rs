//! Statistics by Envoy's names.
//! In: what the workers count, each in blocks of its own. Out: sums by name, for `/stats` and Prometheus.
//! A block is made when it is first asked for, so a cluster without traffic costs nothing.
//! Never here: a lock or a shared cache line on the path of a request.

mod families;
mod metric;
mod prometheus;
mod registry;
mod text;

#[cfg(test)]
mod tests;

pub use families::{ClusterStats, HostStats, HttpStats, ListenerStats, OutlierStats, ServerStats, TcpStats};
pub use metric::{BUCKETS_MS, Codes, Counter, Gauge, Histogram, HistogramSum};
pub use registry::{Registry, Sample, Scope, Value, WorkerStats};
pub use text::{Format, Kind, Query};
