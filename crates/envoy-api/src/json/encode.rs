//! Protobuf bytes to JSON value, led by the field table.
//!
//! In: the bytes of a message and its rows. Out: its JSON form.
//! Fields that the table does not know are left out; bytes that are no message
//! are an error here, and [`any`] falls back to base64 for them.

use super::decode::has_json_form;
use super::{Names, scalar, time};
use crate::table::{self, Field, Kind, Message, Shape};
use crate::type_url;
use crate::wire::{self, Fields, Malformed, Raw};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Hostile bytes may nest without end.
const MAX_DEPTH: usize = 100;

type Encoded<T> = Result<T, Malformed>;

/// The occurrences of one field, in the order of the wire.
type Occurrences<'a> = Vec<Raw<'a>>;

#[derive(Clone, Copy)]
pub(super) struct Encoder {
    names: Names,
    depth: usize,
}

impl Encoder {
    pub(super) fn new(names: Names) -> Self {
        Self { names, depth: 0 }
    }

    fn deeper(self) -> Encoded<Self> {
        if self.depth >= MAX_DEPTH {
            return Err(Malformed);
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    pub(super) fn message(self, message: &'static Message, bytes: &[u8]) -> Encoded<Value> {
        let this = self.deeper()?;
        let found = collect(message, bytes)?;
        if let Some(name) = message.full_name().strip_prefix("google.protobuf.")
            && let Some(value) = this.well_known(name, message, &found)?
        {
            return Ok(value);
        }
        this.fields(message, &found).map(Value::Object)
    }

    fn fields(self, message: &'static Message, found: &[Occurrences<'_>]) -> Encoded<Map<String, Value>> {
        let mut object = Map::new();
        for (field, raws) in message.fields().iter().zip(found) {
            if let Some(value) = self.field(field, raws)? {
                let name = match self.names {
                    Names::Proto => field.name(),
                    Names::Camel => field.json(),
                };
                object.insert(name.to_owned(), value);
            }
        }
        Ok(object)
    }

    fn field(self, field: &'static Field, raws: &[Raw<'_>]) -> Encoded<Option<Value>> {
        if raws.is_empty() {
            return Ok(None);
        }
        Ok(Some(match field.shape {
            Shape::Single => self.single(field, raws)?,
            Shape::List => Value::Array(self.list(field.kind, raws)?),
            Shape::Map => Value::Object(self.map(field, raws)?),
        }))
    }

