//! `lateen control`: the control plane alone, on a folder.

use crate::print;
use lateen_control::{Change, Control, Options};
use lateen_core::ports;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run the control plane alone: any Envoy v3 client may connect.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  lateen control --config ./folder --grpc-address 127.0.0.1:15010")]
pub struct Args {
    /// Files or folders of YAML, watched.
    #[arg(long, short = 'f', value_name = "PATH", required = true)]
    config: Vec<PathBuf>,
    /// Where xDS is served in plain text.
    #[arg(long, default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), ports::XDS_PLAINTEXT))]
    grpc_address: SocketAddr,
    /// Where /ready, /metrics and /debug are served.
    #[arg(long, default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), ports::CONTROL_MONITORING))]
    monitoring_address: SocketAddr,
    /// Write the line of YAML that asked for it into each resource.
    #[arg(long)]
    provenance: bool,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, default_value = "info")]
    log_level: String,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    super::start_log(&args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut source = lateen_sources::Source::open(&args.config)?;
        let control = Control::start(Options {
            grpc: args.grpc_address,
            monitoring: Some(args.monitoring_address),
            model: lateen_model::Options::default(),
            translate: lateen_translate::Options {
                provenance: args.provenance,
                missing_credentials: lateen_translate::MissingCredentials::Close,
                ..Default::default()
            },
        })
        .await?;
        println!("xDS on {}, monitoring on http://{}", control.grpc_address(), args.monitoring_address);
        let mut generation = source.current();
        let stopped = super::until_stopped();
        tokio::pin!(stopped);
        loop {
            let mut findings = generation.findings.clone();
            let change = Change { objects: generation.objects.clone(), ..Change::default() };
            control.change_and_wait(change).await;
            findings.extend(control.world().findings.iter().cloned());
            print::findings(&findings);
            tokio::select! {
                next = source.changed() => match next {
                    Some(next) => generation = next,
                    None => return Ok(ExitCode::SUCCESS),
                },
                () = &mut stopped => return Ok(ExitCode::SUCCESS),
            }
        }
    })
}
