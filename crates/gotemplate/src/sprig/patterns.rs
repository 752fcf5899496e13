//! Patterns as Go writes them, for the regex crate.
//! In: RE2 syntax as Go reads it. Out: the same pattern in the crate's syntax.
//! Never here: a change of what a pattern matches.
//!
//! The differences: `\d`, `\w`, `\s` and `\b` mean ASCII in Go; a brace that opens no repetition is a character;
//! `[`, `&` and `~` inside a class are characters; `\Q` quotes up to `\E`.

/// Fails on what only the crate takes: some escapes, and a repetition of a repetition.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    // Where the repetition begins that ends here.
    let mut repeated: Option<&str> = None;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if !in_class && (matches!(c, '*' | '+' | '?') || c == '{' && is_repetition(after)) {
            let end = if c == '{' { after.find('}').map_or(after, |at| &after[at + 1..]) } else { after };
            let end = end.strip_prefix('?').unwrap_or(end);
            if let Some(first) = repeated {
                let both = &first[..first.len() - end.len()];
                return Err(format!("invalid nested repetition operator: `{both}`"));
            }
            out.push_str(&rest[..rest.len() - end.len()]);
            repeated = Some(rest);
            rest = end;
            continue;
        }
        repeated = None;
        rest = match c {
            '\\' => escape(after, in_class, &mut out)?,
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                let negated = after.strip_prefix('^');
                out.push_str(if negated.is_some() { "^" } else { "" });
                let after = negated.unwrap_or(after);
                // A bracket that comes first is a character.
                match after.strip_prefix(']') {
                    Some(after) => {
                        out.push_str("\\]");
                        after
                    }
                    None => after,
                }
            }
            '[' if after.starts_with(':') && after.contains(":]") => {
                let end = after.find(":]").map_or(after.len(), |at| at + 2);
                out.push('[');
                out.push_str(&after[..end]);
                &after[end..]
            }
            ']' => {
                in_class = false;
                out.push(']');
                after
            }
            '[' | '&' | '~' if in_class => {
                out.extend(['\\', c]);
                after
            }
            '{' if !in_class => {
                out.push_str("\\{");
                after
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    Ok(out)
}

/// What follows a backslash; answers what comes after it.
fn escape<'t>(rest: &'t str, in_class: bool, out: &mut String) -> Result<&'t str, String> {
    let Some(c) = rest.chars().next() else {
        out.push('\\');
        return Ok(rest);
    };
    let after = &rest[c.len_utf8()..];
    let class = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r ",
        'D' => "^0-9",
        'W' => "^0-9A-Za-z_",
        'S' => "^\\t\\n\\f\\r ",
        'Q' => {
            let end = after.find("\\E").unwrap_or(after.len());
            out.push_str(&regex::escape(&after[..end]));
            return Ok(after.get(end + 2..).unwrap_or_default());
        }
        'b' | 'B' if !in_class => {
            out.push_str(if c == 'b' { "(?-u:\\b)" } else { "(?-u:\\B)" });
            return Ok(after);
        }
        c if c.is_alphanumeric() && !"01234567AzafnrtvxpP".contains(c) => {
            return Err(format!("invalid escape sequence: `\\{c}`"));
        }
        c => {
            out.extend(['\\', c]);
            return Ok(after);
        }
    };
    if in_class && !class.starts_with('^') {
        out.push_str(class);
    } else {
        out.extend(["[", class, "]"]);
    }
    Ok(after)
}

/// Whether a brace begins `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}
