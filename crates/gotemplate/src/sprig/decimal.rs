//! Decimal numbers: what a float says in its shortest form, added and multiplied without binary error.
//! In: floats. Out: floats.
//! Never here: overflow; numbers that do not fit 38 digits go on as floats.

/// Places that a quotient is rounded to.
const DIVISION_PLACES: i32 = 16;

/// `coefficient * 10^exponent`, or a float where that does not fit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Decimal {
    Exact { coefficient: i128, exponent: i32 },
    Float(f64),
}

use Decimal::{Exact, Float};

impl Decimal {
    /// Nothing for NaN and infinities.
    pub fn from_f64(number: f64) -> Option<Decimal> {
        if !number.is_finite() {
            return None;
        }
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let coefficient: i128 = mantissa.replace('.', "").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()?;
        Some(Exact { coefficient, exponent })
    }

    pub fn to_f64(self) -> f64 {
        match self {
            // The parser rounds correctly.
            Exact { coefficient, exponent } => format!("{coefficient}e{exponent}").parse().unwrap_or(0.0),
            Float(number) => number,
        }
    }

    pub fn add(self, other: Decimal) -> Option<Decimal> {
        let exact =
            aligned(self, other).and_then(|(a, b, exponent)| Some(Exact { coefficient: a.checked_add(b)?, exponent }));
        Some(exact.unwrap_or_else(|| Float(self.to_f64() + other.to_f64())))
    }

    pub fn sub(self, other: Decimal) -> Option<Decimal> {
        self.add(match other {
            Exact { coefficient, exponent } => Exact { coefficient: -coefficient, exponent },
            Float(number) => Float(-number),
        })
    }

    pub fn mul(self, other: Decimal) -> Option<Decimal> {
        if let (Exact { coefficient: a, exponent: x }, Exact { coefficient: b, exponent: y }) = (self, other)
            && let Some(coefficient) = a.checked_mul(b)
        {
            return Some(Exact { coefficient, exponent: x + y });
        }
        Some(Float(self.to_f64() * other.to_f64()))
    }

    /// Nothing when the divisor is zero.
    pub fn div(self, other: Decimal) -> Option<Decimal> {
        if other.to_f64() == 0.0 {
            return None;
        }
        let exact = || {
            let (Exact { coefficient: a, exponent: x }, Exact { coefficient: b, exponent: y }) = (self, other) else {
                return None;
            };
            let shift = x - y + DIVISION_PLACES;
            let (a, b) =
                if shift >= 0 { (a.checked_mul(power(shift)?)?, b) } else { (a, b.checked_mul(power(-shift)?)?) };
            // Halves go away from zero.
            let (quotient, rest) = (a / b, a % b);
            let up = rest.unsigned_abs().checked_mul(2)? >= b.unsigned_abs();
            let sign = if (a < 0) == (b < 0) { 1 } else { -1 };
            Some(Exact { coefficient: quotient + if up { sign } else { 0 }, exponent: -DIVISION_PLACES })
        };
        Some(exact().unwrap_or_else(|| Float(self.to_f64() / other.to_f64())))
    }
}

fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

/// Both coefficients under one exponent.
fn aligned(a: Decimal, b: Decimal) -> Option<(i128, i128, i32)> {
    let (Exact { coefficient: a, exponent: x }, Exact { coefficient: b, exponent: y }) = (a, b) else { return None };
    let exponent = x.min(y);
    Some((a.checked_mul(power(x - exponent)?)?, b.checked_mul(power(y - exponent)?)?, exponent))
}
