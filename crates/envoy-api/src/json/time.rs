//! The text forms of `google.protobuf.Duration` and `Timestamp`.
//!
//! In: text or (seconds, nanoseconds). Out: the other one.
//! Bounds are those of the well-known types: durations within 10 000 years,
//! timestamps from year 1 to year 9999.

use time::{Date, Month, OffsetDateTime};

const NANOS: u32 = 1_000_000_000;
const DURATION_MAX: i64 = 315_576_000_000;
const TIMESTAMPS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Parses `"1.5s"`, `"-0.25s"`, `"0s"`.
pub(super) fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let seconds = if whole.is_empty() { 0 } else { digits(whole)? };
    let nanos = i32::try_from(parse_fraction(fraction)?).ok()?;
    if seconds > DURATION_MAX {
        return None;
    }
    Some(if negative { (-seconds, -nanos) } else { (seconds, nanos) })
}

/// The shortest of 0, 3, 6 and 9 digits after the point; `None` outside the type's bounds.
pub(super) fn format_duration(seconds: i64, nanos: i32) -> Option<String> {
    let in_bounds = seconds.unsigned_abs() <= DURATION_MAX.unsigned_abs()
        && nanos.unsigned_abs() < NANOS
        && (seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0));
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = format_fraction(nanos.unsigned_abs());
    in_bounds.then(|| format!("{sign}{}{fraction}s", seconds.unsigned_abs()))
}

/// Parses RFC 3339, such as `2026-01-31T23:59:59.5Z` or with an offset `+02:00`.
pub(super) fn parse_timestamp(text: &str) -> Option<(i64, i32)> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (fixed(date.next()?, 4)?, fixed(date.next()?, 2)?, fixed(date.next()?, 2)?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let (clock, offset) = split_offset(time)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, second) = (fixed(clock.next()?, 2)?, fixed(clock.next()?, 2)?, fixed(clock.next()?, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = date.midnight().assume_utc().unix_timestamp() + hour * 3600 + minute * 60 + second - offset;
    let nanos = i32::try_from(parse_fraction(fraction)?).ok()?;
    TIMESTAMPS.contains(&seconds).then_some((seconds, nanos))
}

/// RFC 3339 in UTC; `None` outside the type's bounds.
pub(super) fn format_timestamp(seconds: i64, nanos: i32) -> Option<String> {
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < NANOS)?;
    if !TIMESTAMPS.contains(&seconds) {
        return None;
    }
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = time.to_hms();
    let fraction = format_fraction(nanos);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Splits `23:59:59.5+02:00` and gives the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at(at);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (fixed(hours, 2)?, fixed(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Some((clock, if offset.starts_with('-') { -seconds } else { seconds }))
}

fn digits(text: &str) -> Option<i64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

fn fixed(text: &str, len: usize) -> Option<i64> {
    (text.len() == len).then(|| digits(text)).flatten()
}

fn parse_fraction(text: &str) -> Option<u32> {
    if text.is_empty() {
        return Some(0);
    }
    let missing = 9_usize.checked_sub(text.len())?;
    let value = u32::try_from(digits(text)?).ok()?;
    (0..missing).try_fold(value, |value, _| value.checked_mul(10))
}

fn format_fraction(nanos: u32) -> String {
    match nanos {
        0 => String::new(),
        _ if nanos.is_multiple_of(1_000_000) => format!(".{:03}", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => format!(".{:06}", nanos / 1_000),
        _ => format!(".{nanos:09}"),
    }
}
