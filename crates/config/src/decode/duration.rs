//! Durations as Go writes them: `1h30m`, `1.5s`, `300ms`, `0`.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not numbers with units.
    #[error("it is not a number with a unit")]
    Syntax,
    /// A unit that Go does not know, or none.
    #[error("its unit is not one of ns, us, ms, s, m, h")]
    Unit,
    /// Below zero.
    #[error("it is negative")]
    Negative,
    /// Beyond 2^63 nanoseconds, the longest that Go and Istio hold.
    #[error("it is too long")]
    TooLong,
}

/// Reads a duration in the syntax of Go's `time.ParseDuration`.
///
/// # Errors
/// When the text has another form, is negative, or exceeds 2^63 - 1 nanoseconds.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(DurationError::Syntax);
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(DurationError::Syntax);
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let unit = unit_nanos(&after[..end]).ok_or(DurationError::Unit)?;
        let whole: u64 = match whole {
            "" => 0,
            whole => whole.parse().map_err(|_| DurationError::TooLong)?,
        };
        nanos = nanos
            .checked_add(u128::from(whole) * u128::from(unit))
            .and_then(|nanos| nanos.checked_add(fraction_nanos(fraction, unit)))
            .filter(|nanos| *nanos <= i64::MAX as u128)
            .ok_or(DurationError::TooLong)?;
        rest = &after[end..];
    }
    if negative && nanos > 0 {
        return Err(DurationError::Negative);
    }
    let nanos = u64::try_from(nanos).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::from_nanos(nanos))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn unit_nanos(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        _ => return None,
    })
}

/// The digits after the point, in nanoseconds of the unit; more than 18 digits change nothing.
fn fraction_nanos(fraction: &str, unit: u64) -> u128 {
    let mut scale: u128 = 1;
    let mut value: u128 = 0;
    for digit in fraction.bytes().take(18) {
        value = value * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    value * u128::from(unit) / scale
}

#[cfg(test)]
mod tests;
