//! Single values: numbers, strings, bytes and enums, JSON to wire and back.
//!
//! In: a JSON value or what stands on the wire, and the kind of the field.
//! Out: the other one. Numbers may be given as strings, 64-bit integers are
//! written as strings, bytes are base64, as proto3 JSON prescribes.

use crate::table::Kind;
use crate::wire::{self, Malformed, Raw};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::encoding::WireType;
use serde_json::{Number, Value};

const BASE64: GeneralPurpose = engine(&alphabet::STANDARD);
const BASE64_URL: GeneralPurpose = engine(&alphabet::URL_SAFE);

const fn engine(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

/// A scalar, ready for the wire.
#[derive(Debug, PartialEq)]
pub(super) enum Bits {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(Vec<u8>),
}

impl Bits {
    pub(super) fn wire_type(&self) -> WireType {
        match self {
            Self::Varint(_) => WireType::Varint,
            Self::Fixed64(_) => WireType::SixtyFourBit,
            Self::Fixed32(_) => WireType::ThirtyTwoBit,
            Self::Bytes(_) => WireType::LengthDelimited,
        }
    }

    /// Whether proto3 leaves the value out when the field has no presence.
    pub(super) fn is_default(&self) -> bool {
        match self {
            Self::Varint(value) => *value == 0,
            Self::Fixed64(bytes) => *bytes == [0; 8],
            Self::Fixed32(bytes) => *bytes == [0; 4],
            Self::Bytes(bytes) => bytes.is_empty(),
        }
    }

    /// The value without its key.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Varint(value) => wire::write_varint(out, *value),
            Self::Fixed64(bytes) => out.extend_from_slice(bytes),
            Self::Fixed32(bytes) => out.extend_from_slice(bytes),
            Self::Bytes(bytes) => {
                wire::write_varint(out, bytes.len() as u64);
                out.extend_from_slice(bytes);
            }
        }
    }
}

/// # Errors
/// Says what was expected and found.
pub(super) fn parse(kind: Kind, value: &Value) -> Result<Bits, String> {
    let wrong = |expected: &str| Err(format!("expected {expected}, found {}", describe(value)));
    Ok(match kind {
        Kind::Bool => match value {
            Value::Bool(flag) => Bits::Varint(u64::from(*flag)),
            Value::String(text) if text == "true" => Bits::Varint(1),
            Value::String(text) if text == "false" => Bits::Varint(0),
            _ => return wrong("true or false"),
        },
        Kind::String => match value {
            Value::String(text) => Bits::Bytes(text.clone().into_bytes()),
            _ => return wrong("a string"),
        },
        Kind::Bytes => match value {
            Value::String(text) => Bits::Bytes(parse_base64(text).ok_or("expected base64")?),
            _ => return wrong("a base64 string"),
        },
        Kind::Enum(_) => Bits::Varint(i64::from(parse_enum(kind, value)?).cast_unsigned()),
        Kind::Double => Bits::Fixed64(parse_float(value)?.to_le_bytes()),
        Kind::Float => {
            let wide = parse_float(value)?;
            #[allow(clippy::cast_possible_truncation)] // checked on the next line
            let narrow = wide as f32;
            if narrow.is_infinite() && wide.is_finite() {
                return wrong("a number of 32-bit precision");
            }
            Bits::Fixed32(narrow.to_le_bytes())
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            let Some(number) = parse_int(value).and_then(|n| i32::try_from(n).ok()) else {
                return wrong("a 32-bit integer");
            };
            match kind {
                Kind::Int32 => Bits::Varint(i64::from(number).cast_unsigned()),
                Kind::Sint32 => Bits::Varint(zigzag(i64::from(number))),
                _ => Bits::Fixed32(number.to_le_bytes()),
            }
        }
        Kind::Uint32 | Kind::Fixed32 => {
            let Some(number) = parse_int(value).and_then(|n| u32::try_from(n).ok()) else {
                return wrong("an unsigned 32-bit integer");
            };
            match kind {
                Kind::Uint32 => Bits::Varint(u64::from(number)),
                _ => Bits::Fixed32(number.to_le_bytes()),
            }
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            let Some(number) = parse_int(value).and_then(|n| i64::try_from(n).ok()) else {
                return wrong("a 64-bit integer");
            };
            match kind {
                Kind::Int64 => Bits::Varint(number.cast_unsigned()),
                Kind::Sint64 => Bits::Varint(zigzag(number)),
                _ => Bits::Fixed64(number.to_le_bytes()),
            }
        }
        Kind::Uint64 | Kind::Fixed64 => {
            let Some(number) = parse_int(value).and_then(|n| u64::try_from(n).ok()) else {
                return wrong("an unsigned 64-bit integer");
            };
            match kind {
                Kind::Uint64 => Bits::Varint(number),
                _ => Bits::Fixed64(number.to_le_bytes()),
            }
        }
        Kind::Message(_) => return wrong("an object"),
    })
}

