use super::*;
use crate::ir::HttpFilterKind;
use crate::sample::{hcm_listener, listener, request};
use std::sync::Arc;

fn rules(action: &str, permission: &str, principal: &str) -> Arc<Rbac> {
    let filter = format!(
        r#"{{"name": "rbac", "typed_config": {{"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {{"action": "{action}", "policies": {{"p": {{"permissions": [{permission}], "principals": [{principal}]}}}}}}}}}}, "#
    );
    let text = hcm_listener("").replace(r#""http_filters": ["#, &format!(r#""http_filters": [{filter}"#));
    let crate::ir::TerminalFilter::Http(hcm) = &listener(&text).filter_chains[0].terminal else { panic!("http") };
    match &hcm.filters[0].kind {
        HttpFilterKind::Rbac(rbac) => rbac.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_look_at_request_and_connection() {
    const ANY: &str = r#"{"any": true}"#;
    let head = request("GET a.com/status/200?x", &["x: 1"]);
    let uris = ["spiffe://td/ns/a/sa/b".to_owned()];
    let facts = Facts {
        request: Some(&head),
        direct_peer: "10.0.0.1:9".parse().expect("address"),
        client: "1.2.3.4:0".parse().expect("address"),
        local: "10.0.0.2:8080".parse().expect("address"),
        server_name: "sni.com",
        authenticated: true,
        uri_sans: &uris,
        dns_sans: &[],
        subject: "",
    };
    for (permission, principal, matched) in [
        (ANY, ANY, true),
        (r#"{"url_path": {"path": {"prefix": "/status"}}}"#, ANY, true),
        (r#"{"url_path": {"path": {"exact": "/status/200?x"}}}"#, ANY, false),
        (r#"{"header": {"name": ":method", "string_match": {"exact": "GET"}}}"#, ANY, true),
        (r#"{"destination_port": 8080}"#, ANY, true),
        (r#"{"destination_port_range": {"start": 80, "end": 8080}}"#, ANY, false),
        (r#"{"destination_ip": {"address_prefix": "10.0.0.0", "prefix_len": 24}}"#, ANY, true),
        (r#"{"requested_server_name": {"exact": "sni.com"}}"#, ANY, true),
        (r#"{"metadata": {"filter": "f", "path": [{"key": "k"}], "value": {"present_match": true}}}"#, ANY, false),
        (r#"{"not_rule": {"any": true}}"#, ANY, false),
        (r#"{"and_rules": {"rules": [{"any": true}, {"destination_port": 1}]}}"#, ANY, false),
        (r#"{"or_rules": {"rules": [{"any": true}, {"destination_port": 1}]}}"#, ANY, true),
        (ANY, r#"{"authenticated": {"principal_name": {"suffix": "/sa/b"}}}"#, true),
        (ANY, r#"{"authenticated": {"principal_name": {"exact": "x"}}}"#, false),
        (ANY, r#"{"direct_remote_ip": {"address_prefix": "10.0.0.1", "prefix_len": 32}}"#, true),
        (ANY, r#"{"remote_ip": {"address_prefix": "10.0.0.1", "prefix_len": 32}}"#, false),
        (ANY, r#"{"not_id": {"header": {"name": "x", "string_match": {"exact": "2"}}}}"#, true),
    ] {
        for (action, allowed) in [("ALLOW", matched), ("DENY", !matched), ("LOG", true)] {
            let rbac = rules(action, permission, principal);
            assert_eq!(rbac.evaluate(&facts).allowed, allowed, "{action} {permission} {principal}");
        }
    }
    let reply = rules("DENY", ANY, ANY).check(&facts).expect("denied");
    assert_eq!((reply.status, &*reply.details), (403, "rbac_access_denied_matched_policy[p]"));
}
