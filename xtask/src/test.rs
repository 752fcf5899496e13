//! The one test command: what is run, and in which order.
//! In come the names of steps, or none for all; each step is a tool run on the repository.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::project::{Project, cargo};
use crate::step::{self, Outcome, Step};
use crate::{kits, kube_validate, python, tidy};

/// Cheap steps first, so that a slip shows early.
const STEPS: &[Step] = &[
    Step { name: "fmt", what: "rustfmt has nothing to change", run: |p| cargo_step(p, &["fmt", "--all", "--check"]) },
    Step { name: "tidy", what: "the rules of the house", run: tidy_step },
    Step { name: "venv", what: "a Python with Envoy and PyYAML in .venv", run: venv },
    Step { name: "clippy", what: "no warnings", run: clippy },
    Step { name: "tests", what: "unit and integration tests of every crate", run: tests },
    Step { name: "differential", what: "random templates as in Go", run: crate::differential::run },
    Step {
        name: "doc",
        what: "examples in doc comments",
        run: |p| cargo_step(p, &["test", "--workspace", "--doc", "--quiet"]),
    },
    Step { name: "build", what: "release build of lateen and lateen-proxy", run: build },
    Step { name: "conformance", what: "upstream's cases that must pass", run: kits::conformance },
    Step { name: "kube-validate", what: "Kubernetes accepts injected pods", run: kube_validate::run },
    Step { name: "adversarial-h1", what: "hostile HTTP/1.1", run: kits::adversarial_h1 },
    Step { name: "adversarial-h2", what: "hostile HTTP/2", run: kits::adversarial_h2 },
];

pub fn run(project: &Project, args: &[String]) -> Result<bool> {
    let mut wanted = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => {
                for step in STEPS {
                    println!("{:15} {}", step.name, step.what);
                }
                return Ok(true);
            }
            "--step" => wanted.push(args.next().context("--step needs a name; `--list` shows them")?.as_str()),
            other => match other.strip_prefix("--step=") {
                Some(name) => wanted.push(name),
                None => bail!("no option {other:?}; there are --step NAME and --list"),
            },
        }
    }
    if let Some(name) = wanted.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        bail!("no step {name:?}; there are {}", STEPS.iter().map(|step| step.name).collect::<Vec<_>>().join(", "));
    }
    let steps: Vec<_> = STEPS.iter().filter(|step| wanted.is_empty() || wanted.contains(&step.name)).collect();
    Ok(step::run(project, &steps))
}

/// Runs a command in the repository, with the Envoy of the venv for tests that ask for one.
pub fn succeed(project: &Project, command: &mut Command) -> Result<Outcome> {
    command.current_dir(&project.root);
    if std::env::var_os("LATEEN_ENVOY").is_none()
        && let Some(envoy) = python::envoy(project)
    {
        command.env("LATEEN_ENVOY", envoy);
    }
    let status = command.status().with_context(|| format!("run {}", command.get_program().display()))?;
    ensure!(status.success(), "{}: {status}", command.get_program().display());
    Ok(Outcome::Passed)
}

fn cargo_step(project: &Project, args: &[&str]) -> Result<Outcome> {
    succeed(project, Command::new(cargo()).args(args))
}

fn tidy_step(project: &Project) -> Result<Outcome> {
    ensure!(tidy::run(project)?, "see above");
    Ok(Outcome::Passed)
}

fn venv(project: &Project) -> Result<Outcome> {
    python::prepare(project)?;
    Ok(Outcome::Passed)
}

fn clippy(project: &Project) -> Result<Outcome> {
    cargo_step(project, &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

fn tests(project: &Project) -> Result<Outcome> {
    let has_nextest =
        Command::new(cargo()).args(["nextest", "--version"]).output().is_ok_and(|out| out.status.success());
    match has_nextest {
        true => cargo_step(project, &["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"]),
        false => {
            cargo_step(project, &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast", "--quiet"])
        }
    }
}

fn build(project: &Project) -> Result<Outcome> {
    cargo_step(project, &["build", "--release", "--package", "lateen-cli", "--package", "lateen-proxy"])
}
