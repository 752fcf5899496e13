//! Go's quoting of texts and characters, both ways, as `strconv` does it.
//! In: text, or a quoted literal of a template. Out: the literal, or the text.
//! Never here: bytes that are not UTF-8; an escape that would make such becomes U+FFFD.

/// The text in double quotes with Go's escapes.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// As [`quote`], with everything outside ASCII escaped.
pub(crate) fn quote_ascii(text: &str) -> String {
    quote_with(text, '"', true)
}

/// A character in single quotes.
pub(crate) fn quote_char(c: char, ascii: bool) -> String {
    quote_with(&c.to_string(), '\'', ascii)
}

fn quote_with(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            c if c == mark || c == '\\' => out.extend(['\\', c]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if (c.is_ascii() || !ascii) && is_printable(c) => out.push(c),
            c if u32::from(c) < 0x80 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push(mark);
    out
}

/// Whether Go calls a character printable: letters, marks, numbers, symbols, and of the spaces only ASCII's.
pub(crate) fn is_printable(c: char) -> bool {
    !(c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(u32::from(c),
            0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xfff0..=0xfffb
            | 0xe000..=0xf8ff | 0xe_0000..=0xe_00ff | 0xf_0000..=0x10_ffff))
}

/// Whether a text can stand between back quotes.
pub(crate) fn can_back_quote(text: &str) -> bool {
    text.chars().all(|c| c == '\t' || (c >= ' ' && c != '`' && c != '\u{7f}' && c != '\u{feff}'))
}

/// The text of a literal in double, back or single quotes; nothing when it is malformed.
pub(crate) fn unquote(literal: &str) -> Option<String> {
    let mark = literal.chars().next()?;
    let inner = literal.strip_prefix(mark)?.strip_suffix(mark)?;
    match mark {
        '`' => (!inner.contains('`')).then(|| inner.replace('\r', "")),
        '"' if !inner.contains('\n') => {
            let mut out: Vec<u8> = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                match unquote_char(rest, '"')? {
                    (Unquoted::Char(c), tail) => {
                        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        rest = tail;
                    }
                    (Unquoted::Byte(b), tail) => {
                        out.push(b);
                        rest = tail;
                    }
                }
            }
            Some(String::from_utf8(out).unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned()))
        }
        _ => None,
    }
}

pub(crate) enum Unquoted {
    Char(char),
    /// From an octal or hexadecimal escape.
    Byte(u8),
}

/// The first character of what stands between quotes, and what follows it.
pub(crate) fn unquote_char(text: &str, mark: char) -> Option<(Unquoted, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c == mark {
        return None;
    }
    if c != '\\' {
        return Some((Unquoted::Char(c), chars.as_str()));
    }
    let c = chars.next()?;
    let rest = chars.as_str();
    let plain = match c {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' => '\\',
        '\'' | '"' if c == mark => c,
        'x' => {
            let (n, rest) = digits(rest, 2, 16)?;
            return Some((Unquoted::Byte(u8::try_from(n).ok()?), rest));
        }
        'u' => {
            let (n, rest) = digits(rest, 4, 16)?;
            return Some((Unquoted::Char(char::from_u32(n)?), rest));
        }
        'U' => {
            let (n, rest) = digits(rest, 8, 16)?;
            return Some((Unquoted::Char(char::from_u32(n)?), rest));
        }
        '0'..='7' => {
            let (n, rest) = digits(text.get(1..)?, 3, 8)?;
            return Some((Unquoted::Byte(u8::try_from(n).ok()?), rest));
        }
        _ => return None,
    };
    Some((Unquoted::Char(plain), rest))
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    if digits.starts_with('+') {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, rest))
}
