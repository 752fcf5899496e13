//! MeshConfig: settings of the whole mesh (`mesh` in ConfigMap `istio`).

use std::time::Duration;

use crate::decode::{choice, message, oneof};
use crate::kinds::cluster_settings::{ConnectionPoolSettings, OutlierDetection, TcpKeepalive};
pub use crate::kinds::extension_provider::*;
use crate::kinds::load_balancer::{LocalityLoadBalancerSetting, ZoneAwareLoadBalancerSetting};
pub use crate::kinds::proxy_config::*;
pub use crate::kinds::selector::{LabelSelector, LabelSelectorRequirement};
use crate::kinds::tls_settings::ClientTlsSettings;
use crate::kinds::virtual_service::HttpRetry;

message! {
    /// Settings of the whole mesh, as written: what is not written is empty here, and the
    /// documented defaults are applied by the reader.
    pub struct MeshConfig: closed {
        /// Outbound capture port; 0 means 15001.
        proxy_listen_port: i32,
        /// Inbound capture port; 0 means 15006.
        proxy_inbound_listen_port: i32,
        /// Port of an HTTP proxy for outbound calls; 0 means none.
        proxy_http_port: i32,
        /// Limit for connecting; none means 10 s.
        connect_timeout: Option<Duration>,
        /// Idle time of HBONE connections.
        hbone_idle_timeout: Option<Duration>,
        /// Time to find out the protocol; none means no limit.
        protocol_detection_timeout: Option<Duration>,
        /// Keepalive of upstream connections.
        tcp_keepalive: Option<TcpKeepalive>,
        /// Class of Ingress objects.
        ingress_class: String,
        /// Service of the ingress gateway.
        ingress_service: String,
        /// Which Ingress objects are served.
        ingress_controller_mode: IngressControllerMode,
        /// Value of label `istio` of the ingress gateway.
        ingress_selector: String,
        /// Whether proxies trace.
        enable_tracing: bool,
        /// Where access logs go; empty means nowhere.
        access_log_file: String,
        /// Format of access logs.
        access_log_format: String,
        /// Text or JSON.
        access_log_encoding: AccessLogEncoding,
        /// Whether access logs go to a gRPC service.
        enable_envoy_access_log_service: bool,
        /// Whether listeners log nothing of refused connections.
        disable_envoy_listener_log: bool,
        /// Settings of the proxies.
        default_config: Option<Box<ProxyConfig>>,
        /// Calls to unknown hosts.
        outbound_traffic_policy: Option<OutboundTrafficPolicy>,
        /// Inbound calls to ports without a service.
        inbound_traffic_policy: Option<InboundTrafficPolicy>,
        /// Where configuration comes from.
        config_sources: Vec<ConfigSource>,
        /// Whether clients use mTLS where the server has it; none means yes.
        enable_auto_mtls: Option<bool>,
        /// Trust domain.
        trust_domain: String,
        /// Trust domains that count as this one.
        trust_domain_aliases: Vec<String>,
        /// Further roots.
        ca_certificates: Vec<CertificateData>,
        /// `exportTo` of Services and ServiceEntries that have none.
        default_service_export_to: Vec<String>,
        /// `exportTo` of VirtualServices that have none.
        default_virtual_service_export_to: Vec<String>,
        /// `exportTo` of DestinationRules that have none.
        default_destination_rule_export_to: Vec<String>,
        /// Namespace whose rules hold in all; empty means that of the control plane.
        root_namespace: String,
        /// Load balancing by locality.
        locality_lb_setting: Option<LocalityLoadBalancerSetting>,
        /// Load balancing that keeps to the zone.
        zone_aware_lb_setting: Option<ZoneAwareLoadBalancerSetting>,
        /// How often DNS is asked; none means 60 s.
        dns_refresh_rate: Option<Duration>,
        /// Whether HTTP/1.1 becomes HTTP/2 upstream.
        h2_upgrade_policy: MeshH2UpgradePolicy,
        /// Pattern of the statistics name of inbound clusters.
        inbound_cluster_stat_name: String,
        /// Pattern of the statistics name of outbound clusters.
        outbound_cluster_stat_name: String,
        /// Deprecated DNS certificates.
        certificates: Vec<Certificate>,
        /// Settings by service host.
        service_settings: Vec<ServiceSettings>,
        /// Which services are global in ambient multicluster.
        service_scope_configs: Vec<ServiceScopeConfigs>,
        /// Whether application metrics are merged with the proxy's; none means yes.
        enable_prometheus_merge: Option<bool>,
        /// Deprecated and without effect.
        verify_certificate_at_client: Option<bool>,
        /// External certificate authority.
        ca: Option<Ca>,
        /// Named services for authorization, tracing, metrics and logs.
        extension_providers: Vec<ExtensionProvider>,
        /// Providers used where none is named.
        default_providers: Option<DefaultProviders>,
        /// Namespaces that the control plane watches; empty means all.
        discovery_selectors: Vec<LabelSelector>,
        /// How paths are normalised.
        path_normalization: Option<ProxyPathNormalization>,
        /// Retries of routes that say nothing.
        default_http_retry_policy: Option<HttpRetry>,
        /// TLS between workloads.
        mesh_mtls ("meshMTLS", "mesh_mTLS"): Option<TlsConfig>,
        /// TLS elsewhere.
        tls_defaults: Option<TlsConfig>,
        /// Policy of services without a DestinationRule.
        default_traffic_policy: Option<DefaultTrafficPolicy>,
        /// Which ServiceEntries are seen where.
        service_entry_visibility: Option<ServiceEntryVisibility>,
    }
}

