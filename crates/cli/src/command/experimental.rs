//! `lateen x`: commands whose words may still change.

use crate::command::check_inject;
use clap::Subcommand;
use std::process::ExitCode;

/// Commands whose words may still change.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Examples:\n  \
    lateen x check-inject deployment/details-v1 -n test    whether the pods of a Deployment get a proxy, and why")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    CheckInject(check_inject::Args),
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::CheckInject(args) => check_inject::execute(args),
    }
}
