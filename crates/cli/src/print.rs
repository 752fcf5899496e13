//! What people see: findings with the lines that they are about, and errors with their causes.
//! In: findings, errors. Out: text; colours only on a terminal.

mod board;

pub use board::{board, board_json, table};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use lateen_config::{Finding, Severity};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};

/// Prints an error and what caused it to stderr.
pub fn error(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
}

/// Prints to stdout; an error when nobody reads it, as behind `| head`.
pub fn out(text: impl std::fmt::Display) -> std::io::Result<()> {
    write!(std::io::stdout().lock(), "{text}")
}

/// Whether an error is that nobody reads stdout any more: whoever ended the pipe wants to hear nothing of it.
pub fn nobody_reads(error: &anyhow::Error) -> bool {
    let is_pipe = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<std::io::Error>().is_some_and(is_pipe)
}

/// Prints findings to stderr, each with its line where the file can still be read.
pub fn findings(findings: &[Finding]) {
    if !findings.is_empty() {
        eprintln!("{}", render(findings, std::io::stderr().is_terminal()));
    }
}

/// The findings as text.
pub fn render(findings: &[Finding], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut files: BTreeMap<&str, Option<String>> = BTreeMap::new();
    let mut out = Vec::new();
    for finding in findings {
        let file = &*finding.place.file;
        let text = files.entry(file).or_insert_with(|| std::fs::read_to_string(file).ok());
        out.push(one(finding, text.as_deref(), &renderer));
    }
    out.join("\n")
}

fn one(finding: &Finding, text: Option<&str>, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut title = finding.message.clone();
    if let Some(object) = &finding.object {
        title = format!("{object}: {title}");
    }
    if !finding.path.is_empty() {
        title = format!("{title} ({})", finding.path);
    }
    let title = level.primary_title(title);
    let title = match finding.code {
        Some(code) => title.id(code),
        None => title,
    };
    let mut group = match text.and_then(|text| underlined(text, finding)) {
        Some((line, start, span)) => Group::with_title(title).element(
            Snippet::source(line)
                .path(&*finding.place.file)
                .line_start(start)
                .annotation(AnnotationKind::Primary.span(span)),
        ),
        None => Group::with_title(title).element(Level::NOTE.message(format!("at {}", finding.place))),
    };
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.message(hint));
    }
    renderer.render(&[group]).to_string()
}

/// The line of a finding, its number, and the bytes of it to underline.
fn underlined<'t>(text: &'t str, finding: &Finding) -> Option<(&'t str, usize, std::ops::Range<usize>)> {
    let number = finding.place.line as usize;
    let line = text.lines().nth(number.checked_sub(1)?)?;
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let from = (finding.place.column as usize).saturating_sub(1);
    let span = byte(from)..byte(from + finding.length.max(1) as usize);
    Some((line, number, span))
}

/// A finding for a script.
pub fn finding_json(finding: &Finding) -> serde_json::Value {
    serde_json::json!({
        "severity": finding.severity.to_string(),
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
        "file": &*finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "path": finding.path,
        "object": finding.object.as_ref().map(ToString::to_string),
    })
}
