//! What written configuration does to a base, and which configuration is refused.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::reflect::Message;
use crate::{Finding, MeshConfig, ProxyConfig, Severity, apply_mesh_config, apply_proxy_config};

fn json_of(message: &dyn Message) -> Value {
    message.to_json()
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|f| format!("{} {} {}", f.severity, f.place.line, f.path)).collect()
}

#[test]
fn defaults_read_as_istio_prints_them() {
    assert_eq!(
        json_of(&ProxyConfig::istio_defaults()).to_string(),
        "{\"configPath\":\"./etc/istio/proxy\",\"binaryPath\":\"/usr/local/bin/envoy\",\
         \"serviceCluster\":\"istio-proxy\",\"drainDuration\":\"45s\",\
         \"discoveryAddress\":\"istiod.istio-system.svc:15012\",\"proxyAdminPort\":15000,\
         \"controlPlaneAuthPolicy\":\"MUTUAL_TLS\",\"statNameLength\":189,\"statusPort\":15020,\
         \"terminationDrainDuration\":\"5s\"}"
    );
    let mesh = json_of(&MeshConfig::istio_defaults());
    assert_eq!(mesh["outboundTrafficPolicy"], json!({"mode": "ALLOW_ANY"}));
    assert_eq!(mesh["inboundTrafficPolicy"], json!({}));
    assert_eq!(mesh["protocolDetectionTimeout"], "0s");
    assert_eq!(mesh["extensionProviders"][0], json!({"name": "prometheus", "prometheus": {}}));
    let mesh = MeshConfig::istio_defaults();
    assert_eq!(apply_mesh_config("empty", "", mesh.clone()), (mesh.clone(), vec![]));
    assert_eq!(apply_mesh_config("empty", "{}", mesh.clone()), (mesh, vec![]));
}

/// What is written over what, and one field of the result in JSON.
#[test]
fn fields_that_are_written_replace_those_of_a_proxy() {
    for (base, text, field, expected) in [
        ("", "drainDuration: 23s", "drainDuration", json!("23s")),
        ("statusPort: 1", "proxyAdminPort: 5", "statusPort", json!(1)),
        ("drainDuration: 1s", "drainDuration: null", "drainDuration", json!("1s")),
        ("drainDuration: 1s", "drainDuration:", "drainDuration", json!("1s")),
        ("concurrency: 4", "concurrency: 0", "concurrency", json!(0)),
        ("concurrency: 4", "image: {}", "concurrency", json!(4)),
        (
            "proxyMetadata: {A: a, B: b}",
            "proxyMetadata: {B: x, C: ''}",
            "proxyMetadata",
            json!({"A": "a", "B": "x", "C": ""}),
        ),
        ("proxyMetadata: {A: a}", "proxyMetadata: {}", "proxyMetadata", json!({"A": "a"})),
        ("proxyMetadata: {A: a}", "{\"proxyMetadata\": {\"B\": \"b\"}}", "proxyMetadata", json!({"A": "a", "B": "b"})),
        ("runtimeValues: {A: a}", "runtimeValues: {B: b}", "runtimeValues", json!({"B": "b"})),
        ("extraStatTags: [a]", "extraStatTags: [b]", "extraStatTags", json!(["b"])),
        (
            "tracing: {sampling: 5, zipkin: {address: 'a:1'}}",
            "tracing: {sampling: 7}",
            "tracing",
            json!({"sampling": 7}),
        ),
        ("", "serviceCluster: x", "serviceCluster", json!("x")),
        ("", "tracingServiceName: CANONICAL_NAME_ONLY", "serviceCluster", Value::Null),
        (
            "proxyHeaders: {server: {value: a}, requestId: {disabled: true}, xForwardedHost: {enabled: true}}",
            "proxyHeaders: {server: {value: b}, attemptCount: {}}",
            "proxyHeaders",
            json!({"requestId": {"disabled": true}, "server": {"value": "b"}, "attemptCount": {}}),
        ),
        ("", "holdApplicationUntilProxyStarts: true", "holdApplicationUntilProxyStarts", json!(true)),
    ] {
        let (base, findings) = apply_proxy_config("base", base, &ProxyConfig::istio_defaults());
        assert_eq!(findings, [], "{text}");
        let (proxy, findings) = apply_proxy_config("annotation", text, &base);
        assert_eq!(findings, [], "{text}");
        assert_eq!(json_of(&proxy).get(field).unwrap_or(&Value::Null), &expected, "{text}");
    }
}

