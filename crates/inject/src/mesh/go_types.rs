//! Names of Go types for messages and enums, as errors of templates and `%T` show them.
//! In: names of this product's types. Out: names such as `v1alpha1.ProxyConfig`.
//! Never here: a decision by name.

/// Go's name of a message or enum, with its package.
pub(super) fn go(name: &str) -> String {
    let outer = match name {
        "ClientTlsSettings" => return "v1alpha3.ClientTLSSettings".to_owned(),
        "ClientTlsMode" => return "v1alpha3.ClientTLSSettings_TLSmode".to_owned(),
        "HttpRetry" => return "v1alpha3.HTTPRetry".to_owned(),
        "HttpHealthCheckConfig" => return "v1alpha3.HTTPHealthCheckConfig".to_owned(),
        "TcpKeepalive" => return "v1alpha3.ConnectionPoolSettings_TCPSettings_TcpKeepalive".to_owned(),
        "TcpSettings" => return "v1alpha3.ConnectionPoolSettings_TCPSettings".to_owned(),
        "HttpSettings" => return "v1alpha3.ConnectionPoolSettings_HTTPSettings".to_owned(),
        "LocalityDistribute" => return "v1alpha3.LocalityLoadBalancerSetting_Distribute".to_owned(),
        "LocalityFailover" => return "v1alpha3.LocalityLoadBalancerSetting_Failover".to_owned(),
        "ProxyImage" => return "v1beta1.ProxyImage".to_owned(),
        "Sds" => return "v1alpha1.SDS".to_owned(),
        "Ca" => return "v1alpha1.MeshConfig_CA".to_owned(),
        "TlsConfig" => return "v1alpha1.MeshConfig_TLSConfig".to_owned(),
        "MeshTlsProtocol" => return "v1alpha1.MeshConfig_TLSConfig_TLSProtocol".to_owned(),
        "MeshH2UpgradePolicy" => return "v1alpha1.MeshConfig_H2UpgradePolicy".to_owned(),
        "OutboundTrafficPolicyMode" => return "v1alpha1.MeshConfig_OutboundTrafficPolicy_Mode".to_owned(),
        "InboundTrafficPolicyMode" => return "v1alpha1.MeshConfig_InboundTrafficPolicy_Mode".to_owned(),
        "ConnectionProfile" => return "v1alpha1.ProxyConfig_ConnectionSettings_Profile".to_owned(),
        "SdsProvider" => return "v1alpha1.MeshConfig_ExtensionProvider_SDSProvider".to_owned(),
        "LocalityLoadBalancerSetting"
        | "ZoneAwareLoadBalancerSetting"
        | "ConnectionPoolSettings"
        | "OutlierDetection"
        | "ReadinessProbe"
        | "TcpHealthCheckConfig"
        | "ExecHealthCheckConfig"
        | "GrpcHealthCheckConfig" => return format!("v1alpha3.{name}"),
        "Zipkin" | "Lightstep" | "Datadog" | "Stackdriver" | "OpenCensusAgent" | "CustomTag" | "Literal" => "Tracing",
        "TracingServiceName"
        | "InboundInterceptionMode"
        | "ProxyStatsMatcher"
        | "ProxyHeaders"
        | "ConnectionSettings" => "ProxyConfig",
        "MetadataExchangeHeaders" | "MetadataExchangeMode" | "SetCurrentClientCertDetails" => {
            "ProxyConfig_ProxyHeaders"
        }
        "ProxyProtocolConfiguration" => "Topology",
        "IngressControllerMode"
        | "AccessLogEncoding"
        | "OutboundTrafficPolicy"
        | "InboundTrafficPolicy"
        | "CertificateData"
        | "ServiceSettings"
        | "ServiceScopeConfigs"
        | "DefaultProviders"
        | "ProxyPathNormalization"
        | "DefaultTrafficPolicy"
        | "ExtensionProvider" => "MeshConfig",
        name if name.ends_with("Provider") && name != "PrivateKeyProvider" => "MeshConfig_ExtensionProvider",
        _ => return format!("v1alpha1.{name}"),
    };
    format!("v1alpha1.{outer}_{name}")
}
