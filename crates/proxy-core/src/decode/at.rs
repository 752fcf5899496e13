//! Where in a resource the decoder is, for errors.
//! In: steps down the message, all borrowed. Out: errors that name resource, field, value and hint.
//! A path is only written down when there is an error.

use super::{DecodeError, Problem};
use crate::ir::Features;
use lateen_envoy_api::prost::Name;
use lateen_envoy_api::{Any, json, type_url, unpack};
use std::fmt::Write as _;

/// A place in a resource.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    kind: &'static str,
    name: &'a str,
    features: Features,
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(&'a str, usize),
    Key(&'a str, &'a str),
}

impl<'a> At<'a> {
    pub(crate) fn root(kind: &'static str, name: &'a str) -> Self {
        Self { kind, name, features: Features::default(), parent: None, step: Step::Root }
    }

    /// The same with what the static runtime says.
    pub(crate) fn with(self, features: Features) -> Self {
        Self { features, ..self }
    }

    pub(crate) fn features(&self) -> Features {
        self.features
    }

    pub(crate) fn field<'b>(&'b self, field: &'b str) -> At<'b> {
        At { kind: self.kind, name: self.name, features: self.features, parent: Some(self), step: Step::Field(field) }
    }

    pub(crate) fn index<'b>(&'b self, field: &'b str, index: usize) -> At<'b> {
        At {
            kind: self.kind,
            name: self.name,
            features: self.features,
            parent: Some(self),
            step: Step::Index(field, index),
        }
    }

    pub(crate) fn key<'b>(&'b self, field: &'b str, key: &'b str) -> At<'b> {
        At {
            kind: self.kind,
            name: self.name,
            features: self.features,
            parent: Some(self),
            step: Step::Key(field, key),
        }
    }

    fn path(&self) -> String {
        let mut path = self.parent.map(At::path).unwrap_or_default();
        if !path.is_empty() && !matches!(self.step, Step::Root) {
            path.push('.');
        }
        // Writing to a String cannot fail.
        let _ = match self.step {
            Step::Root => Ok(()),
            Step::Field(field) => write!(path, "{field}"),
            Step::Index(field, index) => write!(path, "{field}[{index}]"),
            Step::Key(field, key) => write!(path, "{field}[{key:?}]"),
        };
        path
    }

    fn error(&self, value: String, problem: Problem, hint: &str) -> DecodeError {
        DecodeError {
            kind: self.kind,
            name: self.name.into(),
            field: self.path(),
            value: value.into(),
            problem,
            hint: hint.into(),
        }
    }

    /// Envoy has it, lateen cannot do it.
    pub(crate) fn unsupported(&self, value: impl ToString, hint: &str) -> DecodeError {
        self.error(cut(value.to_string()), Problem::Unsupported, hint)
    }

    /// Envoy would refuse it too.
    pub(crate) fn invalid(&self, value: impl ToString, reason: impl Into<String>) -> DecodeError {
        self.error(cut(value.to_string()), Problem::Invalid(reason.into()), "")
    }

    pub(crate) fn missing(&self, hint: &str) -> DecodeError {
        self.error(String::new(), Problem::Missing, hint)
    }

    /// Takes a message out of an `Any`.
    pub(crate) fn unpack<T: Name + Default>(&self, any: &Any) -> Result<T, DecodeError> {
        unpack(any).map_err(|error| self.error(cut(any.type_url.clone()), Problem::Malformed(error.to_string()), ""))
    }

    /// What decoders have not taken out of a message would be ignored, so it is refused.
    pub(crate) fn nothing_left<T: Name>(&self, rest: &T) -> Result<(), DecodeError> {
        if rest.encoded_len() == 0 {
            return Ok(());
        }
        let value = json::encode(rest);
        let first = value.as_object().and_then(|fields| fields.iter().next());
        let hint = "lateen does not know what to do with this field; leave it out or use Envoy for this resource";
        match first {
            Some((field, value)) => Err(self.field(field).unsupported(value, hint)),
            // Present but empty wrappers that JSON leaves out.
            None => Err(self.unsupported("", hint)),
        }
    }

    /// An extension that is not known here.
    pub(crate) fn unknown_extension(&self, any: &Any, known: &str) -> DecodeError {
        self.unsupported(type_url::full_name(&any.type_url), &format!("known here: {known}"))
    }
}

fn cut(mut value: String) -> String {
    const LONGEST: usize = 200;
    if value.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        value.truncate(end);
        value.push('…');
    }
    value
}

/// What of `udpa.type.v1.TypedStruct` and `xds.type.v3.TypedStruct` names the type.
#[derive(Clone, PartialEq, lateen_envoy_api::prost::Message)]
#[prost(prost_path = "lateen_envoy_api::prost")]
struct TypedStruct {
    #[prost(string, tag = "1")]
    type_url: String,
}

/// The type that an extension holds: the inner one of a `TypedStruct`.
pub(crate) fn extension_type(any: &Any) -> String {
    let name = type_url::full_name(&any.type_url);
    if matches!(name, "udpa.type.v1.TypedStruct" | "xds.type.v3.TypedStruct")
        && let Ok(inner) = <TypedStruct as lateen_envoy_api::prost::Message>::decode(any.value.as_slice())
    {
        return type_url::full_name(&inner.type_url).to_owned();
    }
    name.to_owned()
}
