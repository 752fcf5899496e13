//! The table that `lateen run` prints: what runs where, and what to try.

use comfy_table::{ContentArrangement, Table, presets};
use lateen_standalone::Board;
use serde_json::{Value, json};

/// The board as a table for a person.
pub fn board(board: &Board) -> String {
    let mut out = String::new();
    if board.gateways.is_empty() {
        out += "no Gateway in these files yet; one that is added is picked up\n";
    } else {
        let mut table = table(&["GATEWAY", "LISTENER", "HOST", "ROUTES", "TRY"]);
        for gateway in &board.gateways {
            if gateway.listeners.is_empty() {
                table.add_row([&gateway.gateway, "(none)", "", "", ""]);
            }
            for listener in &gateway.listeners {
                let name = format!("{} {}", listener.listener, listener.scheme);
                if listener.hosts.is_empty() {
                    table.add_row([&gateway.gateway, &name, "(no route)", "0", ""]);
                }
                for host in &listener.hosts {
                    let command = host.command.as_deref().unwrap_or_default();
                    table.add_row([&gateway.gateway, &name, &host.host, &host.routes.to_string(), command]);
                }
            }
        }
        out += &format!("{table}\n");
    }
    if !board.stubs.is_empty() {
        let mut table = table(&["ECHO WORKLOAD", "FOR", "ADDRESS"]);
        for stub in &board.stubs {
            table.add_row([&stub.pod, &stub.services.join(", "), &stub.address.to_string()]);
        }
        out += &format!("\n{table}\n");
    }
    let admins: Vec<String> = board
        .gateways
        .iter()
        .filter_map(|gateway| Some(format!("{} http://{}", gateway.gateway, gateway.admin?)))
        .collect();
    if !admins.is_empty() {
        out += &format!("\nadmin: {}\n", admins.join(", "));
    }
    for problem in &board.problems {
        out += &format!("problem: {problem}\n");
    }
    out + &format!("generation {}, {} findings", board.generation, board.findings.len())
}

/// The board as one line for a script.
pub fn board_json(board: &Board) -> Value {
    let gateways: Vec<Value> = board
        .gateways
        .iter()
        .map(|gateway| {
            let listeners: Vec<Value> = gateway
                .listeners
                .iter()
                .map(|listener| {
                    let hosts: Vec<Value> = listener
                        .hosts
                        .iter()
                        .map(|host| json!({"host": host.host, "routes": host.routes, "try": host.command}))
                        .collect();
                    json!({"name": listener.listener, "port": listener.port, "scheme": listener.scheme, "hosts": hosts})
                })
                .collect();
            json!({"gateway": gateway.gateway, "admin": gateway.admin.map(|a| a.to_string()), "listeners": listeners})
        })
        .collect();
    let stubs: Vec<Value> = board
        .stubs
        .iter()
        .map(|stub| json!({"pod": stub.pod, "services": stub.services, "address": stub.address.to_string()}))
        .collect();
    json!({
        "generation": board.generation,
        "xds": board.xds.map(|address| address.to_string()),
        "gateways": gateways,
        "stubs": stubs,
        "findings": board.findings.iter().map(super::finding_json).collect::<Vec<_>>(),
        "problems": board.problems,
    })
}

/// An empty table without lines.
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.to_vec());
    table
}
