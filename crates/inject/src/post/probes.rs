//! Probes of the application through the proxy's agent, which reaches the application although the mesh demands mTLS.
//! In: a pod with probes. Out: the pod with probes that ask the agent, and the original ones in a variable of the proxy.
//! Never here: probing.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Context, PostError, env_mut, env_name, env_value, parse_bool, variable};
use crate::go_json;
use crate::pod::{PROXY, Pod, Role, container_name};

/// The variable that tells the agent how to probe the application.
pub(super) const ENV: &str = "ISTIO_KUBE_APP_PROBERS";

/// The annotation that decides for a pod whether its probes are rewritten.
const REWRITE: &str = "sidecar.istio.io/rewriteAppHTTPProbers";
/// The annotation with the port of a pod's agent.
const STATUS_PORT: &str = "status.sidecar.istio.io/port";

/// A place in a container that asks the application something.
struct Handler {
    /// Where it is in a container, as a JSON pointer.
    pointer: &'static str,
    /// The first segment of the agent's path.
    room: &'static str,
    /// The last segment of the agent's path.
    what: &'static str,
    /// The ways to ask that the agent can take over; the first that is there counts.
    actions: &'static [&'static str],
}

const HANDLERS: [Handler; 5] = [
    Handler::probe("/readinessProbe", "readyz"),
    Handler::probe("/livenessProbe", "livez"),
    Handler::probe("/startupProbe", "startupz"),
    Handler::hook("/lifecycle/preStop", "prestopz"),
    Handler::hook("/lifecycle/postStart", "poststartz"),
];

impl Handler {
    const fn probe(pointer: &'static str, what: &'static str) -> Handler {
        Handler { pointer, room: "app-health", what, actions: &["httpGet", "tcpSocket", "grpc"] }
    }

    const fn hook(pointer: &'static str, what: &'static str) -> Handler {
        Handler { pointer, room: "app-lifecycle", what, actions: &["httpGet", "tcpSocket"] }
    }

    /// The agent's path for a container.
    fn path(&self, container: &str) -> String {
        format!("/{}/{container}/{}", self.room, self.what)
    }

    /// The way in which a handler asks.
    fn action(&self, handler: &Map<String, Json>) -> Option<&'static str> {
        self.actions.iter().copied().find(|action| handler.get(*action).is_some_and(Json::is_object))
    }
}

/// Sends the probes of all containers but the proxy to the agent, if the annotation or else the value says so.
pub(super) fn rewrite(pod: &mut Pod, context: &Context<'_>, warnings: &mut Vec<String>) -> Result<(), PostError> {
    let setting = context.rewrite_probes;
    if pod.find(PROXY).is_none() || !pod.annotation(REWRITE).and_then(parse_bool).unwrap_or(setting) {
        return Ok(());
    }
    let agent_port = match pod.annotation(STATUS_PORT) {
        Some(value) => value.trim().parse::<u16>().map_err(|_| PostError::StatusPort { value: value.to_owned() })?,
        None => context.status_port,
    };
    let probers = probers(pod, context.status_port, agent_port);
    if !probers.is_empty() {
        tell_agent(pod, probers, context.previously_injected, warnings);
    }
    for role in Role::BOTH {
        for container in pod.containers_mut(role).into_iter().flatten() {
            redirect(container, agent_port, context.previously_injected);
        }
    }
    Ok(())
}

/// What the agent has to ask, by its own path, with named ports as numbers.
///
/// A port name that the container does not have is left out, as is a probe that goes to the mesh's `status_port` or to
/// the agent's own path: an earlier injection sent it there, and the agent must not ask itself.
fn probers(pod: &Pod, status_port: u16, agent_port: u16) -> BTreeMap<String, Json> {
    let mut probers = BTreeMap::new();
    let containers = pod.containers(Role::Init).iter().chain(pod.containers(Role::App));
    for container in containers.filter(|container| container_name(container) != PROXY) {
        for handler in &HANDLERS {
            let Some(json) = container.pointer(handler.pointer).and_then(Json::as_object) else { continue };
            let Some(action) = handler.action(json) else { continue };
            let path = handler.path(container_name(container));
            let asked = &json[action];
            if action == "httpGet" && asked["path"] == path.as_str() && asked["port"] == agent_port {
                continue;
            }
            let port = match json[action].get("port") {
                port if action == "grpc" => port.cloned().unwrap_or_default(),
                Some(Json::String(name)) => match named_port(container, name) {
                    Some(port) => port,
                    None => continue,
                },
                Some(port) if port.as_u64() == Some(u64::from(status_port)) => continue,
                Some(port) if !port.is_null() => port.clone(),
                _ => Json::from(0),
            };
            probers.insert(path, prober(json, action, port));
        }
    }
    probers
}

