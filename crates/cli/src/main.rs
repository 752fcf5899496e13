//! The program `lateen`: reads the command line, calls one room, prints.
//! No logic lives here: what a command does is in `standalone`, `control`, `proxy`, `explain`, `inject`, `sources`, `echo`.

mod command;
mod print;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match command::Lateen::parse().command.execute() {
        Ok(code) => code,
        Err(error) if print::nobody_reads(&error) => ExitCode::FAILURE,
        Err(error) => {
            print::error(&error);
            ExitCode::FAILURE
        }
    }
}
