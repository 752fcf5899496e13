//! `lateen completion`: a completion script for a shell.

use clap::CommandFactory;
use std::io::Write as _;
use std::process::ExitCode;

/// Print a completion script.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  source <(lateen completion bash)")]
pub struct Args {
    /// Whose script.
    shell: clap_complete::Shell,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Lateen::command(), "lateen", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
