use serde_json::json;

use super::Query;

#[test]
fn a_path_names_an_object_or_a_collection() {
    let cases = [
        ("/api/v1/namespaces", ["", "", "namespaces", "", ""]),
        ("/api/v1/namespaces/shop", ["", "", "namespaces", "shop", ""]),
        ("/api/v1/namespaces/shop/status", ["", "", "namespaces", "shop", "status"]),
        ("/api/v1/namespaces/shop/pods?limit=1", ["", "shop", "pods", "", ""]),
        ("/api/v1/pods", ["", "", "pods", "", ""]),
        ("/apis/apps/v1/namespaces/shop/deployments/web/status", ["apps", "shop", "deployments", "web", "status"]),
    ];
    for (target, expected) in cases {
        let query = Query::read(target).unwrap();
        let parts = [&query.group, &query.namespace, &query.plural, &query.name, &query.subresource];
        assert_eq!(parts, expected.each_ref(), "{target}");
    }
    for target in ["/", "/version", "/api/v1", "/apis/apps"] {
        assert_eq!(Query::read(target), None, "{target}");
    }
}

#[test]
fn selectors_pick_as_in_kubernetes() {
    let object = json!({ "metadata": { "name": "web", "labels": { "app": "web", "tier": "front" } } });
    let cases = [
        ("", Ok(true)),
        ("app=web", Ok(true)),
        ("app%3D%3Dweb%2Ctier%21%3Dback", Ok(true)),
        ("app=api", Ok(false)),
        ("app in (api, web),tier", Ok(true)),
        ("app+notin+(api,web)", Ok(false)),
        ("zone notin (a)", Ok(true)),
        ("!zone,!app", Ok(false)),
        ("app in web", Err("label selector \"app in web\"".to_owned())),
    ];
    for (selector, expected) in cases {
        let query = Query::read(&format!("/api/v1/pods?labelSelector={selector}")).unwrap();
        assert_eq!(query.picks(&object), expected, "{selector}");
    }
    for (selector, expected) in [("metadata.name=web", true), ("metadata.name!=web", false)] {
        let query = Query::read(&format!("/api/v1/pods?fieldSelector={selector}")).unwrap();
        assert_eq!(query.picks(&object), Ok(expected), "{selector}");
    }
}
