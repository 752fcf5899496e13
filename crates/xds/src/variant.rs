//! The two forms of aggregated discovery.

/// Which of the two forms of the protocol a stream speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// `StreamAggregatedResources`: requests name everything that is wanted.
    StateOfTheWorld,
    /// `DeltaAggregatedResources`: requests and responses name what changes.
    Delta,
}
