//! Which numbers and durations are in range.

use std::time::Duration;

use crate::validate::{Rule, wrong};

/// A port number.
pub(crate) fn port(number: u32) -> Rule {
    match number {
        1..=65535 => Ok(()),
        _ => wrong(format!("{number} is no port number"), "ports go from 1 to 65535"),
    }
}

/// A duration that Istio takes: at least 1 ms, whole milliseconds.
pub(crate) fn duration(value: Duration) -> Rule {
    if value < Duration::from_millis(1) {
        return wrong(
            "this duration is shorter than 1ms",
            "the shortest is 1ms; leave the field out for no limit or the default",
        );
    }
    if !value.subsec_nanos().is_multiple_of(1_000_000) {
        return wrong("this duration has a fraction of a millisecond", "round it to whole milliseconds");
    }
    Ok(())
}

/// A percentage in whole numbers.
pub(crate) fn percent(value: i32) -> Rule {
    match value {
        0..=100 => Ok(()),
        _ => wrong(format!("{value} is no percentage"), "percentages go from 0 to 100"),
    }
}

/// A percentage with fractions.
pub(crate) fn share(value: f64) -> Rule {
    if (0.0..=100.0).contains(&value) {
        return Ok(());
    }
    wrong(format!("{value} is no percentage"), "percentages go from 0 to 100")
}

/// A percentage that is zero or large enough for a proxy to tell from zero.
pub(crate) fn measurable_share(value: f64) -> Rule {
    share(value)?;
    if value > 0.0 && value < 0.0001 {
        return wrong(format!("{value} is too small a percentage"), "the smallest above 0 is 0.0001");
    }
    Ok(())
}

/// A number that may not be negative.
pub(crate) fn not_negative(value: i32) -> Rule {
    if value >= 0 {
        return Ok(());
    }
    wrong(format!("{value} is negative"), "numbers start at 0 here")
}

/// A status that a proxy may answer with.
pub(crate) fn status(value: i64) -> Rule {
    match value {
        200..=599 => Ok(()),
        _ => wrong(format!("{value} is no status that can be answered"), "statuses go from 200 to 599"),
    }
}
