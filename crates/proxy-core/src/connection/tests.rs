use super::*;
use crate::sample::listener;

fn chains(matches: &[(&str, &str)]) -> Arc<Listener> {
    let chain = |(name, fields): &(&str, &str)| format!(r#"{{"name": "{name}", "filter_chain_match": {{{fields}}}}}"#);
    let all: Vec<String> = matches.iter().map(chain).collect();
    listener(&format!(
        r#"{{"name": "l", "address": {{"socket_address": {{"address": "0.0.0.0", "port_value": 15006}}}},
        "default_filter_chain": {{"name": "default"}}, "filter_chains": [{}]}}"#,
        all.join(",")
    ))
}

/// The chain for `destination client`, with SNI and ALPN.
fn chosen(listener: &Listener, addresses: &str, server_name: &str, transport: &str, alpn: &[&str]) -> String {
    let (destination, client) = addresses.split_once(' ').expect("two addresses");
    let client = client.parse().expect("client");
    let alpn: Vec<String> = alpn.iter().map(|protocol| (*protocol).to_owned()).collect();
    let facts = ConnectionFacts {
        destination: destination.parse().expect("destination"),
        direct_peer: client,
        client,
        server_name,
        application_protocols: &alpn,
        transport_protocol: transport,
    };
    select_filter_chain(listener, &facts).map(|chain| chain.name.to_string()).expect("a chain")
}

#[test]
fn each_step_keeps_the_most_specific_chains() {
    let listener = chains(&[
        ("port", r#""destination_port": 80"#),
        ("net16", r#""prefix_ranges": [{"address_prefix": "10.1.0.0", "prefix_len": 16}]"#),
        ("net8", r#""prefix_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]"#),
        ("exact", r#""server_names": ["a.b.com"], "transport_protocol": "tls""#),
        ("wild", r#""server_names": ["*.b.com"]"#),
        ("wilder", r#""server_names": ["*.com"]"#),
        ("tls", r#""transport_protocol": "tls""#),
        ("h2c", r#""application_protocols": ["h2c"]"#),
        ("local", r#""source_type": "SAME_IP_OR_LOOPBACK""#),
        ("client", r#""source_prefix_ranges": [{"address_prefix": "9.9.0.0", "prefix_len": 16}]"#),
        (
            "client-port",
            r#""source_prefix_ranges": [{"address_prefix": "9.9.0.0", "prefix_len": 16}], "source_ports": [7]"#,
        ),
    ]);
    for (addresses, name, transport, alpn, wanted) in [
        ("10.1.1.1:80 9.9.9.9:7", "a.b.com", "tls", &[][..], "port"),
        ("10.1.1.1:81 9.9.9.9:7", "a.b.com", "tls", &[], "net16"),
        ("10.2.1.1:81 9.9.9.9:7", "", "raw_buffer", &[], "net8"),
        ("1.1.1.1:81 9.9.9.9:7", "A.b.com", "tls", &[], "exact"),
        // The exact name wins the step; that its chain wants TLS does not bring back the wildcard.
        ("1.1.1.1:81 8.8.8.8:7", "a.b.com", "raw_buffer", &[], "default"),
        ("1.1.1.1:81 8.8.8.8:7", "x.b.com", "raw_buffer", &[], "wild"),
        ("1.1.1.1:81 8.8.8.8:7", "b.com", "raw_buffer", &[], "wilder"),
        ("1.1.1.1:81 8.8.8.8:7", "", "tls", &["h2"], "tls"),
        ("1.1.1.1:81 8.8.8.8:7", "", "raw_buffer", &["h2", "h2c"], "h2c"),
        ("1.1.1.1:81 1.1.1.1:7", "", "raw_buffer", &[], "local"),
        ("1.1.1.1:81 127.0.0.1:7", "", "raw_buffer", &[], "local"),
        ("1.1.1.1:81 9.9.9.9:8", "", "raw_buffer", &[], "client"),
        ("1.1.1.1:81 9.9.9.9:7", "", "raw_buffer", &[], "client-port"),
        ("1.1.1.1:81 8.8.8.8:7", "", "raw_buffer", &[], "default"),
    ] {
        assert_eq!(
            chosen(&listener, addresses, name, transport, alpn),
            wanted,
            "{addresses} {name} {transport} {alpn:?}"
        );
    }
}

#[test]
fn a_host_of_another_chain_is_misdirected() {
    let chain = |name: &str| {
        format!(
            r#"{{"name": "{name}", "filter_chain_match": {{"server_names": ["{name}.example"]}},
            "transport_socket": {{"name": "tls", "typed_config": {{
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {{"tls_certificate_sds_secret_configs": [{{"name": "s"}}]}}}}}},
            "filters": [{{"name": "hcm", "typed_config": {{
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "x", "http_filters": [{{"name": "r", "typed_config": {{
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}}}],
                "route_config": {{"name": "r", "virtual_hosts": [{{"name": "v", "domains": ["{name}.example"]}}]}}}}}}]}}"#
        )
    };
    let listener = listener(&format!(
        r#"{{"name": "l", "address": {{"socket_address": {{"address": "0.0.0.0", "port_value": 443}}}},
        "filter_chains": [{}, {}]}}"#,
        chain("a"),
        chain("b")
    ));
    let address = "127.0.0.1:443".parse().expect("an address");
    let facts = ConnectionFacts {
        destination: address,
        direct_peer: address,
        client: address,
        server_name: "a.example",
        application_protocols: &[],
        transport_protocol: "tls",
    };
    let tables = crate::ir::Tables::default();
    for (authority, misdirects) in
        [("b.example", true), ("B.EXAMPLE", true), ("a.example", false), ("c.example", false)]
    {
        let own = &listener.filter_chains[0];
        let reply = misdirected(&listener, own, &facts, authority.as_bytes(), &tables);
        assert_eq!(reply.map(|reply| reply.status), misdirects.then_some(421), "{authority}");
    }
}
