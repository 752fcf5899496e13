//! Which cluster a command asks, in the words of kubectl and istioctl.

use lateen_sources::{Cluster, ClusterError};
use std::path::PathBuf;

/// A cluster, found as kubectl finds it.
#[derive(clap::Args, Clone)]
pub struct ClusterArgs {
    /// Kubeconfig file; the files of KUBECONFIG, or ~/.kube/config, when it is not given.
    #[arg(long, short = 'c', value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; its current one when it is not given.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace of Istio.
    #[arg(long = "istioNamespace", short = 'i', value_name = "NAMESPACE", default_value = "istio-system")]
    pub istio_namespace: String,
}

impl ClusterArgs {
    /// A client; nothing is sent yet.
    pub async fn connect(&self) -> Result<Cluster, ClusterError> {
        Cluster::connect(self.kubeconfig.as_deref(), self.context.as_deref()).await
    }
}

/// Runs a conversation with a cluster to its end.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
