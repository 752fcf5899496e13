//! `lateen kube-inject`: workloads in a file get their proxy before they are applied.

mod unused;

use crate::command::cluster::{ClusterArgs, block_on};
use anyhow::{Context as _, bail};
use lateen_inject::{Facts, Injector, NativeSidecars, NodeVersion, Settings, Surroundings, operator_settings};
use lateen_sources::Cluster;
use lateen_sources::cluster::{ClusterError, InjectorConfigMaps, InjectorPart, Resource};
use serde_json::Value as Json;
use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use unused::Unused;

/// Inject the proxy into the workloads of a file.
///
/// Pods, Deployments, ReplicaSets, DaemonSets, StatefulSets, ReplicationControllers, Jobs, CronJobs,
/// DeploymentConfigs and Lists of them are injected; everything else is written out as it is.
/// What was said twice counts as it was said last, and an empty name as none, as in istioctl.
/// With the three files no cluster is asked. Without a file its ConfigMap in the cluster is read; without a cluster
/// lateen's own templates and values and Istio's default mesh configuration are used.
#[derive(clap::Args)]
#[command(
    args_override_self = true,
    after_help = "Examples:\n  \
    lateen kube-inject -f deployment.yaml | kubectl apply -f -\n  \
    lateen kube-inject -f deployment.yaml -o injected.yaml\n  \
    kubectl get deployment -o yaml | lateen kube-inject -f - | kubectl apply -f -\n  \
    lateen kube-inject -f deployment.yaml --injectConfigFile inject.yaml --meshConfigFile mesh.yaml --valuesFile values.json\n\n\
The three files can be taken from a cluster:\n  \
    kubectl -n istio-system get cm istio-sidecar-injector -o jsonpath='{.data.config}' > inject.yaml\n  \
    kubectl -n istio-system get cm istio-sidecar-injector -o jsonpath='{.data.values}' > values.json\n  \
    kubectl -n istio-system get cm istio -o jsonpath='{.data.mesh}' > mesh.yaml"
)]
pub struct Args {
    /// File with Kubernetes objects; - for standard input.
    #[arg(long, short, value_name = "FILE", value_parser = path)]
    filename: Option<PathBuf>,
    /// File to write to; standard output when it is not given.
    #[arg(long, short, value_name = "FILE", value_parser = path)]
    output: Option<PathBuf>,
    /// The injector's configuration: a document with `templates`, one of Istio 1.7 with `template`, or a template.
    #[arg(long = "injectConfigFile", value_name = "FILE", value_parser = path)]
    inject_config_file: Option<PathBuf>,
    /// Mesh configuration.
    #[arg(long = "meshConfigFile", value_name = "FILE", value_parser = path)]
    mesh_config_file: Option<PathBuf>,
    /// The injector's values, JSON or YAML.
    #[arg(long = "valuesFile", value_name = "FILE", value_parser = path)]
    values_file: Option<PathBuf>,
    /// IstioOperator whose values and mesh configuration are used; the values file is then not read.
    #[arg(long = "operatorFileName", value_name = "FILE", value_parser = path)]
    operator_file: Option<PathBuf>,
    /// ConfigMap with the mesh configuration, key `mesh`; istio, or istio-REVISION, when it is not given.
    #[arg(long = "meshConfigMapName", value_name = "NAME")]
    mesh_config_map: Option<String>,
    /// ConfigMap with the injector's configuration, keys `config` and `values`; istio-sidecar-injector, or
    /// istio-sidecar-injector-REVISION, when it is not given.
    #[arg(long = "injectConfigMapName", value_name = "NAME")]
    inject_config_map: Option<String>,
    /// Revision of the control plane.
    #[arg(long, short, value_name = "NAME", default_value = "")]
    revision: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    unused: Unused,
}

/// A path that may be empty, as in `--valuesFile "$VALUES"`.
fn path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(PathBuf::from(text))
}

