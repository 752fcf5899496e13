//! The order of containers after merging.
//! In: a pod. Out: the pod with its proxy and its init containers where they have to be.
//! Never here: what is in a container.

use serde_json::Value as Json;

use crate::pod::{CORE_DUMP, INIT, PROXY, Pod, Role, VALIDATION, container_name, find};

/// The end of a list to which a container goes.
#[derive(Clone, Copy)]
enum End {
    First,
    Last,
}

/// Orders the containers; `hold` is whether the application waits until the proxy has started.
///
/// The proxy is the last container, so that `kubectl exec` still means the application, or the first one with `hold`.
/// A native sidecar comes before all other init containers, which then are in the mesh.
/// Without one, capture of traffic starts after the other init containers, so that they reach the network,
/// while the check of the capture comes before them.
pub(crate) fn reorder(pod: &mut Pod, hold: bool) {
    use End::{First, Last};
    if let Some(containers) = pod.containers_mut(Role::App) {
        place(containers, PROXY, if hold { First } else { Last });
    }
    let Some(init_containers) = pod.containers_mut(Role::Init) else { return };
    let moves = if find(init_containers, PROXY).is_some() {
        [(CORE_DUMP, First), (PROXY, First), (VALIDATION, First), (INIT, First)].as_slice()
    } else {
        [(VALIDATION, First), (INIT, Last), (CORE_DUMP, Last)].as_slice()
    };
    for (name, end) in moves {
        place(init_containers, name, *end);
    }
}

fn place(containers: &mut Vec<Json>, name: &str, end: End) {
    let Some(at) = containers.iter().position(|container| container_name(container) == name) else { return };
    let container = containers.remove(at);
    match end {
        End::First => containers.insert(0, container),
        End::Last => containers.push(container),
    }
}