choice! {
    /// Which Ingress objects are served.
    pub enum IngressControllerMode {
        /// As `Strict`.
        Unspecified = 0 "UNSPECIFIED",
        /// None.
        Off = 1 "OFF",
        /// Those of the class and those without a class.
        Default = 2 "DEFAULT",
        /// Those of the class.
        Strict = 3 "STRICT",
    }
}

choice! {
    /// How access logs are written.
    pub enum AccessLogEncoding {
        /// As lines of text.
        Text = 0 "TEXT",
        /// As JSON.
        Json = 1 "JSON",
    }
}

message! {
    /// What happens to calls to unknown hosts.
    pub struct OutboundTrafficPolicy: closed {
        /// Refuse or let through.
        mode: OutboundTrafficPolicyMode,
        /// TLS for what passes by dynamic DNS.
        tls: Option<ClientTlsSettings>,
    }
}

choice! {
    /// What happens to calls to unknown hosts.
    ///
    /// The zero value is `RegistryOnly`, but a mesh that says nothing of the policy allows any.
    pub enum OutboundTrafficPolicyMode {
        /// They are refused.
        RegistryOnly = 0 "REGISTRY_ONLY",
        /// They pass.
        AllowAny = 1 "ALLOW_ANY",
        /// They pass, and HTTP hosts are resolved by the proxy.
        AllowAnyDynamicDns = 3 "ALLOW_ANY_DYNAMIC_DNS",
    }
}

message! {
    /// What happens to inbound calls to ports without a service.
    pub struct InboundTrafficPolicy: closed {
        /// Where they go.
        mode: InboundTrafficPolicyMode,
    }
}

choice! {
    /// Where inbound calls go.
    pub enum InboundTrafficPolicyMode {
        /// To the address that they were made to.
        Passthrough = 0 "PASSTHROUGH",
        /// To localhost.
        Localhost = 1 "LOCALHOST",
    }
}

message! {
    /// A source of configuration.
    pub struct ConfigSource: closed {
        /// `fs:///path`, `xds://host:port` or `k8s://`.
        address: String,
        /// TLS towards it.
        tls_settings: Option<ClientTlsSettings>,
        /// What it is asked for.
        subscribed_resources: Vec<Resource>,
    }
}

choice! {
    /// What a source of configuration gives.
    pub enum Resource {
        /// Services.
        ServiceRegistry = 0 "SERVICE_REGISTRY",
    }
}

message! {
    /// A further root of trust.
    pub struct CertificateData: closed {
        /// Signers that it belongs to.
        cert_signers: Vec<String>,
        /// Trust domains that it is for.
        trust_domains: Vec<String>,
    } oneof {
        /// The certificates.
        certificate_data before cert_signers: CertificateSource,
    }
}

oneof! {
    /// Where certificates are.
    pub enum CertificateSource {
        /// Here, PEM.
        pem: Pem(String),
        /// At a SPIFFE bundle endpoint.
        spiffe_bundle_url: SpiffeBundleUrl(String),
    }
}

choice! {
    /// Whether HTTP/1.1 becomes HTTP/2 upstream, for the mesh.
    pub enum MeshH2UpgradePolicy {
        /// No.
        DoNotUpgrade = 0 "DO_NOT_UPGRADE",
        /// Yes.
        Upgrade = 1 "UPGRADE",
    }
}

message! {
    /// A deprecated DNS certificate.
    pub struct Certificate: closed {
        /// Secret it goes to.
        secret_name: String,
        /// Names in it.
        dns_names: Vec<String>,
    }
}

