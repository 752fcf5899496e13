//! What templates read from mesh and proxy configuration.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use lateen_config::{MeshConfig, ProxyConfig, apply_mesh_config, apply_proxy_config};
use lateen_gotemplate::{Engine, Record, Template, Value};

use super::{proxy_config_json, view};

fn render(template: &str, proxy: &str) -> Result<String, String> {
    let (mesh, findings) = apply_mesh_config("mesh", "accessLogEncoding: JSON", MeshConfig::istio_defaults());
    assert_eq!(findings, []);
    let (proxy, findings) = apply_proxy_config("annotation", proxy, &ProxyConfig::istio_defaults());
    assert_eq!(findings, []);
    let data =
        Value::object(Record::new("inject.SidecarTemplateData").field("ProxyConfig", "", view(Arc::new(proxy))).field(
            "MeshConfig",
            "",
            view(Arc::new(mesh)),
        ));
    let template = Template::parse("t", template, &Engine::new()).unwrap();
    template.execute(&data).map_err(|error| error.to_string())
}

/// A template, the proxy's configuration, and what is printed.
#[test]
fn templates_read_messages_as_go_does() {
    for (template, proxy, expected) in [
        ("{{ .MeshConfig.ProxyListenPort }} {{ .MeshConfig.TrustDomain }}", "", "15001 cluster.local"),
        ("{{ .MeshConfig.AccessLogEncoding }}", "", "JSON"),
        ("{{ .MeshConfig.DefaultConfig.StatusPort }}", "", "15020"),
        ("{{ .MeshConfig.GetOutboundTrafficPolicy.GetMode.String }}", "", "ALLOW_ANY"),
        ("{{ .MeshConfig.GetEnableAutoMtls.Value }}", "", "true"),
        ("{{ range .MeshConfig.ExtensionProviders }}{{ .Name }};{{ end }}", "", "prometheus;stackdriver;envoy;"),
        ("{{ (index .MeshConfig.ExtensionProviders 2).GetEnvoyFileAccessLog.Path }}", "", "/dev/stdout"),
        ("{{ (index .MeshConfig.ExtensionProviders 2).GetZipkin.GetService }}|", "", "|"),
        ("{{ .MeshConfig.DefaultServiceExportTo }}", "", "[*]"),
        // Getters on nothing.
        ("{{ .ProxyConfig.GetTracing.GetTlsSettings.GetCaCertificates }}|", "", "|"),
        ("{{ .ProxyConfig.GetTracing.GetTlsSettings.GetMode }}", "", "DISABLE"),
        ("{{ .ProxyConfig.GetTracing.GetSampling }}", "", "0"),
        ("{{ .ProxyConfig.Concurrency.GetValue }}", "", "0"),
        ("{{ printf \"%T\" .ProxyConfig.Concurrency.GetValue }}", "", "int32"),
        ("{{ .ProxyConfig.HoldApplicationUntilProxyStarts.GetValue }}", "", "false"),
        ("{{ .ProxyConfig.GetImage.ImageType }}", "image: {imageType: debug}", "debug"),
        ("{{ .ProxyConfig.FileFlushInterval.GetSeconds }}", "", "0"),
        ("{{ if .ProxyConfig.Tracing }}a{{ else }}b{{ end }}", "", "b"),
        ("{{ if .ProxyConfig.Tracing }}a{{ else }}b{{ end }}", "tracing: {}", "a"),
        ("{{ if .ProxyConfig.Concurrency }}a{{ else }}b{{ end }}", "concurrency: 0", "a"),
        ("{{ if .ProxyConfig.GetTracing.GetLightstep }}a{{ else }}b{{ end }}", "", "b"),
        ("{{ eq .ProxyConfig.GetTracing nil }}", "", "true"),
        // What is there.
        ("{{ .ProxyConfig.Concurrency.GetValue }}", "concurrency: 4", "4"),
        ("{{ .ProxyConfig.Tracing.TlsSettings.CaCertificates }}", "tracing: {tlsSettings: {caCertificates: /a}}", "/a"),
        ("{{ .ProxyConfig.GetTracing.GetZipkin.GetAddress }}", "tracing: {zipkin: {address: 'z:1'}}", "z:1"),
        ("{{ .ProxyConfig.ProxyMetadata }}", "proxyMetadata: {B: 1b, A: a}", "map[A:a B:1b]"),
        (
            "{{ .ProxyConfig.ProxyMetadata.A }}|{{ .ProxyConfig.ProxyMetadata.Z }}",
            "proxyMetadata: {A: a}",
            "a|<no value>",
        ),
        ("{{ index .ProxyConfig.ProxyMetadata `Z` }}|", "", "|"),
        (
            "{{ range $k, $v := .ProxyConfig.ProxyMetadata }}{{ $k }}={{ $v }};{{ end }}",
            "proxyMetadata: {B: b, A: a}",
            "A=a;B=b;",
        ),
        ("{{ if .ProxyConfig.ProxyMetadata }}a{{ end }}|", "", "|"),
        // Enums.
        (
            "{{ .ProxyConfig.InterceptionMode }} {{ .ProxyConfig.InterceptionMode.String }}",
            "interceptionMode: TPROXY",
            "TPROXY TPROXY",
        ),
        ("{{ .ProxyConfig.InterceptionMode.Number }}", "interceptionMode: NONE", "2"),
        ("{{ .ProxyConfig.GetControlPlaneAuthPolicy }}", "", "MUTUAL_TLS"),
        ("{{ printf \"%T\" .ProxyConfig.InterceptionMode }}", "", "v1alpha1.ProxyConfig_InboundInterceptionMode"),
        ("{{ if .ProxyConfig.InterceptionMode }}a{{ else }}b{{ end }}", "", "b"),
        ("{{ eq .ProxyConfig.InterceptionMode .ProxyConfig.GetInterceptionMode }}", "", "true"),
        // Oneofs.
        ("{{ .ProxyConfig.GetServiceCluster }}", "", "istio-proxy"),
        ("{{ .ProxyConfig.ClusterName.ServiceCluster }}", "serviceCluster: x", "x"),
        (
            "{{ .ProxyConfig.GetServiceCluster }}|{{ .ProxyConfig.GetTracingServiceName }}",
            "tracingServiceName: CANONICAL_NAME_ONLY",
            "|CANONICAL_NAME_ONLY",
        ),
        ("{{ printf \"%T\" .ProxyConfig.ClusterName }}", "", "*v1alpha1.ProxyConfig_ServiceCluster"),
        ("{{ if .ProxyConfig.GetTracing.GetTracer }}a{{ else }}b{{ end }}", "tracing: {}", "b"),
        // Printing.
        ("{{ .ProxyConfig.Concurrency }}", "concurrency: 4", "value:4"),
        ("{{ .ProxyConfig.DrainDuration }}", "", "seconds:45"),
        (
            "{{ .ProxyConfig.Tracing }}",
            "tracing: {sampling: 1.5, customTags: {a: {literal: {value: b}}}}",
            "custom_tags:{key:\"a\" value:{literal:{value:\"b\"}}} sampling:1.5",
        ),
        ("{{ .ProxyConfig.Tracing }}", "", "<nil>"),
    ] {
        assert_eq!(render(template, proxy).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_go_refuses_is_refused() {
    for (template, part) in [
        ("{{ .ProxyConfig.Nothing }}", "can't evaluate field Nothing in type *v1alpha1.ProxyConfig"),
        ("{{ .ProxyConfig.Tracing.Sampling }}", "nil pointer evaluating *v1alpha1.Tracing.Sampling"),
        ("{{ .ProxyConfig.Concurrency.Value }}", "nil pointer evaluating *wrapperspb.Int32Value.Value"),
        ("{{ .ProxyConfig.ServiceCluster }}", "can't evaluate field ServiceCluster"),
        ("{{ .ProxyConfig.drain_duration }}", "can't evaluate field drain_duration"),
    ] {
        let error = render(template, "").unwrap_err();
        assert!(error.contains(part), "{template}: {error}");
    }
}

/// A proxy's configuration over the defaults, and its short JSON.
#[test]
fn a_proxy_in_json_has_only_what_differs_from_istio() {
    for (text, expected) in [
        ("", "{}"),
        ("drainDuration: 45s", "{}"),
        ("drainDuration: 23s", r#"{"drainDuration":"23s"}"#),
        ("serviceCluster: x\nconfigPath: /y\n", r#"{"configPath":"/y","serviceCluster":"x"}"#),
        ("controlPlaneAuthPolicy: NONE", "{}"),
        (
            "statusPort: 15021\nproxyMetadata: {B: '<b>', A: ''}\n",
            r#"{"proxyMetadata":{"A":"","B":"\u003cb\u003e"},"statusPort":15021}"#,
        ),
        (
            "concurrency: 0\nholdApplicationUntilProxyStarts: false\n",
            r#"{"concurrency":0,"holdApplicationUntilProxyStarts":false}"#,
        ),
        ("tracing: {}\nenvoyMetricsService: {}\n", r#"{"tracing":{},"envoyMetricsService":{}}"#),
    ] {
        let (proxy, findings) = apply_proxy_config("annotation", text, &ProxyConfig::istio_defaults());
        assert_eq!(findings, []);
        assert_eq!(proxy_config_json(&view(Arc::new(proxy))), expected, "{text}");
    }
    assert_eq!(proxy_config_json(&Value::Nil), "{}");
    assert_eq!(proxy_config_json(&Value::object(Record::nil("*v1alpha1.ProxyConfig"))), "{}");
    let policy = MeshConfig::istio_defaults().outbound_traffic_policy.unwrap();
    assert_eq!(proxy_config_json(&view(Arc::new(policy))), r#"{"mode":"ALLOW_ANY"}"#);
    assert!(proxy_config_json(&view(Arc::new(MeshConfig::istio_defaults()))).contains(r#""configPath":"./etc/"#));
}
