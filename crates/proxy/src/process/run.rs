//! `lateen proxy` from its first to its last moment.
//! In: arguments, signals. Out: an exit code: 0 after a drain or an order to end, 1 for a configuration that
//! cannot be served.

use super::args::{Args, Mode};
use super::proxy::Proxy;
use anyhow::Context as _;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Runs a proxy until it is told to end. SIGTERM and SIGINT drain, a second one ends at once; SIGUSR1 opens the
/// files of access logs again.
///
/// # Errors
/// When the configuration cannot be served: what, which field and why.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let log = args.log()?;
    let options = args.options(log)?;
    if args.mode != Mode::Serve {
        super::proxy::validate(options)?;
        println!("configuration '{}' OK", args.config_path.unwrap_or_default().display());
        return Ok(ExitCode::SUCCESS);
    }
    // Signals are caught before anything serves.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context("no runtime")?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut reopen = signal(SignalKind::user_defined1())?;
        // Envoy ignores it: it must not end the process.
        let _hang_up = signal(SignalKind::hangup())?;
        let proxy = Proxy::start(options)?;
        if let (Some(path), Some(address)) = (&args.admin_address_path, proxy.admin_address()) {
            std::fs::write(path, address.to_string())
                .with_context(|| format!("cannot write --admin-address-path {}", path.display()))?;
        }
        let mut drains = false;
        loop {
            tokio::select! {
                () = proxy.ended() => break,
                _ = reopen.recv() => proxy.reopen_logs(),
                _ = async { tokio::select! { got = terminate.recv() => got, got = interrupt.recv() => got } } => {
                    if drains {
                        tracing::warn!(target: "lateen_proxy::main", "told to end a second time: ending at once");
                    }
                    drains = true;
                    proxy.drain();
                }
            }
        }
        if !proxy.stop() {
            return Ok(ExitCode::FAILURE);
        }
        tracing::info!(target: "lateen_proxy::main", "ended");
        Ok(ExitCode::SUCCESS)
    })
}
