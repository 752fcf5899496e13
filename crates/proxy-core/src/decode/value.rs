//! Small parts of many resources: durations, shares, addresses, networks, metadata.
//! In: protobuf wrappers. Out: plain Rust values, or an error at the place.

#![allow(deprecated)]

use super::DecodeError;
use super::at::At;
use crate::ir::{DataSource, Metadata};
use ipnet::IpNet;
use lateen_envoy_api::google::protobuf;
use lateen_envoy_api::v3;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub(crate) fn duration(value: Option<protobuf::Duration>, at: At<'_>) -> Result<Option<Duration>, DecodeError> {
    let Some(value) = value else { return Ok(None) };
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(value.seconds), u32::try_from(value.nanos)) else {
        return Err(at.invalid(format!("{}.{:09}s", value.seconds, value.nanos), "a duration here is not negative"));
    };
    // Envoy's own bound, which also keeps sums of durations from overflowing.
    if seconds > 315_576_000_000 || nanos > 999_999_999 {
        return Err(at.invalid(format!("{seconds}s {nanos}ns"), "duration out of range"));
    }
    Ok(Some(Duration::new(seconds, nanos)))
}

/// A duration where zero means never.
pub(crate) fn limit(
    value: Option<protobuf::Duration>,
    default: Option<Duration>,
    at: At<'_>,
) -> Result<Option<Duration>, DecodeError> {
    Ok(match duration(value, at)? {
        None => default,
        Some(Duration::ZERO) => None,
        some => some,
    })
}

/// A duration that must be above zero.
pub(crate) fn positive(value: Option<protobuf::Duration>, at: At<'_>) -> Result<Option<Duration>, DecodeError> {
    match duration(value, at)? {
        Some(Duration::ZERO) => Err(at.invalid("0s", "must be greater than 0s")),
        other => Ok(other),
    }
}

pub(crate) fn flag(value: Option<protobuf::BoolValue>, default: bool) -> bool {
    value.map_or(default, |value| value.value)
}

pub(crate) fn number(value: Option<protobuf::UInt32Value>) -> Option<u32> {
    value.map(|value| value.value)
}

/// A share as parts per million.
pub(crate) fn fraction(value: v3::types::FractionalPercent, at: At<'_>) -> Result<u32, DecodeError> {
    let factor = match value.denominator {
        0 => 10_000,
        1 => 100,
        2 => 1,
        other => return Err(at.field("denominator").invalid(other, "unknown denominator")),
    };
    Ok(u64::from(value.numerator).saturating_mul(factor).min(1_000_000) as u32)
}

/// A share whose runtime key is not looked up; nothing sets runtime keys here but the bootstrap.
pub(crate) fn runtime_fraction(
    value: Option<v3::core::RuntimeFractionalPercent>,
    at: At<'_>,
) -> Result<Option<u32>, DecodeError> {
    match value {
        None => Ok(None),
        Some(value) => match value.default_value {
            Some(share) => fraction(share, at.field("default_value")).map(Some),
            None => Err(at.field("default_value").missing("")),
        },
    }
}

pub(crate) fn percent(value: v3::types::Percent, at: At<'_>) -> Result<f64, DecodeError> {
    if (0.0..=100.0).contains(&value.value) {
        Ok(value.value)
    } else {
        Err(at.invalid(value.value, "must be from 0 to 100"))
    }
}

pub(crate) fn port(value: u32, at: At<'_>) -> Result<u16, DecodeError> {
    u16::try_from(value).map_err(|_| at.invalid(value, "must be at most 65535"))
}

/// Host and port of a socket address; the host may be a name.
pub(crate) fn host_and_port(address: Option<v3::core::Address>, at: At<'_>) -> Result<(String, u16), DecodeError> {
    use v3::core::address::Address;
    use v3::core::socket_address::PortSpecifier;
    match address.and_then(|address| address.address) {
        None => Err(at.missing("")),
        Some(Address::Pipe(pipe)) => Err(at.field("pipe").unsupported(pipe.path, "use a socket_address")),
        Some(Address::EnvoyInternalAddress(_)) => {
            Err(at.field("envoy_internal_address").unsupported("", "internal listeners do not exist here"))
        }
        Some(Address::SocketAddress(mut socket)) => {
            let at = at.field("socket_address");
            if socket.protocol != 0 {
                return Err(at.field("protocol").unsupported("UDP", "only TCP is there"));
            }
            let port = match socket.port_specifier.take() {
                Some(PortSpecifier::PortValue(value)) => port(value, at.field("port_value"))?,
                Some(PortSpecifier::NamedPort(name)) => {
                    return Err(at.field("named_port").unsupported(name, "use port_value"));
                }
                None => 0,
            };
            let host = std::mem::take(&mut socket.address);
            if host.is_empty() {
                return Err(at.field("address").missing(""));
            }
            socket.ipv4_compat = false;
            at.nothing_left(&socket)?;
            Ok((host, port))
        }
    }
}

