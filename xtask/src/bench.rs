//! The benchmark: the release build beside Envoy, on the same files, in turns.
//! In comes a list of scenarios; what is measured and how is the kit's.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project::{Project, cargo};
use crate::python;
use crate::test::succeed;

const SCENARIOS: &str = "h1,h2,many,memory,startup";

pub fn run(project: &Project, args: &[String]) -> Result<bool> {
    let scenarios = match args {
        [] => SCENARIOS,
        [one] => one,
        _ => bail!("one list of scenarios, such as h1,h2"),
    };
    let kit = project.kit("bench").context("there is no ../shared/bench beside the repository")?;
    python::prepare(project)?;
    let envoy = python::envoy(project).context("no Envoy in .venv")?;
    succeed(
        project,
        Command::new(cargo()).args(["build", "--release", "--package", "lateen-cli", "--package", "lateen-proxy"]),
    )?;
    let mut bench = Command::new(python::interpreter(project));
    bench.arg(kit.join("bench.py")).arg("run");
    bench
        .arg("--proxy")
        .arg(format!("lateen={} --config-path {{config}} --concurrency 1", project.release("lateen-proxy").display()));
    bench.args(["--proxy", "envoy", "--envoy"]).arg(envoy).args(["--scenario", scenarios]);
    succeed(project, &mut bench)?;
    Ok(true)
}
