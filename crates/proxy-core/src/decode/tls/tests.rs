//! TLS contexts and secrets, as JSON of the resource.

use crate::decode::{Applied, Resource, Update, apply, version_of};
use crate::ir::{Cipher, Curve, DownstreamTls, SanKind, SecretKind, SecretSource, Tables, TlsVersion};
use lateen_envoy_api::{json, pack, type_url, v3};
use std::sync::Arc;

fn listener(context: &str) -> Result<Arc<DownstreamTls>, String> {
    let text = format!(
        r#"{{"name": "l", "address": {{"socket_address": {{"address": "127.0.0.1", "port_value": 443}}}},
        "filter_chains": [{{"filters": [{{"name": "t", "typed_config": {{
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "x", "cluster": "c"}}}}],
          "transport_socket": {{"name": "tls", "typed_config": {{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {context}}}}}}}]}}"#
    );
    let message: v3::listener::Listener = json::decode(&text).expect("JSON of a listener");
    let applied = put(type_url::LISTENER, &pack(&message));
    match applied.rejected.first() {
        Some(rejected) => Err(rejected.error.to_string()),
        None => Ok(applied.tables.listeners["l"].filter_chains[0].tls.clone().expect("TLS")),
    }
}

fn put(type_url: &str, body: &lateen_envoy_api::Any) -> Applied {
    let added = [Resource { name: "", version: version_of(body), body }];
    apply(&Tables::default(), Update { type_url, added: &added, removed: &[] })
}

const CERTIFICATE: &str =
    r#""tls_certificates": [{"certificate_chain": {"filename": "a.crt"}, "private_key": {"filename": "a.key"}}]"#;

#[test]
fn a_context_is_taken_apart() {
    let tls = listener(
        r#""require_client_certificate": true, "disable_stateful_session_resumption": true,
        "common_tls_context": {
            "tls_certificate_sds_secret_configs": [
                {"name": "rsa", "sds_config": {"ads": {}}},
                {"name": "ecdsa"},
                {"name": "default", "sds_config": {"resource_api_version": "V3", "initial_fetch_timeout": "0s",
                    "api_config_source": {"api_type": "GRPC", "transport_api_version": "V3",
                        "set_node_on_first_message_only": true,
                        "grpc_services": [{"envoy_grpc": {"cluster_name": "sds-grpc"}}]}}}],
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_1", "tls_maximum_protocol_version": "TLSv1_2",
                "cipher_suites": ["[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]", "AES256-GCM-SHA384"],
                "ecdh_curves": ["P-256", "P-521"]},
            "combined_validation_context": {
                "default_validation_context": {
                    "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"prefix": "spiffe://"}}],
                    "verify_certificate_hash":
                        ["AB:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01"],
                    "verify_certificate_spki": ["AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI="]},
                "validation_context_sds_secret_config": {"name": "roots", "sds_config": {"ads": {}}}}}"#,
    )
    .expect("a context");
    assert!(tls.require_client_certificate && tls.tickets && !tls.session_ids);
    let common = &tls.common;
    let server = SecretSource::Server("sds-grpc".into());
    assert_eq!(
        common.secrets().map(|secret| (&*secret.name, &secret.from)).collect::<Vec<_>>(),
        [
            ("rsa", &SecretSource::Discovery),
            ("ecdsa", &SecretSource::Discovery),
            ("default", &server),
            ("roots", &SecretSource::Discovery)
        ]
    );
    assert_eq!((common.params.min, common.params.max), (TlsVersion::Tls12, TlsVersion::Tls12));
    assert_eq!(common.params.ciphers, [Cipher::EcdheRsaAes128Gcm, Cipher::EcdheRsaChacha20]);
    assert_eq!(common.params.curves, [Curve::P256]);
    assert_eq!(common.params.left_out, ["AES256-GCM-SHA384", "P-521"]);
    let here = &common.validation.as_ref().expect("a validation").here;
    assert_eq!(here.sans[0].kind, Some(SanKind::Uri));
    assert_eq!((here.hashes[0][0], here.hashes[0][31]), (0xab, 1));
    assert_eq!((here.spki[0][0], here.spki[0][31]), (1, 2));
}

