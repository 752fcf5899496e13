//! Paths with slashes; the `os` variants are the same, as on Linux.
//! In: text. Out: text.
//! Never here: the file system.

use super::Row;
use super::args::{made, text};
use crate::function::Type::String as Str;

pub(super) const FUNCTIONS: &[Row] = &[
    ("base", &[Str], None, |b, a| made(base(text(a, 0)).into(), b)),
    ("dir", &[Str], None, |b, a| made(dir(text(a, 0)), b)),
    ("clean", &[Str], None, |b, a| made(clean(text(a, 0)), b)),
    ("ext", &[Str], None, |b, a| made(ext(text(a, 0)).into(), b)),
    ("isAbs", &[Str], None, |_, a| Ok(text(a, 0).starts_with('/').into())),
    ("osBase", &[Str], None, |b, a| made(base(text(a, 0)).into(), b)),
    ("osDir", &[Str], None, |b, a| made(dir(text(a, 0)), b)),
    ("osClean", &[Str], None, |b, a| made(clean(text(a, 0)), b)),
    ("osExt", &[Str], None, |b, a| made(ext(text(a, 0)).into(), b)),
    ("osIsAbs", &[Str], None, |_, a| Ok(text(a, 0).starts_with('/').into())),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/').rsplit('/').next() {
        Some("") | None => "/",
        Some(last) => last,
    }
}

fn dir(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |at| at + 1)])
}

fn ext(path: &str) -> &str {
    let last = &path[path.rfind('/').map_or(0, |at| at + 1)..];
    last.rfind('.').map_or("", |at| &last[at..])
}

fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".into(),
        (false, joined) => joined,
    }
}
