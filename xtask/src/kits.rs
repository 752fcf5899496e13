//! The kits that stand beside the repository: upstream's cases and hostile clients.
//! In comes the release build; a kit that is not there is skipped, aloud.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::project::Project;
use crate::python;
use crate::step::Outcome;
use crate::test::succeed;

const CASES: &str = include_str!("../conformance.txt");

/// Every case of `conformance.txt` passes.
pub fn conformance(project: &Project) -> Result<Outcome> {
    let Some(kit) = project.kit("conformance") else { return Ok(missing("conformance")) };
    let cases: Vec<(&str, &str)> = CASES
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        // A suite alone stands for all of its cases.
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect();
    let mut suites: Vec<_> = cases.iter().map(|(suite, _)| *suite).collect();
    suites.sort_unstable();
    suites.dedup();

    let results = project.release("conformance.json");
    let _ = fs::remove_file(&results);
    let mut command = python(project)?;
    command.arg(kit.join("run.py")).arg("--bin").arg(program(project, "lateen")?).arg("--json").arg(&results);
    // Its exit code counts the cases that are not listed too, so its results are read instead.
    command.args(&suites).current_dir(&project.root).output().context("run the conformance kit")?;
    let results: Vec<Value> = serde_json::from_slice(&fs::read(&results).context("the kit wrote no results")?)?;

    let passed = results.iter().filter(|result| result["passed"] == true).count();
    println!("{passed} of {} cases pass in {}", results.len(), suites.join(", "));
    let mut broken = 0;
    for (suite, start) in cases {
        let case = |result: &Value| result["case"].as_str().unwrap_or_default().to_owned();
        let named: Vec<_> = results
            .iter()
            .filter(|result| result["suite"] == suite && case(result).starts_with(start.trim()))
            .collect();
        ensure!(!named.is_empty(), "conformance.txt: no case of {suite} starts with {start:?}");
        for result in named.iter().filter(|result| result["passed"] != true) {
            broken += 1;
            println!("FAIL {suite}/{}\n{}", case(result), result["detail"].as_str().unwrap_or_default());
        }
        println!("{suite} {start}: {} cases", named.len());
    }
    ensure!(broken == 0, "{broken} cases that must pass do not");
    Ok(Outcome::Passed)
}

pub fn adversarial_h1(project: &Project) -> Result<Outcome> {
    let profiles = ["default", "edge", "istio", "websocket"].map(|profile| ["--profile", profile]);
    attack(project, "h1", profiles.as_flattened())
}

pub fn adversarial_h2(project: &Project) -> Result<Outcome> {
    attack(project, "h2", &[])
}

fn attack(project: &Project, what: &str, args: &[&str]) -> Result<Outcome> {
    let Some(kit) = project.kit("adversarial") else { return Ok(missing("adversarial")) };
    let proxy = format!("{} proxy --config-path {{config}} --concurrency 1", program(project, "lateen")?.display());
    succeed(project, python(project)?.arg(kit.join("attack.py")).arg(what).args(args).arg("--proxy").arg(proxy))
}

fn missing(kit: &str) -> Outcome {
    Outcome::Skipped(format!("there is no ../shared/{kit} beside the repository"))
}

/// A program of the release build.
pub fn program(project: &Project, name: &str) -> Result<PathBuf> {
    let path = project.release(name);
    ensure!(path.is_file(), "{} is not there; step `build` makes it", path.display());
    Ok(path)
}

/// Python of the venv, which leaves nothing beside the kits.
fn python(project: &Project) -> Result<Command> {
    let interpreter = python::interpreter(project);
    ensure!(interpreter.is_file(), "{} is not there; step `venv` makes it", interpreter.display());
    let mut command = Command::new(interpreter);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}
