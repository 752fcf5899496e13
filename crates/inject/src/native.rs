//! Whether proxies run as native sidecars: init containers that stay.
//! In: `ENABLE_NATIVE_SIDECARS`, the versions of the nodes' kubelets. Out: yes or no.
//! Never here: a Kubernetes client; annotation `sidecar.istio.io/nativeSidecar`, which decides for one pod.

/// The minor version of Kubernetes 1 in which native sidecars became stable.
const STABLE_SINCE: u64 = 33;

/// What `ENABLE_NATIVE_SIDECARS` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NativeSidecars {
    /// `true`.
    Enabled,
    /// `false`.
    Disabled,
    /// `auto`, and the default: by the versions of the nodes.
    #[default]
    Auto,
}

/// A node and the version of its kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeVersion {
    /// The node's name.
    pub name: String,
    /// `status.nodeInfo.kubeletVersion`, such as `v1.33.1`.
    pub kubelet: String,
}

impl NativeSidecars {
    /// Reads the setting; another word counts as `false`, with a warning.
    pub fn from_setting(value: Option<&str>) -> (NativeSidecars, Option<String>) {
        match value {
            None | Some("auto") => (NativeSidecars::Auto, None),
            Some("true") => (NativeSidecars::Enabled, None),
            Some("false") => (NativeSidecars::Disabled, None),
            Some(other) => {
                let warning =
                    format!("ENABLE_NATIVE_SIDECARS is '{other}' and counts as false; use true, false or auto");
                (NativeSidecars::Disabled, Some(warning))
            }
        }
    }

    /// Whether the proxy of a pod is a native sidecar; adds warnings for what is not known.
    ///
    /// `nodes` are those of the pod's cluster, or nothing when they cannot be read.
    /// `pod_node` is `spec.nodeName`, empty for a pod that is not scheduled yet: then all nodes have to be able to.
    pub fn apply(self, nodes: Option<&[NodeVersion]>, pod_node: &str, warnings: &mut Vec<String>) -> bool {
        match self {
            NativeSidecars::Enabled => return true,
            NativeSidecars::Disabled => return false,
            NativeSidecars::Auto => {}
        }
        let Some(nodes) = nodes else {
            warnings.push("whether nodes run native sidecars is not known; ordinary sidecars are injected".to_owned());
            return false;
        };
        if !pod_node.is_empty() {
            if let Some(node) = nodes.iter().find(|node| node.name == pod_node) {
                return is_able(node, warnings);
            }
            warnings.push(format!("node {pod_node} of the pod is not known; all nodes of the cluster are asked"));
        }
        nodes.iter().all(|node| is_able(node, warnings))
    }
}

fn is_able(node: &NodeVersion, warnings: &mut Vec<String>) -> bool {
    match minor(&node.kubelet) {
        Some(minor) => minor >= STABLE_SINCE,
        None => {
            let NodeVersion { name, kubelet } = node;
            warnings
                .push(format!("node {name} has kubelet version '{kubelet}', which is no version; it counts as old"));
            false
        }
    }
}

/// The second number of a version such as `v1.33.0-gke.100` or `1.33.2+k3s1`; 0 when there is none.
fn minor(version: &str) -> Option<u64> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let (numbers, rest) = version.split_at(end);
    if !rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '~' | '.')) {
        return None;
    }
    let numbers = numbers.split('.').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
    Some(numbers.get(1).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
