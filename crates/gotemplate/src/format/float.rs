//! Floats as Go writes them: `%e`, `%f`, `%g`, `%b`, `%x`, the shortest form, and JSON's.
//! In: a number. Out: its text.
//! Never here: width, flags or padding.

/// More digits than any double has; what is asked beyond is zeros.
const MAX_EXACT_DIGITS: usize = 1100;

/// The shortest text that reads back as the same number; Go's `%v` or, for `float32`, the shortest of that width.
pub(crate) fn shortest(value: f64, double: bool) -> String {
    format(value, double, 'g', None, false)
}

/// As `encoding/json` writes it.
pub(crate) fn json(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format(value, true, 'e', None, false);
        // Go cleans e-09 to e-9.
        return match text.split_once("e-0") {
            Some((mantissa, exponent)) => format!("{mantissa}e-{exponent}"),
            None => text,
        };
    }
    format(value, true, 'f', None, false)
}

/// A number by verb (`e E f F g G b x X`) and precision; `sharp` keeps the point and the zeros of `%g`.
pub(crate) fn format(value: f64, double: bool, verb: char, precision: Option<usize>, sharp: bool) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = value.abs();
    let body = match verb {
        'e' | 'E' => {
            let (digits, exponent) = decimal(magnitude, double, precision.map(|p| p + 1));
            scientific(&digits, exponent, verb, precision)
        }
        'f' | 'F' => match precision {
            Some(precision) => {
                let exact = precision.min(MAX_EXACT_DIGITS);
                format!("{magnitude:.exact$}{}", "0".repeat(precision - exact))
            }
            None => {
                let (digits, exponent) = decimal(magnitude, double, None);
                fixed(&digits, exponent)
            }
        },
        'g' | 'G' => general(magnitude, double, verb, precision),
        'b' => binary(magnitude, double),
        _ => hexadecimal(magnitude, verb, precision),
    };
    let body = if sharp && verb != 'b' { sharpen(body, verb, precision) } else { body };
    format!("{sign}{body}")
}

/// Decimal digits, and the exponent of the first: shortest, or rounded to a number of digits.
fn decimal(magnitude: f64, double: bool, count: Option<usize>) -> (String, i32) {
    let text = match count {
        Some(count) => {
            let digits = count.clamp(1, MAX_EXACT_DIGITS) - 1;
            format!("{magnitude:.digits$e}")
        }
        None if double => format!("{magnitude:e}"),
        None => format!("{:e}", magnitude as f32),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn scientific(digits: &str, exponent: i32, verb: char, precision: Option<usize>) -> String {
    let e = if verb.is_uppercase() { 'E' } else { 'e' };
    let (first, rest) = digits.split_at(1);
    let mut fraction = rest.to_owned();
    if let Some(precision) = precision {
        fraction.push_str(&"0".repeat(precision.saturating_sub(fraction.len())));
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{fraction}{e}{sign}{:02}", exponent.abs())
}

fn fixed(digits: &str, exponent: i32) -> String {
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    if point <= 0 {
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return "0".into();
        }
        return format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    if point >= count {
        return format!("{digits}{}", "0".repeat((point - count).unsigned_abs() as usize));
    }
    let (whole, fraction) = digits.split_at(point.unsigned_abs() as usize);
    format!("{whole}.{fraction}")
}

fn general(magnitude: f64, double: bool, verb: char, precision: Option<usize>) -> String {
    let e = if verb == 'G' { 'E' } else { 'e' };
    let wanted = precision.map(|p| p.max(1));
    let (mut digits, exponent) = decimal(magnitude, double, wanted);
    digits.truncate(digits.trim_end_matches('0').len().max(1));
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The shortest form changes to an exponent at 6 digits, or later if it has more before the point.
    let mut threshold = wanted.map_or(6, |p| i32::try_from(p).unwrap_or(i32::MAX));
    if wanted.is_some() && threshold > count && count > exponent {
        threshold = count;
    }
    if exponent < -4 || exponent >= threshold {
        scientific(&digits, exponent, e, None)
    } else {
        fixed(&digits, exponent)
    }
}

/// Puts back the point and the zeros that `%#` asks for.
fn sharpen(text: String, verb: char, precision: Option<usize>) -> String {
    let tail_at = text.find(if matches!(verb, 'x' | 'X') { ['p', 'P'] } else { ['e', 'E'] }).unwrap_or(text.len());
    let (number, tail) = text.split_at(tail_at);
    let mut missing = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let significant = number.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number == "0" {
            missing = missing.saturating_sub(1);
        }
        out.push('.');
    }
    out.push_str(&"0".repeat(missing.saturating_sub(significant)));
    out.push_str(tail);
    out
}

/// Mantissa and exponent of two, `4503599627370496p-52`.
fn binary(magnitude: f64, double: bool) -> String {
    if double {
        let bits = magnitude.to_bits();
        let (raw, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = if raw == 0 { (fraction, -1074) } else { (fraction | 1 << 52, raw - 1075) };
        return format!("{mantissa}p{exponent:+}");
    }
    let bits = (magnitude as f32).to_bits();
    let (raw, fraction) = (i64::from(bits >> 23), bits & ((1 << 23) - 1));
    let (mantissa, exponent) = if raw == 0 { (fraction, -149) } else { (fraction | 1 << 23, raw - 150) };
    format!("{mantissa}p{exponent:+}")
}

/// Hexadecimal mantissa, normalised: `0x1.8p+01`.
fn hexadecimal(magnitude: f64, verb: char, precision: Option<usize>) -> String {
    let text = if magnitude == 0.0 {
        format!("0x0{}{}p+00", if precision > Some(0) { "." } else { "" }, "0".repeat(precision.unwrap_or(0)))
    } else {
        let bits = magnitude.to_bits();
        let (mut exponent, mut mantissa) = ((bits >> 52) as i64 - 1023, bits & ((1 << 52) - 1) | 1 << 52);
        if bits >> 52 == 0 {
            mantissa = bits;
            exponent = -1022;
            while mantissa < 1 << 52 {
                mantissa <<= 1;
                exponent -= 1;
            }
        }
        if let Some(precision) = precision.filter(|p| *p < 13) {
            // To nearest, halves to even.
            let shift = 52 - 4 * precision;
            let rest = mantissa & ((1 << shift) - 1);
            let half = 1 << (shift - 1);
            mantissa >>= shift;
            if rest > half || (rest == half && mantissa & 1 == 1) {
                mantissa += 1;
            }
            mantissa <<= shift;
            if mantissa >= 1 << 53 {
                mantissa >>= 1;
                exponent += 1;
            }
        }
        let mut fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
        match precision {
            Some(precision) if precision <= 13 => fraction.truncate(precision),
            Some(precision) => fraction.push_str(&"0".repeat(precision - 13)),
            None => fraction.truncate(fraction.trim_end_matches('0').len()),
        }
        let point = if fraction.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("0x1{point}{fraction}p{sign}{:02}", exponent.abs())
    };
    if verb == 'X' { text.to_uppercase() } else { text }
}