message! {
    /// Settings of services by host.
    pub struct ServiceSettings: closed {
        /// The settings.
        settings: Option<Settings>,
        /// Hosts, with `*` as a first label.
        hosts: Vec<String>,
    }
}

message! {
    /// Settings of a service.
    pub struct Settings: closed {
        /// Whether clients use endpoints of their own cluster only.
        cluster_local: bool,
    }
}

message! {
    /// Scope of services by label.
    pub struct ServiceScopeConfigs: closed {
        /// Namespaces.
        namespace_selector: Option<LabelSelector>,
        /// Services.
        services_selector: Option<LabelSelector>,
        /// Their scope.
        scope: ServiceScope,
    }
}

choice! {
    /// Scope of a service.
    pub enum ServiceScope {
        /// Its cluster.
        Local = 0 "LOCAL",
        /// All clusters.
        Global = 1 "GLOBAL",
    }
}

message! {
    /// External certificate authority.
    pub struct Ca: closed {
        /// Address, `host:port`.
        address: String,
        /// TLS towards it.
        tls_settings: Option<ClientTlsSettings>,
        /// Limit of a request; none means 10 s.
        request_timeout: Option<Duration>,
        /// Whether the control plane asks it for the workloads.
        istiod_side: bool,
    }
}

message! {
    /// Providers used where none is named.
    pub struct DefaultProviders: closed {
        /// For tracing.
        tracing: Vec<String>,
        /// For metrics.
        metrics: Vec<String>,
        /// For access logs.
        access_logging: Vec<String>,
    }
}

message! {
    /// Path normalisation.
    pub struct ProxyPathNormalization: closed {
        /// How much.
        normalization: NormalizationType,
    }
}

choice! {
    /// How much a path is normalised.
    pub enum NormalizationType {
        /// As `Base`.
        Default = 0 "DEFAULT",
        /// Not at all.
        None = 1 "NONE",
        /// RFC 3986, and `\` becomes `/`.
        Base = 2 "BASE",
        /// And runs of slashes become one.
        MergeSlashes = 3 "MERGE_SLASHES",
        /// And escaped slashes are decoded first.
        DecodeAndMergeSlashes = 4 "DECODE_AND_MERGE_SLASHES",
    }
}

message! {
    /// TLS limits of the mesh.
    pub struct TlsConfig: closed {
        /// Oldest version.
        min_protocol_version: MeshTlsProtocol,
        /// Curves for key agreement.
        ecdh_curves: Vec<String>,
        /// Cipher suites up to TLS 1.2.
        cipher_suites: Vec<String>,
    }
}

choice! {
    /// A TLS version, for the mesh.
    pub enum MeshTlsProtocol {
        /// TLS 1.2.
        TlsAuto = 0 "TLS_AUTO",
        /// TLS 1.2.
        Tlsv12 = 1 "TLSV1_2",
        /// TLS 1.3.
        Tlsv13 = 2 "TLSV1_3",
    }
}

message! {
    /// Policy of services without a DestinationRule.
    pub struct DefaultTrafficPolicy: closed {
        /// Connection limits.
        connection_pool: Option<ConnectionPoolSettings>,
        /// Ejection of failing endpoints.
        outlier_detection: Option<OutlierDetection>,
    }
}

message! {
    /// Which ServiceEntries are seen where.
    pub struct ServiceEntryVisibility: closed {
        /// For namespaces that no policy matches.
        default_visibility: Visibility,
        /// Whether sidecars follow this too.
        apply_to_sidecars: bool,
        /// The first that matches wins.
        policies: Vec<VisibilityPolicy>,
    }
}

message! {
    /// Visibility for some namespaces.
    pub struct VisibilityPolicy: closed {
        /// How far they are seen.
        visibility: Visibility,
        /// Which ServiceEntries.
        matching_rules: Vec<VisibilityMatchRule>,
    }
}

message! {
    /// Picks ServiceEntries.
    pub struct VisibilityMatchRule: closed {
    } oneof {
        /// By what.
        matcher: VisibilityMatcher,
    }
}

oneof! {
    /// Picks ServiceEntries by one thing.
    pub enum VisibilityMatcher {
        /// By labels of the namespace.
        namespace_selector: NamespaceSelector(LabelSelector),
    }
}

choice! {
    /// How far a ServiceEntry is seen.
    pub enum Visibility {
        /// As `Public`.
        Unspecified = 0 "VISIBILITY_UNSPECIFIED",
        /// Nowhere.
        None = 1 "NONE",
        /// In its namespace.
        Namespace = 2 "NAMESPACE",
        /// Everywhere.
        Public = 3 "PUBLIC",
    }
}
