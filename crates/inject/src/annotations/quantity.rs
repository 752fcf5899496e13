//! Quantities of resources, as Kubernetes reads them: `100m`, `1.5Gi`, `2e3`.
//! In: the text. Out: nothing, or why it is none.
//! Never here: the amount.

/// Suffixes with a meaning: powers of 1000, powers of 1024.
const SUFFIXES: &[&str] = &["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Kubernetes' `resource.ParseQuantity`, after Istio's look for control characters.
///
/// Without digits a quantity is zero, so `Mi` is one.
pub(super) fn check(value: &str) -> Result<(), String> {
    let right = "use a quantity such as 100m, 0.5 or 128Mi";
    if value.chars().any(char::is_control) {
        return Err(format!("there are control characters in it; {right}"));
    }
    if value.is_empty() {
        return Err(format!("it is empty; {right}"));
    }
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    let rest = after_digits(unsigned);
    let suffix = rest.strip_prefix('.').map_or(rest, after_digits);
    if SUFFIXES.contains(&suffix) || is_exponent(suffix) {
        return Ok(());
    }
    Err(match suffix.chars().next() {
        Some(' ') => format!("there is a space in it; {right}"),
        Some(_) => format!("it does not end with a known unit, but with '{suffix}'; {right}"),
        None => format!("it is no quantity; {right}"),
    })
}

fn after_digits(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// `e3`, `E-3`.
fn is_exponent(suffix: &str) -> bool {
    let Some(exponent) = suffix.strip_prefix(['e', 'E']) else { return false };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    !digits.is_empty() && after_digits(digits).is_empty() && exponent.parse::<i64>().is_ok()
}
