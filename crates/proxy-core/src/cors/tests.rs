use super::*;
use crate::ir::FilterOverride;
use crate::sample::{request, routes};
use std::sync::Arc;

fn policy(fields: &str) -> Arc<CorsPolicy> {
    let config = routes(&format!(
        r#"{{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "typed_per_filter_config": {{"envoy.filters.http.cors":
        {{"@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{{"suffix": ".good.com"}}], "allow_methods": "GET,PUT", "expose_headers": "x", "max_age": "60"{fields}}}}}}}]}}"#
    ));
    match &config.virtual_hosts[0].filters[0].1 {
        FilterOverride::Cors(policy) => policy.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn preflights_are_answered_and_others_marked() {
    let preflight = ["access-control-request-method: PUT"];
    for (fields, line, origin, more, wanted) in [
        ("", "OPTIONS h/", "https://a.good.com", &preflight[..], "answered"),
        ("", "OPTIONS h/", "https://a.bad.com", &preflight, "passed"),
        (r#", "forward_not_matching_preflights": false"#, "OPTIONS h/", "https://a.bad.com", &preflight, "answered"),
        ("", "OPTIONS h/", "https://a.good.com", &[], "marked"),
        ("", "GET h/", "https://a.good.com", &[], "marked"),
        ("", "GET h/", "https://a.bad.com", &[], "passed"),
        (r#", "filter_enabled": {"default_value": {}}"#, "GET h/", "https://a.good.com", &[], "passed"),
    ] {
        let mut head = request(line, more);
        head.headers.append("origin", origin);
        let found = match policy(fields).decide(&head, 0) {
            Cors::Preflight(_) => "answered",
            Cors::Allowed { .. } => "marked",
            Cors::Pass => "passed",
        };
        assert_eq!(found, wanted, "{fields} {line} {origin}");
    }
}

#[test]
fn answers_carry_what_the_policy_says() {
    let policy = policy(r#", "allow_credentials": true"#);
    let head = request("OPTIONS h/", &["origin: https://a.good.com", "access-control-request-method: PUT"]);
    let Cors::Preflight(reply) = policy.decide(&head, 0) else { panic!("no answer") };
    for (name, value) in [
        ("access-control-allow-origin", "https://a.good.com"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-max-age", "60"),
    ] {
        assert_eq!(reply.headers.get_str(name), Some(value));
    }
    let mut response = ResponseHead::new(200);
    policy.finish("https://a.good.com".into(), &mut response);
    assert_eq!(response.headers.get_str("access-control-expose-headers"), Some("x"));
}
