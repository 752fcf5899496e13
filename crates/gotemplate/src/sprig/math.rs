//! Numbers: integer arithmetic that wraps, float arithmetic in decimals, rounding.
//! In: anything; what is not a number reads as Sprig reads it. Out: `int64`, `float64`, `int`.
//! Never here: division by zero that goes unnoticed.

use super::args::{int, int64, text, to_f64, to_i64, to_text, value};
use super::decimal::Decimal;
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, Float64, Int, String as Str};
use crate::value::Value;

pub(super) const FUNCTIONS: &[Row] = &[
    ("atoi", &[Str], None, |_, a| Ok(atoi(text(a, 0)).into())),
    ("int", &[Any], None, |_, a| Ok(to_i64(value(a, 0)).into())),
    ("int64", &[Any], None, |_, a| Ok(int64(to_i64(value(a, 0))))),
    ("float64", &[Any], None, |_, a| Ok(to_f64(value(a, 0)).into())),
    ("toDecimal", &[Any], None, |b, a| Ok(int64(octal(&to_text(value(a, 0), b)?)))),
    ("add1", &[Any], None, |_, a| Ok(int64(to_i64(value(a, 0)).wrapping_add(1)))),
    ("add", &[], Some(Any), |_, a| Ok(int64(a.iter().map(to_i64).fold(0, i64::wrapping_add)))),
    ("sub", &[Any, Any], None, |_, a| Ok(int64(to_i64(value(a, 0)).wrapping_sub(to_i64(value(a, 1)))))),
    ("mul", &[Any], Some(Any), |_, a| Ok(int64(a.iter().map(to_i64).fold(1, i64::wrapping_mul)))),
    ("div", &[Any, Any], None, |_, a| divided(a, i64::wrapping_div)),
    ("mod", &[Any, Any], None, |_, a| divided(a, i64::wrapping_rem)),
    ("max", &[Any], Some(Any), |_, a| Ok(int64(a.iter().map(to_i64).max().unwrap_or(0)))),
    ("biggest", &[Any], Some(Any), |_, a| Ok(int64(a.iter().map(to_i64).max().unwrap_or(0)))),
    ("min", &[Any], Some(Any), |_, a| Ok(int64(a.iter().map(to_i64).min().unwrap_or(0)))),
    ("maxf", &[Any], Some(Any), |_, a| extreme(a, f64::max)),
    ("minf", &[Any], Some(Any), |_, a| extreme(a, f64::min)),
    ("add1f", &[Any], None, |_, a| decimals(to_f64(value(a, 0)), &[1_i64.into()], Decimal::add)),
    ("addf", &[], Some(Any), |_, a| decimals(0.0, a, Decimal::add)),
    ("subf", &[Any], Some(Any), |_, a| decimals(to_f64(value(a, 0)), super::args::rest(a, 1), Decimal::sub)),
    ("mulf", &[Any], Some(Any), |_, a| decimals(to_f64(value(a, 0)), super::args::rest(a, 1), Decimal::mul)),
    ("divf", &[Any], Some(Any), |_, a| decimals(to_f64(value(a, 0)), super::args::rest(a, 1), Decimal::div)),
    ("ceil", &[Any], None, |_, a| Ok(to_f64(value(a, 0)).ceil().into())),
    ("floor", &[Any], None, |_, a| Ok(to_f64(value(a, 0)).floor().into())),
    ("round", &[Any, Int], Some(Float64), round),
];

/// As `strconv.Atoi`, 0 for what is no decimal number; beyond the range, its end.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn octal(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.starts_with(['+', '-']) { 0 } else { i64::from_str_radix(text, 8).unwrap_or(0) }
}

fn divided(args: &[Value], divide: fn(i64, i64) -> i64) -> Result {
    match (to_i64(value(args, 0)), to_i64(value(args, 1))) {
        (_, 0) => Err(CallError::new("runtime error: integer divide by zero")),
        (a, b) => Ok(int64(divide(a, b))),
    }
}

/// NaN wins, as in Go.
fn extreme(args: &[Value], choose: fn(f64, f64) -> f64) -> Result {
    let numbers = args.iter().map(to_f64);
    let chosen = numbers.reduce(|a, b| if a.is_nan() || b.is_nan() { f64::NAN } else { choose(a, b) });
    Ok(chosen.unwrap_or(0.0).into())
}

fn decimals(start: f64, args: &[Value], apply: fn(Decimal, Decimal) -> Option<Decimal>) -> Result {
    let not_a_number = || CallError::new("Cannot create a Decimal from NaN or an infinity");
    let mut sum = Decimal::from_f64(start).ok_or_else(not_a_number)?;
    for arg in args {
        let number = Decimal::from_f64(to_f64(arg)).ok_or_else(not_a_number)?;
        sum = apply(sum, number).ok_or_else(|| CallError::new("decimal division by 0"))?;
    }
    Ok(sum.to_f64().into())
}

/// To a number of places; the last argument is the fraction from which on it goes up.
fn round(_: &Budget, args: &[Value]) -> Result {
    let (number, places) = (to_f64(value(args, 0)), int(args, 1));
    let up_from = args.get(2).map_or(0.5, to_f64);
    let power = 10_f64.powf(places as f64);
    let digit = power * number;
    let rounded = if digit.fract() >= up_from { digit.ceil() } else { digit.floor() };
    Ok((rounded / power).into())
}
