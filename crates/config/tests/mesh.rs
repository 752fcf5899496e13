//! MeshConfig: every field, mistakes, and their places inside a ConfigMap.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use lateen_config::kinds::mesh_config::{IngressControllerMode, OutboundTrafficPolicyMode, Provider, TlsConfig};
use lateen_config::{Severity, Spec, decode, decode_mesh_config, decode_mesh_config_text};

#[test]
fn every_field_decodes() {
    let (mesh, findings) = decode_mesh_config("mesh.yaml", include_str!("mesh/everything.yaml"));
    assert!(findings.is_empty(), "{findings:#?}");
    assert_eq!(mesh.ingress_controller_mode, IngressControllerMode::Off);
    let policy = mesh.outbound_traffic_policy.unwrap();
    assert_eq!(policy.mode, OutboundTrafficPolicyMode::AllowAnyDynamicDns);
    let TlsConfig { ecdh_curves, .. } = mesh.mesh_mtls.unwrap();
    assert_eq!(ecdh_curves, ["P-256"]);
    let proxy = mesh.default_config.unwrap();
    assert_eq!(proxy.concurrency, Some(0));
    assert_eq!(proxy.drain_duration, Some(Duration::from_secs(45)));
    let names: Vec<_> = mesh.extension_providers.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names.len(), 16);
    assert!(mesh.extension_providers.iter().all(|provider| provider.provider.is_some()));
    let otel = mesh.extension_providers.iter().find(|p| p.name == "otel").unwrap();
    assert!(matches!(&otel.provider, Some(Provider::Opentelemetry(otel)) if otel.port == 4317));
}

#[test]
fn an_empty_mesh_has_nothing_set() {
    for text in ["", "# comment\n", "null", "{}", "---\n---\n"] {
        let (mesh, findings) = decode_mesh_config("mesh.yaml", text);
        assert_eq!((mesh, findings), Default::default(), "{text:?}");
    }
}

#[test]
fn unknown_fields_warn_and_the_rest_is_read() {
    let text = "useMCP: true\naccessLogFle: x\ndnsRefreshRate: 5\nrootNamespace: root\n";
    let (mesh, findings) = decode_mesh_config("mesh.yaml", text);
    assert_eq!(mesh.root_namespace, "root");
    let shown: Vec<_> = findings.iter().map(|f| (f.severity, f.place.line, f.path.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Severity::Warning, 1, "useMCP"),
            (Severity::Warning, 2, "accessLogFle"),
            (Severity::Error, 3, "dnsRefreshRate"),
        ]
    );
    assert_eq!(findings[1].hint.as_deref(), Some("did you mean `accessLogFile`?"));
    assert!(!decode_mesh_config("mesh.yaml", "a: [").1.is_empty());
    assert!(!decode_mesh_config("mesh.yaml", "text").1.is_empty());
}

/// How the value of key `mesh` is written, and where its unknown field must be found.
#[test]
fn findings_inside_a_config_map_point_at_the_outer_file() {
    let header = "# first line\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio}\ndata:\n";
    for (value, line, column) in [
        ("  mesh: |\n    rootNamespace: a\n    defaultConfig:\n      nonsense: 1\n", 10, 7),
        ("  mesh: |-\n\n\n    nonsense: 1\n", 10, 5),
        ("  mesh: |2\n      nonsense: 1\n", 8, 7),
        ("  mesh: | # comment\n   nonsense: 1\n", 8, 4),
        ("  mesh:\n    |\n    nonsense: 1\n", 9, 5),
        ("  mesh: &anchor |\n\n    a: 1\n    nonsense: 1\n", 10, 5),
        ("  mesh: >\n    nonsense: 1\n", 8, 5),
        ("  mesh: 'nonsense: 1'\n", 7, 9),
        ("  mesh: \"a: 1\\nnonsense: 1\"\n", 7, 9),
    ] {
        let text = format!("{header}{value}");
        let decoded = decode("istio.yaml", &text);
        assert!(decoded.findings.is_empty(), "{:#?}", decoded.findings);
        let Spec::ConfigMap(map) = &decoded.objects[0].spec else { panic!("no ConfigMap") };
        let (_, findings) = decode_mesh_config_text("istio.yaml", &map.data["mesh"]);
        let place = &findings.last().unwrap().place;
        assert_eq!((place.line, place.column), (line, column), "{value}");
    }
}