    fn single(self, field: &'static Field, raws: &[Raw<'_>]) -> Encoded<Value> {
        match (field.kind.message(), raws) {
            (Some(message), raws) => self.message(message, &merged(raws)?),
            (None, [.., last]) => scalar::format(field.kind, *last),
            (None, []) => Err(Malformed),
        }
    }

    fn list(self, kind: Kind, raws: &[Raw<'_>]) -> Encoded<Vec<Value>> {
        let mut items = Vec::with_capacity(raws.len());
        for raw in raws {
            match (kind.message(), *raw) {
                (Some(message), Raw::Bytes(bytes)) => items.push(self.message(message, bytes)?),
                (None, Raw::Bytes(mut bytes)) if kind.is_packed() => {
                    while !bytes.is_empty() {
                        let item = wire::read_value(&mut bytes, scalar::packed_wire_type(kind))?;
                        items.push(scalar::format(kind, item)?);
                    }
                }
                (None, raw) => items.push(scalar::format(kind, raw)?),
                (Some(_), _) => return Err(Malformed),
            }
        }
        Ok(items)
    }

    /// Keys are sorted: prost keeps maps in no order, and readers like one.
    fn map(self, field: &'static Field, raws: &[Raw<'_>]) -> Encoded<Map<String, Value>> {
        let message = field.kind.message().ok_or(Malformed)?;
        let [key_field, value_field] = message.fields() else {
            return Err(Malformed);
        };
        let mut entries = Vec::with_capacity(raws.len());
        for raw in raws {
            let Raw::Bytes(bytes) = *raw else {
                return Err(Malformed);
            };
            let found = collect(message, bytes)?;
            let [keys, values] = found.as_slice() else {
                return Err(Malformed);
            };
            let key = match self.field(key_field, keys)? {
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => default_key(key_field.kind),
            };
            let value = match (self.field(value_field, values)?, value_field.kind.message()) {
                (Some(value), _) => value,
                (None, Some(message)) => self.message(message, &[])?,
                (None, None) => scalar::format(value_field.kind, default_raw(value_field.kind))?,
            };
            entries.push((key, value));
        }
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(entries.into_iter().collect())
    }

    /// The messages with a JSON form of their own; `None` for all others.
    fn well_known(self, name: &str, message: &'static Message, found: &[Occurrences<'_>]) -> Encoded<Option<Value>> {
        let first = message.fields().iter().zip(found).next();
        Ok(Some(match (name, first) {
            ("Any", _) => {
                let bytes = |at: usize| found.get(at).and_then(|raws| raws.last()).copied();
                let url = match bytes(0) {
                    Some(Raw::Bytes(url)) => std::str::from_utf8(url).map_err(|_| Malformed)?,
                    Some(_) => return Err(Malformed),
                    None => "",
                };
                match bytes(1) {
                    Some(Raw::Bytes(value)) => self.any(url, value),
                    Some(_) => return Err(Malformed),
                    None => self.any(url, &[]),
                }
            }
            ("Duration", _) => {
                let (seconds, nanos) = seconds_and_nanos(found);
                Value::from(time::format_duration(seconds, nanos).ok_or(Malformed)?)
            }
            ("Timestamp", _) => {
                let (seconds, nanos) = seconds_and_nanos(found);
                Value::from(time::format_timestamp(seconds, nanos).ok_or(Malformed)?)
            }
            ("Struct", Some((field, raws))) => Value::Object(self.map(field, raws)?),
            ("ListValue", Some((field, raws))) => Value::Array(self.list(field.kind, raws)?),
            ("FieldMask", Some((field, raws))) => {
                let paths = self.list(field.kind, raws)?;
                let paths: Vec<_> = paths.iter().filter_map(Value::as_str).map(scalar::camel_case).collect();
                Value::from(paths.join(","))
            }
            ("Value", _) => {
                let set = message.fields().iter().zip(found).find(|(_, raws)| !raws.is_empty());
                match set {
                    Some((field, raws)) => self.single(field, raws)?,
                    None => Value::Null,
                }
            }
            (wrapper, Some((field, raws))) if wrapper.ends_with("Value") => match raws.is_empty() {
                true => scalar::format(field.kind, default_raw(field.kind))?,
                false => self.single(field, raws)?,
            },
            _ => return Ok(None),
        }))
    }

    /// A `@type` object; base64 when the type is unknown or its bytes are broken.
    pub(super) fn any(self, url: &str, bytes: &[u8]) -> Value {
        let mut object = Map::new();
        if url.is_empty() && bytes.is_empty() {
            return Value::Object(object);
        }
        object.insert("@type".to_owned(), Value::from(url));
        let known =
            table::message(type_url::full_name(url)).map(|inner| (has_json_form(inner), self.message(inner, bytes)));
        match known {
            Some((false, Ok(Value::Object(fields)))) => object.extend(fields),
            Some((true, Ok(value))) => {
                object.insert("value".to_owned(), value);
            }
            _ => {
                object.insert("value".to_owned(), Value::from(scalar::format_base64(bytes)));
            }
        }
        Value::Object(object)
    }
}

/// The occurrences of each field of `message`, in the order of its rows.
fn collect<'a>(message: &'static Message, bytes: &'a [u8]) -> Encoded<Vec<Occurrences<'a>>> {
    let mut found = vec![Vec::new(); message.fields().len()];
    for field in Fields(bytes) {
        let (number, raw) = field?;
        if let Some(raws) = message.by_number(number).and_then(|at| found.get_mut(at)) {
            raws.push(raw);
        }
    }
    Ok(found)
}

/// A message that stands several times on the wire is the concatenation of its parts.
fn merged<'a>(raws: &[Raw<'a>]) -> Encoded<Cow<'a, [u8]>> {
    if let [Raw::Bytes(bytes)] = raws {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut all = Vec::new();
    for raw in raws {
        match raw {
            Raw::Bytes(bytes) => all.extend_from_slice(bytes),
            _ => return Err(Malformed),
        }
    }
    Ok(Cow::Owned(all))
}

fn seconds_and_nanos(found: &[Occurrences<'_>]) -> (i64, i32) {
    let number = |at: usize| match found.get(at).and_then(|raws| raws.last()) {
        Some(Raw::Varint(bits)) => bits.cast_signed(),
        _ => 0,
    };
    #[allow(clippy::cast_possible_truncation)] // protobuf truncates an int32 this way
    (number(0), number(1) as i32)
}

fn default_raw(kind: Kind) -> Raw<'static> {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Raw::Fixed64([0; 8]),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Raw::Fixed32([0; 4]),
        Kind::String | Kind::Bytes | Kind::Message(_) => Raw::Bytes(&[]),
        _ => Raw::Varint(0),
    }
}

fn default_key(kind: Kind) -> String {
    match kind {
        Kind::String => String::new(),
        Kind::Bool => "false".to_owned(),
        _ => "0".to_owned(),
    }
}
