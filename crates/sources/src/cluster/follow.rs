//! A cluster, followed for its injector: namespaces, nodes, ProxyConfigs and two ConfigMaps.
//! In come the watches of the API server; out comes what is known, each time that it changes.
//! What was known once stays when the cluster is out of reach. Never here: what a ConfigMap means.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, ObjectMeta};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use lateen_inject::{ClusterState, ConfigMap, NamedProxyConfig, NodeVersion, ProxyConfigs};
use serde_json::{Map, Value as Json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::error::causes;
use super::{Cluster, InjectorConfigMaps, Resource};

/// A cluster that is followed, until this is dropped.
#[derive(Debug)]
pub struct Following {
    state: watch::Receiver<ClusterState>,
    _tasks: JoinSet<()>,
}

impl Following {
    /// What is known. At first that is nothing, and `awaited` names all that is asked for.
    pub fn state(&self) -> watch::Receiver<ClusterState> {
        self.state.clone()
    }
}

impl Cluster {
    /// Follows what injection of pods depends on: nodes, namespaces, ProxyConfigs and the injector's ConfigMaps.
    ///
    /// Each is listed once and then watched. A connection that is lost is made again, after 0.8 s at first and 30 s at
    /// most; what was known stays meanwhile, and so does the content of a ConfigMap that is deleted. Both are logged.
    pub fn follow_injection(&self, maps: &InjectorConfigMaps) -> Following {
        tracing::info!(cluster = self.name(), "pods are injected with what this cluster says");
        let (sender, state) = watch::channel(ClusterState::default());
        let sender = Arc::new(sender);
        let mut tasks = JoinSet::new();
        let mut spawn = |topic: Topic, write: Write| {
            sender.send_modify(|state| _ = state.awaited.insert(topic.what.clone()));
            tasks.spawn(topic.follow(self.clone(), write, sender.clone()));
        };
        let all = |resource: Resource, read: Read| Topic {
            what: format!("the {}", resource.plural),
            resource,
            place: None,
            read,
        };
        spawn(all(Resource::NODES, version), nodes);
        spawn(all(Resource::NAMESPACES, annotations), namespaces);
        spawn(all(Resource::PROXY_CONFIGS, with_spec), proxy_configs);
        let map = |name: &str| Topic {
            what: Resource::CONFIG_MAPS.shown(Some(&maps.namespace), name),
            resource: Resource::CONFIG_MAPS,
            place: Some((maps.namespace.clone(), name.to_owned())),
            read: data,
        };
        spawn(map(&maps.injector), |objects, state| config_map(objects, &mut state.injector));
        spawn(map(&maps.mesh), |objects, state| config_map(objects, &mut state.mesh));
        Following { state, _tasks: tasks }
    }
}

/// Namespace and name.
type Key = (String, String);
/// What is kept of the objects of a topic.
type Kept = BTreeMap<Key, Json>;
/// What is kept of an object.
type Read = fn(&DynamicObject) -> Json;
/// Writes what is kept into the state; whether that changed.
type Write = fn(&Kept, &mut ClusterState) -> bool;

/// One collection that is followed.
struct Topic {
    /// As messages call it.
    what: String,
    resource: Resource,
    /// One object; all without.
    place: Option<Key>,
    read: Read,
}

/// Why a collection is not followed just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The cluster does not know the resource.
    Absent,
    /// This user may not read it.
    Refused,
    /// No connection, or an answer that is an error.
    Lost,
}

impl Trouble {
    /// Nothing for a watch that is too old to go on with: it begins anew, as is usual.
    fn of(error: &watcher::Error) -> Option<Trouble> {
        use watcher::Error;
        let status = match error {
            Error::WatchError(status) => Some(status),
            Error::InitialListFailed(kube::Error::Api(status))
            | Error::WatchStartFailed(kube::Error::Api(status))
            | Error::WatchFailed(kube::Error::Api(status)) => Some(status),
            _ => None,
        };
        match status.map(|status| status.code) {
            Some(404) => Some(Trouble::Absent),
            Some(401 | 403) => Some(Trouble::Refused),
            Some(410) => None,
            _ => Some(Trouble::Lost),
        }
    }
}

