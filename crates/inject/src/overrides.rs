//! What users wrote into containers that the templates inject, and how a second injection finds it again.
//! In: the pod as it came, the pod of the templates, their merge. Out: the merge with the users' settings on top.
//! Never here: the rules of merging, templates.

use serde_json::{Map, Value as Json, json};

use crate::go_json;
use crate::merge::merge;
use crate::pod::{INIT, PROXY, Pod, Role, VALIDATION, container_name, find, list, object};
use crate::post::prometheus;
use crate::schema;
use crate::status::{self, Status};

/// The annotation that keeps the users' containers for the next injection.
const ANNOTATION: &str = "proxy.istio.io/overrides";
/// The annotation that says how traffic is captured.
const INTERCEPTION: &str = "sidecar.istio.io/interceptionMode";
/// The image that stands for the one of the template.
const AUTO_IMAGE: &str = "auto";

/// Why a user's containers cannot be put over those of the templates.
#[derive(Debug, thiserror::Error)]
pub enum OverrideError {
    /// The annotation does not hold what the injector writes into it.
    #[error(
        "annotation proxy.istio.io/overrides of the pod: {why}; the injector writes this annotation \
         as {{\"containers\":[...],\"initContainers\":[...]}}, remove it and inject the original pod"
    )]
    Annotation {
        /// What is wrong with it.
        why: String,
    },
    /// A container does not merge.
    #[error(
        "container {name:?} of the pod is also in {field} of the injection template and does not merge with it: {why}; \
         correct the field in the pod, or give the container another name"
    )]
    Merge {
        /// The name of the container.
        name: String,
        /// The list of the template that has it.
        field: &'static str,
        /// What the merge says.
        why: String,
    },
}

/// The pod without what an earlier injection added, as the templates shall see it.
///
/// A container that users wrote settings for stays in its place, with nothing but these settings.
/// `status_port` is the mesh's `defaultConfig.statusPort`: annotations that send Prometheus there are the injector's.
pub(crate) fn strip(pod: &Pod, status_port: u16) -> Pod {
    let mut pod = pod.clone();
    let Some(status) = Status::of(&pod) else { return pod };
    // An annotation that is not readable is for `reinsert` to refuse.
    let kept = Overrides::of(&pod).unwrap_or_default();
    for role in Role::BOTH {
        let Some(containers) = pod.containers_mut(role) else { continue };
        let written = |container: Json| match container_name(&container) {
            name if status.has(role, name) => find(kept.containers(role), name).cloned(),
            _ => Some(container),
        };
        *containers = std::mem::take(containers).into_iter().filter_map(written).collect();
    }
    if prometheus::port(&pod) == Some(status_port.to_string().as_str()) {
        prometheus::clear(&mut pod);
    }
    pod.annotations_mut().shift_remove(status::ANNOTATION);
    pod
}

/// Puts containers that users wrote themselves and that are gone back into a stripped pod.
pub(crate) fn reinsert(mut pod: Pod) -> Result<Pod, OverrideError> {
    let kept = Overrides::of(&pod)?;
    for role in Role::BOTH {
        for container in kept.containers(role) {
            if find(pod.containers(role), container_name(container)).is_none() {
                list(pod.spec_mut(), role.field()).push(container.clone());
            }
        }
    }
    Ok(pod)
}

/// The pod with the containers that an earlier injection added where merging puts new ones: first, in the template's
/// order. They end up then where they did the first time.
pub(crate) fn regroup(pod: &Pod) -> Pod {
    let mut pod = pod.clone();
    let Some(status) = Status::of(&pod) else { return pod };
    // An annotation that is not readable is for `reinsert` to refuse.
    let kept = Overrides::of(&pod).unwrap_or_default();
    for role in Role::BOTH {
        let place = |container: &Json| {
            let name = container_name(container);
            let added = status.names(role).iter().position(|added| added == name);
            added.filter(|_| find(kept.containers(role), name).is_none()).unwrap_or(usize::MAX)
        };
        if let Some(containers) = pod.containers_mut(role) {
            containers.sort_by_key(place);
        }
    }
    pod
}

/// Moves a user's proxy container from `containers` to the init containers, where the templates have native sidecars.
///
/// Users write their settings for the proxy into `containers` either way; only in one list do the two merge.
pub(crate) fn move_native(pod: &mut Pod) {
    let Some(containers) = pod.containers_mut(Role::App) else { return };
    let Some(at) = containers.iter().position(|container| container_name(container) == PROXY) else { return };
    let proxy = containers.remove(at);
    list(pod.spec_mut(), Role::Init.field()).push(proxy);
}

