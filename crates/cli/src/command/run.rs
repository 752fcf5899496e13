//! `lateen run`: a folder of YAML as running gateways.

use crate::print;
use lateen_proxy::identity::IdentityArgs;
use lateen_standalone::{Board, Options, Standalone};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Serve the gateways of a folder of Istio YAML, and follow its changes.
///
/// Ports are those of Istio's own gateway Service unless the folder has a Service for the gateway: 80 is 8080, 443 is
/// 8443, other ports under 1024 move up by 8000. A Service without an endpoint is answered by an echo workload for each
/// of its Deployments.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    lateen run examples/httpbin\n  \
    lateen run --no-stubs gateway.yaml routes/")]
pub struct Args {
    /// Files or folders of YAML; `-` is standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Do not answer for Services that have no endpoint.
    #[arg(long)]
    no_stubs: bool,
    /// Worker threads of each gateway; one for each core when left out.
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Seconds that connections may go on after the end is asked for.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    drain_time: u64,
    #[command(flatten)]
    identity: IdentityArgs,
    /// How to print what runs: a table, or a line of JSON for each change.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, default_value = "warn")]
    log_level: String,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    super::start_log(&args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let stopped = super::until_stopped();
        tokio::pin!(stopped);
        let mut standalone = Standalone::start(Options {
            paths: args.paths,
            stubs: !args.no_stubs,
            concurrency: args.concurrency,
            drain_time: Duration::from_secs(args.drain_time),
            identity: args.identity.places(),
        })
        .await?;
        show(standalone.board(), args.output);
        loop {
            tokio::select! {
                changed = standalone.changed() => match changed {
                    Some(Ok(board)) => show(board, args.output),
                    Some(Err(error)) => print::error(&error.into()),
                    None => break,
                },
                () = &mut stopped => break,
            }
        }
        eprintln!("draining");
        standalone.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn show(board: &Board, output: Output) {
    // Requests go on being served when nobody reads this.
    let _ = match output {
        Output::Text => {
            print::findings(&board.findings);
            print::out(format_args!("{}\n", print::board(board)))
        }
        Output::Json => print::out(format_args!("{}\n", print::board_json(board))),
    };
}
