//! Security settings on the wrong level: a pod's on a container, a container's on the pod.
//! In: such fields, taken out where they stood. Out: the same fields on the other level, and a warning.
//! Never here: a setting that wins over one that stands in its right place.

use serde_json::{Map, Value as Json};

use super::{Result, Walk, unknown};
use crate::pod::{PROXY, Role, container_name, list, object};
use crate::schema::{Field, Path, Type, of};

const CONTAINER: &str = "SecurityContext";
const POD: &str = "PodSecurityContext";
const SECURITY_CONTEXT: &str = "securityContext";
const CAPABILITIES: &str = "capabilities";

/// A field that belongs to the other level.
pub(super) struct Misplaced {
    /// Where it stood.
    from: String,
    field: &'static Field,
    value: Json,
    /// The type that has the field.
    home: &'static str,
}

impl Walk {
    /// Takes fields out that the other level has.
    pub(super) fn displace(&mut self, map: &mut Map<String, Json>, ty: &'static Type, path: &Path<'_>) {
        let home = match ty.name() {
            CONTAINER => POD,
            POD => CONTAINER,
            _ => return,
        };
        let Some(other) = of(home) else { return };
        for key in unknown(map, ty) {
            let Some(field) = other.field_by_json(&key) else { continue };
            if let Some(value) = map.shift_remove(&key) {
                self.misplaced.push(Misplaced { from: path.field(&key).to_string(), field, value, home });
            }
        }
    }
}

impl Misplaced {
    /// Puts the field where it belongs.
    pub(super) fn settle(self, overlay: &mut Json, walk: &mut Walk) -> Result<()> {
        let Json::Object(pod) = overlay else { return Ok(()) };
        let spec = object(pod, "spec");
        match self.home {
            POD => self.onto_pod(spec, walk),
            _ => self.onto_proxy(spec, walk),
        }
    }

    fn onto_pod(mut self, spec: &mut Map<String, Json>, walk: &mut Walk) -> Result<()> {
        let (path, name) = (Path::ROOT, self.field.json);
        let (path, from) = (path.field("spec"), &self.from);
        let path = path.field(SECURITY_CONTEXT);
        let to = path.field(name);
        walk.field(&mut self.value, self.field, &to)?;
        let context = object(spec, SECURITY_CONTEXT);
        let kept = context.get(name).filter(|value| !value.is_null());
        walk.warnings.push(match kept {
            Some(kept) if *kept == self.value => {
                format!("`{from}` is dropped: a container has no `{name}`; the pod has the same")
            }
            Some(kept) => format!("`{from}` is dropped: a container has no `{name}`, and the pod says {kept} already"),
            None => format!("`{from}` is moved to `{to}`: a container has no `{name}`, a pod has"),
        });
        if kept.is_none() {
            context.insert(name.to_owned(), self.value);
        }
        Ok(())
    }

    fn onto_proxy(mut self, spec: &mut Map<String, Json>, walk: &mut Walk) -> Result<()> {
        let (name, from) = (self.field.json, &self.from);
        let has_proxy = |role: &Role| {
            let containers = spec.get(role.field()).and_then(Json::as_array);
            containers.is_some_and(|containers| containers.iter().any(|item| container_name(item) == PROXY))
        };
        let role = Role::BOTH.into_iter().find(has_proxy);
        let proxy = role.and_then(|role| {
            let containers = list(spec, role.field());
            let place = containers.iter().position(|item| container_name(item) == PROXY)?;
            Some((role, place, containers.get_mut(place)?.as_object_mut()?))
        });
        let Some((role, place, container)) = proxy else {
            let why = format!("a pod has no `{name}`, and the template has no container {PROXY} that could take it");
            walk.warnings.push(format!("`{from}` is dropped: {why}"));
            return Ok(());
        };
        let path = Path::ROOT;
        let path = path.field("spec");
        let path = path.field(role.field());
        let path = path.named(place, Some(PROXY));
        let path = path.field(SECURITY_CONTEXT);
        let to = path.field(name);
        walk.field(&mut self.value, self.field, &to)?;
        let context = object(container, SECURITY_CONTEXT);
        if name == CAPABILITIES
            && let Json::Object(capabilities) = &self.value
        {
            let added = unite(object(context, CAPABILITIES), capabilities);
            walk.warnings
                .push(format!("`{from}` ({added}) is moved to `{to}`: a pod has no `{name}`, a container has"));
            return Ok(());
        }
        let kept = context.get(name).filter(|value| !value.is_null());
        walk.warnings.push(match kept {
            Some(kept) => format!("`{from}` is dropped: a pod has no `{name}`, and {PROXY} says {kept} already"),
            None => format!("`{from}` is moved to `{to}`: a pod has no `{name}`, a container has"),
        });
        if kept.is_none() {
            context.insert(name.to_owned(), self.value);
        }
        Ok(())
    }
}

/// Adds capabilities to those of a container, by the names that Kubernetes has for them; answers what they are.
fn unite(container: &mut Map<String, Json>, moved: &Map<String, Json>) -> String {
    let mut words = Vec::new();
    for (verb, names) in moved {
        let Json::Array(names) = names else { continue };
        let there = list(container, verb);
        for name in names.iter().filter_map(Json::as_str) {
            let name = name.strip_prefix("CAP_").unwrap_or(name);
            words.push(format!("{verb} {name}"));
            if !there.iter().any(|other| other.as_str().is_some_and(|other| other.trim_start_matches("CAP_") == name)) {
                there.push(name.into());
            }
        }
    }
    words.join(", ")
}
