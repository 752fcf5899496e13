//! Functions over texts: durations, indentation, paths.
//! In: texts, a protobuf duration. Out: texts.
//! Never here: pods.

use lateen_gotemplate::{CallError, Value};

use super::{Answer, LARGEST_TEXT, arg, text, wrong_type};

const NANOS: i128 = 1_000_000_000;

/// A protobuf duration as Go's `time.Duration` prints: `23s`, `1m30s`, `1.5ms`. None is `0s`.
pub(super) fn format_duration(args: &[Value]) -> Answer {
    let Value::Object(duration) = arg(args, 0) else {
        return match arg(args, 0) {
            Value::Nil => Ok("0s".into()),
            other => Err(wrong_type("*durationpb.Duration", other)),
        };
    };
    if duration.is_nil() {
        return Ok("0s".into());
    }
    let whole = |name: &str| match duration.field(name) {
        Some(Value::Int(n, _)) => Some(i128::from(n)),
        _ => None,
    };
    let nanos = match (whole("Seconds"), whole("Nanos")) {
        (None, None) => duration.to_json().as_str().and_then(proto_nanos),
        (seconds, nanos) => Some(seconds.unwrap_or(0) * NANOS + nanos.unwrap_or(0)),
    };
    let nanos = nanos.ok_or_else(|| wrong_type("*durationpb.Duration", arg(args, 0)))?;
    Ok(go_duration(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })).into())
}

/// A duration in protobuf's JSON: seconds with up to nine decimals, such as `1.500s`.
fn proto_nanos(text: &str) -> Option<i128> {
    let (negative, seconds) = match text.strip_suffix('s')?.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_suffix('s')?),
    };
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let whole: u64 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let nanos = i128::from(whole) * NANOS + i128::from(fraction);
    Some(if negative { -nanos } else { nanos })
}

/// Go's `Duration.String`.
fn go_duration(nanos: i64) -> String {
    let (sign, left) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let unit = match left {
        0 => return "0s".to_owned(),
        1..1_000 => ("ns", 1),
        1_000..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (name, size) = unit;
    let minutes = if name == "s" { left / size / 60 } else { 0 };
    let left = left - minutes * 60 * size;
    let fraction = if size == 1 { String::new() } else { format!("{:0width$}", left % size, width = digits(size)) };
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let rest = format!("{}{point}{fraction}{name}", left / size);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{rest}"),
        (0, minutes) => format!("{sign}{minutes}m{rest}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{rest}"),
    }
}

fn digits(size: u64) -> usize {
    size.ilog10() as usize
}

/// Puts spaces before all lines but the first. Empty lines get them too.
pub(super) fn indent(args: &[Value]) -> Answer {
    let spaces = match arg(args, 0) {
        // Go takes it for a width, and a negative width for one from the other side.
        Value::Int(n, _) => usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX),
        _ => 0,
    };
    let source = text(args, 1);
    let lines = source.bytes().filter(|b| *b == b'\n').count();
    if spaces.saturating_mul(lines).saturating_add(source.len()) > LARGEST_TEXT {
        return Err(CallError::new(format!("indented by {spaces} spaces the text exceeds {LARGEST_TEXT} bytes")));
    }
    Ok(source.replace('\n', &format!("\n{}", if lines > 0 { " ".repeat(spaces) } else { String::new() })).into())
}

/// A path up to its last slash, the slash included.
pub(super) fn directory(args: &[Value]) -> Answer {
    let path = text(args, 0);
    Ok(path[..path.rfind('/').map_or(0, |slash| slash + 1)].into())
}

/// Character by character, as Go: no rule looks at a character's neighbours.
pub(super) fn to_lower(args: &[Value]) -> Answer {
    let lower: String = text(args, 0).chars().filter_map(|c| c.to_lowercase().next()).collect();
    Ok(lower.into())
}
