//! The commands of `lateen` and their arguments.

mod check_inject;
mod cluster;
mod completion;
mod control;
mod echo;
mod experimental;
mod explain;
mod folder;
mod kube_inject;
mod run;
mod validate;

use clap::{Parser, Subcommand};
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;

/// A service mesh and gateway that runs Istio's API unchanged.
#[derive(Parser)]
#[command(name = "lateen", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Examples:\n  \
    lateen run ./folder                                  serve the gateways of a folder of Istio YAML\n  \
    lateen explain -f ./folder GET http://example.com/   say which line of which file decides\n  \
    lateen control --config ./folder                     the control plane alone, for any Envoy\n  \
    lateen proxy --config-path envoy.json                the proxy alone")]
pub struct Lateen {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Run(run::Args),
    Control(control::Args),
    /// The proxy: takes Envoy v3 resources from a bootstrap file or from ADS.
    #[command(after_help = "Examples:\n  \
        lateen proxy --config-path envoy.json                               what `envoy -c` takes, in JSON\n  \
        lateen proxy --discovery-address http://127.0.0.1:15010             everything from a control plane\n  \
        lateen proxy --discovery-address http://127.0.0.1:15010 --workload-certificates ./certificates")]
    Proxy(Box<lateen_proxy::Args>),
    Explain(explain::Args),
    Validate(validate::Args),
    KubeInject(Box<kube_inject::Args>),
    #[command(name = "x", visible_alias = "experimental")]
    Experimental(experimental::Args),
    Echo(echo::Args),
    Completion(completion::Args),
}

impl Command {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(args) => run::execute(args),
            Self::Control(args) => control::execute(args),
            Self::Proxy(args) => lateen_proxy::run(*args),
            Self::Explain(args) => explain::execute(args),
            Self::Validate(args) => validate::execute(args),
            Self::KubeInject(args) => kube_inject::execute(*args),
            Self::Experimental(args) => experimental::execute(args),
            Self::Echo(args) => echo::execute(args),
            Self::Completion(args) => completion::execute(args),
        }
    }
}

/// The variables of the process; one whose value is not text is none that a template could write into a pod.
fn environment() -> BTreeMap<String, String> {
    let variables = std::env::vars_os();
    variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// Ready when somebody asks the process to end: SIGTERM, or SIGINT from a terminal.
///
/// Signals count from the call on, before the future is awaited. Must be called within a tokio runtime.
fn until_stopped() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// The log of the process on stderr; `RUST_LOG` or the argument says how much.
fn start_log(level: &str) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A log that was started before is as good.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
}
