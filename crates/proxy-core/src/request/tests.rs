use super::*;
use crate::headers::Version;
use crate::sample::{hcm, numbers, request};

fn downstream(peer: &str) -> Downstream<'static> {
    let peer = SocketAddr::new(peer.parse().expect("address"), 4000);
    Downstream { peer, local: "10.0.0.9:8080".parse().expect("address"), tls: false, certificate: None }
}

fn run(fields: &str, head: &mut RequestHead, peer: &str) -> Result<Admitted, u16> {
    admit(&hcm(fields), head, &downstream(peer), &mut numbers(7)).map_err(|reply| reply.status)
}

#[test]
fn the_client_is_found_behind_proxies() {
    const EDGE: &str = r#", "use_remote_address": true"#;
    const INTERNAL: &str =
        r#", "internal_address_config": {"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}"#;
    for (fields, headers, client, internal, forwarded) in [
        (EDGE.to_owned(), &[][..], "1.2.3.4", false, Some("1.2.3.4")),
        (EDGE.to_owned(), &["x-forwarded-for: 9.9.9.9"], "1.2.3.4", false, Some("9.9.9.9,1.2.3.4")),
        (
            format!(r#"{EDGE}, "xff_num_trusted_hops": 1"#),
            &["x-forwarded-for: 8.8.8.8, 9.9.9.9"],
            "9.9.9.9",
            false,
            Some("8.8.8.8, 9.9.9.9,1.2.3.4"),
        ),
        (format!(r#"{EDGE}, "skip_xff_append": true"#), &[], "1.2.3.4", false, None),
        (String::new(), &["x-forwarded-for: 9.9.9.9"], "9.9.9.9", false, Some("9.9.9.9")),
        (INTERNAL.to_owned(), &["x-forwarded-for: 10.1.1.1"], "10.1.1.1", true, Some("10.1.1.1")),
        (INTERNAL.to_owned(), &["x-forwarded-for: 10.1.1.1,10.1.1.2"], "10.1.1.2", false, Some("10.1.1.1,10.1.1.2")),
        (String::new(), &["x-forwarded-for: nonsense"], "1.2.3.4", false, Some("nonsense")),
        (String::new(), &[], "1.2.3.4", false, None),
    ] {
        let mut head = request("GET h/", headers);
        let admitted = run(&fields, &mut head, "1.2.3.4").expect("admitted");
        let found = (admitted.client.ip().to_string(), admitted.internal, head.headers.get_str("x-forwarded-for"));
        assert_eq!(found, (client.to_owned(), internal, forwarded), "{fields} {headers:?}");
    }
}

#[test]
fn headers_from_outside_are_not_trusted() {
    let steering = [
        "x-envoy-retry-on: 5xx",
        "x-envoy-upstream-rq-timeout-ms: 1",
        "x-envoy-internal: true",
        "x-request-id: theirs",
    ];
    let mut head = request("GET h/", &steering);
    let admitted = run(r#", "use_remote_address": true"#, &mut head, "1.2.3.4").expect("admitted");
    assert!(!head.headers.contains("x-envoy-retry-on") && !head.headers.contains("x-envoy-internal"));
    assert_eq!(head.headers.get_str("x-envoy-external-address"), Some("1.2.3.4"));
    let id = admitted.request_id.expect("an id");
    assert!(id.len() == 36 && id[14] == b'4', "{id:?}");
    let mut head = request("GET h/", &["x-request-id: theirs"]);
    run("", &mut head, "1.2.3.4").expect("admitted");
    assert_eq!(head.headers.get_str("x-request-id"), Some("theirs"));
    assert_eq!(head.headers.get_str("x-forwarded-proto"), Some("http"));
}

#[test]
fn unfit_requests_are_refused() {
    for (fields, line, status) in [
        ("", "GET h/ok", None),
        // Over HTTP/1 an empty `Host` is legal; a missing one never gets past the codec.
        ("", "GET /no-host", None),
        ("", "GET h", Some(404)),
        ("", "GET h/a#b", Some(400)),
        ("", "CONNECT h:80", None),
        (r#", "path_with_escaped_slashes_action": "REJECT_REQUEST""#, "GET h/a%2fb", Some(400)),
        (r#", "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT""#, "GET h/a%2fb", Some(307)),
    ] {
        let found = run(fields, &mut request(line, &[]), "1.2.3.4").err();
        assert_eq!(found, status, "{fields} {line}");
    }
    let mut head = request("GET /no-host", &[]);
    head.version = Version::Http2;
    assert_eq!(run("", &mut head, "1.2.3.4").err(), Some(400), "HTTP/2 without an authority");
}

#[test]
fn hosts_and_paths_are_normalised() {
    for (fields, line, host, path) in [
        (r#", "strip_any_host_port": true"#, "GET a.com:99/", "a.com", "/"),
        (r#", "strip_matching_host_port": true"#, "GET a.com:99/", "a.com:99", "/"),
        (r#", "strip_matching_host_port": true"#, "GET a.com:8080/", "a.com", "/"),
        (r#", "strip_any_host_port": true"#, "GET [::1]:99/", "[::1]", "/"),
        (r#", "strip_any_host_port": true"#, "GET a.com:/", "a.com:", "/"),
        (r#", "strip_trailing_host_dot": true"#, "GET a.com.:99/", "a.com:99", "/"),
        (r#", "strip_trailing_host_dot": true"#, "GET a.com.:/", "a.com:", "/"),
        (r#", "normalize_path": true, "merge_slashes": true"#, "GET h/a/../b//c?d//e", "h", "/b/c?d//e"),
    ] {
        let mut head = request(line, &[]);
        run(fields, &mut head, "1.2.3.4").expect("admitted");
        assert_eq!((head.authority_str(), head.path_str()), (host, path), "{fields}");
    }
}

#[test]
fn upgrades_must_be_allowed() {
    let asks = ["connection: Upgrade", "upgrade: WebSocket"];
    for (fields, allowed) in [("", false), (r#", "upgrade_configs": [{"upgrade_type": "websocket"}]"#, true)] {
        let hcm = hcm(fields);
        let mut head = request("GET h/", &asks);
        let admitted = admit(&hcm, &mut head, &downstream("1.2.3.4"), &mut numbers(1)).expect("admitted");
        assert_eq!(admitted.upgrade, Some(Upgrade::Protocol("websocket".to_owned())));
        assert!(head.headers.contains("upgrade"));
        assert_eq!(check_upgrade(&hcm, &admitted, None).map_err(|reply| reply.status).is_ok(), allowed);
    }
}

#[test]
fn responses_are_finished() {
    for (fields, before, after) in [
        ("", Some("up"), Some("envoy")),
        (r#", "server_name": "me", "server_header_transformation": "APPEND_IF_ABSENT""#, Some("up"), Some("up")),
        (r#", "server_name": "me", "server_header_transformation": "APPEND_IF_ABSENT""#, None, Some("me")),
        (r#", "server_header_transformation": "PASS_THROUGH", "via": "x""#, None, None),
    ] {
        let hcm = hcm(fields);
        let admitted =
            admit(&hcm, &mut request("GET h/", &[]), &downstream("1.2.3.4"), &mut numbers(1)).expect("admitted");
        let mut head = ResponseHead::new(200);
        head.headers.append("connection", "close");
        if let Some(before) = before {
            head.headers.append("server", before);
        }
        finish_response(&hcm, &admitted, &mut head, true);
        assert_eq!(head.headers.get_str("server"), after, "{fields}");
        assert_eq!(head.headers.contains("via"), !hcm.via.is_empty());
        assert!(!head.headers.contains("connection"));
    }
}
