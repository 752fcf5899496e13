//! An injector from files and from the ConfigMaps of a cluster that somebody follows.
//! In: contents of files, what is known of the cluster. Out: the injector that serves, replaced when either changes.
//! Never here: a Kubernetes client; how files are followed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use lateen_config::json_documents;
use lateen_inject::{ClusterState, ConfigMap, Injector, Settings};
use tokio::sync::watch;

use super::files::FileError;
use super::metrics::{Metrics, Watched};
use super::{WebhookError, WebhookOptions};

/// A text and what messages call it.
type Text = (String, String);

/// The ConfigMaps of a cluster: the injector's, and that of the mesh.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Maps {
    injector: Option<Arc<ConfigMap>>,
    mesh: Option<Arc<ConfigMap>>,
}

impl Maps {
    fn of(state: &ClusterState) -> Maps {
        Maps { injector: state.injector.clone(), mesh: state.mesh.clone() }
    }
}

/// The injector that serves, and what it was made of.
#[derive(Debug)]
pub(crate) struct Served {
    /// How to make another one; `None` for one that never changes.
    options: Option<WebhookOptions>,
    /// The last good contents of files and ConfigMaps.
    good: Mutex<(Vec<Vec<u8>>, Maps)>,
    injector: ArcSwap<Injector>,
    /// Why nothing is injected: the ConfigMaps of the cluster were of no use from the start.
    broken: ArcSwapOption<String>,
}

impl Served {
    /// From files, without a cluster.
    ///
    /// # Errors
    /// What is wrong with a file.
    pub(crate) fn new(options: &WebhookOptions, contents: Vec<Vec<u8>>) -> Result<Arc<Served>, WebhookError> {
        let maps = Maps::default();
        let injector = build(options, &contents, &maps)?;
        Ok(Arc::new(Served {
            options: Some(options.clone()),
            good: Mutex::new((contents, maps)),
            injector: ArcSwap::from_pointee(injector),
            broken: ArcSwapOption::empty(),
        }))
    }

    #[cfg(test)]
    pub(crate) fn of(injector: Injector) -> Arc<Served> {
        let injector = ArcSwap::from_pointee(injector);
        Arc::new(Served { options: None, good: Mutex::default(), injector, broken: ArcSwapOption::empty() })
    }

    /// The injector, or why there is none.
    pub(crate) fn injector(&self) -> Result<Arc<Injector>, String> {
        match self.broken.load_full() {
            Some(reason) => Err(format!("nothing is injected, as the injector has no good configuration: {reason}")),
            None => Ok(self.injector.load_full()),
        }
    }

    /// Takes new contents of the files, or says what is wrong with them.
    pub(crate) fn take_files(&self, contents: &[Vec<u8>]) -> Result<(), String> {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(options) = &self.options else { return Ok(()) };
        let injector = build(options, contents, &good.1).map_err(|error| error.to_string())?;
        self.injector.store(Arc::new(injector));
        good.0 = contents.to_vec();
        Ok(())
    }

    /// Takes new ConfigMaps, each by itself, or says what is wrong with them.
    fn take_maps(&self, maps: &Maps) -> Result<(), String> {
        let Some(options) = &self.options else { return Ok(()) };
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rejected, mut broken) = (Vec::new(), None);
        for is_mesh in [false, true] {
            let (next, is_first) = match is_mesh {
                false => (Maps { injector: maps.injector.clone(), ..good.1.clone() }, good.1.injector.is_none()),
                true => (Maps { mesh: maps.mesh.clone(), ..good.1.clone() }, good.1.mesh.is_none()),
            };
            if next == good.1 {
                continue;
            }
            match build(options, &good.0, &next) {
                Ok(injector) => {
                    self.injector.store(Arc::new(injector));
                    good.1 = next;
                }
                Err(error) => {
                    if is_first {
                        broken.get_or_insert(Arc::new(error.to_string()));
                    }
                    rejected.push(error.to_string());
                }
            }
        }
        self.broken.store(broken);
        if rejected.is_empty() { Ok(()) } else { Err(rejected.join("; ")) }
    }
}

