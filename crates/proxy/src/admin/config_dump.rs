//! `/config_dump` in Envoy's shape (`envoy.admin.v3.ConfigDump`).
//! In: resources as they came. Out: JSON by kind: what serves, what warms, what was refused and why.
//! Never here: keys; they are replaced before anything is written.

use super::Answer;
use super::query::Query;
use crate::logging::timestamp;
use crate::process::{Entry, Failure, Form, Shared, State};
use http::StatusCode;
use lateen_envoy_api::json::{self as proto_json, Names};
use lateen_envoy_api::{pack, type_url, unpack, v3};
use regex::Regex;
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn answer(shared: &Shared, query: &Query) -> Answer {
    let names = match query.get("name_regex").filter(|text| !text.is_empty()) {
        // Envoy wants the whole name to match.
        Some(text) => match Regex::new(&format!("^(?:{text})$")) {
            Ok(regex) => Some(regex),
            Err(error) => {
                return Answer::error(StatusCode::BAD_REQUEST, format!("Error while parsing name_regex: {error}\n"));
            }
        },
        None => None,
    };
    let dump = Dump { state: &shared.state(), names, with_endpoints: query.has("include_eds") };
    let configs = dump.all();
    let mask = query.get("mask").filter(|mask| !mask.is_empty());
    let configs = match query.get("resource") {
        None => configs.into_iter().map(|config| masked(config, mask)).collect(),
        Some(field) => {
            let Some(found) = of_field(configs, field) else {
                return Answer::error(StatusCode::NOT_FOUND, format!("{field} not found in config dump\n"));
            };
            found.into_iter().map(|config| masked(config, mask)).collect::<Vec<_>>()
        }
    };
    Answer::json(&json!({ "configs": configs }))
}

struct Dump<'a> {
    state: &'a State,
    names: Option<Regex>,
    with_endpoints: bool,
}

