//! Envoy resources to the intermediate representation.
//! In: protobuf in `Any`, by resource. Out: new tables that share what did not change, and rejections by resource.
//! A field or extension that changes behaviour and is not understood is an error, never skipped.

mod error;

#[cfg(test)]
mod tests;

pub use error::{DecodeError, Problem};

use crate::ir::Tables;
use lateen_envoy_api::Any;

/// What a discovery response (or a file) changes for one type of resource.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Type url of the resources.
    pub type_url: &'a str,
    /// New and changed ones.
    pub added: &'a [Resource<'a>],
    /// Names of those that are gone.
    pub removed: &'a [String],
}

/// One resource.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Name in the response; empty when the protocol has none (state of the world), then that of the message counts.
    pub name: &'a str,
    /// Hash of the bytes, so that an unchanged resource is recognised; see [`version_of`].
    pub version: u64,
    /// The message.
    pub body: &'a Any,
}

/// What became of an update.
#[derive(Debug, Default)]
pub struct Applied {
    /// The tables with what was accepted.
    pub tables: Tables,
    /// Names of resources that are new or changed in `tables`.
    pub accepted: Vec<String>,
    /// Names of resources that are the same as before.
    pub unchanged: usize,
    /// What was not accepted; the former version stays.
    pub rejected: Vec<Rejected>,
}

/// A resource that was not accepted.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: DecodeError,
}

/// The hash of a resource for [`Resource::version`].
#[must_use]
pub fn version_of(body: &Any) -> u64 {
    crate::hash::xx_hash64(&body.value, 0)
}

/// Applies an update. A bad resource never keeps a good one out.
#[must_use]
pub fn apply(tables: &Tables, update: Update<'_>) -> Applied {
    let _ = update;
    Applied { tables: tables.clone(), ..Applied::default() }
}

/// What a state-of-the-world response leaves out is gone: the names in `tables` of this type that are not in `present`.
#[must_use]
pub fn missing(tables: &Tables, type_url: &str, present: &[Resource<'_>]) -> Vec<String> {
    let _ = (tables, type_url, present);
    Vec::new()
}