pub(crate) fn address(address: Option<v3::core::Address>, at: At<'_>) -> Result<SocketAddr, DecodeError> {
    let (host, port) = host_and_port(address, at)?;
    let parsed: Result<IpAddr, _> = host.parse();
    parsed
        .map(|ip| SocketAddr::new(ip, port))
        .map_err(|_| at.field("socket_address").field("address").invalid(&host, "malformed IP address"))
}

pub(crate) fn network(range: v3::core::CidrRange, at: At<'_>) -> Result<IpNet, DecodeError> {
    let ip: IpAddr = range
        .address_prefix
        .parse()
        .map_err(|_| at.field("address_prefix").invalid(&range.address_prefix, "malformed IP address"))?;
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    let length = number(range.prefix_len).unwrap_or(0);
    // Envoy cuts a length that is too long down to the longest.
    let length = u8::try_from(length.min(longest)).unwrap_or(32);
    IpNet::new(ip, length).map(|net| net.trunc()).map_err(|_| at.invalid(length, "invalid prefix length"))
}

pub(crate) fn networks(ranges: Vec<v3::core::CidrRange>, field: &str, at: At<'_>) -> Result<Vec<IpNet>, DecodeError> {
    ranges.into_iter().enumerate().map(|(index, range)| network(range, at.index(field, index))).collect()
}

pub(crate) fn data_source(source: v3::core::DataSource, at: At<'_>) -> Result<DataSource, DecodeError> {
    use v3::core::data_source::Specifier;
    match source.specifier {
        Some(Specifier::Filename(path)) => Ok(DataSource::File(path)),
        Some(Specifier::InlineBytes(bytes)) => Ok(DataSource::Inline(bytes)),
        Some(Specifier::InlineString(text)) => Ok(DataSource::Inline(text.into_bytes())),
        Some(Specifier::EnvironmentVariable(name)) => Ok(DataSource::Environment(name)),
        None => Err(at.missing("inline_string, inline_bytes, filename or environment_variable")),
    }
}

static NO_METADATA: LazyLock<Metadata> = LazyLock::new(|| Arc::new(BTreeMap::new()));

/// Metadata; the empty one is shared by all.
pub(crate) fn metadata(metadata: Option<v3::core::Metadata>) -> Metadata {
    match metadata {
        Some(metadata) if !metadata.filter_metadata.is_empty() => {
            Arc::new(metadata.filter_metadata.into_iter().map(|(key, value)| (key, object(value))).collect())
        }
        _ => NO_METADATA.clone(),
    }
}

/// A `Struct` as JSON, keys sorted.
pub(crate) fn object(fields: protobuf::Struct) -> Value {
    let sorted: BTreeMap<String, protobuf::Value> = fields.fields.into_iter().collect();
    Value::Object(sorted.into_iter().map(|(key, value)| (key, any_value(value))).collect())
}

fn any_value(value: protobuf::Value) -> Value {
    use protobuf::value::Kind;
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::NumberValue(number)) => json_number(number),
        Some(Kind::StructValue(fields)) => object(fields),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(any_value).collect()),
    }
}

/// Whole numbers without a fraction, as protobuf writes them.
fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Where a resource comes from must be discovery; files are not watched here.
pub(crate) fn discovery(source: Option<v3::core::ConfigSource>, at: At<'_>) -> Result<(), DecodeError> {
    use v3::core::config_source::ConfigSourceSpecifier as Source;
    match source.and_then(|source| source.config_source_specifier) {
        Some(Source::Ads(_) | Source::Self_(_)) => Ok(()),
        Some(Source::ApiConfigSource(source)) => {
            Err(at.field("api_config_source").unsupported(source.cluster_names.join(","), "use ads"))
        }
        Some(Source::PathConfigSource(source)) => {
            Err(at.field("path_config_source").unsupported(source.path, "use ads or put the resource in place"))
        }
        Some(Source::Path(path)) => Err(at.field("path").unsupported(path, "use ads or put the resource in place")),
        None => Err(at.missing("ads")),
    }
}
