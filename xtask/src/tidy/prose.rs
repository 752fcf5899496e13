//! Markdown: one sentence per line, so that a change of a sentence is a change of a line.
//! In comes a text; out come the lines that hold more than one, outside code and tables.

pub fn check(name: &str, text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !line.trim_start().starts_with('|') && has_two_sentences(line) {
            found.push(format!("{name}:{}: more than one sentence in a line", number + 1));
        }
    }
    found
}

/// A full stop behind a small letter or a closing mark, a space, and a capital letter.
fn has_two_sentences(line: &str) -> bool {
    line.match_indices(". ").any(|(at, _)| {
        let ends = line[..at].ends_with(|c: char| c.is_lowercase() || "`)\"".contains(c));
        ends && line[at + 2..].starts_with(char::is_uppercase)
    })
}

#[cfg(test)]
mod tests;
