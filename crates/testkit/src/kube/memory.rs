//! The API of Kubernetes over HTTP, in memory.
//! In come requests; out come objects, lists, events and refusals in the form that Kubernetes gives them.
//! A watch is answered with the events that there are, and ends: clients watch again from there.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Map, Value as Json, json};

use super::query::Query;
use super::store::{Refusal, Store, is_of};
use super::{TOKEN, text};
use crate::origin::{Origin, Seen};

/// The longest wait of a watch for its first event.
const WATCH_LIMIT: Duration = Duration::from_secs(30);

/// Kinds whose objects are in no namespace.
const WITHOUT_NAMESPACE: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "GatewayClass",
    "IngressClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "ValidatingWebhookConfiguration",
];

pub(super) struct Memory {
    origin: Origin,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    store: Store,
    forbidden: BTreeSet<String>,
    stopped: bool,
}

/// A status and a body.
type Answer = (u16, String);

impl Memory {
    pub(super) fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let answering = shared.clone();
        let origin = Origin::answering(move |request| {
            if answering.state().stopped {
                return Vec::new();
            }
            let (status, body) = answering.answer(request);
            let head = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\n");
            format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
        })?;
        let memory = Self { origin, shared };
        for name in ["default", "kube-system"] {
            memory.create(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }))?;
        }
        Ok(memory)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.origin.addr
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.origin.seen()
    }

    pub(super) fn forbid(&self, plural: &str) {
        self.shared.state().forbidden.insert(plural.to_owned());
    }

    pub(super) fn create(&self, object: &Json) -> Result<()> {
        self.write("create", object, |store, query| store.create(query, object.clone()).map(drop))
    }

    pub(super) fn replace(&self, object: &Json) -> Result<()> {
        self.write("replace", object, |store, query| store.change(query, |_| Ok(object.clone())).map(drop))
    }

    pub(super) fn delete(&self, object: &Json) -> Result<()> {
        self.write("delete", object, |store, query| store.delete(query).map(drop))
    }

    /// Does something to an object by its kind and name.
    fn write(
        &self,
        verb: &str,
        object: &Json,
        change: impl FnOnce(&mut Store, &Query) -> Result<(), Refusal>,
    ) -> Result<()> {
        let (kind, api_version) = (text(object, "kind")?, text(object, "apiVersion")?);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let namespace = match object["metadata"]["namespace"].as_str() {
            _ if WITHOUT_NAMESPACE.contains(&kind) => "",
            namespace => namespace.unwrap_or("default"),
        };
        let query = Query {
            group: group.to_owned(),
            version: version.to_owned(),
            namespace: namespace.to_owned(),
            plural: plural(kind),
            name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            ..Query::default()
        };
        if let Err((_, _, why)) = change(&mut self.shared.state().store, &query) {
            bail!("{verb} {kind} {}: {why}", object["metadata"]["name"]);
        }
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Seen) -> Answer {
        if request.target.starts_with("/version") {
            return (200, json!({ "major": "1", "minor": "33", "gitVersion": "v1.33.0-testkit" }).to_string());
        }
        if request.header("authorization").is_some_and(|given| given.strip_prefix("Bearer ") != Some(TOKEN)) {
            return refusal((401, "Unauthorized", "Unauthorized".into()));
        }
        let Some(query) = Query::read(&request.target) else {
            return refusal((404, "NotFound", "the server could not find the requested resource".into()));
        };
        if self.state().forbidden.contains(&query.plural) {
            let message = format!("{} is forbidden: User \"admin\" cannot read resource", query.plural);
            return refusal((403, "Forbidden", message));
        }
        let is_watch = matches!(query.param("watch"), "true" | "1");
        match (request.method.as_str(), query.name.is_empty()) {
            ("GET", true) if is_watch => self.watch(&query),
            ("GET", true) => list(&self.state().store, &query),
            ("GET", false) => self.state().store.get(&query).map_or_else(refusal, |object| (200, object.to_string())),
            _ => {
                let answer = write(&mut self.state().store, &query, request);
                self.changed.notify_all();
                answer
            }
        }
    }

    /// Waits for an event that the watch is about, no longer than its time.
    fn watch(&self, query: &Query) -> Answer {
        let limit = query.param("timeoutSeconds").parse().map_or(WATCH_LIMIT, Duration::from_secs).min(WATCH_LIMIT);
        let deadline = Instant::now() + limit;
        let since = query.param("resourceVersion").parse().unwrap_or(0_u64);
        let mut state = self.state();
        loop {
            let events = match since {
                0 => state.store.of(query).map(|object| event(query, None, Some(object))).collect(),
                _ => events(&state.store, query, since),
            };
            let events: Vec<String> = match events {
                Ok(events) => events.into_iter().flatten().collect(),
                Err(why) => return refusal((400, "BadRequest", why)),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if !events.is_empty() || left.is_zero() || state.stopped {
                return (200, events.concat());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn events(store: &Store, query: &Query, since: u64) -> Result<Vec<Option<String>>, String> {
    let newer = store.events.iter().filter(|event| event.version > since && is_of(&event.key, query));
    newer.map(|change| event(query, change.before.as_ref(), change.after.as_ref())).collect()
}

/// A line of a watch: an object that comes into the selection is added to it, one that leaves is deleted.
fn event(query: &Query, before: Option<&Json>, after: Option<&Json>) -> Result<Option<String>, String> {
    let picked = |object: Option<&Json>| object.map_or(Ok(false), |object| query.picks(object));
    let (kind, object) = match (picked(before)?, picked(after)?) {
        (false, false) => return Ok(None),
        (false, true) => ("ADDED", after),
        (true, true) => ("MODIFIED", after),
        (true, false) => ("DELETED", after.or(before)),
    };
    Ok(Some(format!("{}\n", json!({ "type": kind, "object": object }))))
}

fn list(store: &Store, query: &Query) -> Answer {
    let picked: Result<Vec<&Json>, String> = store
        .of(query)
        .filter_map(|object| query.picks(object).map(|picks| picks.then_some(object)).transpose())
        .collect();
    let picked = match picked {
        Ok(picked) => picked,
        Err(why) => return refusal((400, "BadRequest", why)),
    };
    let from = query.param("continue").parse().unwrap_or(0).min(picked.len());
    let limit = query.param("limit").parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let to = from.saturating_add(limit).min(picked.len());
    let kind = picked.first().and_then(|object| object["kind"].as_str()).unwrap_or_default();
    let mut metadata = Map::from_iter([("resourceVersion".to_owned(), json!(store.version.to_string()))]);
    if to < picked.len() {
        metadata.insert("continue".to_owned(), json!(to.to_string()));
    }
    let api_version = [query.group.as_str(), "/"].concat();
    let api_version = api_version.trim_start_matches('/').to_owned() + &query.version;
    let items: Vec<Json> = picked[from..to].iter().map(|object| untyped(object)).collect();
    (
        200,
        json!({ "kind": format!("{kind}List"), "apiVersion": api_version, "metadata": metadata, "items": items })
            .to_string(),
    )
}

/// An object as it stands in a list: without `apiVersion` and `kind`.
fn untyped(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|field, _| field != "apiVersion" && field != "kind");
    }
    object
}

fn write(store: &mut Store, query: &Query, request: &Seen) -> Answer {
    let body = || serde_json::from_slice::<Json>(&request.body).map_err(|why| (400, "BadRequest", why.to_string()));
    let only_status = query.subresource == "status";
    let is_merge = request.header("content-type").is_some_and(|kind| kind.contains("merge-patch"));
    let written = match (request.method.as_str(), query.name.is_empty()) {
        ("POST", true) => body().and_then(|object| Ok((201, store.create(query, object)?.clone()))),
        ("PUT", false) => body().and_then(|object| {
            let new = store.change(query, |old| Ok(if only_status { with_status(old, &object) } else { object }))?;
            Ok((200, new.clone()))
        }),
        ("PATCH", false) if is_merge => body().and_then(|patch| {
            let new = store.change(query, |old| {
                let mut merged = old.clone();
                merge(&mut merged, &patch);
                Ok(if only_status { with_status(old, &merged) } else { merged })
            })?;
            Ok((200, new.clone()))
        }),
        ("DELETE", false) => store
            .delete(query)
            .map(|_| (200, json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" }))),
        (method, _) => Err((405, "MethodNotAllowed", format!("{method} is not for {}", request.target))),
    };
    written.map_or_else(refusal, |(status, object)| (status, object.to_string()))
}

fn with_status(old: &Json, new: &Json) -> Json {
    let mut object = old.clone();
    object["status"] = new["status"].clone();
    object["metadata"]["resourceVersion"] = new["metadata"]["resourceVersion"].clone();
    object
}

/// RFC 7396.
fn merge(target: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|target| target.remove(key));
        } else {
            merge(&mut target[key], value);
        }
    }
}

fn refusal((code, reason, message): Refusal) -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    (code, status.to_string())
}

/// The name of a kind in paths, by the rules of English that Kubernetes' own names follow.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    if kind == "endpoints" {
        return kind;
    }
    let before_y = kind.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u']));
    match before_y {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with(['s', 'x']) || kind.ends_with("ch") => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}