fn named_port(container: &Json, name: &str) -> Option<Json> {
    let ports = container.get("ports")?.as_array()?.iter().rev();
    let named =
        ports.filter(|_| !name.is_empty()).find(|port| port.get("name").and_then(Json::as_str) == Some(name))?;
    Some(named.get("containerPort").cloned().unwrap_or(Json::from(0)))
}

/// A prober as the agent reads it.
fn prober(handler: &Map<String, Json>, action: &str, port: Json) -> Json {
    let mut asked = handler.get(action).cloned().unwrap_or_default();
    asked["port"] = port;
    let ty = match action {
        "httpGet" => "HTTPGetAction",
        "tcpSocket" => "TCPSocketAction",
        _ => "GRPCAction",
    };
    let mut prober = Map::new();
    prober.insert(action.to_owned(), go_json::typed(&asked, ty));
    if let Some(seconds) = handler.get("timeoutSeconds").filter(|seconds| seconds.as_i64().is_some_and(|n| n != 0)) {
        prober.insert("timeoutSeconds".to_owned(), seconds.clone());
    }
    Json::Object(prober)
}

/// Gives the agent its probers; those that an earlier injection gave it stay, since the probes now ask the agent.
fn tell_agent(
    pod: &mut Pod,
    mut probers: BTreeMap<String, Json>,
    previously_injected: bool,
    warnings: &mut Vec<String>,
) {
    let Some(env) = env_mut(pod) else { return };
    let given = env.iter_mut().find(|variable| previously_injected && env_name(variable) == ENV);
    match given {
        None => env.push(variable(ENV, &text(probers))),
        Some(given) => match serde_json::from_str::<BTreeMap<String, Json>>(env_value(given)) {
            Ok(earlier) => {
                probers.extend(earlier);
                *given = variable(ENV, &text(probers));
            }
            Err(error) => warnings.push(format!(
                "variable {ENV} of container {PROXY}: {error}, so the probes of the pod do not reach the application; \
                 remove the variable and inject the original pod"
            )),
        },
    }
}

fn text(probers: BTreeMap<String, Json>) -> String {
    go_json::text(&Json::Object(probers.into_iter().collect()))
}

/// Makes the probes of a container ask the agent.
///
/// In a pod that was injected before, a template's probe may stand beside the redirected one that it was: it goes again.
fn redirect(container: &mut Json, agent_port: u16, previously_injected: bool) {
    let name = container_name(container).to_owned();
    if name == PROXY {
        return;
    }
    for handler in &HANDLERS {
        let Some(json) = container.pointer_mut(handler.pointer).and_then(Json::as_object_mut) else { continue };
        let Some(action) = handler.action(json) else { continue };
        let path = handler.path(&name);
        if action == "httpGet" {
            if previously_injected {
                json.retain(|field, _| field == action || !handler.actions.contains(&field.as_str()));
            }
            let Some(http) = json.get_mut(action).and_then(Json::as_object_mut) else { continue };
            http.insert("path".to_owned(), Json::from(path));
            http.insert("port".to_owned(), Json::from(agent_port));
            // The agent asks the application over HTTPS; nobody asks the agent over it.
            if http.get("scheme").and_then(Json::as_str) == Some("HTTPS") {
                http.insert("scheme".to_owned(), Json::from("HTTP"));
            }
        } else {
            json.shift_remove(action);
            json.shift_insert(0, "httpGet".to_owned(), json!({"path": path, "port": agent_port}));
        }
    }
}

#[cfg(test)]
mod tests;
