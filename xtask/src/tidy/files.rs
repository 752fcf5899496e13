//! Rules for single files: heads, sizes, names, paths of a machine.
//! In come a name and a text; out come lines that name what is wrong.

/// A file that is longer asks for its seam.
const MAX_LINES: usize = 600;

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc", "types"];

/// Folders of the machines that this is written on, in pieces, so that this file does not name them.
const MACHINE_PATHS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];

pub fn check(name: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(stem) = name.strip_suffix(".rs") {
        rust(name, stem, text, &mut wrong);
    }
    for (number, line) in text.lines().enumerate() {
        if MACHINE_PATHS.iter().any(|path| names_path(line, path)) {
            wrong.push(format!("{name}:{}: a path of one machine", number + 1));
        }
    }
    wrong
}

fn rust(name: &str, stem: &str, text: &str, wrong: &mut Vec<String>) {
    let parts: Vec<_> = stem.split('/').collect();
    let last = parts.last().copied().unwrap_or_default();
    // Test modules say what they test by the file that they belong to.
    if last != "tests" && !text.starts_with("//!") {
        wrong.push(format!("{name}:1: no `//!` that says what the file is for"));
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        wrong.push(format!("{name}: {lines} lines; over {MAX_LINES} a file asks for its seam"));
    }
    if last == "mod" {
        wrong.push(format!("{name}: foo.rs beside foo/, not foo/mod.rs"));
    }
    if let Some(empty) = parts.iter().find(|part| EMPTY_NAMES.contains(part)) {
        wrong.push(format!("{name}: `{empty}` says nothing about what is in it"));
    }
}

/// Whether the line has the path, and not as the end of another one.
fn names_path(line: &str, path: &str) -> bool {
    let is_start = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*".contains(c));
    line.match_indices(path).any(|(at, _)| is_start(at))
}

#[cfg(test)]
mod tests;