#[test]
fn a_mesh_merges_what_istio_merges() {
    for (base, text, pointer, expected) in [
        ("", "defaultConfig: {drainDuration: 23s}", "/defaultConfig/statusPort", json!(15020)),
        (
            "defaultConfig: {proxyMetadata: {A: a}}",
            "defaultConfig: {proxyMetadata: {B: b}}",
            "/defaultConfig/proxyMetadata",
            json!({"A": "a", "B": "b"}),
        ),
        ("defaultConfig: {concurrency: 3}", "defaultConfig: null", "/defaultConfig/concurrency", json!(3)),
        ("defaultConfig: {concurrency: 3}", "defaultConfig: {}", "/defaultConfig/concurrency", json!(3)),
        ("", "outboundTrafficPolicy: {mode: REGISTRY_ONLY}", "/outboundTrafficPolicy", json!({})),
        ("", "localityLbSetting: {failoverPriority: [a]}", "/localityLbSetting", json!({"failoverPriority": ["a"]})),
        (
            "defaultProviders: {metrics: [a], tracing: [b]}",
            "defaultProviders: {tracing: [c]}",
            "/defaultProviders",
            json!({"tracing": ["c"], "metrics": ["a"]}),
        ),
        ("trustDomainAliases: [c, a]", "trustDomainAliases: [b, a]", "/trustDomainAliases", json!(["a", "b", "c"])),
        ("trustDomainAliases: [c, a]", "trustDomain: x", "/trustDomainAliases", json!(["a", "c"])),
        (
            "",
            "extensionProviders: [{name: envoy, prometheus: {}}, {name: x, datadog: {service: a, port: 1}}]",
            "/extensionProviders/2",
            json!({"name": "envoy", "prometheus": {}}),
        ),
        (
            "",
            "extensionProviders: [{name: envoy, prometheus: {}}, {name: x, datadog: {service: a, port: 1}}]",
            "/extensionProviders/3/name",
            json!("x"),
        ),
        ("", "defaultServiceExportTo: []", "/defaultServiceExportTo", Value::Null),
        ("", "enableTracing: false", "/enableTracing", Value::Null),
        ("", "enablePrometheusMerge: false", "/enablePrometheusMerge", json!(false)),
    ] {
        let (base, findings) = apply_mesh_config("base", base, MeshConfig::istio_defaults());
        assert_eq!(findings, [], "{text}");
        let (mesh, findings) = apply_mesh_config("mesh", text, base);
        assert_eq!(findings, [], "{text}");
        assert_eq!(json_of(&mesh).pointer(pointer).unwrap_or(&Value::Null), &expected, "{text}");
    }
}

/// What is written, and severity, line and path of each finding.
#[test]
fn proxies_that_cannot_start_are_refused() {
    for (text, expected) in [
        ("statusPort: 70000", vec!["error 1 statusPort"]),
        ("proxyAdminPort: 0", vec!["error 1 proxyAdminPort"]),
        ("drainDuration: 1500ms", vec!["error 1 drainDuration"]),
        ("drainDuration: 0s", vec!["error 1 drainDuration"]),
        ("drainDuration: 5", vec!["error 1 drainDuration"]),
        ("discoveryAddress: istiod", vec!["error 1 discoveryAddress"]),
        ("discoveryAddress: ':15012'", vec!["error 1 discoveryAddress"]),
        ("discoveryAddress: '[::1]:15012'", vec![]),
        ("discoveryAddress: a_b:1", vec!["error 1 discoveryAddress"]),
        ("configPath: ''", vec!["error 1 configPath"]),
        ("serviceCluster: ''", vec!["error 1 serviceCluster"]),
        ("controlPlaneAuthPolicy: INHERIT", vec!["error 1 controlPlaneAuthPolicy"]),
        ("controlPlaneAuthPolicy: NONE", vec![]),
        ("a: 1\nstatusPort: x\n", vec!["warning 1 a", "error 2 statusPort"]),
        ("statusPort: 1\nstatusPort: 2\n", vec!["warning 2 statusPort"]),
        ("tracing: {zipkin: {address: '$(HOST_IP):9411'}}", vec![]),
        ("tracing: {zipkin: {address: zipkin}}", vec!["error 1 tracing.zipkin.address"]),
        ("tracing:\n  lightstep: {address: 'a:1'}\n", vec!["error 2 tracing.lightstep.accessToken"]),
        (
            "tracing: {tlsSettings: {mode: MUTUAL}}",
            vec!["error 1 tracing.tlsSettings.clientCertificate", "error 1 tracing.tlsSettings.privateKey"],
        ),
        ("envoyAccessLogService: {address: x}", vec!["error 1 envoyAccessLogService.address"]),
        ("statsdUdpAddress: 'x:0'", vec!["error 1 statsdUdpAddress"]),
        ("privateKeyProvider: {}", vec!["error 1 privateKeyProvider"]),
        ("privateKeyProvider: {qat: {pollDelay: 0s}}", vec!["error 1 privateKeyProvider.qat.pollDelay"]),
        (
            "connectionSettings: {http2InitialStreamWindowSize: 1}",
            vec!["error 1 connectionSettings.http2InitialStreamWindowSize"],
        ),
        (
            "proxyMetadata: {ISTIO_META_DNS_AUTO_ALLOCATE: 'true'}",
            vec!["warning 1 proxyMetadata.ISTIO_META_DNS_AUTO_ALLOCATE"],
        ),
        ("proxyMetadata: {A: true}", vec!["error 1 proxyMetadata.A"]),
        ("interceptionMode: OTHER", vec!["error 1 interceptionMode"]),
        ("drainDuration", vec!["error 1 "]),
        ("[", vec!["error 1 "]),
    ] {
        let (_, findings) = apply_proxy_config("annotation", text, &ProxyConfig::istio_defaults());
        assert_eq!(shown(&findings), expected, "{text}: {findings:#?}");
    }
}

