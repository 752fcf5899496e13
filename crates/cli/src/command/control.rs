//! `lateen control`: the control plane alone, on a folder.

use crate::print;
use lateen_control::{Change, Control, Options, WebhookOptions};
use lateen_core::ports;
use lateen_sources::Cluster;
use lateen_sources::cluster::{Following, InjectorConfigMaps};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Time for reviews that run when the process is told to end (istiod's `shutdownDuration`); told twice, it ends at once.
const GRACE: Duration = Duration::from_secs(10);

/// How long reviews wait at most for the first reading of the cluster: half of what an API server waits for a webhook.
const CLUSTER_WAIT: Duration = Duration::from_secs(5);

/// Run the control plane alone: any Envoy v3 client may connect.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    lateen control --config ./folder --grpc-address 127.0.0.1:15010\n  \
    lateen control --config ./folder --webhook 0.0.0.0:15017 --webhook-cert tls.crt --webhook-key tls.key\n\n\
With --webhook it also is the injection webhook. In a cluster, or with --kubeconfig, it follows nodes, namespaces, \
ProxyConfigs and the ConfigMaps istio[-REVISION] and istio-sidecar-injector[-REVISION]; files that are given win. To let an API server ask a webhook that runs outside its cluster, \
say so in the MutatingWebhookConfiguration, in place of clientConfig.service:\n  \
    clientConfig:\n    \
      url: https://HOST:15017/inject/cluster/Kubernetes/net/network1\n    \
      caBundle: (base64 of the PEM of who signed tls.crt)\n\
HOST must be a name or address in tls.crt; what stands after /inject sets the proxy's cluster and network.\n\
To ask by hand, with a pod inside an AdmissionReview:\n  \
    curl --cacert ca.crt -H 'Content-Type: application/json' --data @review.json https://HOST:15017/inject")]
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
    /// Where pods are injected over HTTPS; istiod's port is 15017.
    #[arg(long, value_name = "ADDRESS", requires_all = ["webhook_cert", "webhook_key"])]
    webhook: Option<SocketAddr>,
    #[command(flatten)]
    injection: Injection,
    /// Write the line of YAML that asked for it into each resource.
    #[arg(long)]
    provenance: bool,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, default_value = "info")]
    log_level: String,
}

/// What the injection webhook works with; every file is watched, and so is the cluster.
#[derive(clap::Args)]
struct Injection {
    /// The webhook's certificate chain, PEM.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_cert: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    webhook_key: Option<PathBuf>,
    /// The injector's configuration: a document with `templates`, one of Istio 1.7 with `template`, or a template;
    /// lateen's own when it is not given.
    #[arg(long = "injectConfigFile", value_name = "FILE", requires = "webhook")]
    inject_config_file: Option<PathBuf>,
    /// The injector's values, JSON or YAML; lateen's own when they are not given.
    #[arg(long = "valuesFile", value_name = "FILE", requires = "webhook")]
    values_file: Option<PathBuf>,
    /// Mesh configuration; Istio's defaults when it is not given.
    #[arg(long = "meshConfigFile", value_name = "FILE", requires = "webhook")]
    mesh_config_file: Option<PathBuf>,
    /// Kubeconfig file of the cluster whose pods are injected, in place of the cluster that this process runs in.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of the ConfigMaps istio and istio-sidecar-injector.
    #[arg(long, short, env = "POD_NAMESPACE", value_name = "NAME", default_value = "istio-system")]
    namespace: String,
    /// Revision of the control plane, which injected pods are marked with.
    #[arg(long, env = "REVISION", value_name = "NAME", default_value = "")]
    revision: String,
}

impl Injection {
    /// The cluster of the kubeconfig, else the one that this is a pod of; none elsewhere, and files are all there is.
    async fn follow(&self) -> anyhow::Result<Option<Following>> {
        let cluster = match &self.kubeconfig {
            Some(file) => Some(Cluster::connect(Some(file), None).await?),
            None => Cluster::of_this_pod().await?,
        };
        let maps = InjectorConfigMaps::of_revision(&self.namespace, &self.revision);
        Ok(cluster.map(|cluster| cluster.follow_injection(&maps)))
    }

    fn options(self, address: SocketAddr) -> Option<WebhookOptions> {
        Some(WebhookOptions {
            address,
            certificate: self.webhook_cert?,
            key: self.webhook_key?,
            config: self.inject_config_file,
            values: self.values_file,
            mesh: self.mesh_config_file,
            revision: self.revision,
            environment: super::environment(),
            cluster: None,
            cluster_wait: CLUSTER_WAIT,
            look_every: Duration::from_millis(500),
        })
    }
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    super::start_log(&args.log_level);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        // Before anything serves: whoever is told to end answers first what it was asked.
        let stopped = super::until_stopped();
        tokio::pin!(stopped);
        let injection = args.injection;
        let following = match args.webhook {
            Some(_) => injection.follow().await?,
            None => None,
        };
        let mut webhook = args.webhook.and_then(|address| injection.options(address));
        if let Some(webhook) = &mut webhook {
            webhook.cluster = following.as_ref().map(Following::state);
        }
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
            webhook,
        })
        .await?;
        let monitoring = control.monitoring_address().unwrap_or(args.monitoring_address);
        // It serves all the same when nobody reads this.
        let _ = print::out(format_args!("xDS on {}, monitoring on http://{monitoring}\n", control.grpc_address()));
        if let Some(address) = control.webhook_address() {
            let _ = print::out(format_args!("injection webhook on https://{address}/inject\n"));
        }
        let mut generation = source.current();
        loop {
            let mut findings = generation.findings.clone();
            let (objects, refused) = (generation.objects.clone(), generation.findings.clone());
            let change = Change { objects, refused, ..Change::default() };
            control.change_and_wait(change).await;
            findings.extend(control.world().findings.iter().cloned());
            print::findings(&findings);
            tokio::select! {
                next = source.changed() => match next {
                    Some(next) => generation = next,
                    None => return Ok(ExitCode::SUCCESS),
                },
                () = &mut stopped => break,
            }
        }
        tokio::select! {
            () = control.stop(GRACE) => {}
            () = super::until_stopped() => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}
