//! What Istio takes for granted where a mesh configuration says nothing.
//!
//! Values and their sources only; `apply` puts written configuration over them.

use std::time::Duration;

use crate::kinds::load_balancer::LocalityLoadBalancerSetting;
use crate::kinds::mesh_config::{
    AuthenticationPolicy, ClusterName, DefaultProviders, EnvoyFileAccessLogProvider, ExtensionProvider,
    InboundTrafficPolicy, InboundTrafficPolicyMode, IngressControllerMode, MeshConfig, OutboundTrafficPolicy,
    OutboundTrafficPolicyMode, PrometheusMetricsProvider, Provider, ProxyConfig, StackdriverProvider,
};

impl ProxyConfig {
    /// `DefaultProxyConfig` of Istio's pkg/config/mesh/mesh.go (2026-08, before 1.31).
    ///
    /// | field | value | source |
    /// |---|---|---|
    /// | `configPath` | `./etc/istio/proxy` | `constants.ConfigPathDir` |
    /// | `binaryPath` | `/usr/local/bin/envoy` | `constants.BinaryPathFilename` |
    /// | `serviceCluster` | `istio-proxy` | `constants.ServiceClusterName` |
    /// | `drainDuration`, `terminationDrainDuration` | 45 s, 5 s | mesh.go |
    /// | `proxyAdminPort`, `statusPort` | 15000, 15020 | mesh.go |
    /// | `controlPlaneAuthPolicy` | `MUTUAL_TLS` | mesh.go |
    /// | `discoveryAddress` | `istiod.istio-system.svc:15012` | mesh.go |
    /// | `statNameLength` | 189 | mesh.go |
    pub fn istio_defaults() -> Self {
        Self {
            config_path: "./etc/istio/proxy".to_owned(),
            binary_path: "/usr/local/bin/envoy".to_owned(),
            cluster_name: Some(ClusterName::ServiceCluster("istio-proxy".to_owned())),
            drain_duration: Some(Duration::from_secs(45)),
            termination_drain_duration: Some(Duration::from_secs(5)),
            proxy_admin_port: 15000,
            control_plane_auth_policy: AuthenticationPolicy::MutualTls,
            discovery_address: "istiod.istio-system.svc:15012".to_owned(),
            stat_name_length: 189,
            status_port: 15020,
            ..Self::default()
        }
    }
}

impl MeshConfig {
    /// `DefaultMeshConfig` of Istio's pkg/config/mesh/mesh.go (2026-08, before 1.31).
    ///
    /// All values stand in mesh.go, but `trustDomain` (`constants.DefaultClusterLocalDomain`),
    /// `rootNamespace` (`constants.IstioSystemNamespace`) and `defaultConfig`
    /// ([`ProxyConfig::istio_defaults`]).
    pub fn istio_defaults() -> Self {
        let everywhere = || vec!["*".to_owned()];
        let provider = |name: &str, provider| ExtensionProvider {
            name: name.to_owned(),
            provider: Some(provider),
            ..ExtensionProvider::default()
        };
        let stdout =
            EnvoyFileAccessLogProvider { path: "/dev/stdout".to_owned(), ..EnvoyFileAccessLogProvider::default() };
        Self {
            enable_tracing: true,
            protocol_detection_timeout: Some(Duration::ZERO),
            ingress_service: "istio-ingressgateway".to_owned(),
            ingress_controller_mode: IngressControllerMode::Strict,
            ingress_class: "istio".to_owned(),
            trust_domain: "cluster.local".to_owned(),
            enable_auto_mtls: Some(true),
            outbound_traffic_policy: Some(OutboundTrafficPolicy {
                mode: OutboundTrafficPolicyMode::AllowAny,
                ..OutboundTrafficPolicy::default()
            }),
            inbound_traffic_policy: Some(InboundTrafficPolicy {
                mode: InboundTrafficPolicyMode::Passthrough,
                ..InboundTrafficPolicy::default()
            }),
            locality_lb_setting: Some(LocalityLoadBalancerSetting {
                enabled: Some(true),
                ..LocalityLoadBalancerSetting::default()
            }),
            default_config: Some(Box::new(ProxyConfig::istio_defaults())),
            root_namespace: "istio-system".to_owned(),
            proxy_listen_port: 15001,
            proxy_inbound_listen_port: 15006,
            connect_timeout: Some(Duration::from_secs(10)),
            default_service_export_to: everywhere(),
            default_virtual_service_export_to: everywhere(),
            default_destination_rule_export_to: everywhere(),
            dns_refresh_rate: Some(Duration::from_secs(60)),
            enable_prometheus_merge: Some(true),
            default_providers: Some(DefaultProviders::default()),
            extension_providers: vec![
                provider("prometheus", Provider::Prometheus(PrometheusMetricsProvider::default())),
                provider("stackdriver", Provider::Stackdriver(StackdriverProvider::default())),
                provider("envoy", Provider::EnvoyFileAccessLog(stdout)),
            ],
            ..Self::default()
        }
    }
}
