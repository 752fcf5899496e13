//! Requests and responses in one form for both variants of the protocol.
//!
//! In: the four protobuf messages of discovery. Out: [`Request`], [`Response`]
//! and [`Feedback`], and back.

use crate::resource::Resource;
use crate::variant::Variant;
use lateen_envoy_api::google::rpc::Status;
use lateen_envoy_api::v3::core::{ControlPlane, Node};
use lateen_envoy_api::v3::discovery::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Resource as Wrapper,
    ResourceLocator,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request of either variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Who asks; Envoy sends it with the first request only.
    pub node: Option<Node>,
    /// The type that it is about.
    pub type_url: String,
    /// The response that it answers; empty when it answers none.
    pub nonce: String,
    /// Set when that response was refused.
    pub error: Option<Status>,
    /// What it wants to be subscribed to.
    pub change: Change,
}

/// A change of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// State of the world: all names that are wanted.
    All(Vec<String>),
    /// Delta: what is different from before.
    Delta {
        /// Names to add, `*` for all.
        subscribe: Vec<String>,
        /// Names to take away.
        unsubscribe: Vec<String>,
        /// What the client kept from an earlier stream, with versions.
        initial: BTreeMap<String, String>,
    },
}

/// A response of either variant, before it is encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The type of the resources.
    pub type_url: String,
    /// The version of all resources of the type.
    pub version: String,
    /// To be repeated in the answer; unique in the stream.
    pub nonce: String,
    /// New and changed resources; in state of the world all, for full-state types.
    pub resources: Vec<Arc<Resource>>,
    /// Delta only: names that do not exist, or not any more.
    pub removed: Vec<String>,
}

/// What a client made of one response.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// The type of the resources.
    pub type_url: String,
    /// The version that the response carried.
    pub version: String,
    /// The nonce that the response carried.
    pub nonce: String,
    /// Names of the resources that the response was about, removed ones among them.
    pub names: Vec<String>,
    /// Taken or refused.
    pub outcome: Outcome,
}

/// ACK or NACK.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// ACK: all of it is taken.
    Accepted,
    /// NACK: the named resources are refused, with the versions that were sent.
    Refused {
        /// Name and version; all that were sent when the client named none.
        resources: Vec<(String, u64)>,
        /// What the client wrote.
        message: String,
    },
}

impl From<DiscoveryRequest> for Request {
    fn from(request: DiscoveryRequest) -> Self {
        let names = with_locators(request.resource_names, request.resource_locators);
        Self {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail,
            change: Change::All(names),
        }
    }
}

impl From<DeltaDiscoveryRequest> for Request {
    fn from(request: DeltaDiscoveryRequest) -> Self {
        Self {
            node: request.node,
            type_url: request.type_url,
            nonce: request.response_nonce,
            error: request.error_detail,
            change: Change::Delta {
                subscribe: with_locators(request.resource_names_subscribe, request.resource_locators_subscribe),
                unsubscribe: with_locators(request.resource_names_unsubscribe, request.resource_locators_unsubscribe),
                initial: request.initial_resource_versions.into_iter().collect(),
            },
        }
    }
}

/// A locator without dynamic parameters is a name; with them, the name is the
/// best that can be served.
fn with_locators(mut names: Vec<String>, locators: Vec<ResourceLocator>) -> Vec<String> {
    names.extend(locators.into_iter().map(|locator| locator.name));
    names
}

impl Request {
    /// The variant that the request belongs to.
    #[must_use]
    pub fn variant(&self) -> Variant {
        match self.change {
            Change::All(_) => Variant::StateOfTheWorld,
            Change::Delta { .. } => Variant::Delta,
        }
    }
}

impl Response {
    /// As a state-of-the-world message.
    #[must_use]
    pub fn into_discovery(self, control_plane: Option<ControlPlane>) -> DiscoveryResponse {
        DiscoveryResponse {
            version_info: self.version,
            resources: self.resources.iter().map(|resource| resource.body.clone()).collect(),
            type_url: self.type_url,
            nonce: self.nonce,
            control_plane,
            ..Default::default()
        }
    }

    /// As a delta message.
    #[must_use]
    pub fn into_delta(self, control_plane: Option<ControlPlane>) -> DeltaDiscoveryResponse {
        let wrap = |resource: &Arc<Resource>| Wrapper {
            name: resource.name.clone(),
            version: encode_version(resource.version),
            resource: Some(resource.body.clone()),
            ..Default::default()
        };
        DeltaDiscoveryResponse {
            system_version_info: self.version,
            resources: self.resources.iter().map(wrap).collect(),
            type_url: self.type_url,
            removed_resources: self.removed,
            nonce: self.nonce,
            control_plane,
            ..Default::default()
        }
    }
}

pub(super) fn encode_version(version: u64) -> String {
    format!("{version:016x}")
}

/// `None` for a version that this server did not write.
pub(super) fn decode_version(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}
