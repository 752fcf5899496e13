//! JSON text to protobuf bytes without a tree of values in between, so that a large file takes little memory.
//!
//! In: text and a message. Out: the bytes that `decode` makes of the same text, or `None`.
//! What is not plain (a field given twice, an `Any` whose `@type` comes late, anything wrong) goes to `decode`.
//! Never here: what is wrong and where.

#[cfg(test)]
mod tests;

use super::decode::{Decoder, MAX_DEPTH, has_json_form, takes_null};
use crate::table::{self, Field, Kind, Message, Shape};
use crate::{type_url, wire};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The bytes of `message` out of `text`; `None` when the text is not plain or not valid.
pub(super) fn decode(message: &'static Message, text: &str) -> Option<Vec<u8>> {
    if form(message) != Form::Fields {
        return None;
    }
    let mut json = serde_json::Deserializer::from_str(text);
    // Memory that is not written to takes no room, and there is no copy when it grows.
    let mut writer = Writer { out: Vec::with_capacity(text.len()), depth: 0 };
    let root = Item { writer: &mut writer, field: None, message: Some(message), listed: true };
    json.deserialize_any(root).ok()?;
    json.end().ok()?;
    Some(writer.out.as_slice().into())
}

/// How the JSON of a message is read.
#[derive(PartialEq)]
enum Form {
    /// Field by field.
    Fields,
    /// An `Any`.
    Any,
    /// As a tree: those with a JSON form of their own are small.
    Tree,
}

fn form(message: &Message) -> Form {
    match message.full_name().strip_prefix("google.protobuf.") {
        None => Form::Fields,
        Some("Any") => Form::Any,
        Some(_) => Form::Tree,
    }
}

struct Writer {
    out: Vec<u8>,
    /// Fields and items that the value lies in.
    depth: usize,
}

impl Writer {
    /// Runs `work` one step further down.
    fn below<T, E: Error>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        if self.depth >= MAX_DEPTH {
            return Err(not_plain());
        }
        self.depth += 1;
        let done = work(self)?;
        self.depth -= 1;
        Ok(done)
    }

    /// Makes one length-delimited field of all that was written since `start`.
    fn wrap(&mut self, start: usize, number: u32) {
        let end = self.out.len();
        wire::write_key(&mut self.out, number, prost::encoding::WireType::LengthDelimited);
        wire::write_varint(&mut self.out, (end - start) as u64);
        let head = self.out.len() - end;
        if let Some(field) = self.out.get_mut(start..) {
            field.rotate_right(head);
        }
    }

    /// The rest of an object as the fields of `message`, in the order of their numbers.
    fn fields<'de, A: MapAccess<'de>>(&mut self, message: &'static Message, mut object: A) -> Result<(), A::Error> {
        let begin = self.out.len();
        // Number and where it begins; those that are null too.
        let mut parts: Vec<(u32, usize)> = Vec::new();
        let mut oneofs: Vec<i16> = Vec::new();
        while let Some(field) = object.next_key_seed(FieldName(message))? {
            if parts.iter().any(|(number, _)| *number == field.number) {
                return Err(not_plain());
            }
            parts.push((field.number, self.out.len()));
            let given = self.below(|this| object.next_value_seed(FieldValue { writer: this, field }))?;
            if let Some(oneof) = field.oneof().filter(|_| given) {
                if oneofs.contains(&oneof) {
                    return Err(not_plain());
                }
                oneofs.push(oneof);
            }
        }
        if !parts.is_sorted() {
            let body = self.out.split_off(begin);
            let ends = parts.iter().skip(1).map(|(_, start)| *start).chain([begin + body.len()]);
            let mut parts: Vec<(u32, usize, usize)> =
                parts.iter().zip(ends).map(|((number, start), end)| (*number, start - begin, end - begin)).collect();
            parts.sort_unstable();
            for (_, start, end) in parts {
                self.out.extend_from_slice(body.get(start..end).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// An object as the fields of an `Any`.
    fn any<'de, A: MapAccess<'de>>(&mut self, mut object: A) -> Result<(), A::Error> {
        let mut whole = Map::new();
        match object.next_key::<String>()? {
            Some(key) if key == "@type" => {
                let url: Value = object.next_value()?;
                let inner = url.as_str().and_then(|url| table::message(type_url::full_name(url)));
                if let (Value::String(url), Some(inner)) = (&url, inner)
                    && !has_json_form(inner)
                {
                    wire::write_bytes(&mut self.out, 1, url.as_bytes());
                    let start = self.out.len();
                    self.fields(inner, object)?;
                    if self.out.len() > start {
                        self.wrap(start, 2);
                    }
                    return Ok(());
                }
                whole.insert(key, url);
            }
            Some(key) => {
                whole.insert(key, object.next_value()?);
            }
            None => {}
        }
        while let Some((key, value)) = object.next_entry()? {
            whole.insert(key, value);
        }
        let bytes = Decoder::at_depth(self.depth).any(&whole).map_err(|_| not_plain())?;
        self.out.extend(bytes);
        Ok(())
    }
}

/// The name of a field of this message.
struct FieldName(&'static Message);

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = &'static Field;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = &'static Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        self.0.by_name(name).ok_or_else(not_plain)
    }
}

/// The value of a field, key and all; false for null.
struct FieldValue<'a> {
    writer: &'a mut Writer,
    field: &'static Field,
}

impl<'de> DeserializeSeed<'de> for FieldValue<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        let Self { writer, field } = self;
        let message = field.kind.message();
        let in_place = match message {
            Some(message) => form(message) != Form::Tree,
            None => field.kind == Kind::String,
        };
        match field.shape {
            Shape::Single if in_place => {
                value.deserialize_any(Item { writer, field: Some(field), message, listed: false })
            }
            Shape::List if in_place => value.deserialize_any(List { writer, field }),
            _ => {
                let value = Value::deserialize(value)?;
                if value.is_null() && !takes_null(field) {
                    return Ok(false);
                }
                let bytes = Decoder::at_depth(writer.depth).field(field, &value).map_err(|_| not_plain())?;
                writer.out.extend(bytes);
                Ok(true)
            }
        }
    }
}

/// A message, an `Any` or a string.
struct Item<'a> {
    writer: &'a mut Writer,
    /// What it is the value of; `None` for the root.
    field: Option<&'static Field>,
    message: Option<&'static Message>,
    /// Whether it is an item of a list, which is no null.
    listed: bool,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a string")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        if self.listed { Err(not_plain()) } else { Ok(false) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        match (self.field, self.message) {
            (Some(field), None) => {
                if self.listed || field.presence || !text.is_empty() {
                    wire::write_bytes(&mut self.writer.out, field.number, text.as_bytes());
                }
                Ok(true)
            }
            _ => Err(not_plain()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<bool, A::Error> {
        let Some(message) = self.message else { return Err(not_plain()) };
        let start = self.writer.out.len();
        if form(message) == Form::Any {
            self.writer.any(object)?;
        } else {
            self.writer.fields(message, object)?;
        }
        if let Some(field) = self.field {
            self.writer.wrap(start, field.number);
        }
        Ok(true)
    }
}

/// A list of what [`Item`] reads.
struct List<'a> {
    writer: &'a mut Writer,
    field: &'static Field,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let Self { writer, field } = self;
        let message = field.kind.message();
        let mut next = |writer: &mut Writer| {
            writer.below(|writer| list.next_element_seed(Item { writer, field: Some(field), message, listed: true }))
        };
        while next(writer)?.is_some() {}
        Ok(true)
    }
}

/// Somebody else says what is wrong, if anything is.
fn not_plain<E: Error>() -> E {
    E::custom("")
}