/// The JSON form of one scalar.
///
/// # Errors
/// [`Malformed`] when the wire holds another kind or no UTF-8.
pub(super) fn format(kind: Kind, raw: Raw<'_>) -> Result<Value, Malformed> {
    // Truncation to 32 bits is what protobuf prescribes for wider varints.
    #[allow(clippy::cast_possible_truncation)]
    Ok(match (kind, raw) {
        (Kind::Bool, Raw::Varint(bits)) => Value::Bool(bits != 0),
        (Kind::String, Raw::Bytes(bytes)) => Value::from(std::str::from_utf8(bytes).map_err(|_| Malformed)?),
        (Kind::Bytes, Raw::Bytes(bytes)) => Value::from(format_base64(bytes)),
        (Kind::Enum(_), Raw::Varint(bits)) => format_enum(kind, bits as i32),
        (Kind::Int32, Raw::Varint(bits)) => Value::from(bits as i32),
        (Kind::Uint32, Raw::Varint(bits)) => Value::from(bits as u32),
        (Kind::Sint32, Raw::Varint(bits)) => Value::from(unzigzag(bits) as i32),
        (Kind::Fixed32, Raw::Fixed32(bytes)) => Value::from(u32::from_le_bytes(bytes)),
        (Kind::Sfixed32, Raw::Fixed32(bytes)) => Value::from(i32::from_le_bytes(bytes)),
        (Kind::Int64, Raw::Varint(bits)) => Value::from(bits.cast_signed().to_string()),
        (Kind::Uint64, Raw::Varint(bits)) => Value::from(bits.to_string()),
        (Kind::Sint64, Raw::Varint(bits)) => Value::from(unzigzag(bits).to_string()),
        (Kind::Fixed64, Raw::Fixed64(bytes)) => Value::from(u64::from_le_bytes(bytes).to_string()),
        (Kind::Sfixed64, Raw::Fixed64(bytes)) => Value::from(i64::from_le_bytes(bytes).to_string()),
        (Kind::Double, Raw::Fixed64(bytes)) => format_float(f64::from_le_bytes(bytes)),
        (Kind::Float, Raw::Fixed32(bytes)) => {
            let narrow = f32::from_le_bytes(bytes);
            // By way of its shortest text, so that 0.1 does not become 0.10000000149011612.
            format_float(narrow.to_string().parse().unwrap_or_else(|_| f64::from(narrow)))
        }
        _ => return Err(Malformed),
    })
}

/// The wire type of the items in a packed list of this kind.
pub(super) fn packed_wire_type(kind: Kind) -> WireType {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => WireType::SixtyFourBit,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => WireType::ThirtyTwoBit,
        _ => WireType::Varint,
    }
}

pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= 40 => format!("\"{text}\""),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Both alphabets, padded or not.
pub(super) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok()
}

pub(super) fn format_base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(super) fn snake_case(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

pub(super) fn camel_case(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    for letter in snake.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                out.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => out.push(letter),
        }
    }
    out
}

/// Integers, also as a string and as a float without a fraction.
fn parse_int(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.parse().ok().or_else(|| text.parse::<f64>().ok().and_then(whole)),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i128> {
    #[allow(clippy::cast_possible_truncation)] // bounded far inside i128
    (number.fract() == 0.0 && number.abs() < 1e20).then_some(number as i128)
}

fn parse_float(value: &Value) -> Result<f64, String> {
    let parsed = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    };
    parsed.ok_or_else(|| format!("expected a number, found {}", describe(value)))
}

fn format_float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => Value::from("NaN"),
        None if number > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

fn parse_enum(kind: Kind, value: &Value) -> Result<i32, String> {
    let Some(rows) = kind.enumeration() else {
        return Err("an enum that is not in the table".to_owned());
    };
    if value.is_null() && rows.full_name() == "google.protobuf.NullValue" {
        return Ok(0);
    }
    if let Value::String(text) = value
        && let Some(row) = rows.values().iter().find(|row| row.name() == text)
    {
        return Ok(row.number);
    }
    parse_int(value).and_then(|number| i32::try_from(number).ok()).ok_or_else(|| {
        let names: Vec<_> = rows.values().iter().map(table_name).collect();
        format!("expected one of {} ({}), found {}", names.join(", "), rows.full_name(), describe(value))
    })
}

fn table_name(row: &crate::table::EnumValue) -> &'static str {
    row.name()
}

/// The name, or the number when the enum does not know it.
fn format_enum(kind: Kind, number: i32) -> Value {
    match kind.enumeration() {
        Some(rows) if rows.full_name() == "google.protobuf.NullValue" => Value::Null,
        Some(rows) => rows
            .values()
            .iter()
            .find(|row| row.number == number)
            .map_or_else(|| Value::from(number), |row| Value::from(row.name())),
        None => Value::from(number),
    }
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}
