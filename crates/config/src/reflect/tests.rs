//! Names by the rules of protobuf's JSON and Go, presence, and canonical JSON.
#![allow(clippy::unwrap_used)]

use serde_json::json;

use crate::kinds::mesh_config::{MeshConfig, ProxyConfig, Tracing};
use crate::kinds::proxy_config::{ConnectionSettings, Sds};
use crate::reflect::{Message, Slot, Value, names};

#[test]
fn names_follow_the_rule_of_protoc_gen_go() {
    for (proto, go) in [
        ("proxy_metadata", "ProxyMetadata"),
        ("k8s_sa_jwt_path", "K8SSaJwtPath"),
        ("enable_64bit_trace_id", "Enable_64BitTraceId"),
        ("consecutive_5xx_errors", "Consecutive_5XxErrors"),
        ("preserve_http1_header_case", "PreserveHttp1HeaderCase"),
        ("mesh_mTLS", "MeshMTLS"),
        ("matchLabels", "MatchLabels"),
        ("ca", "Ca"),
        ("_x", "XX"),
        ("a_B", "A_B"),
    ] {
        assert_eq!(names::go(proto), go);
        assert!(names::is_go(proto, go));
        assert!(!names::is_go(proto, &go[1..]) && !names::is_go(proto, &format!("{go}x")));
    }
}

#[test]
fn fields_have_their_names_and_places() {
    let shown = |message: &dyn Message, from: usize, to: usize| -> Vec<String> {
        let fields = message.fields();
        fields[from..to].iter().map(|f| format!("{} {} {}", f.proto_name(), f.json_name(), f.go_name())).collect()
    };
    assert_eq!(
        shown(&ProxyConfig::default(), 1, 5),
        [
            "binary_path binaryPath BinaryPath",
            "service_cluster serviceCluster ServiceCluster",
            "tracing_service_name tracingServiceName TracingServiceName",
            "drain_duration drainDuration DrainDuration",
        ]
    );
    assert_eq!(shown(&Sds::default(), 1, 2), ["k8s_sa_jwt_path k8sSaJwtPath K8SSaJwtPath"]);
    assert_eq!(shown(&Tracing::default(), 4, 6)[0], "open_census_agent openCensusAgent OpenCensusAgent");
    let mesh = MeshConfig::default();
    let field = mesh.fields().into_iter().find(|f| f.is_go_name("MeshMTLS")).unwrap();
    assert_eq!((field.proto_name(), field.json_name().as_str()), ("mesh_mTLS", "meshMTLS"));
}

#[test]
fn an_absent_message_has_fields_to_ask() {
    let proxy = ProxyConfig::default();
    let field = proxy.fields().into_iter().find(|f| f.is_go_name("ConnectionSettings")).unwrap();
    let Value::Message(Slot::Unset(zero)) = field.value else { panic!("{field:?}") };
    assert_eq!(zero().message_name(), "ConnectionSettings");
    assert_eq!(zero().fields().len(), ConnectionSettings::default().fields().len());
    assert_eq!(zero().to_json(), json!({}));
}

/// What is written, and its canonical JSON; nothing where it is the same.
#[test]
fn json_is_canonical() {
    for (text, expected) in [
        ("{}", None),
        ("concurrency: 0", None),
        ("statusPort: 0", Some(json!({}))),
        ("statusPort: '12'", Some(json!({"statusPort": 12}))),
        ("status_port: 12", Some(json!({"statusPort": 12}))),
        ("serviceCluster: ''", None),
        ("tracingServiceName: APP_LABEL_AND_NAMESPACE", None),
        ("controlPlaneAuthPolicy: 1", Some(json!({"controlPlaneAuthPolicy": "MUTUAL_TLS"}))),
        ("interceptionMode: REDIRECT", Some(json!({}))),
        ("holdApplicationUntilProxyStarts: false", None),
        ("drainDuration: 0s", None),
        ("drainDuration: 1500ms", Some(json!({"drainDuration": "1.500s"}))),
        ("drainDuration: 1us", Some(json!({"drainDuration": "0.000001s"}))),
        ("drainDuration: 1h0m0.000000001s", Some(json!({"drainDuration": "3600.000000001s"}))),
        ("proxyMetadata: {b: x, a: ''}", Some(json!({"proxyMetadata": {"a": "", "b": "x"}}))),
        ("proxyMetadata: {}", Some(json!({}))),
        ("tracing: {}", None),
        ("tracing: {sampling: 100.0}", Some(json!({"tracing": {"sampling": 100}}))),
        ("tracing: {sampling: 0.5, zipkin: {}}", Some(json!({"tracing": {"zipkin": {}, "sampling": 0.5}}))),
        ("tracing: {sampling: 0, enableIstioTags: false}", Some(json!({"tracing": {"enableIstioTags": false}}))),
        (
            "tracing: {stackdriver: {maxNumberOfAttributes: 7}}",
            Some(json!({"tracing": {"stackdriver": {"maxNumberOfAttributes": "7"}}})),
        ),
        ("tracing: {customTags: {a: {literal: {value: b}}}}", None),
        ("gatewayTopology: {numTrustedProxies: 2, proxyProtocol: {}}", None),
        ("extraStatTags: [a, b]", None),
    ] {
        let (mesh, findings) = crate::decode_mesh_config("mesh.yaml", &format!("defaultConfig:\n  {text}"));
        assert!(findings.is_empty(), "{text}: {findings:#?}");
        let proxy: &dyn Message = mesh.default_config.as_deref().unwrap();
        let written = crate::json_documents("text", text);
        let expected = expected.unwrap_or_else(|| written[0].value.clone().unwrap());
        assert_eq!(proxy.to_json().to_string(), expected.to_string(), "{text}");
    }
}

#[test]
fn everything_comes_back_from_its_own_json() {
    let (mesh, _) = crate::decode_mesh_config("mesh.yaml", include_str!("../../tests/mesh/everything.yaml"));
    let message: &dyn Message = &mesh;
    let (again, findings) = crate::decode_mesh_config("mesh.json", &message.to_json().to_string());
    assert_eq!(findings, []);
    assert_eq!(again, mesh);
}
