//! Why a cluster could not be asked, or what it said instead of an answer.
//! Each says what was asked, of which cluster, why it failed and what to do about it.

use std::time::Duration;

/// Why nothing came from a cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No kubeconfig names a cluster, and this is no pod of one.
    #[error("no cluster to ask: {looked}; name a kubeconfig with --kubeconfig or KUBECONFIG")]
    NoCluster {
        /// Where was looked.
        looked: String,
    },
    /// A kubeconfig, or what a pod has in its place, cannot be used.
    #[error("cannot use {config}: {why}")]
    Config {
        /// Where the configuration stands.
        config: String,
        /// Why, and what there is instead.
        why: String,
    },
    /// A name that no object can have.
    #[error("{name:?} cannot be the name of a {what}: names are of letters, digits, `-` and `.`")]
    Name {
        /// The kind of the object.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// There was no answer in time.
    #[error(
        "cannot read {asked}: {cluster} gave no answer within {} s; see whether `kubectl version` gets one",
        limit.as_secs()
    )]
    Timeout {
        /// What was asked for.
        asked: String,
        /// Of which cluster.
        cluster: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The request did not get through.
    #[error(
        "cannot read {asked}: no connection to {cluster}: {why}; see whether the server runs and the context is the right one"
    )]
    Unreachable {
        /// What was asked for.
        asked: String,
        /// Of which cluster.
        cluster: String,
        /// Why, down to the first cause.
        why: String,
    },
    /// The object is not there.
    #[error("{asked} is not in {cluster}")]
    NotFound {
        /// What was asked for.
        asked: String,
        /// Of which cluster.
        cluster: String,
    },
    /// The user of the context may not read it (401 and 403).
    #[error(
        "cannot read {asked}: {cluster} refuses ({code}): {message}; use a context whose user may read it, \
         or see `kubectl auth whoami`"
    )]
    Refused {
        /// What was asked for.
        asked: String,
        /// Of which cluster.
        cluster: String,
        /// HTTP status.
        code: u16,
        /// What the server said.
        message: String,
    },
    /// The answer is an error, or not what Kubernetes would say.
    #[error("cannot read {asked}: {cluster} answered: {why}")]
    Answer {
        /// What was asked for.
        asked: String,
        /// Of which cluster.
        cluster: String,
        /// What it said.
        why: String,
    },
}

impl ClusterError {
    /// Whether the cluster answered that it has no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// What a failed request means.
    pub(super) fn from_kube(error: kube::Error, asked: String, cluster: String) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                404 => Self::NotFound { asked, cluster },
                code @ (401 | 403) => Self::Refused { asked, cluster, code, message: status.message },
                code => Self::Answer { asked, cluster, why: format!("{code} {}", status.message) },
            },
            kube::Error::Service(why) => Self::Unreachable { asked, cluster, why: causes(&*why) },
            kube::Error::HyperError(why) => Self::Unreachable { asked, cluster, why: causes(&why) },
            kube::Error::Auth(why) => Self::Unreachable { asked, cluster, why: causes(&why) },
            other => Self::Answer { asked, cluster, why: causes(&other) },
        }
    }
}

/// An error and what caused it, each said once.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
