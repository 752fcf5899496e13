//! `lateen explain`: where a call goes, and which line of which file decided.

use crate::command::folder::{Folder, FolderArgs};
use crate::print;
use anyhow::{Context, bail};
use lateen_core::{Labels, ProxyType};
use lateen_explain::{Call, Calls, Trace};
use lateen_model::{Proxy, gateway_workloads};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say where a request goes, and which line of which file decides.
///
/// Nothing is sent: the functions that serve traffic are asked, over the same configuration.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    lateen explain -f ./folder GET http://httpbin.example.com/status/200\n  \
    lateen explain -f ./folder --gateway istio-system/ingressgateway -H 'end-user: jason' GET http://example.com/\n  \
    lateen explain -f config.yaml --calls calls.json -o json")]
pub struct Args {
    #[command(flatten)]
    folder: FolderArgs,
    /// The gateway that is asked, as NAMESPACE/NAME; it may be left out when there is only one.
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with = "calls")]
    gateway: Option<String>,
    /// A header of the request.
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// A file with a proxy and many calls, in JSON.
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// How to print.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
    /// Method and URL, such as `GET http://example.com/`.
    #[arg(value_names = ["METHOD", "URL"], num_args = 0..=2)]
    request: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let folder = Folder::read(&args.folder)?;
    if let Some(file) = &args.calls {
        return many(&folder, file);
    }
    let (method, url) = match args.request.as_slice() {
        [url] => ("GET", url.as_str()),
        [method, url] => (method.as_str(), url.as_str()),
        _ => bail!("say which request: METHOD URL, or --calls FILE"),
    };
    let mut call = Call::from_words(method, url, &args.header)?;
    print::findings(&folder.findings);
    let proxy = gateway(&folder, args.gateway.as_deref())?;
    let (tables, refused) = lateen_explain::tables(&folder.snapshot, &proxy);
    for error in refused {
        eprintln!("warning: {error}");
    }
    // A person names the port of the Gateway; the proxy listens where its Service maps that port to.
    call.port = lateen_explain::listener_port(&tables, call.port);
    let trace = lateen_explain::trace(&tables, &call);
    match args.output {
        Output::Text => {
            print::out(&trace)?;
            if trace.cluster.is_some() && trace.endpoints.is_empty() {
                let hint = "`lateen run` answers with an echo workload when the files have the Service";
                print::out(format_args!("  {:<13} {hint}\n", ""))?;
            }
        }
        Output::Json => print::out(format_args!("{:#}\n", serde_json::to_value(&trace)?))?,
    }
    Ok(if trace.verdict().is_some() { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn gateway(folder: &Folder, wanted: Option<&str>) -> anyhow::Result<Proxy> {
    let workloads = gateway_workloads(&folder.objects, &folder.options);
    let names: Vec<String> = workloads.iter().map(|workload| workload.name.to_string()).collect();
    let names = names.join(", ");
    let found: Vec<_> =
        workloads.iter().filter(|workload| wanted.is_none_or(|wanted| workload.is_called(wanted))).collect();
    match (found.as_slice(), wanted) {
        ([one], _) => Ok(one.proxy()),
        ([], None) => bail!("no Gateway in these files; add one, or ask about another proxy with --calls"),
        ([], Some(wanted)) => bail!("no gateway is called {wanted}; there is {names}"),
        (_, _) => bail!("several gateways could be meant; choose with --gateway: {names}"),
    }
}

/// The form that test suites call: one proxy, many calls, a JSON list of names.
fn many(folder: &Folder, file: &std::path::Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let calls: Calls =
        serde_json::from_str(&text).with_context(|| format!("{} is not a file of calls", file.display()))?;
    let kind = match calls.proxy.kind.as_str() {
        "router" => ProxyType::Router,
        "sidecar" => ProxyType::Sidecar,
        other => bail!("{}: proxy.type {other:?} is neither router nor sidecar", file.display()),
    };
    let labels = Labels(calls.proxy.labels.clone());
    let namespace = if calls.proxy.namespace.is_empty() { "default" } else { &calls.proxy.namespace };
    let mut proxy = Proxy::new(kind, namespace, labels);
    proxy.ips = calls.proxy.ip.into_iter().chain(calls.proxy.ips.iter().copied()).collect();
    proxy.ips.dedup();
    let (tables, refused) = lateen_explain::tables(&folder.snapshot, &proxy);
    for error in refused {
        eprintln!("warning: {error}");
    }
    let answers: Vec<_> = calls.calls.iter().map(|call| row(&lateen_explain::trace(&tables, call))).collect();
    print::out(format_args!("{:#}\n", serde_json::Value::from(answers)))?;
    Ok(ExitCode::SUCCESS)
}

fn row(trace: &Trace) -> serde_json::Value {
    let name = |step: &Option<lateen_explain::Step>| step.as_ref().map(|step| step.name.clone()).unwrap_or_default();
    json!({
        "name": trace.name,
        "listener": name(&trace.listener),
        "filterChain": name(&trace.filter_chain),
        "routeConfig": name(&trace.route_config),
        "virtualHost": name(&trace.virtual_host),
        "route": name(&trace.route),
        "cluster": name(&trace.cluster),
        "error": trace.error.map(lateen_explain::Failure::as_str).unwrap_or_default(),
    })
}