/// Merges the users' containers over the merged pod once more, since theirs is the last word.
///
/// `pod` is the merge of `original` (the pod as it came) and `template` (what the templates gave).
/// Of a container that an earlier injection added, only what the annotation kept is the user's; the rest is the template's.
/// Istio leaves out what was kept too, so that its second injection undoes users' settings; here it changes nothing.
/// `tproxy` says whether the proxy's configuration captures traffic with TPROXY.
pub(crate) fn reapply(merged: Pod, original: &Pod, template: &Pod, tproxy: bool) -> Result<Pod, OverrideError> {
    let mut pod = merged.into_json();
    let kept = Overrides::of(original)?;
    let status = Status::of(original).unwrap_or_default();
    let mut applied = Overrides::default();
    for role in Role::BOTH {
        for name in template.containers(role).iter().map(container_name) {
            let written = match role {
                _ if status.has(role, name) => None,
                Role::App => find(original.containers(Role::App), name),
                Role::Init => original.find(name),
            };
            let Some(container) = find(kept.containers(role), name).or(written) else { continue };
            let mut overlay = go_json::typed(container, "Container");
            if let Some(overlay) = overlay.as_object_mut()
                && overlay.get("image").and_then(Json::as_str) == Some(AUTO_IMAGE)
            {
                overlay.shift_remove("image");
            }
            let patch = json!({"spec": {role.field(): [&overlay]}});
            merge(&mut pod, patch, schema::pod()).map_err(|error| OverrideError::Merge {
                name: name.to_owned(),
                field: role.field(),
                why: error.to_string(),
            })?;
            applied.containers_mut(role).push(overlay);
        }
    }
    let mut pod = Pod::from_json(pod);
    if !status::injected(original) && !applied.is_empty() {
        pod.annotations_mut().insert(ANNOTATION.to_owned(), Json::from(applied.text()));
    }
    let kept = Role::BOTH.into_iter().find_map(|role| find(kept.containers(role), PROXY));
    let added = Role::BOTH.into_iter().any(|role| status.has(role, PROXY));
    if let Some(proxy) = kept.or(original.find(PROXY).filter(|_| !added)) {
        adjust_init_user(&mut pod, proxy, tproxy);
    }
    Ok(pod)
}

/// Makes the init container fit the user and group that the pod gives its proxy.
///
/// The init container lets the traffic of the proxy's user through (`-u`), the validation container runs as that user.
/// With TPROXY the proxy has to run as user 0, whatever the pod says.
fn adjust_init_user(pod: &mut Pod, proxy: &Json, tproxy: bool) {
    let security = proxy.get("securityContext");
    let id = |field| security.and_then(|security| security.get(field)).filter(|id| !id.is_null()).cloned();
    let (user, group) = (id("runAsUser"), id("runAsGroup"));
    if user.is_none() && group.is_none() {
        return;
    }
    // A gateway has neither.
    let init_containers = pod.containers(Role::Init);
    let Some(init) = [INIT, VALIDATION].into_iter().find(|name| find(init_containers, name).is_some()) else { return };
    let tproxy = tproxy || pod.annotation(INTERCEPTION) == Some("TPROXY");

    if tproxy
        && user.is_some()
        && let Some(proxy) = pod.find_mut(PROXY).and_then(Json::as_object_mut)
    {
        object(proxy, "securityContext").insert("runAsUser".to_owned(), Json::from(0));
    }
    let containers = pod.containers_mut(Role::Init).into_iter().flatten();
    let found = containers.filter(|container| container_name(container) == init).find_map(Json::as_object_mut);
    let Some(container) = found else { return };
    if !tproxy && init == VALIDATION {
        for (field, id) in [("runAsUser", &user), ("runAsGroup", &group)] {
            if let Some(id) = id {
                object(container, "securityContext").insert(field.to_owned(), id.clone());
            }
        }
    }
    // Rules that let the traffic of user 0 through would let everything of the init containers through.
    let Some(user) = user.filter(|user| user.as_i64() != Some(0)) else { return };
    let Some(args) = container.get_mut("args").and_then(Json::as_array_mut) else { return };
    let flag = args.iter().position(|arg| arg.as_str() == Some("-u"));
    if let Some(value) = flag.and_then(|flag| args.get_mut(flag + 1)) {
        *value = Json::from(user.to_string());
    }
}

/// The content of the annotation.
#[derive(Debug, Default)]
struct Overrides {
    containers: Vec<Json>,
    init_containers: Vec<Json>,
}

impl Overrides {
    /// What the pod's annotation holds; nothing without the annotation.
    fn of(pod: &Pod) -> Result<Overrides, OverrideError> {
        let Some(text) = pod.annotation(ANNOTATION) else { return Ok(Overrides::default()) };
        let wrong = |why: String| OverrideError::Annotation { why };
        let json: Map<String, Json> = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let mut overrides = Overrides::default();
        for role in Role::BOTH {
            let field = role.field();
            match json.get(field) {
                None | Some(Json::Null) => {}
                Some(Json::Array(list)) if list.iter().all(Json::is_object) => {
                    overrides.containers_mut(role).clone_from(list)
                }
                Some(_) => return Err(wrong(format!("{field} is not a list of containers"))),
            }
        }
        Ok(overrides)
    }

    fn containers(&self, role: Role) -> &[Json] {
        match role {
            Role::App => &self.containers,
            Role::Init => &self.init_containers,
        }
    }

    fn containers_mut(&mut self, role: Role) -> &mut Vec<Json> {
        match role {
            Role::App => &mut self.containers,
            Role::Init => &mut self.init_containers,
        }
    }

    fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.init_containers.is_empty()
    }

    /// The text of the annotation; an empty list is left out.
    fn text(&self) -> String {
        let filled = Role::BOTH.into_iter().filter(|role| !self.containers(*role).is_empty());
        let fields = filled.map(|role| (role.field().to_owned(), Json::from(self.containers(role))));
        go_json::text(&Json::Object(fields.collect()))
    }
}

#[cfg(test)]
mod tests;
