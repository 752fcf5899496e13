//! `html`, `js` and `urlquery`.
//! In: values, printed as `print` does. Out: the text with what is special in HTML, JavaScript or a query escaped.
//! Never here: knowledge of where in a page the text stands.

use super::Result;
use crate::budget::Budget;
use crate::format;
use crate::quote::is_printable;
use crate::value::Value;

/// One string is itself; all else is printed together.
fn text(budget: &Budget, args: &[Value]) -> Result<String> {
    match args {
        [Value::String(text)] => Ok(text.to_string()),
        // A lone nil prints as an action prints it.
        [Value::Nil] => Ok("<no value>".into()),
        [value] => format::print_value(value, budget),
        many => {
            let shown: Vec<Value> = many
                .iter()
                .map(|v| if matches!(v, Value::Nil) { Value::from("<no value>") } else { v.clone() })
                .collect();
            format::print_bare(&shown, budget)
        }
    }
}

fn finish(budget: &Budget, out: String) -> Result {
    budget.text(out.len())?;
    Ok(out.into())
}

pub(super) fn html(budget: &Budget, args: &[Value]) -> Result {
    let mut out = String::new();
    for c in text(budget, args)?.chars() {
        match c {
            '\0' => out.push('\u{fffd}'),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    finish(budget, out)
}

pub(super) fn js(budget: &Budget, args: &[Value]) -> Result {
    let mut out = String::new();
    for c in text(budget, args)?.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    finish(budget, out)
}

pub(super) fn urlquery(budget: &Budget, args: &[Value]) -> Result {
    let mut out = String::new();
    for byte in text(budget, args)?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    finish(budget, out)
}
