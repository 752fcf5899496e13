//! A pod as JSON, and the ways to its parts that all steps share.
//! In: what the API server or a file has. Out: containers, labels, annotations.
//! Never here: a decision about injection. Fields that nobody here knows stay as they are.

use serde_json::{Map, Value as Json};

/// The container of the proxy.
pub const PROXY: &str = "istio-proxy";
/// The init container that captures traffic.
pub const INIT: &str = "istio-init";
/// The init container that checks that the CNI plugin captures traffic.
pub const VALIDATION: &str = "istio-validation";
/// The init container that allows core dumps.
pub const CORE_DUMP: &str = "enable-core-dump";

/// Which of a pod's two lists of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// `spec.containers`.
    App,
    /// `spec.initContainers`.
    Init,
}

impl Role {
    /// Both, in the order in which Istio looks a container up.
    pub(crate) const BOTH: [Role; 2] = [Role::App, Role::Init];

    /// The field of the pod's spec.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Role::App => "containers",
            Role::Init => "initContainers",
        }
    }
}

/// A pod: `metadata` and `spec`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    json: Map<String, Json>,
}

impl Pod {
    /// A pod from its JSON; anything but an object is an empty pod.
    pub fn from_json(json: Json) -> Pod {
        match json {
            Json::Object(json) => Pod { json },
            _ => Pod::default(),
        }
    }

    /// A pod from the two parts of a pod template.
    pub fn from_parts(metadata: Json, spec: Json) -> Pod {
        let mut json = Map::new();
        json.insert("metadata".to_owned(), metadata);
        json.insert("spec".to_owned(), spec);
        Pod { json }
    }

    /// The whole as JSON.
    pub fn into_json(self) -> Json {
        Json::Object(self.json)
    }

    /// The whole as JSON.
    pub fn to_json(&self) -> Json {
        Json::Object(self.json.clone())
    }

    /// All fields.
    pub(crate) fn fields(&self) -> &Map<String, Json> {
        &self.json
    }

    /// `metadata`.
    pub(crate) fn metadata(&self) -> Option<&Map<String, Json>> {
        self.json.get("metadata")?.as_object()
    }

    /// `spec`.
    pub(crate) fn spec(&self) -> Option<&Map<String, Json>> {
        self.json.get("spec")?.as_object()
    }

    /// `metadata`, made when it is absent.
    pub(crate) fn metadata_mut(&mut self) -> &mut Map<String, Json> {
        object(&mut self.json, "metadata")
    }

    /// `spec`, made when it is absent.
    pub(crate) fn spec_mut(&mut self) -> &mut Map<String, Json> {
        object(&mut self.json, "spec")
    }

    /// A text field of the metadata, such as `name`; empty when it is absent.
    pub(crate) fn meta_text(&self, field: &str) -> &str {
        self.metadata().and_then(|metadata| metadata.get(field)).and_then(Json::as_str).unwrap_or_default()
    }

    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.metadata()?.get("annotations")?.get(name)?.as_str()
    }

    /// A label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.metadata()?.get("labels")?.get(name)?.as_str()
    }

    /// All annotations, in the order written.
    pub(crate) fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        texts(self.metadata(), "annotations")
    }

    /// The annotations, made when there are none.
    pub(crate) fn annotations_mut(&mut self) -> &mut Map<String, Json> {
        object(self.metadata_mut(), "annotations")
    }

    /// The labels, made when there are none.
    pub(crate) fn labels_mut(&mut self) -> &mut Map<String, Json> {
        object(self.metadata_mut(), "labels")
    }

    /// A list of containers; empty when it is absent.
    pub(crate) fn containers(&self, role: Role) -> &[Json] {
        self.spec().and_then(|spec| spec.get(role.field())).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    /// A list of containers, if the pod has it.
    pub(crate) fn containers_mut(&mut self, role: Role) -> Option<&mut Vec<Json>> {
        self.json.get_mut("spec")?.get_mut(role.field())?.as_array_mut()
    }

    /// The first container of that name, regular ones first.
    pub(crate) fn find(&self, name: &str) -> Option<&Json> {
        Role::BOTH.into_iter().find_map(|role| find(self.containers(role), name))
    }

    /// The first container of that name, regular ones first.
    pub(crate) fn find_mut(&mut self, name: &str) -> Option<&mut Json> {
        let role = Role::BOTH.into_iter().find(|role| find(self.containers(*role), name).is_some())?;
        self.containers_mut(role)?.iter_mut().find(|container| container_name(container) == name)
    }

    /// What messages call the pod: its name, or the prefix of a name that is not known yet.
    pub fn shown_name(&self) -> String {
        match (self.meta_text("name"), self.meta_text("generateName")) {
            ("", "") => String::new(),
            ("", prefix) => format!("{prefix}***** (actual name not yet known)"),
            (name, _) => name.to_owned(),
        }
    }
}

/// The first container of that name in a list.
pub(crate) fn find<'a>(containers: &'a [Json], name: &str) -> Option<&'a Json> {
    containers.iter().find(|container| container_name(container) == name)
}

/// The name of a container; empty when it has none.
pub(crate) fn container_name(container: &Json) -> &str {
    container.get("name").and_then(Json::as_str).unwrap_or_default()
}

/// The object under a key, made when it is absent or of another type.
pub(crate) fn object<'a>(map: &'a mut Map<String, Json>, key: &str) -> &'a mut Map<String, Json> {
    let slot = map.entry(key).or_insert(Json::Null);
    if !slot.is_object() {
        *slot = Json::Object(Map::new());
    }
    match slot {
        Json::Object(map) => map,
        _ => unreachable!("it was made an object just above"),
    }
}

/// The list under a key, made when it is absent or of another type.
pub(crate) fn list<'a>(map: &'a mut Map<String, Json>, key: &str) -> &'a mut Vec<Json> {
    let slot = map.entry(key).or_insert(Json::Null);
    if !slot.is_array() {
        *slot = Json::Array(Vec::new());
    }
    match slot {
        Json::Array(list) => list,
        _ => unreachable!("it was made a list just above"),
    }
}

fn texts<'a>(metadata: Option<&'a Map<String, Json>>, field: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let map = metadata.and_then(|metadata| metadata.get(field)).and_then(Json::as_object);
    map.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}
