use super::*;
use crate::access_log::Record;
use crate::headers::RequestHead;
use crate::ir::{Forward, RouteAction, RouteConfiguration};
use crate::sample::{hcm, numbers, request, routes};

const CONTEXT: RouteContext =
    RouteContext { https: false, internal: false, client: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), random: 0 };

fn hosts(domains: &[(&str, &str)], extra: &str) -> String {
    let host = |(name, domains): &(&str, &str)| {
        format!(
            r#"{{"name": "{name}", "domains": [{domains}], "routes": [{{"match": {{"prefix": "/"}}, "route": {{"cluster": "{name}"}}}}]}}"#
        )
    };
    let all: Vec<String> = domains.iter().map(host).collect();
    format!(r#"{{"name": "r"{extra}, "virtual_hosts": [{}]}}"#, all.join(","))
}

#[test]
fn the_most_specific_domain_takes_a_request() {
    let given = [
        ("exact", r#""a.example.com""#),
        ("ported", r#""a.example.com:8080""#),
        ("suffix", r#""*.example.com""#),
        ("longer", r#""*.b.example.com""#),
        ("prefix", r#""a.*""#),
        ("any", r#""*""#),
    ];
    let config = routes(&hosts(&given, ""));
    for (host, wanted) in [
        ("a.example.com", "exact"),
        ("A.Example.COM", "exact"),
        ("a.example.com:8080", "ported"),
        ("a.example.com:9", "prefix"),
        ("x.example.com", "suffix"),
        ("x.b.example.com", "longer"),
        (".b.example.com", "suffix"),
        ("b.example.com", "suffix"),
        ("a.org", "prefix"),
        ("a.", "any"),
        ("example.com", "any"),
    ] {
        let found = select_virtual_host(&config, host.as_bytes()).map(|host| host.name.to_string());
        assert_eq!(found.as_deref(), Some(wanted), "{host}");
    }
    let config = routes(&hosts(&given[..1], r#", "ignore_port_in_host_matching": true"#));
    for (host, found) in [
        ("a.example.com:7", true),
        ("a.example.com:", true),
        ("A.example.com:seven", true),
        ("a.example.com:7:7", false),
        (":7", false),
        ("[::1]:7", false),
    ] {
        assert_eq!(select_virtual_host(&config, host.as_bytes()).is_some(), found, "{host}");
    }
    let config = routes(&hosts(&[("v6", r#""[::1]""#)], r#", "ignore_port_in_host_matching": true"#));
    for host in ["[::1]", "[::1]:", "[::1]:7"] {
        assert!(select_virtual_host(&config, host.as_bytes()).is_some(), "{host}");
    }
}

/// The cluster that a request comes to, or the status of the answer.
fn outcome(config: &RouteConfiguration, head: &RequestHead) -> String {
    let selected = match select(config, head, &CONTEXT) {
        Ok(selected) => selected,
        Err(no_route) => return no_route.reply().status.to_string(),
    };
    match &selected.route.action {
        RouteAction::Forward(forward) => cluster(forward, head, 0).name.to_owned(),
        RouteAction::Redirect(given) => {
            let reply = redirect(&selected, given, head, &CONTEXT);
            format!("{} {}", reply.status, reply.headers.get_str("location").unwrap_or_default())
        }
        RouteAction::Direct(given) => format!("{} direct", direct(given, &Record::default()).status),
        RouteAction::NonForwarding => "none".to_owned(),
    }
}

fn one_route(matches: &str, action: &str) -> String {
    format!(
        r#"{{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["*"], "routes": [{{"name": "n", "match": {matches}, {action}}}]}}]}}"#
    )
}

#[test]
fn routes_match_as_their_conditions_say() {
    for (matches, line, headers, wanted) in [
        (r#"{"prefix": "/a"}"#, "GET h/abc", &[][..], true),
        (r#"{"prefix": "/a"}"#, "GET h/b?x=/a", &[], false),
        (r#"{"prefix": "/A", "case_sensitive": false}"#, "GET h/abc", &[], true),
        (r#"{"path": "/a"}"#, "GET h/a?q=1", &[], true),
        (r#"{"path": "/a"}"#, "GET h/a/", &[], false),
        (r#"{"path_separated_prefix": "/a"}"#, "GET h/a/b", &[], true),
        (r#"{"path_separated_prefix": "/a"}"#, "GET h/ab", &[], false),
        (r#"{"safe_regex": {"regex": "/[0-9]+"}}"#, "GET h/12?x", &[], true),
        (r#"{"safe_regex": {"regex": "/[0-9]+"}}"#, "GET h/12a", &[], false),
        (r#"{"connect_matcher": {}}"#, "CONNECT h:80", &[], true),
        (r#"{"connect_matcher": {}}"#, "GET h/", &[], false),
        (r#"{"prefix": "/"}"#, "CONNECT h:80", &[], false),
        (
            r#"{"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "A", "ignore_case": true}}]}"#,
            "GET h/",
            &["x: a"],
            true,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "a,b"}}]}"#,
            "GET h/",
            &["x: a", "x: b"],
            true,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "x", "present_match": true, "invert_match": true}]}"#,
            "GET h/",
            &[],
            true,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "a"}, "invert_match": true}]}"#,
            "GET h/",
            &[],
            false,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "x", "string_match": {"exact": "a"}, "invert_match": true, "treat_missing_header_as_empty": true}]}"#,
            "GET h/",
            &[],
            true,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "n", "range_match": {"start": -1, "end": 5}}]}"#,
            "GET h/",
            &["n: 4"],
            true,
        ),
        (
            r#"{"prefix": "/", "headers": [{"name": "n", "range_match": {"start": -1, "end": 5}}]}"#,
            "GET h/",
            &["n: 5"],
            false,
        ),
        (r#"{"prefix": "/", "headers": [{"name": ":method", "string_match": {"exact": "PUT"}}]}"#, "PUT h/", &[], true),
        (
            r#"{"prefix": "/", "headers": [{"name": ":authority", "string_match": {"suffix": ".org"}}]}"#,
            "GET a.org/",
            &[],
            true,
        ),
        (
            r#"{"prefix": "/", "query_parameters": [{"name": "v", "string_match": {"exact": "2"}}]}"#,
            "GET h/?a=1&v=2",
            &[],
            true,
        ),
        (r#"{"prefix": "/", "query_parameters": [{"name": "v", "present_match": true}]}"#, "GET h/?vv", &[], false),
        (r#"{"prefix": "/", "grpc": {}}"#, "POST h/", &["content-type: application/grpc+proto"], true),
        (r#"{"prefix": "/", "grpc": {}}"#, "POST h/", &["content-type: application/grpc-web"], false),
        (r#"{"prefix": "/", "runtime_fraction": {"default_value": {"numerator": 0}}}"#, "GET h/", &[], false),
    ] {
        let config = routes(&one_route(matches, r#""route": {"cluster": "c"}"#));
        let found = outcome(&config, &request(line, headers));
        assert_eq!(found, if wanted { "c" } else { "404" }, "{matches} {line} {headers:?}");
    }
}

#[test]
fn redirects_lead_where_they_say() {
    for (action, line, wanted) in [
        (r#"{"https_redirect": true}"#, "GET a.com:80/x?q=1", "301 https://a.com/x?q=1"),
        (
            r#"{"https_redirect": true, "response_code": "PERMANENT_REDIRECT"}"#,
            "GET a.com:81/x",
            "308 https://a.com:81/x",
        ),
        (r#"{"host_redirect": "b.org", "port_redirect": 8443}"#, "GET a.com:80/x", "301 http://b.org:8443/x"),
        (r#"{"port_redirect": 81}"#, "GET a.com:80/x", "301 http://a.com:81/x"),
        (r#"{"path_redirect": "/y"}"#, "GET a.com/x?q", "301 http://a.com/y?q"),
        (r#"{"path_redirect": "/y?own"}"#, "GET a.com/x?q", "301 http://a.com/y?own"),
        (r#"{"path_redirect": "/y", "strip_query": true}"#, "GET a.com/x?q", "301 http://a.com/y"),
        (r#"{"prefix_rewrite": "/new"}"#, "GET a.com/x/z?q", "301 http://a.com/new/z?q"),
        (
            r#"{"regex_rewrite": {"pattern": {"regex": "^/x/(.*)$"}, "substitution": "/$\\1"}, "strip_query": true}"#,
            "GET a.com/x/z?q",
            "301 http://a.com/$z",
        ),
    ] {
        let config = routes(&one_route(r#"{"prefix": "/x"}"#, &format!(r#""redirect": {action}"#)));
        assert_eq!(outcome(&config, &request(line, &[])), wanted, "{action}");
    }
}

#[test]
fn tls_is_required_where_the_virtual_host_says() {
    let text = hosts(&[("v", r#""*""#)], "").replace(r#""name": "v","#, r#""name": "v", "require_tls": "ALL","#);
    let config = routes(&text);
    let Err(no_route) = select(&config, &request("GET a.com/x?y", &[]), &CONTEXT) else { panic!("a route") };
    let reply = no_route.reply();
    assert_eq!((reply.status, reply.headers.get_str("location")), (301, Some("https://a.com/x?y")));
    assert!(select(&config, &request("GET a.com/", &[]), &RouteContext { https: true, ..CONTEXT }).is_ok());
}

#[test]
fn upstream_requests_are_rewritten() {
    let config = routes(
        r#"{"name": "r", "request_headers_to_add": [{"header": {"key": "level", "value": "config"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
        "virtual_hosts": [{"name": "v", "domains": ["*"], "include_request_attempt_count": true, "request_headers_to_remove": ["gone"],
        "routes": [{"match": {"prefix": "/a/"}, "route": {"weighted_clusters": {"clusters": [{"name": "c0", "weight": 1}, {"name": "c1", "weight": 3,
        "request_headers_to_add": [{"header": {"key": "w", "value": "%REQ(:path)%"}}]}]},
        "prefix_rewrite": "/", "host_rewrite_literal": "new", "append_x_forwarded_host": true, "timeout": "2s"},
        "request_headers_to_add": [{"header": {"key": "level", "value": "route"}}, {"header": {"key": "x", "value": "2"}}]}]}]}"#,
    );
    let hcm = hcm("");
    let mut head = request("GET old/a/b?q", &["x: 1", "gone: 1", "x-envoy-upstream-rq-timeout-ms: 700"]);
    let original = head.clone();
    let selected = select(&config, &original, &CONTEXT).expect("a route");
    let RouteAction::Forward(forward) = &selected.route.action else { panic!("forward") };
    let names: Vec<&str> = (0..5).map(|random| cluster(forward, &original, random).name).collect();
    assert_eq!(names, ["c0", "c1", "c1", "c1", "c0"]);
    let choice = cluster(forward, &original, 1);
    let limits = timeouts(&hcm, forward, &head);
    prepare_upstream(&hcm, &selected, &choice, &limits, &mut head, &CONTEXT, &Record::default());
    assert_eq!((head.authority_str(), head.path_str()), ("new", "/b?q"));
    let value = |name| head.headers.get_joined(name).map(|value| String::from_utf8_lossy(&value).into_owned());
    for (name, wanted) in [
        ("level", Some("config")),
        ("x", Some("1,2")),
        ("w", Some("/a/b?q")),
        ("gone", None),
        ("x-forwarded-host", Some("old")),
        ("x-envoy-original-path", Some("/a/b?q")),
        ("x-envoy-original-host", Some("old")),
        ("x-envoy-attempt-count", Some("1")),
        ("x-envoy-expected-rq-timeout-ms", Some("700")),
        ("x-envoy-upstream-rq-timeout-ms", None),
    ] {
        assert_eq!(value(name).as_deref(), wanted, "{name}");
    }
}

fn forward(fields: &str) -> Forward {
    let config = routes(&one_route(r#"{"prefix": "/"}"#, &format!(r#""route": {{"cluster": "c", {fields}}}"#)));
    let routes = std::sync::Arc::try_unwrap(config).expect("one").virtual_hosts.pop().expect("host");
    let route = std::sync::Arc::try_unwrap(routes).expect("one").routes.pop().expect("route");
    match std::sync::Arc::try_unwrap(route).expect("one").action {
        RouteAction::Forward(forward) => *forward,
        other => panic!("{other:?}"),
    }
}

#[test]
fn timeouts_come_from_route_and_headers() {
    let hcm = hcm("");
    for (fields, headers, overall, per_try, longest) in [
        (r#""timeout": "0s""#, &[][..], None, None, None),
        (r#""priority": "HIGH""#, &[], Some(15_000), None, None),
        (r#""timeout": "2s", "retry_policy": {"per_try_timeout": "1s"}"#, &[], Some(2000), Some(1000), None),
        (r#""timeout": "1s", "retry_policy": {"per_try_timeout": "1s"}"#, &[], Some(1000), None, None),
        (r#""timeout": "1s""#, &["x-envoy-upstream-rq-timeout-ms: 50"], Some(50), None, None),
        (r#""timeout": "1s""#, &["x-envoy-upstream-rq-timeout-ms: 0"], None, None, None),
        (
            r#""max_grpc_timeout": "5s""#,
            &["content-type: application/grpc", "grpc-timeout: 3S"],
            Some(3000),
            None,
            None,
        ),
        (r#""max_grpc_timeout": "5s""#, &["content-type: application/grpc"], Some(5000), None, None),
        (
            r#""max_stream_duration": {"grpc_timeout_header_max": "2s"}"#,
            &["content-type: application/grpc", "grpc-timeout: 3S"],
            None,
            None,
            Some(2000),
        ),
        (r#""max_stream_duration": {"max_stream_duration": "9s"}"#, &[], None, None, Some(9000)),
    ] {
        let found = timeouts(&hcm, &forward(fields), &request("POST h/", headers));
        let ms = |time: Option<std::time::Duration>| time.map(|time| time.as_millis());
        assert_eq!(
            (ms(found.overall), ms(found.per_try), ms(found.max_duration)),
            (overall, per_try, longest),
            "{fields} {headers:?}"
        );
    }
}

#[test]
fn hashes_follow_what_they_are_made_of() {
    let by_header = forward(r#""hash_policy": [{"header": {"header_name": "x"}}]"#);
    let by_cookie = forward(r#""hash_policy": [{"cookie": {"name": "s", "ttl": "60s", "path": "/p"}}]"#);
    let mut random = numbers(1);
    let mut key =
        |forward: &Forward, headers: &[&str]| hash(forward, &request("GET h/", headers), &CONTEXT, &mut random);
    assert_eq!(key(&by_header, &[]).hash, None);
    assert_eq!(key(&by_header, &["x: a"]).hash, Some(crate::hash::xx_hash64(b"a", 0)));
    assert_eq!(key(&by_header, &["x: a", "x: b"]), key(&by_header, &["x: b", "x: a"]));
    assert_eq!(key(&by_cookie, &["cookie: a=1; s=v"]).hash, Some(crate::hash::xx_hash64(b"v", 0)));
    let made = key(&by_cookie, &[]);
    let cookie = made.set_cookie.expect("a cookie");
    assert!(cookie.starts_with("s=\"") && cookie.ends_with("\"; Max-Age=60; Path=/p; HttpOnly"), "{cookie}");
    assert!(made.hash.is_some());
}

#[test]
fn near_misses_say_what_failed() {
    let config = routes(
        r#"{"name": "r", "virtual_hosts": [{"name": "v", "domains": ["httpbin.example.com"], "routes": [
        {"match": {"prefix": "/status"}, "route": {"cluster": "a"}},
        {"match": {"prefix": "/headers", "headers": [{"name": "end-user", "string_match": {"exact": "j"}}]}, "route": {"cluster": "b"}}]}]}"#,
    );
    let misses = near_misses(&config, &request("GET httpbin.example.com/headers", &[]), &CONTEXT);
    let reasons: Vec<&str> = misses.iter().flat_map(|miss| miss.reasons.iter().map(String::as_str)).collect();
    assert_eq!(reasons, ["prefix /status does not match /headers", "header end-user is missing"]);
    let misses = near_misses(&config, &request("GET httpbin.example.org/", &[]), &CONTEXT);
    assert_eq!(misses[0].reasons, ["domain httpbin.example.com does not match httpbin.example.org"]);
}
