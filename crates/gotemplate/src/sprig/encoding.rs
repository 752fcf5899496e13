//! Base64, base32 and checksums.
//! In: text. Out: text; what does not decode answers with Go's message as text, as Sprig does.
//! Never here: keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::args::{made, text};
use super::strings::lossy;
use super::{Result, Row, digest};
use crate::budget::Budget;
use crate::function::Type::String as Str;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[
    ("b64enc", &[Str], None, |b, a| made(STANDARD.encode(text(a, 0)), b)),
    ("b64dec", &[Str], None, |b, a| made(decode64(text(a, 0)), b)),
    ("b32enc", &[Str], None, |b, a| made(encode32(text(a, 0).as_bytes()), b)),
    ("b32dec", &[Str], None, |b, a| made(decode32(text(a, 0)), b)),
    ("sha1sum", &[Str], None, |b, a| summed(b, a, digest::sha1)),
    ("sha256sum", &[Str], None, |b, a| summed(b, a, digest::sha256)),
    ("sha512sum", &[Str], None, |b, a| summed(b, a, digest::sha512)),
    ("adler32sum", &[Str], None, |b, a| summed(b, a, |data| digest::adler32(data).to_string())),
];

fn summed(budget: &Budget, args: &[Value], digest: fn(&[u8]) -> String) -> Result {
    let data = text(args, 0).as_bytes();
    budget.spend(data.len() as u64 / 16)?;
    made(digest(data), budget)
}

/// Go skips line ends, does not mind bits that are left over, and names the byte at which it stopped.
fn decode64(text: &str) -> String {
    let mut clean: Vec<(usize, u8)> = text.bytes().enumerate().collect();
    clean.retain(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    let mut out = Vec::new();
    let refuse = |at: usize| format!("illegal base64 data at input byte {at}");
    for (g, group) in clean.chunks(4).enumerate() {
        let data = group.iter().take_while(|(_, byte)| *byte != b'=').count();
        let mut bits = 0_u32;
        for (at, byte) in &group[..data] {
            match symbol64(*byte) {
                Some(value) => bits = bits << 6 | value,
                None => return refuse(*at),
            }
        }
        if data < 4 {
            let padding = &group[data..];
            let stray = padding.iter().find(|(_, byte)| *byte != b'=');
            match (data, padding.len(), stray, clean.get(g * 4 + 4)) {
                // Ends inside a group; line ends before that count as well.
                (_, 0, ..) => return refuse(text.len() - data),
                (0 | 1, ..) => return refuse(padding[0].0),
                (2, 1, ..) => return refuse(text.len()),
                (_, _, Some((at, _)), _) => return refuse(if data == 2 { *at - 1 } else { *at }),
                (_, _, None, Some((at, _))) => return refuse(*at),
                _ => {}
            }
            bits <<= 6 * (4 - data);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..(data * 6 / 8) + 1]);
    }
    lossy(&out)
}

fn symbol64(byte: u8) -> Option<u32> {
    Some(
        match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }
        .into(),
    )
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode32(data: &[u8]) -> String {
    let mut out = String::new();
    for group in data.chunks(5) {
        let bits = group.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b)) << (8 * (5 - group.len()));
        let symbols = (group.len() * 8).div_ceil(5);
        for i in 0..8 {
            let symbol = ALPHABET[(bits >> (35 - 5 * i) & 31) as usize];
            out.push(if i < symbols { char::from(symbol) } else { '=' });
        }
    }
    out
}

fn decode32(text: &str) -> String {
    let clean: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let mut out = Vec::new();
    for (g, group) in clean.chunks(8).enumerate() {
        let data = group.iter().take_while(|b| **b != b'=').count();
        let mut bits = 0_u64;
        for (i, byte) in group.iter().take(data).enumerate() {
            match ALPHABET.iter().position(|symbol| symbol == byte) {
                Some(value) => bits = bits << 5 | value as u64,
                None => return format!("illegal base32 data at input byte {}", g * 8 + i),
            }
        }
        let last = (g + 1) * 8 >= clean.len();
        let padded = group.len() == 8 && group[data..].iter().all(|b| *b == b'=');
        if !padded || !matches!(data, 2 | 4 | 5 | 7 | 8) || (data < 8 && !last) {
            let at = if group.len() == data { 0 } else { data };
            return format!("illegal base32 data at input byte {}", g * 8 + at);
        }
        bits <<= 5 * (8 - data);
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + data * 5 / 8]);
    }
    lossy(&out)
}