impl Args {
    /// Takes empty names away, and refuses what istioctl refuses.
    fn check(mut self) -> anyhow::Result<Args> {
        for file in [
            &mut self.filename,
            &mut self.output,
            &mut self.inject_config_file,
            &mut self.mesh_config_file,
            &mut self.values_file,
            &mut self.operator_file,
        ] {
            file.take_if(|file| file.as_os_str().is_empty());
        }
        self.inject_config_map.take_if(|name| name.is_empty());
        let no_mesh = self.mesh_config_map.take_if(|name| name.is_empty()).is_some();
        if no_mesh && self.mesh_config_file.is_none() && self.operator_file.is_none() {
            bail!("--meshConfigFile or --meshConfigMapName or --operatorFileName must be set");
        }
        Ok(self)
    }
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let args = args.check()?;
    for line in args.unused.told()? {
        eprintln!("{line}");
    }
    let Some(filename) = &args.filename else {
        bail!("filename not specified (see --filename or -f)");
    };
    let (name, text) = read_input(filename)?;
    let (settings, surroundings) = settings(&args)?;
    let (injector, warnings) = Injector::new(settings)?;
    for warning in warnings {
        eprintln!("{warning}");
    }
    let documents = injector.inject_documents(&name, &text, &surroundings)?;
    for warning in &documents.warnings {
        eprintln!("===> {warning}");
    }
    match &args.output {
        Some(file) => {
            std::fs::write(file, &documents.text).with_context(|| format!("cannot write {}", file.display()))?
        }
        None => std::io::stdout().lock().write_all(documents.text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the injector works with: files first, then the cluster, then what is built in.
fn settings(args: &Args) -> anyhow::Result<(Settings, Surroundings)> {
    let mut settings =
        Settings { revision: args.revision.clone(), environment: super::environment(), ..Settings::default() };
    if let Some(file) = &args.operator_file {
        let (name, text) = read(file)?;
        let operator = operator_settings(&name, &text)?;
        settings.values = Some(operator.values);
        settings.mesh = operator.mesh;
    }
    let from_file = |slot: &mut Option<(String, String)>, file: &Option<PathBuf>| -> anyhow::Result<()> {
        if let (None, Some(file)) = (&slot, file) {
            *slot = Some(read(file)?);
        }
        Ok(())
    };
    from_file(&mut settings.config, &args.inject_config_file)?;
    from_file(&mut settings.values, &args.values_file)?;
    from_file(&mut settings.mesh, &args.mesh_config_file)?;

    let (native, warning) = NativeSidecars::from_setting(std::env::var("ENABLE_NATIVE_SIDECARS").ok().as_deref());
    if let Some(warning) = warning {
        eprintln!("{warning}");
    }
    let mut surroundings = Surroundings { native_sidecars: native, ..Surroundings::default() };
    if settings.config.is_none() || settings.values.is_none() || settings.mesh.is_none() {
        block_on(ask_cluster(args, native, &mut settings, &mut surroundings.facts))?;
    }
    Ok((settings, surroundings))
}

/// Fills in from the cluster what no file gave. Without a cluster it stays absent, and what is built in counts.
async fn ask_cluster(
    args: &Args,
    native: NativeSidecars,
    settings: &mut Settings,
    facts: &mut Facts,
) -> anyhow::Result<()> {
    let cluster = match args.cluster.connect().await {
        Ok(cluster) => cluster,
        Err(ClusterError::NoCluster { .. }) if args.cluster.kubeconfig.is_none() => {
            eprintln!("no cluster is configured: what no file gives is lateen's own");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let mut maps = InjectorConfigMaps::of_revision(&args.cluster.istio_namespace, &args.revision);
    if let Some(name) = &args.mesh_config_map {
        maps.mesh.clone_from(name);
    }
    if let Some(name) = &args.inject_config_map {
        maps.injector.clone_from(name);
    }
    for (slot, part) in [
        (&mut settings.config, InjectorPart::Config),
        (&mut settings.values, InjectorPart::Values),
        (&mut settings.mesh, InjectorPart::Mesh),
    ] {
        if slot.is_none() {
            let name = format!("ConfigMap {}/{} key {}", maps.namespace, maps.name_of(part), part.key());
            *slot = Some((name, cluster.injector_part(&maps, part).await?));
        }
    }
    let text = |json: &Json, pointer: &str| json.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    if native == NativeSidecars::Auto
        && let Some(nodes) = all(&cluster, Resource::NODES, "proxies are ordinary containers").await?
    {
        let version = |node: &Json| NodeVersion {
            name: text(node, "/metadata/name"),
            kubelet: text(node, "/status/nodeInfo/kubeletVersion"),
        };
        facts.nodes = Some(nodes.iter().map(version).collect());
    }
    let namespaces = all(&cluster, Resource::NAMESPACES, "annotations of namespaces do not count").await?;
    let annotations = |namespace: Json| {
        let annotations = namespace.pointer("/metadata/annotations")?.as_object()?.clone();
        Some((text(&namespace, "/metadata/name"), annotations))
    };
    facts.namespaces = Arc::new(namespaces.into_iter().flatten().filter_map(annotations).collect());
    Ok(())
}

/// All objects of a kind; none, and a word about it, where the user may read ConfigMaps but not these.
async fn all(cluster: &Cluster, resource: Resource, without: &str) -> anyhow::Result<Option<Vec<Json>>> {
    match cluster.list(resource, None, "").await {
        Err(error @ ClusterError::Refused { .. }) => {
            eprintln!("{error}; {without}");
            Ok(None)
        }
        objects => Ok(Some(objects?)),
    }
}

fn read_input(file: &Path) -> anyhow::Result<(String, String)> {
    if file != Path::new("-") {
        return read(file);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read standard input")?;
    Ok(("<stdin>".to_owned(), text))
}

fn read(file: &Path) -> anyhow::Result<(String, String)> {
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow::anyhow!("cannot open {}: no such file or directory", file.display()),
        _ => anyhow::anyhow!("cannot read {}: {error}", file.display()),
    })?;
    Ok((file.display().to_string(), text))
}