/// Follows the ConfigMaps. `ready` becomes true when the cluster was read once, at the latest after `wait`.
pub(crate) async fn follow(
    served: Arc<Served>,
    mut state: watch::Receiver<ClusterState>,
    wait: Duration,
    ready: watch::Sender<bool>,
    metrics: Arc<Metrics>,
) {
    let read = state.wait_for(|state| state.awaited.is_empty());
    let in_time = matches!(tokio::time::timeout(wait, read).await, Ok(Ok(_)));
    if !in_time {
        let awaited: Vec<String> = state.borrow().awaited.iter().cloned().collect();
        tracing::warn!(
            awaited = awaited.join(", "),
            ?wait,
            "the cluster has not told these in time; pods are injected without"
        );
    } else if state.borrow().facts.nodes.is_none() {
        tracing::warn!("versions of nodes are not known, so ENABLE_NATIVE_SIDECARS=auto counts as false");
    }
    let mut taken = Maps::default();
    loop {
        let maps = Maps::of(&state.borrow_and_update());
        if maps != taken {
            taken = maps.clone();
            let served = served.clone();
            let loaded = tokio::task::spawn_blocking(move || served.take_maps(&maps)).await;
            let loaded = loaded.unwrap_or_else(|error| Err(format!("the injector broke down over them: {error}")));
            metrics.reloaded(Watched::ConfigMaps, loaded.is_ok());
            match loaded {
                Ok(()) => tracing::info!("the cluster's ConfigMaps are in use"),
                Err(reason) => {
                    tracing::error!(reason, "the cluster's ConfigMaps are rejected; the last good ones stay");
                }
            }
        }
        ready.send_replace(true);
        if state.changed().await.is_err() {
            return;
        }
    }
}

/// An injector from what files hold, then from ConfigMaps, then from what is built in.
fn build(options: &WebhookOptions, contents: &[Vec<u8>], maps: &Maps) -> Result<Injector, WebhookError> {
    let mut contents = contents.iter();
    let mut text = |path: &Option<std::path::PathBuf>| -> Result<Option<Text>, FileError> {
        let Some((path, bytes)) = path.as_ref().and_then(|path| Some((path, contents.next()?))) else {
            return Ok(None);
        };
        match String::from_utf8(bytes.clone()) {
            Ok(text) => Ok(Some((path.display().to_string(), text))),
            Err(_) => Err(FileError { path: path.clone(), problem: "is not UTF-8".to_owned() }),
        }
    };
    let (mut config, mut values, mut mesh) = (text(&options.config)?, text(&options.values)?, text(&options.mesh)?);
    for (slot, map, key) in [
        (&mut config, &maps.injector, "config"),
        (&mut values, &maps.injector, "values"),
        (&mut mesh, &maps.mesh, "mesh"),
    ] {
        if let (None, Some(map)) = (&slot, map) {
            *slot = Some(of_map(map, key).map_err(WebhookError::ConfigMap)?);
        }
    }
    let (revision, environment) = (options.revision.clone(), options.environment.clone());
    let (injector, warnings) = Injector::new(Settings { config, values, mesh, revision, environment })?;
    for warning in warnings {
        tracing::warn!(warning, "the injector's configuration");
    }
    Ok(injector)
}

/// The text of a key, which has to be YAML: in a file a template may stand alone, in a ConfigMap it never does.
fn of_map(map: &ConfigMap, key: &str) -> Result<Text, String> {
    let name = format!("ConfigMap {} key {key}", map.name);
    let Some(text) = map.data.get(key) else {
        let keys: Vec<&str> = map.data.keys().map(String::as_str).collect();
        return Err(format!("{name}: there is no such key; there are: {}", keys.join(", ")));
    };
    let first = json_documents(&name, text).into_iter().next();
    if let Some(finding) = first.and_then(|document| document.error) {
        return Err(format!("{}: {}", finding.place, finding.message));
    }
    Ok((name, text.clone()))
}
