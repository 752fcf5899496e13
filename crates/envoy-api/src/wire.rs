//! Protobuf's wire format: writing fields, and reading them one by one.
//!
//! In: numbers and bytes. Out: bytes, or fields as they stand on the wire.
//! Never here: names, types or JSON.

use prost::encoding::{self, WireType};

pub(crate) fn write_key(out: &mut Vec<u8>, number: u32, wire: WireType) {
    encoding::encode_key(number, wire, out);
}

pub(crate) fn write_varint(out: &mut Vec<u8>, value: u64) {
    encoding::encode_varint(value, out);
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    write_key(out, number, WireType::LengthDelimited);
    write_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// One field as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Hash)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// Reads the fields of one message; ends early, as `Err(Malformed)`, on bytes
/// that are no message.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

#[derive(Debug, PartialEq)]
pub(crate) struct Malformed;

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Raw<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = read_field(&mut self.0);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

fn read_field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Raw<'a>), Malformed> {
    let (number, wire) = encoding::decode_key(bytes).map_err(|_| Malformed)?;
    Ok((number, read_value(bytes, wire)?))
}

pub(crate) fn read_value<'a>(bytes: &mut &'a [u8], wire: WireType) -> Result<Raw<'a>, Malformed> {
    Ok(match wire {
        WireType::Varint => Raw::Varint(encoding::decode_varint(bytes).map_err(|_| Malformed)?),
        WireType::SixtyFourBit => Raw::Fixed64(take_array(bytes)?),
        WireType::ThirtyTwoBit => Raw::Fixed32(take_array(bytes)?),
        WireType::LengthDelimited => {
            let len = encoding::decode_varint(bytes).map_err(|_| Malformed)?;
            Raw::Bytes(take(bytes, usize::try_from(len).map_err(|_| Malformed)?)?)
        }
        WireType::StartGroup | WireType::EndGroup => return Err(Malformed),
    })
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], Malformed> {
    let (head, tail) = bytes.split_at_checked(len).ok_or(Malformed)?;
    *bytes = tail;
    Ok(head)
}

fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Malformed> {
    take(bytes, N)?.try_into().map_err(|_| Malformed)
}