impl Dump<'_> {
    fn all(&self) -> Vec<Value> {
        let mut configs = vec![self.bootstrap(), self.clusters()];
        if self.with_endpoints {
            configs.push(self.simple("EndpointsConfigDump", type_url::ENDPOINT, "endpoint_config"));
        }
        configs.push(self.listeners());
        configs.push(self.routes());
        configs.push(self.secrets());
        configs
    }

    fn bootstrap(&self) -> Value {
        let mut bootstrap = proto_json::encode_any(&self.state.bootstrap, Names::Proto);
        if let Some(fields) = bootstrap.as_object_mut() {
            // The field has this type anyway.
            fields.remove("@type");
        }
        redact(&mut bootstrap);
        json!({
            "@type": dump_type("BootstrapConfigDump"),
            "bootstrap": bootstrap,
            "last_updated": time(self.state.bootstrap_at),
        })
    }

    fn clusters(&self) -> Value {
        let (mut statics, mut active, mut warming) = (Vec::new(), Vec::new(), Vec::new());
        for (name, entry) in self.entries(type_url::CLUSTER) {
            if entry.is_static {
                statics.extend(
                    entry
                        .accepted
                        .as_ref()
                        .map(|form| json!({"cluster": resource(form), "last_updated": time(form.at)})),
                );
                continue;
            }
            let mut dump = entry.accepted.as_ref().map_or_else(Map::new, |form| dynamic("cluster", form));
            if let Some(failure) = &entry.rejected {
                dump.insert("error_state".to_owned(), error_state(failure));
            }
            let warms = self.state.warming.clusters().any(|warming| warming == name);
            if warms { warming.push(Value::Object(dump)) } else { active.push(Value::Object(dump)) }
        }
        let mut dump = self.head("ClustersConfigDump", type_url::CLUSTER);
        put(&mut dump, "static_clusters", statics);
        put(&mut dump, "dynamic_active_clusters", active);
        put(&mut dump, "dynamic_warming_clusters", warming);
        Value::Object(dump)
    }

    fn listeners(&self) -> Value {
        let (mut statics, mut dynamics) = (Vec::new(), Vec::new());
        for (name, entry) in self.entries(type_url::LISTENER) {
            if entry.is_static {
                statics.extend(
                    entry
                        .accepted
                        .as_ref()
                        .map(|form| json!({"listener": resource(form), "last_updated": time(form.at)})),
                );
                continue;
            }
            let mut dump = Map::new();
            dump.insert("name".to_owned(), name.into());
            if let Some(form) = &entry.accepted {
                let warms = self.state.warming.listeners().any(|warming| warming == name);
                let state = if warms { "warming_state" } else { "active_state" };
                dump.insert(state.to_owned(), Value::Object(dynamic("listener", form)));
            }
            let unbound = self.state.bind_failures.get(name);
            if let Some(failure) = &entry.rejected {
                dump.insert("error_state".to_owned(), error_state(failure));
            } else if let (Some(reason), Some(form)) = (unbound, &entry.accepted) {
                let failure = Failure { form: form.clone(), reason: reason.clone() };
                dump.insert("error_state".to_owned(), error_state(&failure));
            }
            dynamics.push(Value::Object(dump));
        }
        let mut dump = self.head("ListenersConfigDump", type_url::LISTENER);
        put(&mut dump, "static_listeners", statics);
        put(&mut dump, "dynamic_listeners", dynamics);
        Value::Object(dump)
    }

    /// Kinds with the lists `static_<field>s` and `dynamic_<field>s`.
    fn simple(&self, message: &str, type_url: &str, field: &str) -> Value {
        let (mut statics, mut dynamics) = (Vec::new(), Vec::new());
        for (_, entry) in self.entries(type_url) {
            let mut dump = entry.accepted.as_ref().map_or_else(Map::new, |form| dynamic(field, form));
            if entry.is_static {
                dump.remove("version_info");
                statics.push(Value::Object(dump));
                continue;
            }
            if let Some(failure) = &entry.rejected {
                dump.insert("error_state".to_owned(), error_state(failure));
            }
            dynamics.push(Value::Object(dump));
        }
        let mut dump = Map::new();
        dump.insert("@type".to_owned(), dump_type(message).into());
        put(&mut dump, &format!("static_{field}s"), statics);
        put(&mut dump, &format!("dynamic_{field}s"), dynamics);
        Value::Object(dump)
    }

    /// Those inside listeners are static to Envoy.
    fn routes(&self) -> Value {
        let mut dump = self.simple("RoutesConfigDump", type_url::ROUTE, "route_config");
        let mut inline = Vec::new();
        let kind = self.state.resources.kind(type_url::LISTENER);
        for form in kind.into_iter().flat_map(|kind| kind.entries.values()).filter_map(|entry| entry.accepted.as_ref())
        {
            for routes in inline_routes(form) {
                if self.names.as_ref().is_none_or(|names| names.is_match(&routes.name)) {
                    let body = pack(&routes);
                    let routes = resource(&Form { body, version: String::new(), at: form.at });
                    inline.push(json!({"route_config": routes, "last_updated": time(form.at)}));
                }
            }
        }
        if let Some(dump) = dump.as_object_mut() {
            put(dump, "static_route_configs", inline);
        }
        dump
    }

    fn secrets(&self) -> Value {
        let (mut statics, mut dynamics) = (Vec::new(), Vec::new());
        for (name, entry) in self.entries(type_url::SECRET) {
            let mut dump = entry.accepted.as_ref().map_or_else(Map::new, |form| dynamic("secret", form));
            dump.insert("name".to_owned(), name.into());
            if entry.is_static { statics.push(Value::Object(dump)) } else { dynamics.push(Value::Object(dump)) }
        }
        let mut dump = Map::new();
        dump.insert("@type".to_owned(), dump_type("SecretsConfigDump").into());
        put(&mut dump, "static_secrets", statics);
        put(&mut dump, "dynamic_active_secrets", dynamics);
        Value::Object(dump)
    }

    fn entries(&self, type_url: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let kind = self.state.resources.kind(type_url);
        let entries = kind.into_iter().flat_map(|kind| &kind.entries).map(|(name, entry)| (name.as_str(), entry));
        entries.filter(|(name, _)| self.names.as_ref().is_none_or(|names| names.is_match(name)))
    }

    fn head(&self, message: &str, type_url: &str) -> Map<String, Value> {
        let mut dump = Map::new();
        dump.insert("@type".to_owned(), dump_type(message).into());
        if let Some(kind) = self.state.resources.kind(type_url).filter(|kind| !kind.version.is_empty()) {
            dump.insert("version_info".to_owned(), kind.version.clone().into());
        }
        dump
    }
}

fn inline_routes(listener: &Form) -> Vec<v3::route::RouteConfiguration> {
    let Ok(listener) = unpack::<v3::listener::Listener>(&listener.body) else { return Vec::new() };
    let chains = listener.filter_chains.into_iter().chain(listener.default_filter_chain);
    let filters = chains.flat_map(|chain| chain.filters).filter_map(|filter| filter.config_type);
    filters
        .filter_map(|config| {
            let v3::listener::filter::ConfigType::TypedConfig(config) = config else { return None };
            let hcm = unpack::<v3::hcm::HttpConnectionManager>(&config).ok()?;
            match hcm.route_specifier? {
                v3::hcm::http_connection_manager::RouteSpecifier::RouteConfig(routes) => Some(routes),
                _ => None,
            }
        })
        .collect()
}

fn dump_type(message: &str) -> String {
    format!("{}envoy.admin.v3.{message}", type_url::PREFIX)
}

/// As in proto3 JSON, an empty list is not there.
fn put(dump: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        dump.insert(name.to_owned(), list.into());
    }
}

fn dynamic(field: &str, form: &Form) -> Map<String, Value> {
    let mut dump = Map::new();
    dump.insert("version_info".to_owned(), form.version.clone().into());
    dump.insert(field.to_owned(), resource(form));
    dump.insert("last_updated".to_owned(), time(form.at).into());
    dump
}

