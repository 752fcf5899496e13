//! How a single value is written: which quotes a text needs, how a number reads.
//! In: a text or number. Out: its style, its characters.
//! Never here: lines and columns.

use serde_json::Number;

use super::resolve;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The plainest style that is read back as this text.
pub(super) fn style(text: &str) -> Style {
    let allowed = Allowed::of(text);
    if text.contains('\n') {
        return if allowed.literal { Style::Literal } else { Style::Double };
    }
    match (resolve::is_other(text), allowed) {
        (true, _) => Style::Double,
        (false, Allowed { plain: true, .. }) => Style::Plain,
        (false, Allowed { single: true, .. }) => Style::Single,
        _ => Style::Double,
    }
}

/// Whether a text has more than one line for any reader of YAML; such a key is not a simple one.
pub(super) fn has_line_break(text: &str) -> bool {
    text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

struct Allowed {
    plain: bool,
    single: bool,
    literal: bool,
}

impl Allowed {
    fn of(text: &str) -> Allowed {
        let special = text.chars().any(|c| c != '\n' && escape(c).is_some() && !matches!(c, '"' | '\\'));
        let space_before_break = text.contains(" \n");
        let outer_space = text.starts_with(' ') || text.ends_with(' ');
        Allowed {
            plain: !special && !outer_space && !has_indicator(text),
            single: !special,
            literal: !special && !space_before_break && !text.ends_with(' '),
        }
    }
}

/// Whether some part of a text would mean something else when it is not quoted.
fn has_indicator(text: &str) -> bool {
    let space_at = |i: usize| text[i..].chars().next().is_none_or(|c| c == ' ');
    let leading = match text.chars().next() {
        Some('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`') => true,
        Some('?' | ':' | '-') => space_at(1),
        _ => false,
    };
    leading
        || text.starts_with("---")
        || text.starts_with("...")
        || text.match_indices(':').any(|(i, _)| space_at(i + 1))
        || text.contains(" #")
}

/// What stands for a character between double quotes; nothing when it stands for itself.
pub(super) fn escape(c: char) -> Option<String> {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' | '\\' => c,
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => return Some(format!("\\u{:04X}", u32::from(c))),
        '\u{10000}'.. => return Some(format!("\\U{:08X}", u32::from(c))),
        c if c.is_control() => return Some(format!("\\x{:02X}", u32::from(c))),
        _ => return None,
    };
    Some(format!("\\{short}"))
}

/// A number as Go writes it once it has been through JSON and YAML: `2`, `1.5`, `1e+21`.
pub(super) fn number(number: &Number) -> String {
    if let Some(n) = number.as_i64() {
        return n.to_string();
    }
    if let Some(n) = number.as_u64() {
        return n.to_string();
    }
    let float = number.as_f64().unwrap_or_default();
    // JSON writes whole numbers below 1e21 without an exponent, and YAML then reads those that fit as integers.
    if float.fract() == 0.0 && (i64::MIN as f64..u64::MAX as f64).contains(&float) {
        return format!("{:.0}", float + 0.0);
    }
    general(float)
}

/// Go's `strconv.FormatFloat` in format `g` with as many digits as needed.
fn general(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    float.to_string()
}
