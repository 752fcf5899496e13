//! What an unquoted text is in YAML 1.1 and 1.2, as Go's YAML package reads it.
//! In: a text. Out: whether it stays a text.
//! Never here: the value that it would be.

/// Words that are not texts: booleans of YAML 1.1, null, infinities, not a number, the merge key.
const WORDS: &[&str] = &[
    "", "~", "null", "Null", "NULL", "<<", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", ".nan", ".NaN", ".NAN", ".inf", ".Inf",
    ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF",
];

/// Whether an unquoted text is read as something else than a text.
pub(super) fn is_other(text: &str) -> bool {
    if WORDS.contains(&text) {
        return true;
    }
    match text.bytes().next() {
        Some(b'.') => is_float(text),
        Some(b'+' | b'-' | b'0'..=b'9') => {
            let plain = text.replace('_', "");
            is_timestamp(text) || is_integer(&plain) || is_float(&plain) || is_base_60(text)
        }
        _ => false,
    }
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0, and YAML's own binary numbers.
fn is_integer(text: &str) -> bool {
    let (negative, signed, rest) = match text.as_bytes() {
        [b'-', ..] => (true, true, &text[1..]),
        [b'+', ..] => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match rest.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &rest[2..]),
        [b'0', b'o' | b'O', ..] => (8, &rest[2..]),
        [b'0', b'b' | b'B', ..] => (2, &rest[2..]),
        [b'0', _, ..] => (8, &rest[1..]),
        _ => (10, rest),
    };
    let fits = |digits: &str, radix, most: u64| {
        let all = !digits.is_empty() && digits.bytes().all(|b| char::from(b).is_digit(radix));
        all && u64::from_str_radix(digits, radix).is_ok_and(|number| number <= most)
    };
    let most = if negative {
        1 << 63
    } else if signed {
        i64::MAX as u64
    } else {
        u64::MAX
    };
    fits(digits, radix, most)
        || rest.starts_with("0b") && !signed && {
            let inner = rest[2..].strip_prefix(['+', '-']).unwrap_or(&rest[2..]);
            fits(inner, 2, 1 << 63)
        }
}

/// A decimal number. Go takes those beyond 64-bit floats for texts, other readers do not.
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits(rest);
    let mut end = whole;
    if rest[end..].starts_with('.') {
        let fraction = digits(&rest[end + 1..]);
        if whole + fraction == 0 {
            return false;
        }
        end += 1 + fraction;
    } else if whole == 0 {
        return false;
    }
    if let Some(exponent) = rest[end..].strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !unsigned.is_empty() && digits(unsigned) == unsigned.len();
    }
    end == rest.len()
}

/// `1:30`: numbers to base 60 are of YAML 1.1, and quoted for those who read it.
fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = rest.split(':');
    let first = parts.next().unwrap_or_default();
    let first_fits =
        first.starts_with(|c: char| c.is_ascii_digit()) && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts: Vec<&str> = parts.collect();
    if let Some(last) = parts.last_mut()
        && let Some((whole, fraction)) = last.split_once('.')
    {
        if !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
        *last = whole;
    }
    let sixtieth = |part: &&str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [ten, digit] => (b'0'..=b'5').contains(ten) && digit.is_ascii_digit(),
        _ => false,
    };
    first_fits && !parts.is_empty() && parts.iter().all(sixtieth)
}

/// A date, or a date with a time.
fn is_timestamp(text: &str) -> bool {
    read_timestamp(text).is_some()
}

fn read_timestamp(text: &str) -> Option<()> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: u32 = year.bytes().all(|b| b.is_ascii_digit()).then(|| year.parse().ok())??;
    let (month, rest) = number(rest.strip_prefix('-')?)?;
    let (day, rest) = number(rest.strip_prefix('-')?)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days {
        return None;
    }
    if rest.is_empty() {
        return Some(());
    }
    let (zoned, rest) = match rest.strip_prefix(['T', 't']) {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(' ')?),
    };
    let (hour, rest) = number(rest)?;
    let (minute, rest) = number(rest.strip_prefix(':')?)?;
    let (second, mut rest) = number(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            rest = &fraction[digits..];
        }
    }
    match (zoned, rest) {
        (false, "") | (true, "Z") => Some(()),
        (true, zone) => {
            let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
            let two = |text: &str| match number(text)? {
                (two, "") if text.len() == 2 => Some(two),
                _ => None,
            };
            (two(hours)? <= 24 && two(minutes)? < 60).then_some(())
        }
        _ => None,
    }
}

/// One or two digits.
fn number(text: &str) -> Option<(u32, &str)> {
    let len = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(len);
    Some((digits.parse().ok()?, rest))
}
