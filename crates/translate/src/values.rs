//! Values of protobuf's wrapper types and of Envoy's small messages.
//! In: Rust values. Out: messages; nothing is decided here.

use lateen_core::NamespacedName;
use lateen_envoy_api::google::protobuf::{self, BoolValue, UInt32Value};
use lateen_envoy_api::v3;
use lateen_model::Address;
use std::time::Duration;

/// `BoolValue`.
pub fn boolean(value: bool) -> Option<BoolValue> {
    Some(BoolValue { value })
}

/// `UInt32Value`.
pub fn number(value: u32) -> Option<UInt32Value> {
    Some(UInt32Value { value })
}

/// `Duration`.
pub fn duration(value: Duration) -> Option<protobuf::Duration> {
    let seconds = i64::try_from(value.as_secs()).unwrap_or(i64::MAX);
    let nanos = i32::try_from(value.subsec_nanos()).unwrap_or(0);
    Some(protobuf::Duration { seconds, nanos })
}

/// A share in percent, as a `FractionalPercent` per million.
pub fn per_million(percent: f64) -> v3::types::FractionalPercent {
    let numerator = (percent.clamp(0.0, 100.0) * 10_000.0) as u32;
    v3::types::FractionalPercent {
        numerator,
        denominator: v3::types::fractional_percent::DenominatorType::Million.into(),
    }
}

/// A share in whole percent.
pub fn per_hundred(percent: u32) -> v3::types::FractionalPercent {
    v3::types::FractionalPercent {
        numerator: percent.min(100),
        denominator: v3::types::fractional_percent::DenominatorType::Hundred.into(),
    }
}

/// A share without a runtime key.
pub fn runtime_fraction(value: v3::types::FractionalPercent) -> Option<v3::core::RuntimeFractionalPercent> {
    Some(v3::core::RuntimeFractionalPercent { default_value: Some(value), runtime_key: String::new() })
}

/// The address of a TCP socket.
pub fn socket_address(address: &str, port: u16) -> v3::core::Address {
    use v3::core::socket_address::PortSpecifier;
    let socket = v3::core::SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port.into())),
        ..Default::default()
    };
    v3::core::Address { address: Some(v3::core::address::Address::SocketAddress(socket)) }
}

/// The address of an endpoint.
pub fn endpoint_address(address: &Address, port: u16) -> v3::core::Address {
    match address {
        Address::Ip(ip) => socket_address(&ip.to_string(), port),
        Address::Dns(name) => socket_address(name, port),
        Address::Pipe(path) => {
            let pipe = v3::core::Pipe { path: path.to_string(), mode: 0 };
            v3::core::Address { address: Some(v3::core::address::Address::Pipe(pipe)) }
        }
    }
}

/// Resources of this kind come over the same ADS stream, and are waited for without limit.
pub fn ads() -> Option<v3::core::ConfigSource> {
    use v3::core::config_source::ConfigSourceSpecifier;
    Some(v3::core::ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(v3::core::AggregatedConfigSource {})),
        initial_fetch_timeout: duration(Duration::ZERO),
        resource_api_version: v3::core::ApiVersion::V3.into(),
        ..Default::default()
    })
}

/// A text value of a `Struct`.
pub fn text(value: impl Into<String>) -> protobuf::Value {
    protobuf::Value { kind: Some(protobuf::value::Kind::StringValue(value.into())) }
}

/// An RE2 expression for the whole string.
pub fn regex(regex: &str) -> v3::matcher::RegexMatcher {
    v3::matcher::RegexMatcher { regex: regex.to_owned(), ..Default::default() }
}

/// The name under which Istio's telemetry knows a VirtualService.
pub fn virtual_service_uri(name: &NamespacedName) -> String {
    format!("/apis/networking.istio.io/v1/namespaces/{}/virtual-service/{}", name.namespace, name.name)
}

/// The name of a virtual host: `host:port`, with brackets around IPv6.
pub fn domain_name(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
