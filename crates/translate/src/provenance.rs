//! Where a part of a resource comes from, carried in its metadata so that `explain` can name the line.
//! In: a source object, a field and its place. Out: `filter_metadata["lateen"]`, beside Istio's own entry.

use crate::options::Options;
use crate::values::{text, virtual_service_uri};
use lateen_config::At;
use lateen_envoy_api::google::protobuf::{Struct, value::Kind};
use lateen_envoy_api::v3::core::Metadata;
use lateen_model::Source;

/// Key of the metadata that holds provenance.
pub const KEY: &str = "lateen";

/// Where something comes from, as read back from metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// `file:line:column`.
    pub place: String,
    /// Such as `VirtualService default/httpbin`.
    pub object: String,
    /// Such as `spec.http[0].match[1]`; may be empty.
    pub field: String,
}

impl Provenance {
    /// Reads provenance from the metadata of a resource or a part of one.
    pub fn read(metadata: Option<&Metadata>) -> Option<Self> {
        let fields = &metadata?.filter_metadata.get(KEY)?.fields;
        let text = |name: &str| match fields.get(name).and_then(|value| value.kind.as_ref()) {
            Some(Kind::StringValue(text)) => text.clone(),
            _ => String::new(),
        };
        Some(Self { place: text("place"), object: text("object"), field: text("field") })
    }
}

/// Metadata with provenance, if it is asked for.
pub fn of(options: &Options, source: &Source, at: At, field: &str) -> Option<Metadata> {
    if !options.provenance {
        return None;
    }
    let mut fields = std::collections::HashMap::with_capacity(3);
    fields.insert("place".to_owned(), text(source.place_of(at).to_string()));
    fields.insert("object".to_owned(), text(source.to_string()));
    fields.insert("field".to_owned(), text(field));
    let mut metadata = Metadata::default();
    metadata.filter_metadata.insert(KEY.to_owned(), Struct { fields });
    Some(metadata)
}

/// Adds Istio's entry for a VirtualService, which its telemetry and its users read.
pub fn with_istio(metadata: Option<Metadata>, virtual_service: &Source) -> Option<Metadata> {
    let mut metadata = metadata.unwrap_or_default();
    let config = text(virtual_service_uri(&virtual_service.name));
    let fields = [("config".to_owned(), config)].into_iter().collect();
    metadata.filter_metadata.insert("istio".to_owned(), Struct { fields });
    Some(metadata)
}
