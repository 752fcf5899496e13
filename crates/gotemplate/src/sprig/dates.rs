//! Dates: formatted, read, moved.
//! In: times, seconds since 1970, layouts. Out: times and texts.
//! Never here: a clock. `now` is what the engine's options say; without that, what needs it fails.

use super::args::{made, text, value};
use super::time::Time;
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, String as Str, Time as Moment};
use crate::value::{IntKind, Value};

pub(super) const FUNCTIONS: &[Row] = &[
    ("now", &[], None, |b, _| Ok(Value::object(now(b)?))),
    ("ago", &[Any], None, ago),
    ("date", &[Str, Any], None, |b, a| made(time(b, value(a, 1))?.format(text(a, 0)), b)),
    ("dateInZone", &[Str, Any, Str], None, |b, a| in_zone(b, text(a, 0), value(a, 1), text(a, 2))),
    ("date_in_zone", &[Str, Any, Str], None, |b, a| in_zone(b, text(a, 0), value(a, 1), text(a, 2))),
    ("htmlDate", &[Any], None, |b, a| made(time(b, value(a, 0))?.format("2006-01-02"), b)),
    ("htmlDateInZone", &[Any, Str], None, |b, a| in_zone(b, "2006-01-02", value(a, 0), text(a, 1))),
    ("dateModify", &[Str, Moment], None, |_, a| Ok(moved(a)?.unwrap_or_else(|_| value(a, 1).clone()))),
    ("date_modify", &[Str, Moment], None, |_, a| Ok(moved(a)?.unwrap_or_else(|_| value(a, 1).clone()))),
    ("mustDateModify", &[Str, Moment], None, |_, a| moved(a)?),
    ("must_date_modify", &[Str, Moment], None, |_, a| moved(a)?),
    ("toDate", &[Str, Str], None, |_, a| {
        Ok(Value::object(Time::parse(text(a, 0), text(a, 1)).unwrap_or(Time::zero())))
    }),
    ("mustToDate", &[Str, Str], None, |_, a| Ok(Value::object(Time::parse(text(a, 0), text(a, 1))?))),
    ("unixEpoch", &[Moment], None, |_, a| Ok(given(value(a, 0))?.seconds.to_string().into())),
    ("duration", &[Any], None, duration),
    ("durationRound", &[Any], None, duration_round),
];

const SECOND: i64 = 1_000_000_000;

fn now(budget: &Budget) -> Result<Time> {
    budget.now().map(Time::unix).ok_or_else(|| CallError::new("not available: the engine was given no present time"))
}

/// A time value.
fn given(value: &Value) -> Result<Time> {
    as_time(value).ok_or_else(|| {
        let got = value.type_name();
        CallError::new(format!("wrong type for value; expected time.Time; got {got}"))
    })
}

fn as_time(value: &Value) -> Option<Time> {
    let Value::Object(object) = value else { return None };
    if object.type_name() != "time.Time" {
        return None;
    }
    let shown = object.to_json();
    Time::parse("2006-01-02T15:04:05Z07:00", shown.as_str()?).ok()
}

/// A time, or seconds since 1970; anything else is now.
fn time(budget: &Budget, value: &Value) -> Result<Time> {
    match value {
        Value::Int(seconds, IntKind::Int | IntKind::Int64 | IntKind::Int32) => Ok(Time::unix(*seconds)),
        other => match as_time(other) {
            Some(time) => Ok(Time { offset: 0, ..time }),
            None => now(budget),
        },
    }
}

/// All zones but UTC are unknown here, and an unknown zone is UTC.
fn in_zone(budget: &Budget, layout: &str, value: &Value, _zone: &str) -> Result {
    made(time(budget, value)?.format(layout), budget)
}

