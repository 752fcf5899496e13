//! Kubernetes Deployment: the pods that it makes.

use crate::decode::message;
use crate::kinds::pod::PodTemplateSpec;
use std::collections::BTreeMap;

message! {
    /// An apps/v1 Deployment.
    pub struct Deployment: open {
        /// What is wanted.
        spec: DeploymentSpec,
    }
}

message! {
    /// Spec of a Deployment.
    pub struct DeploymentSpec: open {
        /// Number of pods; none means 1.
        replicas: Option<u32>,
        /// Which pods are its own.
        selector: DeploymentSelector,
        /// The pods.
        template: PodTemplateSpec,
    }
}

message! {
    /// Picks the pods of a Deployment.
    pub struct DeploymentSelector: open {
        /// Labels that must have these values.
        match_labels: BTreeMap<String, String>,
    }
}
