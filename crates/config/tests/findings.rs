//! Every `tests/data/*.yaml` gives the findings of the `.findings` file beside it, line by line:
//! `line:column severity path: message (hint)`, then the objects that serve.
//! With `BLESS=1` in the environment the `.findings` files are written anew.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use lateen_config::decode;

fn data() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn report(text: &str) -> String {
    let decoded = decode("file", text);
    let mut out = String::new();
    for finding in &decoded.findings {
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let object = finding.object.as_ref().map(|o| format!("{o}: ")).unwrap_or_default();
        out += &format!(
            "{}:{}+{} {} {object}{}: {}{hint}\n",
            finding.place.line, finding.place.column, finding.length, finding.severity, finding.path, finding.message,
        );
    }
    for object in &decoded.objects {
        let place = &object.place;
        out += &format!("{}:{} serves {} {}\n", place.line, place.column, object.kind, object.meta.name);
    }
    for other in &decoded.skipped {
        let place = &other.place;
        out += &format!("{}:{} passes over {} {}\n", place.line, place.column, other.kind, other.name);
    }
    out
}

#[test]
fn files_give_the_findings_beside_them() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for file in data().iter().filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
        let found = report(&fs::read_to_string(file).unwrap());
        let beside = file.with_extension("findings");
        if bless {
            fs::write(&beside, &found).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{}\nexpected:\n{expected}\nfound:\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_findings_file_is_an_orphan() {
    for file in data().iter().filter(|file| file.extension().is_some_and(|e| e == "findings")) {
        assert!(file.with_extension("yaml").exists(), "{} belongs to nothing", file.display());
    }
}

#[test]
fn line_ends_and_byte_order_marks_change_nothing() {
    for file in data().iter().filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
        let text = fs::read_to_string(file).unwrap();
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(report(&windows), report(&text), "{}", file.display());
    }
}
