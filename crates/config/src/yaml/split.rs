//! Cuts a file into documents at its `---` lines, before any of them is scanned, so that a syntax
//! error in one leaves the others readable. Line numbers stay those of the whole file.

/// A stretch of a file that holds one document, or several when `...` ends one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk<'a> {
    /// The text, with `\n` as line ends.
    pub(crate) text: &'a str,
    /// Lines of the file before it.
    pub(crate) lines_before: u32,
}

/// The text with Unix line ends and without a byte order mark.
pub(crate) fn normalize(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// The documents of a normalised text.
///
/// A `---` inside a block scalar is indented and one inside quotes may not start a line (YAML 1.2,
/// section 9.1.2), so that looking at the first column is enough.
pub(crate) fn split(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut start_line = 0u32;
    let mut at = 0;
    // Comments and directives belong to the document that follows.
    let mut only_preamble = true;
    for (line, words) in (0u32..).zip(text.split_inclusive('\n')) {
        if is_separator(words) {
            if !only_preamble {
                chunks.push(Chunk { text: &text[start..at], lines_before: start_line });
                (start, start_line) = (at, line);
            }
            only_preamble = false;
        } else if !matches!(words.trim_start().as_bytes().first(), None | Some(b'#' | b'%')) {
            only_preamble = false;
        }
        at += words.len();
    }
    chunks.push(Chunk { text: &text[start..], lines_before: start_line });
    chunks
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
}

#[cfg(test)]
mod tests;
