//! Ways to pick objects by label.

use std::collections::BTreeMap;

use crate::decode::message;

message! {
    /// Picks workloads by labels (`istio.type.v1beta1`).
    pub struct WorkloadSelector: closed {
        /// Labels that a workload must carry.
        match_labels: BTreeMap<String, String>,
    }
}

message! {
    /// A Kubernetes label selector: all parts must hold.
    pub struct LabelSelector: closed {
        /// Labels that must have these values.
        match_labels: BTreeMap<String, String>,
        /// Conditions on labels.
        match_expressions: Vec<LabelSelectorRequirement>,
    }
}

message! {
    /// One condition on a label.
    pub struct LabelSelectorRequirement: closed {
        /// The label.
        key: String,
        /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
        operator: String,
        /// Values for `In` and `NotIn`.
        values: Vec<String>,
    }
}