impl Topic {
    async fn follow(self, cluster: Cluster, write: Write, sender: Arc<watch::Sender<ClusterState>>) {
        let Topic { what, resource, place, read } = self;
        let api_resource = ApiResource {
            group: resource.group.to_owned(),
            version: resource.version.to_owned(),
            api_version: resource.api_version(),
            kind: resource.kind.to_owned(),
            plural: resource.plural.to_owned(),
        };
        let (api, config): (Api<DynamicObject>, _) = match &place {
            Some((namespace, name)) => (
                Api::namespaced_with(cluster.client.clone(), namespace, &api_resource),
                watcher::Config::default().fields(&format!("metadata.name={name}")),
            ),
            None => (Api::all_with(cluster.client.clone(), &api_resource), watcher::Config::default()),
        };
        let publish = |kept: &Kept| {
            sender.send_if_modified(|state| {
                let first = state.awaited.remove(&what);
                write(kept, state) || first
            });
        };
        let answered = || _ = sender.send_if_modified(|state| state.awaited.remove(&what));
        let (mut kept, mut listed) = (Kept::new(), Kept::new());
        let mut trouble: Option<Trouble> = None;
        let mut events = pin!(watcher(api, config).default_backoff());
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    let Some(found) = Trouble::of(&error) else { continue };
                    let again = trouble.replace(found) == Some(found);
                    let (cluster, why) = (cluster.name(), causes(&error));
                    match found {
                        _ if again => tracing::debug!(what, cluster, why, "still not followed"),
                        Trouble::Absent => tracing::info!(what, cluster, "the cluster has no such resource"),
                        Trouble::Refused => tracing::warn!(
                            what,
                            cluster,
                            why,
                            "the cluster refuses; its user wants the rights to list and to watch, and does without so long"
                        ),
                        Trouble::Lost => tracing::warn!(
                            what,
                            cluster,
                            why,
                            "the cluster does not answer; what was known stays, and it is asked again"
                        ),
                    }
                    match found {
                        Trouble::Absent => {
                            kept.clear();
                            publish(&kept);
                        }
                        Trouble::Refused => answered(),
                        Trouble::Lost => {}
                    }
                    continue;
                }
            };
            // The first is said before anything was asked.
            if !matches!(event, Event::Init) && trouble.take().is_some() {
                tracing::info!(what, cluster = cluster.name(), "followed again");
            }
            match event {
                Event::Init => listed.clear(),
                Event::InitApply(object) => _ = listed.insert(key(&object), read(&object)),
                Event::InitDone => {
                    kept = std::mem::take(&mut listed);
                    if kept.is_empty() && place.is_some() {
                        tracing::info!(what, cluster = cluster.name(), "is not there");
                    }
                    publish(&kept);
                }
                Event::Apply(object) => {
                    let (key, object) = (key(&object), read(&object));
                    if kept.get(&key) != Some(&object) {
                        kept.insert(key, object);
                        publish(&kept);
                    }
                }
                Event::Delete(object) => {
                    if kept.remove(&key(&object)).is_some() {
                        if place.is_some() {
                            tracing::warn!(what, cluster = cluster.name(), "was deleted; its last content stays");
                        }
                        publish(&kept);
                    }
                }
            }
        }
    }
}

fn key(object: &DynamicObject) -> Key {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&object.metadata.namespace), text(&object.metadata.name))
}

fn version(node: &DynamicObject) -> Json {
    node.data.pointer("/status/nodeInfo/kubeletVersion").cloned().unwrap_or_default()
}

fn annotations(namespace: &DynamicObject) -> Json {
    let annotations = namespace.metadata.annotations.iter().flatten();
    Json::Object(annotations.map(|(name, value)| (name.clone(), value.as_str().into())).collect())
}

fn data(map: &DynamicObject) -> Json {
    map.data.get("data").cloned().unwrap_or_default()
}

fn with_spec(object: &DynamicObject) -> Json {
    let metadata = ObjectMeta { managed_fields: None, annotations: None, ..object.metadata.clone() };
    serde_json::json!({ "metadata": metadata, "spec": object.data.get("spec") })
}

fn nodes(kept: &Kept, state: &mut ClusterState) -> bool {
    let version = |((_, name), version): (&Key, &Json)| NodeVersion {
        name: name.clone(),
        kubelet: version.as_str().unwrap_or_default().to_owned(),
    };
    replace(&mut state.facts.nodes, Some(kept.iter().map(version).collect()))
}

fn namespaces(kept: &Kept, state: &mut ClusterState) -> bool {
    let with_annotations = |((_, name), annotations): (&Key, &Json)| -> Option<(String, Map<String, Json>)> {
        Some((name.clone(), annotations.as_object().filter(|annotations| !annotations.is_empty())?.clone()))
    };
    replace(&mut state.facts.namespaces, Arc::new(kept.iter().filter_map(with_annotations).collect()))
}

fn proxy_configs(kept: &Kept, state: &mut ClusterState) -> bool {
    replace(&mut state.facts.proxy_configs, Arc::new(ProxyConfigs::new(kept.values().map(NamedProxyConfig::read))))
}

/// What is not there leaves what was.
fn config_map(kept: &Kept, slot: &mut Option<Arc<ConfigMap>>) -> bool {
    let Some(((namespace, name), data)) = kept.first_key_value() else { return false };
    let texts = data.as_object().into_iter().flatten();
    let data = texts.map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned())).collect();
    replace(slot, Some(Arc::new(ConfigMap { name: format!("{namespace}/{name}"), data })))
}

/// Whether it is another now.
fn replace<T: PartialEq>(slot: &mut T, new: T) -> bool {
    let changed = *slot != new;
    *slot = new;
    changed
}

#[cfg(test)]
mod tests;
