//! Steps: run one after the other, timed, and counted in one last line.
//! A step that fails does not stop the others; one whose tool is missing has failed.

use std::time::Instant;

use anyhow::Result;

use crate::project::Project;

/// How a step ended well.
pub enum Outcome {
    Passed,
    /// What it needs stands outside the repository and is not there.
    Skipped(String),
}

/// One step of the test command.
pub struct Step {
    pub name: &'static str,
    /// What it checks, in a few words.
    pub what: &'static str,
    pub run: fn(&Project) -> Result<Outcome>,
}

/// Runs the steps and prints `N passed, M failed` as the last line. Whether none failed.
pub fn run(project: &Project, steps: &[&Step]) -> bool {
    let mut lines = Vec::new();
    let (mut passed, mut failed) = (0, 0);
    for step in steps {
        println!("\n==> {}: {}", step.name, step.what);
        let start = Instant::now();
        let outcome = (step.run)(project);
        let seconds = start.elapsed().as_secs_f64();
        lines.push(match outcome {
            Ok(Outcome::Passed) => {
                passed += 1;
                format!("passed   {seconds:7.1} s  {}", step.name)
            }
            Ok(Outcome::Skipped(why)) => {
                println!("SKIPPED: {why}");
                format!("SKIPPED  {seconds:7.1} s  {}: {why}", step.name)
            }
            Err(error) => {
                failed += 1;
                println!("FAILED: {error:#}");
                format!("FAILED   {seconds:7.1} s  {}", step.name)
            }
        });
    }
    println!("\n{}", lines.join("\n"));
    println!("{passed} passed, {failed} failed");
    failed == 0
}
