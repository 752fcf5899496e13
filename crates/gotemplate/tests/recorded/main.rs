//! Runs recorded cases: a template and data in, the text or the error that Go gives for them out.
//! In: `tests/cases/*.jsonl`, one case a line, recorded with Go 1.25 and Sprig 3.3; `tests/differential/*.jsonl`,
//! generated ones over the data beside them, and one more such file if `GOTEMPLATE_CASES` names it.
//! Out: every case that differs, with its file and line.
//! Never here: what the right answer is.

#![allow(clippy::unwrap_used)]

mod data;

use std::fs;
use std::path::{Path, PathBuf};

use lateen_gotemplate::{Engine, MissingKey, Options, Template, Value};
use serde_json::Value as Json;

/// What Go answered: the text, or the error.
fn wanted(case: &Json) -> Result<&str, &str> {
    match (case["want"].as_str(), case["error"].as_str()) {
        (Some(text), None) => Ok(text),
        (None, Some(error)) => Err(error),
        _ => panic!("a case has either `want` or `error`: {case}"),
    }
}

fn run(case: &Json, usual_data: Option<&Json>) -> Result<String, String> {
    let mut engine =
        Engine::new().with_options(Options { now_unix_seconds: Some(1_700_000_000), ..Options::default() });
    if !case["plain"].as_bool().unwrap_or(false) {
        engine = engine.with_sprig();
    }
    engine = engine.with_missing_key(match case["missing"].as_str() {
        Some("zero") => MissingKey::Zero,
        Some("error") => MissingKey::Error,
        _ => MissingKey::Invalid,
    });
    let text = case["template"].as_str().expect("a template");
    let template = Template::parse("t", text, &engine).map_err(|err| err.to_string())?;
    let data = case.get("data").or(usual_data).map_or(Value::Nil, data::decode);
    template.execute(&data).map_err(|err| err.to_string())
}

/// Where a case says so, only the start of Go's error is held against ours.
fn agrees(case: &Json, got: &Result<String, String>) -> bool {
    match (wanted(case), got) {
        (Ok(want), Ok(got)) => want == got,
        (Err(want), Err(got)) if case["fragment"].as_bool().unwrap_or(false) => got.contains(want),
        (Err(want), Err(got)) => want == got,
        _ => false,
    }
}

fn cases_in(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ext| ext == "jsonl"));
    files.sort();
    files
}

#[test]
fn templates_answer_as_go_does() {
    compare(&cases_in("cases"), None, 650);
}

#[test]
fn generated_templates_answer_as_go_does() {
    let data = include_str!("../differential/data.json").parse().unwrap();
    compare(&cases_in("differential"), Some(&data), 3000);
}

/// Only with a file of fresh cases, as `cargo xtask test --step differential` makes them.
#[test]
fn fresh_templates_answer_as_go_does() {
    let data = include_str!("../differential/data.json").parse().unwrap();
    let files: Vec<PathBuf> = std::env::var_os("GOTEMPLATE_CASES").into_iter().map(Into::into).collect();
    compare(&files, Some(&data), 0);
}

fn compare(files: &[PathBuf], usual_data: Option<&Json>, at_least: usize) {
    let (mut count, mut wrong) = (0, Vec::new());
    for file in files {
        for (number, line) in fs::read_to_string(file).unwrap().lines().enumerate() {
            let case: Json =
                serde_json::from_str(line).unwrap_or_else(|err| panic!("{}:{number}: {err}", file.display()));
            let got = run(&case, usual_data);
            count += 1;
            if !agrees(&case, &got) {
                let name = file.file_name().unwrap_or_default().display();
                wrong.push(format!(
                    "{name}:{}: {}\n  want {:?}\n  got  {got:?}",
                    number + 1,
                    case["template"],
                    wanted(&case)
                ));
            }
        }
    }
    assert!(count >= at_least, "only {count} cases found");
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}
