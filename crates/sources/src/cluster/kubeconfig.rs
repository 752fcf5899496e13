//! Which cluster is meant, found as kubectl finds it.
//! In come what the command line says and what the environment has; out come a client's
//! configuration and the words that messages call the cluster by.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::config::{KubeConfigOptions, Kubeconfig};

use super::error::{ClusterError, causes};
use super::proxy::Proxies;

/// What the environment says about clusters.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// `KUBECONFIG`: paths, as in `PATH`.
    pub(super) kubeconfig: Option<OsString>,
    /// The home folder.
    pub(super) home: Option<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST`, which every pod has.
    pub(super) service_host: Option<OsString>,
    /// `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    pub(super) proxies: Proxies,
}

impl Environment {
    /// That of this process.
    pub(super) fn of_process() -> Self {
        Self {
            kubeconfig: env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()),
            home: env::home_dir(),
            service_host: env::var_os("KUBERNETES_SERVICE_HOST").filter(|host| !host.is_empty()),
            proxies: Proxies::of_process(),
        }
    }
}

/// Where a cluster is described.
#[derive(Debug)]
pub(super) enum Found {
    /// In kubeconfig files.
    File {
        config: Box<Kubeconfig>,
        /// The context that was chosen.
        context: String,
        /// The files, as messages call them.
        shown: String,
    },
    /// In the environment and the service account of this pod.
    Pod,
}

impl Found {
    /// The client's configuration, and the name of the cluster in messages.
    pub(super) async fn load(self, proxies: &Proxies) -> Result<(kube::Config, String), ClusterError> {
        let (mut config, context, has_proxy) = match self {
            Self::Pod => {
                let error = |why| ClusterError::Config { config: "the service account of this pod".into(), why };
                (kube::Config::incluster().map_err(|why| error(causes(&why)))?, None, false)
            }
            Self::File { config, context, shown } => {
                let has_proxy = proxy_of(&config, &context).is_some_and(|proxy| !proxy.is_empty());
                let options = KubeConfigOptions { context: Some(context.clone()), ..KubeConfigOptions::default() };
                let config = kube::Config::from_custom_kubeconfig(*config, &options).await;
                let error = |why| ClusterError::Config { config: shown, why: format!("context {context:?}: {why}") };
                (config.map_err(|why| error(causes(&why)))?, Some(context), has_proxy)
            }
        };
        if !has_proxy {
            // The client would ask HTTPS_PROXY for every server, loopback and NO_PROXY included.
            config.proxy_url = proxies.of(&config.cluster_url)?;
        }
        let server = config.cluster_url.to_string();
        let server = server.trim_end_matches('/');
        let name = match context {
            Some(context) => format!("cluster {server} (context {context:?})"),
            None => format!("the cluster of this pod, {server}"),
        };
        Ok((config, name))
    }
}

/// The proxy that a kubeconfig names for the cluster of a context.
fn proxy_of<'a>(config: &'a Kubeconfig, context: &str) -> Option<&'a str> {
    let context = config.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let cluster = config.clusters.iter().find(|named| named.name == context.cluster)?;
    cluster.cluster.as_ref()?.proxy_url.as_deref()
}

/// Finds the cluster: the given file, else those of `KUBECONFIG`, else `~/.kube/config`, else this pod's.
///
/// As with kubectl, files of `KUBECONFIG` that are not there count as empty, and a given file must be there.
pub(super) fn find(
    given: Option<&Path>,
    context: Option<&str>,
    environment: &Environment,
) -> Result<Found, ClusterError> {
    let (paths, shown) = places(given, environment);
    let in_pod = environment.service_host.is_some() && given.is_none() && context.is_none();
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        if given.is_none() && !path.exists() {
            continue;
        }
        let error = |why: kube::config::KubeconfigError| ClusterError::Config {
            config: format!("kubeconfig {}", path.display()),
            why: match &why {
                kube::config::KubeconfigError::ReadConfig(why, _) => why.to_string(),
                why => causes(why),
            },
        };
        let one = Kubeconfig::read_from(path).map_err(error)?;
        merged = Some(match merged {
            Some(merged) => merged.merge(one).map_err(error)?,
            None => one,
        });
    }
    let Some(config) = merged.filter(|config| !config.contexts.is_empty()) else {
        return match (in_pod, given) {
            (true, _) => Ok(Found::Pod),
            (false, Some(_)) => {
                Err(ClusterError::Config { config: shown, why: "it has no contexts; name another file".into() })
            }
            (false, None) => Err(ClusterError::NoCluster { looked: looked(&paths, &shown) }),
        };
    };
    let wanted = context.map(ToOwned::to_owned).or_else(|| config.current_context.clone());
    let names: Vec<_> = config.contexts.iter().map(|context| context.name.as_str()).collect();
    let names = names.join(", ");
    match wanted.filter(|name| !name.is_empty()) {
        Some(wanted) if config.contexts.iter().any(|context| context.name == wanted) => {
            Ok(Found::File { config: Box::new(config), context: wanted, shown })
        }
        Some(wanted) => {
            Err(ClusterError::Config { config: shown, why: format!("it has no context {wanted:?}; it has {names}") })
        }
        None => Err(ClusterError::Config {
            config: shown,
            why: format!("it has no current context; choose one with --context: {names}"),
        }),
    }
}

/// The files to read, and what messages call them.
fn places(given: Option<&Path>, environment: &Environment) -> (Vec<PathBuf>, String) {
    if let Some(given) = given {
        return (vec![given.to_owned()], format!("kubeconfig {}", given.display()));
    }
    if let Some(list) = &environment.kubeconfig {
        let paths: Vec<_> = env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect();
        return (paths, format!("kubeconfig {} (KUBECONFIG)", list.display()));
    }
    let path = environment.home.as_ref().map(|home| home.join(".kube/config"));
    let shown = path.as_ref().map_or_else(String::new, |path| format!("kubeconfig {}", path.display()));
    (path.into_iter().collect(), shown)
}

fn looked(paths: &[PathBuf], shown: &str) -> String {
    let there = paths.iter().any(|path| path.exists());
    let file = match (shown, there) {
        ("", _) => "there is no home folder with a kubeconfig".to_owned(),
        (shown, true) => format!("{shown} has no contexts"),
        (shown, false) => format!("{shown} is not there"),
    };
    format!("{file}, and this is no pod of a cluster")
}

#[cfg(test)]
mod tests;
