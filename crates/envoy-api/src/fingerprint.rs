//! A number that tells whether two resources say the same.
//!
//! In: an `Any`. Out: 64 bits that are equal for equal content.
//! prost keeps protobuf maps in hash maps and writes them in a new order each
//! time, so the bytes of equal messages differ; here the order of map entries
//! does not count.

use crate::table::{self, Message, Shape};
use crate::wire::{Fields, Raw};
use crate::{Any, type_url};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Below this depth bytes are hashed as they stand.
const MAX_DEPTH: usize = 100;

/// The fingerprint of the content of `any`, independent of the order of map
/// entries, also in an `Any` further down.
///
/// Stable while the program runs and between equal builds of it; not a promise
/// between releases, and not made against forgery.
#[must_use]
pub fn fingerprint(any: &Any) -> u64 {
    of_any(&any.type_url, &any.value, 0)
}

fn of_any(url: &str, bytes: &[u8], depth: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    match table::message(type_url::full_name(url)) {
        Some(message) => of_message(message, bytes, depth).hash(&mut hasher),
        None => bytes.hash(&mut hasher),
    }
    hasher.finish()
}

fn of_message(message: &'static Message, bytes: &[u8], depth: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    if depth >= MAX_DEPTH {
        bytes.hash(&mut hasher);
        return hasher.finish();
    }
    if message.full_name() == "google.protobuf.Any" {
        let part = |wanted: u32| {
            Fields(bytes)
                .filter_map(|field| match field {
                    Ok((number, Raw::Bytes(bytes))) if number == wanted => Some(bytes),
                    _ => None,
                })
                .last()
        };
        let url = part(1).and_then(|url| std::str::from_utf8(url).ok());
        return of_any(url.unwrap_or_default(), part(2).unwrap_or_default(), depth + 1);
    }
    // Adding is what makes the order of map entries not count.
    let mut maps = 0_u64;
    for field in Fields(bytes) {
        let Ok((number, raw)) = field else {
            bytes.hash(&mut hasher);
            break;
        };
        let row = message.by_number(number).and_then(|at| message.fields().get(at));
        match (row.and_then(|row| Some((row.shape, row.kind.message()?))), raw) {
            (Some((shape, inner)), Raw::Bytes(bytes)) => {
                let one = (number, of_message(inner, bytes, depth + 1));
                if shape == Shape::Map {
                    let mut entry = DefaultHasher::new();
                    one.hash(&mut entry);
                    maps = maps.wrapping_add(entry.finish());
                } else {
                    one.hash(&mut hasher);
                }
            }
            (_, raw) => (number, raw).hash(&mut hasher),
        }
    }
    maps.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{google, pack, v3};

    fn cluster(keys: &[&str], nested: f64) -> Any {
        let one =
            |number: f64| google::protobuf::Value { kind: Some(google::protobuf::value::Kind::NumberValue(number)) };
        let fields = keys.iter().map(|key| ((*key).to_owned(), one(nested))).collect();
        let metadata = v3::core::Metadata {
            filter_metadata: keys
                .iter()
                .map(|key| ((*key).to_owned(), google::protobuf::Struct { fields: Clone::clone(&fields) }))
                .collect(),
            ..Default::default()
        };
        let inner = v3::cluster::Cluster { metadata: Some(metadata), ..Default::default() };
        pack(&v3::core::TypedExtensionConfig { name: "x".into(), typed_config: Some(pack(&inner)) })
    }

    #[test]
    fn the_order_of_map_entries_does_not_count_and_their_content_does() {
        let keys: Vec<String> = (0..40).map(|at| format!("key-{at}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let (one, two) = (cluster(&keys, 1.0), cluster(&keys, 1.0));
        assert_ne!(one.value, two.value, "the two differ in the order of their maps");
        assert_eq!(fingerprint(&one), fingerprint(&two));
        assert_ne!(fingerprint(&one), fingerprint(&cluster(&keys, 2.0)));
        assert_ne!(fingerprint(&one), fingerprint(&cluster(&keys[1..], 1.0)));
    }

    #[test]
    fn broken_bytes_and_unknown_types_have_one_too() {
        for url in ["type.googleapis.com/no.Such", crate::type_url::CLUSTER] {
            let any = |value: &[u8]| Any { type_url: url.into(), value: value.to_vec() };
            assert_ne!(fingerprint(&any(&[0x0a, 0xff])), fingerprint(&any(&[0x0a, 0xfe])));
        }
    }
}
