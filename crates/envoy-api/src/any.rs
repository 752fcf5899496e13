//! Packing a message into `Any` and taking it out again.
//!
//! In: a prost message or an `Any`. Out: the other one, or an [`UnpackError`]
//! that names the wanted and the found type.

use crate::{Any, type_url};
use prost::Name;

/// Why an `Any` could not be turned into the wanted message.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UnpackError {
    /// The `Any` holds another type.
    #[error("expected a {wanted}, found a `{found}`")]
    Type {
        /// Full name of the wanted message.
        wanted: String,
        /// Type url of the `Any` as it came.
        found: String,
    },
    /// The type matches and its bytes do not decode.
    #[error("the bytes of `{found}` are no valid {wanted}: {source}")]
    Malformed {
        /// Full name of the wanted message.
        wanted: String,
        /// Type url of the `Any` as it came.
        found: String,
        /// What prost met.
        source: prost::DecodeError,
    },
}

/// Packs `message` under the type url `type.googleapis.com/<full name>`.
#[must_use]
pub fn pack<T: Name>(message: &T) -> Any {
    Any { type_url: type_url::of::<T>(), value: message.encode_to_vec() }
}

/// Takes a `T` out of `any`.
///
/// Only the name after the last `/` of the type url counts, as protobuf
/// prescribes for `Any`.
///
/// # Errors
/// [`UnpackError`] when the type differs or the bytes do not decode.
pub fn unpack<T: Name + Default>(any: &Any) -> Result<T, UnpackError> {
    let wanted = T::full_name();
    if type_url::full_name(&any.type_url) != wanted {
        return Err(UnpackError::Type { wanted, found: any.type_url.clone() });
    }
    T::decode(any.value.as_slice()).map_err(|source| UnpackError::Malformed {
        wanted,
        found: any.type_url.clone(),
        source,
    })
}
