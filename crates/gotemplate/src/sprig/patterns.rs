//! Patterns as Go writes them, for the regex crate.
//! In: RE2 syntax as Go reads it. Out: the same pattern in the crate's syntax.
//! Never here: a change of what a pattern matches.
//!
//! The differences: `\d`, `\w`, `\s` and `\b` mean ASCII in Go; a brace that opens no repetition is a character;
//! `[`, `&` and `~` inside a class are characters; `\Q` quotes up to `\E`.

pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut in_class = false;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\\' => escape(after, in_class, &mut out),
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
            '{' if !in_class && !is_repetition(after) => {
                out.push_str("\\{");
                after
            }
            c => {
                out.push(c);
                after
            }
        };
    }
    out
}

/// What follows a backslash; answers what comes after it.
fn escape<'t>(rest: &'t str, in_class: bool, out: &mut String) -> &'t str {
    let Some(c) = rest.chars().next() else {
        out.push('\\');
        return rest;
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
            return after.get(end + 2..).unwrap_or_default();
        }
        'b' | 'B' if !in_class => {
            out.push_str(if c == 'b' { "(?-u:\\b)" } else { "(?-u:\\B)" });
            return after;
        }
        c => {
            out.extend(['\\', c]);
            return after;
        }
    };
    if in_class && !class.starts_with('^') {
        out.push_str(class);
    } else {
        out.extend(["[", class, "]"]);
    }
    after
}

/// Whether a brace begins `{n}`, `{n,}` or `{n,m}`.
fn is_repetition(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}
