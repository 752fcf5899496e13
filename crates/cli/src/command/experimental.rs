//! `lateen x`: commands whose words may still change.

use crate::command::check_inject;
use clap::Subcommand;
use std::process::ExitCode;

/// Commands whose words may still change.
#[derive(clap::Args)]
#[command(arg_required_else_help = true)]
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
