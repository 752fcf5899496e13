//! Responses of both variants in one form, with a name for each resource.
//!
//! In: the two protobuf responses. Out: [`Incoming`], from which `subscriber`
//! makes an [`Update`] for the handler.

use lateen_envoy_api::prost::encoding::{DecodeContext, WireType, decode_key, skip_field, string};
use lateen_envoy_api::v3::discovery::{DeltaDiscoveryResponse, DiscoveryResponse, Resource as Wrapper};
use lateen_envoy_api::{Any, unpack};

/// One response, for the handler to apply.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The type of all resources in it.
    pub type_url: String,
    /// The server's version of the whole type; for humans only.
    pub version: String,
    /// New and changed resources. In state of the world, unchanged ones are
    /// among them too.
    pub added: Vec<Received>,
    /// Names that do not exist, or not any more.
    pub removed: Vec<String>,
}

/// One resource as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The name within its type.
    pub name: String,
    /// The server's version of the resource.
    pub version: String,
    /// The message, packed under the type url of the update.
    pub body: Any,
}

/// A response of either variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub(super) type_url: String,
    pub(super) version: String,
    pub(super) nonce: String,
    pub(super) resources: Vec<Received>,
    pub(super) removed: Vec<String>,
}

impl From<DeltaDiscoveryResponse> for Incoming {
    fn from(response: DeltaDiscoveryResponse) -> Self {
        let resources = response.resources.into_iter().filter_map(|wrapper| {
            // Without a body it only prolongs a time to live.
            let body = wrapper.resource?;
            let name = if wrapper.name.is_empty() { name_of(&body) } else { wrapper.name };
            Some(Received { name, version: wrapper.version, body })
        });
        let mut removed = response.removed_resources;
        removed.extend(response.removed_resource_names.into_iter().map(|name| name.name));
        Self {
            resources: resources.collect(),
            removed,
            type_url: response.type_url,
            version: response.system_version_info,
            nonce: response.nonce,
        }
    }
}

impl From<DiscoveryResponse> for Incoming {
    fn from(response: DiscoveryResponse) -> Self {
        let version = response.version_info;
        let resources = response.resources.into_iter().filter_map(|body| {
            let (name, body) = match unpack::<Wrapper>(&body) {
                Ok(wrapper) => (wrapper.name, wrapper.resource?),
                Err(_) => (String::new(), body),
            };
            let name = if name.is_empty() { name_of(&body) } else { name };
            Some(Received { name, version: version.clone(), body })
        });
        Self {
            resources: resources.collect(),
            removed: Vec::new(),
            type_url: response.type_url,
            nonce: response.nonce,
            version,
        }
    }
}

/// The name inside a resource: field 1 in every type of discovery. Empty when
/// there is none or the bytes are broken.
fn name_of(body: &Any) -> String {
    let mut bytes = body.value.as_slice();
    while let Ok((number, wire)) = decode_key(&mut bytes) {
        let context = DecodeContext::default();
        if number == 1 && wire == WireType::LengthDelimited {
            let mut name = String::new();
            return match string::merge(wire, &mut name, &mut bytes, context) {
                Ok(()) => name,
                Err(_) => String::new(),
            };
        }
        if skip_field(wire, number, &mut bytes, context).is_err() {
            break;
        }
    }
    String::new()
}
