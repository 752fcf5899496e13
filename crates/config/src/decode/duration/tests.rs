//! Durations as Go reads them.

use std::time::Duration;

use super::{DurationError, parse_duration};

#[test]
fn durations_are_those_of_go() {
    for (text, nanos) in [
        ("0", 0u64),
        ("-0s", 0),
        ("1.5s", 1_500_000_000),
        ("+5m", 300_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("10ms", 10_000_000),
        ("3us", 3_000),
        ("3µs", 3_000),
        ("7ns", 7),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("1h0.000000001s", 3_600_000_000_001),
        ("0.3333333333333333333333h", 1_199_999_999_999),
        ("9223372036854775807ns", 9_223_372_036_854_775_807),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn other_texts_are_refused_with_a_reason() {
    use DurationError::{Negative, Syntax, TooLong, Unit};
    for (text, error) in [
        ("", Syntax),
        ("s", Syntax),
        (".s", Syntax),
        ("+", Syntax),
        ("--1s", Syntax),
        (" 1s", Syntax),
        ("5", Unit),
        ("5 s", Unit),
        ("1d", Unit),
        ("1s ", Unit),
        ("1S", Unit),
        ("-1s", Negative),
        ("9223372036854775808ns", TooLong),
        ("99999999999999999999999s", TooLong),
        ("2562048h", TooLong),
    ] {
        assert_eq!(parse_duration(text), Err(error), "{text}");
    }
}
