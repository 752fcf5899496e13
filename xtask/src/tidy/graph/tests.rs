use serde_json::json;

use super::*;

#[test]
fn edges_go_down_and_stay_inside_the_walls() {
    let cases = [
        ("model", "lateen-config", None, true),
        ("config", "lateen-model", None, false),
        ("xds", "lateen-config", None, false),
        ("proxy", "lateen-model", None, false),
        ("proxy", "lateen-model", Some("dev"), true),
        ("proxy", "lateen-proxy-core", None, true),
        ("cli", "lateen-testkit", Some("dev"), true),
        ("cli", "lateen-testkit", None, false),
        ("testkit", "lateen-core", None, false),
        ("model", "tokio", None, false),
        ("model", "tokio", Some("dev"), true),
        ("proxy", "tokio", None, true),
        ("control", "kube", None, false),
        ("model", "anyhow", None, false),
        ("cli", "anyhow", None, true),
        ("model", "lateen-unheard-of", None, false),
    ];
    for (room, name, kind, allowed) in cases {
        let why = edge(room, &json!({ "name": name, "kind": kind }));
        assert_eq!(why.is_none(), allowed, "{room} -> {name} ({kind:?}): {why:?}");
    }
}
