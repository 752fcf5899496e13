//! User and group of the proxy on OpenShift, which hands out a range of ids to each namespace.
//! In: the annotations of the namespace, the pod. Out: ids; the pod without the user that OpenShift put in.
//! Never here: whether this is OpenShift.

use serde_json::{Map, Value as Json};

use crate::pod::{INIT, PROXY, Pod, Role, VALIDATION, container_name};

/// User and group of the proxy where nothing else is said.
pub(crate) const PROXY_ID: i64 = 1337;
/// Annotation of a namespace: its user ids, as `start/size` or `start-end`.
const USERS: &str = "openshift.io/sa.scc.uid-range";
/// Annotation of a namespace: its groups, as blocks with commas between them.
const GROUPS: &str = "openshift.io/sa.scc.supplemental-groups";

/// Whether a namespace has ids of OpenShift.
pub(crate) fn has_ids(namespace_annotations: &Map<String, Json>) -> bool {
    namespace_annotations.contains_key(USERS)
}

/// User and group of the proxy: the last of the namespace's users and of its first block of groups, or 1337.
///
/// Without an annotation for groups that for users counts. A value that is no block counts as absent.
pub(crate) fn proxy_ids(namespace_annotations: Option<&Map<String, Json>>) -> (i64, i64) {
    let annotation = |name| namespace_annotations.and_then(|all| all.get(name)).and_then(Json::as_str);
    let user = annotation(USERS).and_then(last_of_block);
    let group = annotation(GROUPS).or_else(|| annotation(USERS)).and_then(|blocks| {
        let ends: Option<Vec<i64>> = blocks.split(',').map(last_of_block).collect();
        ends?.first().copied()
    });
    (user.unwrap_or(PROXY_ID), group.unwrap_or(PROXY_ID))
}

/// The last id of `start/size` or `start-end`, read as Go's `fmt.Sscanf` reads it: what follows does not matter.
fn last_of_block(block: &str) -> Option<i64> {
    let sized = block.contains('/');
    let (start, rest) = number(block)?;
    let (second, _) = number(rest.strip_prefix(if sized { '/' } else { '-' })?)?;
    Some(if sized { start.wrapping_add(second).wrapping_sub(1) } else { second }.into())
}

fn number(text: &str) -> Option<(u32, &str)> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Takes user and group off the proxy that a pod brings when its user is that of the application; whether it did.
///
/// OpenShift gives all containers of a pod one user, the proxy too, and traffic of the proxy could not be told apart
/// from that of the application. A user that differs was chosen by somebody and stays.
pub(crate) fn reset_shared_user(pod: &mut Pod) -> bool {
    if !shares_user(pod) {
        return false;
    }
    let context = pod.find_mut(PROXY).and_then(|proxy| proxy.get_mut("securityContext")).and_then(Json::as_object_mut);
    let Some(context) = context else { return false };
    context.shift_remove("runAsUser");
    context.shift_remove("runAsGroup");
    true
}

/// Whether the user of the proxy is that of the last container of the application that names one; none is user 0.
fn shares_user(pod: &Pod) -> bool {
    let (mut of_proxy, mut of_app) = (0, 0);
    for container in Role::BOTH.into_iter().flat_map(|role| pod.containers(role)) {
        let Some(user) = container.pointer("/securityContext/runAsUser").and_then(Json::as_i64) else { continue };
        match container_name(container) {
            PROXY => of_proxy = user,
            VALIDATION | INIT => {}
            _ => of_app = user,
        }
    }
    of_proxy == of_app
}

#[cfg(test)]
mod tests;