/// Istio's reader goes through the fields in the order of the proto file: of a oneof the last one counts, and the name
/// in JSON before that of the file, wherever they stand.
#[test]
fn of_what_excludes_each_other_one_counts() {
    for (text, field, expected, path) in [
        (
            "serviceCluster: a\ntracingServiceName: CANONICAL_NAME_ONLY\n",
            "tracingServiceName",
            json!("CANONICAL_NAME_ONLY"),
            "tracingServiceName",
        ),
        (
            "tracingServiceName: CANONICAL_NAME_ONLY\nserviceCluster: a\n",
            "tracingServiceName",
            json!("CANONICAL_NAME_ONLY"),
            "serviceCluster",
        ),
        (
            "tracingServiceName: CANONICAL_NAME_ONLY\nserviceCluster: a\n",
            "serviceCluster",
            Value::Null,
            "serviceCluster",
        ),
        ("statusPort: 5\nstatus_port: 6\n", "statusPort", json!(5), "status_port"),
        ("status_port: 6\nstatusPort: 5\n", "statusPort", json!(5), "statusPort"),
    ] {
        let (proxy, findings) = apply_proxy_config("annotation", text, &ProxyConfig::istio_defaults());
        assert_eq!(shown(&findings), [format!("warning 2 {path}")], "{text}");
        assert_eq!(json_of(&proxy).get(field).unwrap_or(&Value::Null), &expected, "{text}");
    }
}

#[test]
fn a_field_with_an_error_keeps_the_value_of_the_base() {
    let base = ProxyConfig::istio_defaults();
    let (proxy, findings) = apply_proxy_config("annotation", "serviceCluster: [a]\nstatusPort: x\n", &base);
    assert_eq!(shown(&findings), ["error 1 serviceCluster", "error 2 statusPort"]);
    assert_eq!(json_of(&proxy), json_of(&base));
}

#[test]
fn an_old_mesh_is_read_with_warnings() {
    let text = "disableMixerHttpReports: true\nenableTracing: true\ndefaultConfig:\n  connectTimeout: 10s\n  \
                zipkinAddress: zipkin:9411\n  configPath: \"/etc/istio/proxy\"\nsdsUdsPath: ''\n";
    let (mesh, findings) = apply_mesh_config("mesh", text, MeshConfig::istio_defaults());
    assert_eq!(
        shown(&findings),
        ["warning 1 disableMixerHttpReports", "warning 4 defaultConfig.connectTimeout", "warning 7 sdsUdsPath"]
    );
    let proxy = mesh.default_config.unwrap();
    assert_eq!((proxy.config_path.as_str(), proxy.zipkin_address.as_str()), ("/etc/istio/proxy", "zipkin:9411"));
    let (mesh, findings) = apply_mesh_config(
        "mesh",
        "defaultConfig:\n  statusPort: 0\nproxyListenPort: 0\n",
        MeshConfig::istio_defaults(),
    );
    assert_eq!(shown(&findings), ["error 2 defaultConfig.statusPort", "error 3 proxyListenPort"]);
    assert_eq!(mesh.root_namespace, "istio-system");
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
}