#[test]
fn all_cipher_suites_are_those_that_are_spoken() {
    for (names, first) in [
        (r#""ALL""#, Cipher::EcdheEcdsaAes128Gcm),
        (r#""ECDHE-RSA-CHACHA20-POLY1305", "ALL", "ALL""#, Cipher::EcdheRsaChacha20),
    ] {
        let context =
            format!(r#""common_tls_context": {{{CERTIFICATE}, "tls_params": {{"cipher_suites": [{names}]}}}}"#);
        let ciphers = listener(&context).unwrap().common.params.ciphers.clone();
        assert_eq!((ciphers.len(), ciphers.first()), (6, Some(&first)), "{names}");
    }
}

#[test]
fn settings_without_a_handshake_cost_no_listener_when_certificates_come_later() {
    for params in [
        r#""tls_maximum_protocol_version": "TLSv1_1""#,
        r#""tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_2""#,
        r#""tls_maximum_protocol_version": "TLSv1_2", "cipher_suites": ["AES128-SHA"]"#,
        r#""ecdh_curves": ["nothing"]"#,
    ] {
        let context = format!(
            r#""common_tls_context": {{"tls_certificate_sds_secret_configs": [{{"name": "a", "sds_config": {{"ads": {{}}}}}}],
                "tls_params": {{{params}}}}}"#
        );
        let tls = listener(&context).unwrap_or_else(|error| panic!("{params}: {error}"));
        let why = tls.common.params.unusable.as_deref().unwrap_or_default();
        assert!(why.contains("tls_params."), "{params}: {why}");
    }
}

#[test]
fn what_cannot_be_done_names_its_field() {
    let common = |more: &str| format!(r#""common_tls_context": {{{CERTIFICATE}{more}}}"#);
    let params = |inner: &str| common(&format!(r#", "tls_params": {{{inner}}}"#));
    let validation = |inner: &str| common(&format!(r#", "validation_context": {{{inner}}}"#));
    for (context, field) in [
        (r#""common_tls_context": {}"#.to_owned(), "common_tls_context"),
        (
            r#""common_tls_context": {"tls_certificates": [{"certificate_chain": {"filename": "a"}}]}"#.to_owned(),
            "tls_certificates[0].private_key",
        ),
        (
            r#""common_tls_context": {"tls_certificates": [{"pkcs12": {"filename": "a"}}]}"#.to_owned(),
            "tls_certificates[0].pkcs12",
        ),
        (params(r#""tls_maximum_protocol_version": "TLSv1_1""#), "tls_params.tls_maximum_protocol_version"),
        (params(r#""cipher_suites": ["ROT13"]"#), "tls_params.cipher_suites[0]"),
        (
            params(r#""tls_maximum_protocol_version": "TLSv1_2", "cipher_suites": ["AES128-SHA"]"#),
            "tls_params.cipher_suites",
        ),
        (params(r#""ecdh_curves": ["P-521"]"#), "tls_params.ecdh_curves"),
        (params(r#""signature_algorithms": ["ed25519"]"#), "tls_params.signature_algorithms"),
        (validation(r#""verify_certificate_hash": ["abc"]"#), "validation_context.verify_certificate_hash[0]"),
        (validation(r#""verify_certificate_spki": ["abc"]"#), "validation_context.verify_certificate_spki[0]"),
        (
            validation(r#""match_typed_subject_alt_names": [{"matcher": {"exact": "a"}}]"#),
            "match_typed_subject_alt_names[0].san_type",
        ),
        (
            common(
                r#", "tls_certificate_sds_secret_configs": [{"name": "a", "sds_config": {"api_config_source":
                    {"api_type": "REST", "cluster_names": ["b"]}}}]"#,
            ),
            "tls_certificate_sds_secret_configs[0].sds_config.api_config_source.api_type",
        ),
        (common(r#", "key_log": {"path": "/tmp/x"}"#), "key_log"),
        (common("") + r#", "ocsp_staple_policy": "MUST_STAPLE""#, "ocsp_staple_policy"),
        (common("") + r#", "session_ticket_keys": {"keys": [{"filename": "x"}]}"#, "session_ticket_keys"),
    ] {
        let error = listener(&context).expect_err(&context);
        assert!(error.contains(field), "{error} does not name {field}");
    }
}

#[test]
fn secrets_are_tables_of_their_own() {
    let secret = |text: &str| {
        let message: v3::tls::Secret = json::decode(text).expect("JSON of a secret");
        put(type_url::SECRET, &pack(&message))
    };
    let applied = secret(
        r#"{"name": "s", "tls_certificate": {"certificate_chain": {"inline_string": "c"}, "private_key": {"inline_string": "k"}}}"#,
    );
    assert!(matches!(applied.tables.secrets["s"].kind, SecretKind::Certificate(_)));
    let applied = secret(r#"{"name": "s", "validation_context": {"trusted_ca": {"inline_string": "c"}}}"#);
    assert!(matches!(applied.tables.secrets["s"].kind, SecretKind::Validation(_)));
    let applied = secret(r#"{"name": "s", "generic_secret": {}}"#);
    assert!(applied.rejected[0].error.to_string().contains("generic_secret"));
}
