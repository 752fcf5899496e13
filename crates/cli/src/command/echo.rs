//! `lateen echo`: one echo workload.

use crate::print;
use anyhow::Context;
use lateen_echo::Echo;
use std::net::SocketAddr;
use std::process::ExitCode;

/// Run a workload that answers with who it is and what it was asked.
///
/// It knows /status/N, /delay/N, /headers, /anything, /bytes/N and /stream/N, speaks HTTP/1.1 and HTTP/2 on one port,
/// and echoes WebSocket and gRPC messages.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  lateen echo --port 9000 --service reviews --workload-version v2")]
pub struct Args {
    /// Port to listen on.
    #[arg(long, short, default_value_t = 8000)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    address: std::net::IpAddr,
    /// Service to answer for.
    #[arg(long, default_value = "echo")]
    service: String,
    /// Version of the workload.
    #[arg(long, default_value = "")]
    workload_version: String,
    /// Name of the pod.
    #[arg(long, env = "POD_NAME", default_value = "echo-0")]
    pod: String,
    /// Namespace of the pod.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    namespace: String,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let address = SocketAddr::new(args.address, args.port);
        let listener =
            tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        // It answers all the same when nobody reads this.
        let _ = print::out(format_args!("{} answers on http://{}\n", args.service, listener.local_addr()?));
        let echo =
            Echo { service: args.service, version: args.workload_version, pod: args.pod, namespace: args.namespace };
        lateen_echo::serve(listener, echo, super::until_stopped()).await;
        Ok(ExitCode::SUCCESS)
    })
}
