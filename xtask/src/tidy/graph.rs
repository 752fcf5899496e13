//! The crate graph against the written table.
//! In comes `cargo metadata`; out come the edges that the table does not allow.

use std::fs;

use serde_json::Value;

use crate::project::Project;

/// Crates and their ranks; a crate uses only crates of lower rank.
const RANKS: &[(&str, u8)] = &[
    ("core", 0),
    ("envoy-api", 0),
    ("gotemplate", 0),
    ("config", 1),
    ("xds", 1),
    ("proxy-core", 1),
    ("model", 2),
    ("inject", 2),
    ("sources", 3),
    ("translate", 3),
    ("proxy", 4),
    ("control", 4),
    ("explain", 4),
    ("echo", 4),
    ("standalone", 5),
    ("cli", 6),
];

/// Edges that ranks would allow and the house does not: the two planes meet only in Envoy's API.
const WALLS: &[(&str, &[&str])] = &[
    ("proxy", &["config", "model", "sources", "translate"]),
    ("proxy-core", &["config"]),
    ("echo", &["config", "model", "sources", "translate", "proxy-core", "xds"]),
    ("sources", &["model", "envoy-api", "xds", "proxy-core"]),
    ("model", &["envoy-api", "xds", "proxy-core"]),
    ("translate", &["xds", "proxy-core"]),
    ("explain", &["xds"]),
];

/// Crates from outside that stay out of rooms: they would bring IO, a clock or protobuf.
const FENCES: &[(&str, &[&str])] = &[
    ("tokio", &["core", "envoy-api", "config", "proxy-core", "model", "inject", "translate", "explain"]),
    ("hyper", &["core", "envoy-api", "config", "proxy-core", "model", "translate", "explain", "sources"]),
    ("prost", &["core", "config", "model", "sources", "echo"]),
    ("notify", &["core", "envoy-api", "config", "proxy-core", "model", "translate", "explain", "proxy", "echo", "xds"]),
    (
        "envoy-types",
        &["core", "config", "proxy-core", "model", "translate", "explain", "proxy", "echo", "sources", "cli"],
    ),
];

/// Crates from outside that only these rooms may use.
const ONLY: &[(&str, &[&str])] =
    &[("kube", &["sources"]), ("k8s-openapi", &["sources"]), ("anyhow", &["cli", "testkit", "proxy"])];

/// Crates that only tests may use.
const DEV_ONLY: &[&str] = &["testkit"];

pub fn check(project: &Project) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in project.packages() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(room) = name.strip_prefix("lateen-") else {
            if name != "xtask" {
                wrong.push(format!("crate {name}: the name of a crate is lateen-ROOM"));
            }
            continue;
        };
        if rank(room).is_none() && !DEV_ONLY.contains(&room) {
            wrong.push(format!("crate {name}: no rank in the table of xtask/src/tidy/graph.rs"));
        }
        for dependency in package["dependencies"].as_array().map_or(&[][..], Vec::as_slice) {
            wrong.extend(edge(room, dependency).map(|why| format!("crate {name}: {why}")));
        }
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let manifest = fs::read_to_string(manifest).unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            wrong.push(format!("crate {name}: without `[lints] workspace = true`, `unsafe` is not forbidden there"));
        }
    }
    let workspace = fs::read_to_string(project.root.join("Cargo.toml")).unwrap_or_default();
    if !workspace.contains("unsafe_code = \"forbid\"") {
        wrong.push("Cargo.toml: `unsafe_code = \"forbid\"` is gone".into());
    }
    wrong
}

fn rank(room: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

/// Why `room` must not have this dependency.
fn edge(room: &str, dependency: &Value) -> Option<String> {
    let name = dependency["name"].as_str().unwrap_or_default();
    let is_dev = dependency["kind"] == "dev";
    let listed = |table: &[(&str, &[&str])], key: &str, value: &str| {
        table.iter().any(|(name, values)| *name == key && values.contains(&value))
    };
    let Some(other) = name.strip_prefix("lateen-") else {
        if !is_dev && listed(FENCES, name, room) {
            return Some(format!("{name} stays out of this room"));
        }
        let only = ONLY.iter().find(|(fenced, _)| *fenced == name);
        return only
            .filter(|(_, rooms)| !is_dev && !rooms.contains(&room))
            .map(|_| format!("{name} is not for this room"));
    };
    if DEV_ONLY.contains(&other) {
        return (!is_dev).then(|| format!("{name} is for tests only"));
    }
    let (Some(mine), Some(its)) = (rank(room), rank(other)) else {
        return Some(format!("{name} has no place in its graph"));
    };
    if its >= mine {
        return Some(format!("rank {mine} uses {name} of rank {its}"));
    }
    (!is_dev && listed(WALLS, room, other)).then(|| format!("there is a wall to {name}"))
}

#[cfg(test)]
mod tests;