fn error_state(failure: &Failure) -> Value {
    json!({
        "failed_configuration": resource(&failure.form),
        "last_update_attempt": time(failure.form.at),
        "details": failure.reason,
        "version_info": failure.form.version,
    })
}

fn resource(form: &Form) -> Value {
    let mut value = proto_json::encode_any(&form.body, Names::Proto);
    redact(&mut value);
    value
}

fn time(at: SystemTime) -> String {
    format!("{}Z", timestamp(at.duration_since(UNIX_EPOCH).unwrap_or_default(), 'T'))
}

/// Fields of TLS messages that hold what nobody else may know; inline forms become Envoy's placeholder.
const SECRET_FIELDS: [&str; 5] =
    ["private_key", "password", "private_key_provider", "session_ticket_keys", "generic_secret"];

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if SECRET_FIELDS.contains(&name.as_str()) { hide(field) } else { redact(field) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

/// The names of files may be seen, their content may not.
fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    // base64 of `[redacted]`.
                    "inline_bytes" => *field = "W3JlZGFjdGVkXQ==".into(),
                    "filename" | "environment_variable" | "watched_directory" | "provider_name" | "@type" => {}
                    _ => hide(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        other => *other = "[redacted]".into(),
    }
}

/// `?resource=dynamic_active_clusters`: the items of one list, each with its type.
fn of_field(configs: Vec<Value>, field: &str) -> Option<Vec<Value>> {
    let known = FIELDS.iter().find(|(name, _)| *name == field)?;
    for mut config in configs {
        if let Some(found) = config.get_mut(field) {
            let items = match found.take() {
                Value::Array(items) => items,
                single => vec![single],
            };
            return Some(items.into_iter().map(|item| typed(item, known.1)).collect());
        }
    }
    // A known list without an item.
    Some(Vec::new())
}

const FIELDS: [(&str, &str); 14] = [
    ("bootstrap", "envoy.config.bootstrap.v3.Bootstrap"),
    ("static_clusters", "envoy.admin.v3.ClustersConfigDump.StaticCluster"),
    ("dynamic_active_clusters", "envoy.admin.v3.ClustersConfigDump.DynamicCluster"),
    ("dynamic_warming_clusters", "envoy.admin.v3.ClustersConfigDump.DynamicCluster"),
    ("static_listeners", "envoy.admin.v3.ListenersConfigDump.StaticListener"),
    ("dynamic_listeners", "envoy.admin.v3.ListenersConfigDump.DynamicListener"),
    ("static_route_configs", "envoy.admin.v3.RoutesConfigDump.StaticRouteConfig"),
    ("dynamic_route_configs", "envoy.admin.v3.RoutesConfigDump.DynamicRouteConfig"),
    ("static_endpoint_configs", "envoy.admin.v3.EndpointsConfigDump.StaticEndpointConfig"),
    ("dynamic_endpoint_configs", "envoy.admin.v3.EndpointsConfigDump.DynamicEndpointConfig"),
    ("static_secrets", "envoy.admin.v3.SecretsConfigDump.StaticSecret"),
    ("dynamic_active_secrets", "envoy.admin.v3.SecretsConfigDump.DynamicSecret"),
    ("dynamic_warming_secrets", "envoy.admin.v3.SecretsConfigDump.DynamicSecret"),
    ("dynamic_warming_listeners", "envoy.admin.v3.ListenersConfigDump.DynamicListener"),
];

fn typed(item: Value, message: &str) -> Value {
    let Value::Object(fields) = item else { return item };
    let mut out = Map::new();
    out.insert("@type".to_owned(), format!("{}{message}", type_url::PREFIX).into());
    out.extend(fields);
    Value::Object(out)
}

/// `?mask=cluster.name,version_info`: only these paths, and the types.
fn masked(value: Value, mask: Option<&str>) -> Value {
    let Some(mask) = mask else { return value };
    let mut out = Map::new();
    out.extend(value.get("@type").map(|kind| ("@type".to_owned(), kind.clone())));
    let mut out = Value::Object(out);
    for path in mask.split(',').map(str::trim).filter(|path| !path.is_empty()) {
        let steps: Vec<&str> = path.split('.').collect();
        copy(&value, &mut out, &steps);
    }
    out
}

fn copy(from: &Value, to: &mut Value, steps: &[&str]) {
    let (Some((step, rest)), Some(to)) = (steps.split_first(), to.as_object_mut()) else { return };
    let Some(found) = from.get(step) else { return };
    if rest.is_empty() {
        to.insert((*step).to_owned(), found.clone());
    } else {
        let below = to.entry((*step).to_owned()).or_insert_with(|| {
            let kind = found.get("@type").map(|kind| ("@type".to_owned(), kind.clone()));
            Value::Object(kind.into_iter().collect())
        });
        copy(found, below, rest);
    }
}