/// The time moved by a duration; the inner error is a duration that does not read.
fn moved(args: &[Value]) -> Result<Result> {
    let time = given(value(args, 1))?;
    Ok(parse_duration(text(args, 0)).map(|nanos| {
        let sum = i128::from(time.seconds) * i128::from(SECOND) + i128::from(time.nanos) + i128::from(nanos);
        let seconds = i64::try_from(sum.div_euclid(SECOND.into())).unwrap_or(i64::MAX);
        let nanos = u32::try_from(sum.rem_euclid(SECOND.into())).unwrap_or(0);
        Value::object(Time { nanos, offset: time.offset, ..Time::unix(seconds) })
    }))
}

fn ago(budget: &Budget, args: &[Value]) -> Result {
    let passed = now(budget)?.seconds.saturating_sub(time(budget, value(args, 0))?.seconds);
    Ok(show_duration(passed.saturating_mul(SECOND)).into())
}

fn duration(_: &Budget, args: &[Value]) -> Result {
    let seconds = match value(args, 0) {
        Value::String(text) => text.parse().unwrap_or(0),
        Value::Int(n, IntKind::Int64) => *n,
        _ => 0,
    };
    Ok(show_duration(seconds.wrapping_mul(SECOND)).into())
}

/// To the greatest unit that fits.
fn duration_round(budget: &Budget, args: &[Value]) -> Result {
    let nanos = match value(args, 0) {
        Value::String(text) => parse_duration(text).unwrap_or(0),
        Value::Int(n, IntKind::Int64) => *n,
        other => match as_time(other) {
            Some(time) => now(budget)?.seconds.saturating_sub(time.seconds).saturating_mul(SECOND),
            None => 0,
        },
    };
    let nanos = nanos.unsigned_abs();
    let hour = 3600 * SECOND.unsigned_abs();
    let units = [
        (hour * 24 * 365, "y"),
        (hour * 24 * 30, "mo"),
        (hour * 24, "d"),
        (hour, "h"),
        (hour / 60, "m"),
        (hour / 3600, "s"),
    ];
    let shown = units.into_iter().find(|(unit, _)| nanos > *unit).map(|(unit, name)| format!("{}{name}", nanos / unit));
    Ok(shown.unwrap_or_else(|| "0s".into()).into())
}

/// Nanoseconds as Go shows them: `1h2m3.5s`.
fn show_duration(nanos: i64) -> String {
    let magnitude = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, rest) = (magnitude / 1_000_000_000, magnitude % 1_000_000_000);
    let fraction = |value: u64, digits: usize| {
        let text = format!("{value:0digits$}");
        let text = text.trim_end_matches('0');
        if text.is_empty() { String::new() } else { format!(".{text}") }
    };
    match (seconds, rest) {
        (0, 0) => "0s".into(),
        (0, n) if n < 1_000 => format!("{sign}{n}ns"),
        (0, n) if n < 1_000_000 => format!("{sign}{}{}µs", n / 1_000, fraction(n % 1_000, 3)),
        (0, n) => format!("{sign}{}{}ms", n / 1_000_000, fraction(n % 1_000_000, 6)),
        (seconds, rest) => {
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let mut out = sign.to_owned();
            if hours > 0 {
                out.push_str(&format!("{hours}h"));
            }
            if hours > 0 || minutes > 0 {
                out.push_str(&format!("{minutes}m"));
            }
            out + &format!("{}{}s", seconds % 60, fraction(rest, 9))
        }
    }
}

/// Nanoseconds of a text such as `-1.5h` or `2h45m`.
fn parse_duration(text: &str) -> Result<i64> {
    let refuse = || CallError::new(format!("time: invalid duration {}", crate::quote::quote(text)));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(refuse());
    }
    let mut sum = 0.0_f64;
    let mut exact = 0_i64;
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (digits, tail) = rest.split_at(number);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return Err(refuse()),
        };
        match digits.parse::<i64>() {
            Ok(whole) => exact = whole.checked_mul(unit).and_then(|n| exact.checked_add(n)).ok_or_else(refuse)?,
            Err(_) => sum += digits.parse::<f64>().map_err(|_| refuse())? * unit as f64,
        }
        rest = tail;
    }
    let nanos = exact.checked_add(sum as i64).ok_or_else(refuse)?;
    Ok(if negative { -nanos } else { nanos })
}
