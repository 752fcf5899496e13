//! The program `lateen-proxy`: the proxy alone, for an image that holds nothing else.

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A proxy that takes Envoy's configuration
#[derive(Parser)]
#[command(name = "lateen-proxy", version)]
struct Cli {
    #[command(flatten)]
    args: lateen_proxy::Args,
}

fn main() -> ExitCode {
    match lateen_proxy::run(Cli::parse().args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
