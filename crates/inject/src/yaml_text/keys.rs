//! The order of the keys of a mapping, as Go's YAML writer has it.
//! In: two keys. Out: which comes first.
//! Never here: locales.

use std::cmp::Ordering;

/// Letters by code point, others before letters, digits as numbers.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    match (a[i].is_alphabetic(), b[i].is_alphabetic()) {
        (true, true) => return a[i].cmp(&b[i]),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros that do not lead a number count: 10 and 1 differ from 010 and 1.
    let in_number =
        (a[i] == '0' || b[i] == '0') && a[..i].iter().rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
    let (number_a, end_a) = number(&a[i..], in_number);
    let (number_b, end_b) = number(&b[i..], in_number);
    number_a.cmp(&number_b).then(end_a.cmp(&end_b)).then(a[i].cmp(&b[i]))
}

fn number(chars: &[char], in_number: bool) -> (i64, usize) {
    let digits = chars.iter().take_while(|c| c.is_ascii_digit());
    digits.fold((i64::from(in_number), 0), |(number, len), digit| {
        let digit = digit.to_digit(10).unwrap_or_default();
        (number.wrapping_mul(10).wrapping_add(i64::from(digit)), len + 1)
    })
}
