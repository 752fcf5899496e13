//! Which requests are logged (`envoy.config.accesslog.v3.AccessLogFilter`).

use super::record::Record;
use crate::flags::ResponseFlags;
use crate::matcher::HeaderMatcher;

/// Which requests are logged.
#[derive(Debug, Clone)]
pub enum Filter {
    /// By status, 0 for none.
    Status(Comparison),
    /// By duration in milliseconds.
    Duration(Comparison),
    /// Everything that is no health check of Envoy's health check filter.
    NotHealthCheck,
    /// A share, per million.
    Runtime(u32),
    /// All of these.
    And(Vec<Filter>),
    /// Some of these.
    Or(Vec<Filter>),
    /// By a request header.
    Header(Box<HeaderMatcher>),
    /// Some of these flags; any flag when empty.
    Flags(ResponseFlags),
    /// By gRPC status.
    GrpcStatus {
        /// Numbers of statuses.
        statuses: Vec<u32>,
        /// Whether those are left out instead.
        exclude: bool,
    },
}

/// `ComparisonFilter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal(u64),
    /// Greater or equal.
    AtLeast(u64),
    /// Less or equal.
    AtMost(u64),
    /// Not equal.
    NotEqual(u64),
}

impl Comparison {
    fn holds(self, value: u64) -> bool {
        match self {
            Comparison::Equal(other) => value == other,
            Comparison::AtLeast(other) => value >= other,
            Comparison::AtMost(other) => value <= other,
            Comparison::NotEqual(other) => value != other,
        }
    }
}

impl Filter {
    /// Whether the request is logged. `random` is uniform; equal numbers decide equally.
    #[must_use]
    pub fn accepts(&self, record: &Record<'_>, random: u64) -> bool {
        match self {
            Filter::Status(comparison) => comparison.holds(record.status.unwrap_or(0).into()),
            Filter::Duration(comparison) => {
                let elapsed = record.duration.unwrap_or_default().as_millis();
                comparison.holds(u64::try_from(elapsed).unwrap_or(u64::MAX))
            }
            // There is no health check filter here, so no request is one.
            Filter::NotHealthCheck => true,
            Filter::Runtime(per_million) => random % 1_000_000 < u64::from(*per_million),
            Filter::And(all) => all.iter().all(|filter| filter.accepts(record, random)),
            Filter::Or(any) => any.iter().any(|filter| filter.accepts(record, random)),
            Filter::Header(matcher) => match record.request {
                Some(head) => matcher.matches_request(head),
                None => matcher.matches(None),
            },
            Filter::Flags(flags) if flags.is_empty() => !record.flags.is_empty(),
            Filter::Flags(flags) => record.flags.intersects(*flags),
            Filter::GrpcStatus { statuses, exclude } => {
                let found = record.grpc_status().is_some_and(|status| statuses.contains(&status));
                found != *exclude
            }
        }
    }
}
