//! What `check-inject` asks about, read from a cluster.

use crate::command::check_inject::subject::{Namespace, Subject, Wanted};
use crate::command::check_inject::{ASSUMED, Gathered, Question};
use crate::command::cluster::ClusterArgs;
use anyhow::{Context as _, bail};
use lateen_inject::pod_of;
use lateen_sources::Cluster;
use lateen_sources::cluster::{InjectorConfigMaps, InjectorPart, Resource};
use serde_json::Value as Json;

pub async fn gather(args: &ClusterArgs, question: &Question) -> anyhow::Result<Gathered> {
    let cluster = args.connect().await.context("no cluster; give files with -f to ask without one")?;
    let mut gathered = Gathered::default();
    let subject = if let Some(pod) = &question.labels {
        pod.subject(&question.namespace_or(cluster.default_namespace()))
    } else {
        let wanted = question.wanted.as_ref().context("neither a name nor labels to ask about")?;
        let (wanted, namespace) = match (&question.namespace, wanted.split()) {
            // Said twice, which istioctl takes too.
            (Some(namespace), Some((wanted, own))) if own == namespace => (wanted, namespace.clone()),
            (Some(namespace), _) => (wanted.clone(), namespace.clone()),
            (None, Some((wanted, namespace))) => (wanted, namespace.to_owned()),
            (None, None) => (wanted.clone(), cluster.default_namespace().to_owned()),
        };
        find(&cluster, &wanted, &namespace).await?
    };
    let namespace = cluster.namespace(&subject.namespace).await?;
    gathered.namespaces.insert(subject.namespace.clone(), Namespace::of(&subject.namespace, &namespace, None));
    gathered.webhooks = cluster.mutating_webhooks().await?;
    for configuration in &gathered.webhooks {
        let revision = configuration["metadata"]["labels"]["istio.io/rev"].as_str().unwrap_or_default();
        let maps = InjectorConfigMaps::of_revision(&args.istio_namespace, revision);
        if gathered.configs.contains_key(&maps.injector) {
            continue;
        }
        match cluster.injector_part(&maps, InjectorPart::Config).await {
            Ok(text) => {
                let place = format!("ConfigMap {}/{}", maps.namespace, maps.injector);
                gathered.configs.insert(maps.injector, (place, text));
            }
            Err(error) => gathered.notes.push(format!("{error}; {ASSUMED}")),
        }
    }
    gathered.subjects.push(subject);
    Ok(gathered)
}

/// The object of that name, and the pod that it makes; for a Service, one of its pods.
async fn find(cluster: &Cluster, wanted: &Wanted, namespace: &str) -> anyhow::Result<Subject> {
    let kind = wanted.kind.unwrap_or("Pod");
    let resource = match kind {
        "Pod" => Resource::PODS,
        "Deployment" => Resource::DEPLOYMENTS,
        "ReplicaSet" => Resource::REPLICA_SETS,
        "StatefulSet" => Resource::STATEFUL_SETS,
        "DaemonSet" => Resource::DAEMON_SETS,
        "Job" => Resource::JOBS,
        "CronJob" => Resource::CRON_JOBS,
        "ReplicationController" => Resource::REPLICATION_CONTROLLERS,
        "Service" => Resource::SERVICES,
        kind => bail!("{kind} is not read from clusters; ask about one of its pods"),
    };
    let object = match cluster.get(resource, namespace, &wanted.name).await {
        Err(error) if error.is_not_found() && wanted.kind.is_none() => {
            bail!("{error}; name the type of what is no Pod, as in deployment/{}", wanted.name)
        }
        object => object?,
    };
    let (kind, object) = match kind {
        "Service" => ("Pod", pod_of_service(cluster, namespace, &wanted.name, &object).await?),
        kind => (kind, object),
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let pod = pod_of(&object).with_context(|| format!("{kind} {namespace}/{name} has no pod template"))?;
    Ok(Subject {
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name,
        pod,
        runs: kind == "Pod",
        written: None,
    })
}

async fn pod_of_service(cluster: &Cluster, namespace: &str, name: &str, service: &Json) -> anyhow::Result<Json> {
    let selector = service["spec"]["selector"].as_object().filter(|selector| !selector.is_empty());
    let selector =
        selector.with_context(|| format!("Service {namespace}/{name} has no selector, so it has no pods"))?;
    let terms = selector.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let selector = terms.collect::<Vec<_>>().join(",");
    let pods = cluster.pods_of(namespace, &selector).await?;
    let runs = |pod: &&Json| pod["status"]["phase"] == "Running";
    let pod = pods.iter().find(runs).or(pods.first()).cloned();
    pod.with_context(|| format!("Service {namespace}/{name} picks no pods ({selector}); ask about what makes them"))
}
