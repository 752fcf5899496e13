//! Points in time as text, UTC.
//! In: time since 1970, a format in the manner of strftime with Envoy's `%f`, `%1f`…`%9f`. Out: bytes.

use super::record::UnixTime;
use ::time::OffsetDateTime;
use std::io::Write as _;

/// The last second of the year 9999, after which years have no four digits.
const LAST: u64 = 253_402_300_799;

/// Envoy's default: milliseconds and `Z`.
pub(super) fn rfc3339(time: UnixTime, out: &mut Vec<u8>) {
    render("%Y-%m-%dT%H:%M:%S.%3fZ", time, out);
}

/// Adds `time` in `format`; letters that are unknown stand as they are.
pub(super) fn render(format: &str, time: UnixTime, out: &mut Vec<u8>) {
    let seconds = i64::try_from(time.as_secs().min(LAST)).unwrap_or(0);
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let (hour, minute, second) = date.to_hms();
    let nanos = time.subsec_nanos();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else {
            out.push(b'%');
            return;
        };
        let mut used = letter.len_utf8();
        // Writing to a Vec cannot fail.
        let _ = match letter {
            'Y' => write!(out, "{year:04}"),
            'y' => write!(out, "{:02}", year.rem_euclid(100)),
            'm' => write!(out, "{month:02}"),
            'd' => write!(out, "{day:02}"),
            'e' => write!(out, "{day:2}"),
            'H' => write!(out, "{hour:02}"),
            'I' => write!(out, "{:02}", (hour + 11) % 12 + 1),
            'M' => write!(out, "{minute:02}"),
            'S' => write!(out, "{second:02}"),
            'p' => write!(out, "{}", if hour < 12 { "AM" } else { "PM" }),
            'A' => write!(out, "{}", date.weekday()),
            'a' => write!(out, "{:.3}", date.weekday().to_string()),
            'B' => write!(out, "{}", date.month()),
            'b' | 'h' => write!(out, "{:.3}", date.month().to_string()),
            'j' => write!(out, "{:03}", date.ordinal()),
            'F' => write!(out, "{year:04}-{month:02}-{day:02}"),
            'T' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
            'R' => write!(out, "{hour:02}:{minute:02}"),
            'D' => write!(out, "{month:02}/{day:02}/{:02}", year.rem_euclid(100)),
            'z' => write!(out, "+0000"),
            'Z' => write!(out, "UTC"),
            's' => write!(out, "{seconds}"),
            'n' => writeln!(out),
            't' => write!(out, "\t"),
            '%' => write!(out, "%"),
            'f' => write!(out, "{nanos:09}"),
            digit @ '1'..='9' if rest[1..].starts_with('f') => {
                used += 1;
                let digits = usize::try_from(u32::from(digit) - u32::from('0')).unwrap_or(9);
                write!(out, "{}", &format!("{nanos:09}")[..digits])
            }
            other => write!(out, "%{other}"),
        };
        rest = &rest[used..];
    }
    out.extend_from_slice(rest.as_bytes());
}
