//! Number and character constants.
//! In: their text as the lexer delimited it. Out: all that they can be: an integer, unsigned, a float.
//! Never here: complex numbers; they are refused.

use super::Kind;
use crate::quote::{Unquoted, unquote_char};

/// A constant. What it becomes depends on where it is used.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub int: Option<i64>,
    pub uint: Option<u64>,
    pub float: Option<f64>,
    pub text: String,
}

impl Number {
    pub fn parse(kind: Kind, text: &str) -> Result<Number, String> {
        let mut number = Number { int: None, uint: None, float: None, text: text.to_owned() };
        if kind == Kind::CharConstant {
            let c = match text.get(1..).and_then(|rest| unquote_char(rest, '\'')) {
                Some((Unquoted::Char(c), "'")) => u32::from(c),
                Some((Unquoted::Byte(b), "'")) => b.into(),
                None => return Err("invalid syntax".to_owned()),
                _ => return Err(format!("malformed character constant: {text}")),
            };
            return Ok(Number { int: Some(c.into()), uint: Some(c.into()), float: Some(c.into()), ..number });
        }
        if kind == Kind::Complex || (text.ends_with('i') && !text.contains('x') && !text.contains('X')) {
            return Err(format!("complex numbers are not supported: {text}"));
        }
        match parse_uint(text) {
            Some(n) => {
                number.uint = Some(n);
                number.int = i64::try_from(n).ok();
            }
            None => number.int = parse_int(text),
        }
        if number.int == Some(0) {
            number.uint = Some(0); // "-0" too
        }
        if let Some(n) = number.int {
            number.float = Some(n as f64);
        } else if let Some(n) = number.uint {
            number.float = Some(n as f64);
        } else if let Some(f) = parse_float(text) {
            // What looks like an integer and only fits a float has overflowed.
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", crate::quote::quote(text)));
            }
            number.float = Some(f);
            if f.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&f) {
                number.int = Some(f as i64);
            }
            if f.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&f) {
                number.uint = Some(f as u64);
            }
        }
        if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
            return Err(format!("illegal number syntax: {}", crate::quote::quote(text)));
        }
        Ok(number)
    }

    /// Whether the text asks for a float where nothing else decides.
    pub fn is_float_like(&self) -> bool {
        let hex = self.text.starts_with("0x") || self.text.starts_with("0X");
        let hex_int = hex && self.text.len() > 2 && !self.text.contains(['p', 'P']);
        self.float.is_some()
            && !hex_int
            && !self.text.starts_with('\'')
            && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

/// As Go's `strconv.ParseInt` with base 0.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// As Go's `strconv.ParseUint` with base 0: prefixes, and underscores between digits.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits, prefixed) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits, true)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..], true)
    } else {
        (10, lower.as_str(), false)
    };
    // An underscore stands between digits, or between the prefix and a digit.
    let mut last_digit = prefixed;
    for c in digits.chars() {
        match c {
            '_' if last_digit => last_digit = false,
            c if c.is_digit(radix) => last_digit = true,
            _ => return None,
        }
    }
    if digits.is_empty() || !last_digit || digits.ends_with('_') {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// As Go's `strconv.ParseFloat`: underscores between digits, hexadecimal with an exponent.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut lower = body.to_ascii_lowercase();
    if lower.contains('_') {
        if !are_between_digits(&lower) {
            return None;
        }
        lower.retain(|c| c != '_');
    }
    let magnitude = match lower.strip_prefix("0x") {
        Some(hex) => parse_hex_float(hex)?,
        None if matches!(lower.as_str(), "inf" | "infinity") => f64::INFINITY,
        None if lower == "nan" => return Some(f64::NAN),
        None if lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            lower.parse::<f64>().ok().filter(|f| f.is_finite())?
        }
        None => return None,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Whether each underscore of a float in lower case has a digit before and behind it; `0x` counts as one.
fn are_between_digits(text: &str) -> bool {
    let (digits, hex) = text.strip_prefix("0x").map_or((text, false), |digits| (digits, true));
    let is_digit = |c: char| c.is_ascii_digit() || (hex && c.is_ascii_hexdigit());
    let mut before = if hex { '0' } else { '!' };
    for c in digits.chars() {
        if (c == '_' && !is_digit(before)) || (before == '_' && !is_digit(c)) {
            return false;
        }
        before = c;
    }
    before != '_'
}

fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let mut exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 5000)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    exponent -= 4 * i32::try_from(fraction.len()).ok()?;
    let value = u64::from_str_radix(&digits, 16).ok()? as f64 * 2_f64.powi(exponent);
    value.is_finite().then_some(value)
}
