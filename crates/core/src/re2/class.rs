//! Classes of characters: in brackets, of Perl (`\d`), of POSIX (`[:alpha:]`) and of Unicode (`\pL`).
//! In: the text from where the class begins. Out: the class for crate `regex`, its cost, what is left of the text.
//! Perl's and POSIX's classes hold ASCII only, and nothing in brackets is an operator.

use super::Re2Error;
use super::read::{Rest, escape};
use std::fmt::Write as _;

/// A class, written for crate `regex`.
pub(super) struct Class {
    pub(super) text: String,
    pub(super) cost: u64,
}

const DIGIT: &[(u8, u8)] = &[(b'0', b'9')];
const SPACE: &[(u8, u8)] = &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

/// POSIX's classes.
const POSIX: &[(&str, &[(u8, u8)])] = &[
    ("alnum", &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')]),
    ("alpha", &[(b'A', b'Z'), (b'a', b'z')]),
    ("ascii", &[(0, 0x7f)]),
    ("blank", &[(b'\t', b'\t'), (b' ', b' ')]),
    ("cntrl", &[(0, 0x1f), (0x7f, 0x7f)]),
    ("digit", DIGIT),
    ("graph", &[(b'!', b'~')]),
    ("lower", &[(b'a', b'z')]),
    ("print", &[(b' ', b'~')]),
    ("punct", &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')]),
    ("space", &[(b'\t', b'\r'), (b' ', b' ')]),
    ("upper", &[(b'A', b'Z')]),
    ("word", WORD),
    ("xdigit", &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]),
];

/// Unicode's general categories that RE2 knows.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Names of scripts that are as short as the codes of scripts, which RE2 does not know.
const SHORT_SCRIPTS: &[&str] = &["Ahom", "Cham", "Kawi", "Lisu", "Modi", "Thai", "Toto"];

/// No character at all.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// Costs of classes with characters beyond ASCII, in instructions.
const ANY: u64 = 12;
const CATEGORY: u64 = 500;
const SCRIPT: u64 = 120;

/// A class in brackets; `rest` stands behind the opening one.
pub(super) fn bracketed(rest: &mut Rest<'_>, any_case: bool) -> Result<Class, Re2Error> {
    let whole = rest.text();
    let negated = rest.take("^");
    let mut out = Class { text: if negated { "[^" } else { "[" }.to_owned(), cost: if negated { ANY } else { 1 } };
    let before = out.text.len();
    let mut first = true;
    // Looked for once, not at every bracket again.
    let mut posix_ends = whole.contains(":]");
    loop {
        if rest.text().is_empty() {
            return Err(Re2Error::syntax("a bracket is not closed", &format!("[{whole}")));
        }
        if !first && rest.take("]") {
            break;
        }
        first = false;
        if posix_ends && rest.text().starts_with("[:") {
            if let Some(class) = posix(rest)? {
                out.add(&class);
                continue;
            }
            posix_ends = false;
        }
        if let Some(class) = perl_or_unicode(rest)? {
            out.add(&class);
            continue;
        }
        let from = rest.text();
        let low = character(rest)?;
        let mut high = low;
        if rest.text().len() > 1 && rest.text().starts_with('-') && !rest.text().starts_with("-]") {
            rest.take("-");
            high = character(rest)?;
        }
        if high < low {
            return Err(Re2Error::syntax("a range ends before it begins", from));
        }
        out.range(low, high, any_case);
    }
    if out.text.len() == before {
        // Surrogates alone, which no text has.
        let text = if negated { r"[\x{0}-\x{10FFFF}]" } else { NOTHING };
        return Ok(Class { text: text.to_owned(), cost: ANY });
    }
    out.text.push(']');
    Ok(out)
}

impl Class {
    fn add(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.cost += other.cost;
    }

    fn range(&mut self, low: u32, high: u32, any_case: bool) {
        // No text has surrogates, and crate `regex` does not take them.
        let low = if (0xd800..=0xdfff).contains(&low) { 0xe000 } else { low };
        let high = if (0xd800..=0xdfff).contains(&high) { 0xd7ff } else { high };
        if low > high {
            return;
        }
        // Writing to a String cannot fail.
        let _ = write!(self.text, r"\x{{{low:X}}}-\x{{{high:X}}}");
        let cost = match high {
            0..=0x7f => 1,
            0x80..=0x7ff => 8,
            0x800..=0xffff => 20,
            _ => 32,
        };
        self.cost += match (any_case, high) {
            (false, _) => cost,
            (true, 0..=0x7f) => 8,
            // Each character may have others of its own.
            (true, _) => cost + CATEGORY.min(u64::from(high - low + 1) * 10),
        };
    }
}

/// A character in brackets.
fn character(rest: &mut Rest<'_>) -> Result<u32, Re2Error> {
    if rest.text().starts_with('\\') {
        return escape(rest);
    }
    rest.next().map(u32::from).ok_or_else(|| Re2Error::syntax("a bracket is not closed", "["))
}

fn ascii(ranges: &[(u8, u8)], negated: bool) -> Class {
    let mut text = if negated { "[^" } else { "[" }.to_owned();
    for (low, high) in ranges {
        let _ = write!(text, r"\x{{{low:X}}}-\x{{{high:X}}}");
    }
    text.push(']');
    // With any case `k` and `s` have forms beyond ASCII.
    Class { text, cost: if negated { ANY } else { 0 } + ranges.len() as u64 + 6 }
}

/// `[:alpha:]` or `[:^alpha:]` within brackets.
fn posix(rest: &mut Rest<'_>) -> Result<Option<Class>, Re2Error> {
    let text = rest.text();
    let Some(inner) = text.strip_prefix("[:") else { return Ok(None) };
    let Some(end) = inner.find(":]") else { return Ok(None) };
    let name = &inner[..end];
    let (negated, plain) = name.strip_prefix('^').map_or((false, name), |plain| (true, plain));
    let Some((_, ranges)) = POSIX.iter().find(|(known, _)| *known == plain) else {
        return Err(Re2Error::syntax("there is no such class", text));
    };
    rest.skip(end + 4);
    Ok(Some(ascii(ranges, negated)))
}

/// `\d` and the like, `\pL`, `\p{Greek}`.
pub(super) fn perl_or_unicode(rest: &mut Rest<'_>) -> Result<Option<Class>, Re2Error> {
    let text = rest.text();
    let (ranges, negated) = match text.as_bytes() {
        [b'\\', b'd', ..] => (DIGIT, false),
        [b'\\', b'D', ..] => (DIGIT, true),
        [b'\\', b's', ..] => (SPACE, false),
        [b'\\', b'S', ..] => (SPACE, true),
        [b'\\', b'w', ..] => (WORD, false),
        [b'\\', b'W', ..] => (WORD, true),
        [b'\\', b'p', _, ..] => return unicode(rest, false).map(Some),
        [b'\\', b'P', _, ..] => return unicode(rest, true).map(Some),
        _ => return Ok(None),
    };
    rest.skip(2);
    Ok(Some(ascii(ranges, negated)))
}

fn unicode(rest: &mut Rest<'_>, negated: bool) -> Result<Class, Re2Error> {
    let text = rest.text();
    let unknown = || Re2Error::syntax("there is no such class", text);
    rest.skip(2);
    let name = match rest.next() {
        Some('{') => {
            let inner = rest.text();
            let end = inner.find('}').ok_or_else(unknown)?;
            rest.skip(end + 1);
            &inner[..end]
        }
        Some(letter) => &text[2..2 + letter.len_utf8()],
        None => return Err(unknown()),
    };
    let (negated, name) = name.strip_prefix('^').map_or((negated, name), |plain| (!negated, plain));
    let p = if negated { 'P' } else { 'p' };
    let caret = if negated { "^" } else { "" };
    let (text, cost) = match name {
        "Any" => (if negated { NOTHING } else { r"[\x{0}-\x{10FFFF}]" }.to_owned(), ANY),
        "Cs" => (if negated { r"[\x{0}-\x{10FFFF}]" } else { NOTHING }.to_owned(), ANY),
        // Characters that are not assigned are in no category there.
        "C" => (format!(r"[{caret}\p{{Cc}}\p{{Cf}}\p{{Co}}]"), SCRIPT),
        name if CATEGORIES.contains(&name) => (format!(r"\{p}{{{name}}}"), CATEGORY),
        name if is_script(name) => (format!(r"\{p}{{Script={name}}}"), SCRIPT),
        _ => return Err(unknown()),
    };
    Ok(Class { text, cost })
}

/// Whether Unicode has a script of this name, spelt as there.
fn is_script(name: &str) -> bool {
    let spelt = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    // Crate `regex` looks over `Is`, case and more.
    let short = name.starts_with("Is") || name.len() == 4 && !SHORT_SCRIPTS.contains(&name);
    spelt && !short && name.len() < 32 && regex::Regex::new(&format!(r"\p{{Script={name}}}")).is_ok()
}
