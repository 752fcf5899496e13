//! The daily commands of the project, as one program: `cargo xtask COMMAND`.
//! In comes a command line; out come what the tools say, one summary line and the exit code.
//! Nothing of the product is in here.

mod bench;
mod differential;
mod kits;
mod kube_validate;
mod project;
mod python;
mod step;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::project::Project;

const HELP: &str = "\
cargo xtask COMMAND

  test [--step NAME]... [--list]   the one test command: everything, or only the named steps
  tidy                             the rules of the house: ranks, fences, files, names
  bench [SCENARIO,...]             lateen beside Envoy with ../shared/bench (default h1,h2,many,memory,startup)
  help                             this text
";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything was as it should be.
fn run() -> Result<bool> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    match command {
        "test" => test::run(&Project::find()?, rest),
        "tidy" => tidy::run(&Project::find()?),
        "bench" => bench::run(&Project::find()?, rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(true)
        }
        other => bail!("no command {other:?}\n\n{HELP}"),
    }
}
