//! One `%COMMAND(ARGUMENT):LENGTH%`.
//! In: its parts once, then records. Out: a value with its type, or nothing when it is absent.

use super::record::Record;
use super::time;
use crate::headers::{Headers, RequestHead};
use crate::ir::Metadata;
use crate::matcher::pseudo_or_header;
use serde_json::Value;
use std::borrow::Cow;
use std::net::SocketAddr;

/// One command operator.
#[derive(Debug, Clone)]
pub(super) struct Command {
    source: Source,
    /// Longest text, in bytes.
    length: Option<usize>,
}

/// Where the value comes from.
#[derive(Debug, Clone)]
enum Source {
    Request {
        name: String,
        or: Option<String>,
        with_query: bool,
    },
    Response {
        name: String,
        or: Option<String>,
    },
    Trailer {
        name: String,
        or: Option<String>,
    },
    StartTime(Option<String>),
    Metadata {
        of: Owner,
        path: Vec<String>,
    },
    Number(fn(&Record<'_>) -> Option<u64>),
    Text(for<'r> fn(&'r Record<'_>) -> Option<Cow<'r, str>>),
    Address {
        of: fn(&Record<'_>) -> Option<SocketAddr>,
        part: Part,
    },
    GrpcStatus {
        number: bool,
    },
    /// Something that nothing here makes.
    Absent,
}

#[derive(Debug, Clone, Copy)]
enum Owner {
    Route,
    Cluster,
    Endpoint,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Whole,
    Ip,
    Port,
}

/// A value with its type.
pub(super) enum Found<'r> {
    Bytes(Cow<'r, [u8]>),
    Number(u64),
    Json(&'r Value),
}

impl Command {
    /// A command by name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn decode(name: &str, argument: Option<&str>, length: Option<usize>) -> Result<Self, String> {
        let source = match argument {
            Some(argument) => with_argument(name, argument)?,
            None => plain(name).ok_or_else(|| format!("unknown command or missing argument: {name}"))?,
        };
        Ok(Self { source, length })
    }

    /// Adds the value as text; false when there is none.
    pub(super) fn render(&self, record: &Record<'_>, out: &mut Vec<u8>) -> bool {
        let Some(found) = self.find(record) else { return false };
        let start = out.len();
        match found {
            Found::Bytes(bytes) => out.extend_from_slice(&bytes),
            Found::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Found::Json(Value::String(text)) => out.extend_from_slice(text.as_bytes()),
            Found::Json(value) => out.extend_from_slice(value.to_string().as_bytes()),
        }
        if let Some(length) = self.length {
            out.truncate(out.len().min(start.saturating_add(length)));
        }
        true
    }

    /// The value as JSON, numbers as numbers.
    pub(super) fn json(&self, record: &Record<'_>) -> Option<Value> {
        Some(match self.find(record)? {
            Found::Number(number) => Value::from(number),
            Found::Json(value) => value.clone(),
            Found::Bytes(bytes) => {
                let end = self.length.unwrap_or(usize::MAX).min(bytes.len());
                Value::String(String::from_utf8_lossy(&bytes[..end]).into_owned())
            }
        })
    }

    fn find<'r>(&'r self, record: &'r Record<'_>) -> Option<Found<'r>> {
        Some(match &self.source {
            Source::Request { name, or, with_query } => {
                let head = record.request?;
                let found = first(head, name).or_else(|| or.as_ref().and_then(|name| first(head, name)))?;
                let end = if *with_query { None } else { memchr::memchr(b'?', &found) };
                Found::Bytes(Cow::Owned(found[..end.unwrap_or(found.len())].to_vec()))
            }
            Source::Response { name, or } => Found::Bytes(Cow::Borrowed(match name.as_str() {
                ":status" => return record.response.map(|head| Found::Number(head.status.into())),
                name => either(&record.response?.headers, name, or.as_deref())?,
            })),
            Source::Trailer { name, or } => Found::Bytes(Cow::Borrowed(either(record.trailers?, name, or.as_deref())?)),
            Source::StartTime(format) => {
                let mut text = Vec::new();
                match format {
                    Some(format) => time::render(format, record.start, &mut text),
                    None => time::rfc3339(record.start, &mut text),
                }
                Found::Bytes(Cow::Owned(text))
            }
            Source::Metadata { of, path } => {
                let metadata: &Metadata = match of {
                    Owner::Route => record.route_metadata?,
                    Owner::Cluster => record.upstream_cluster_metadata?,
                    Owner::Endpoint => record.upstream_metadata?,
                };
                let (filter, keys) = path.split_first()?;
                Found::Json(keys.iter().try_fold(metadata.get(filter)?, |value, key| value.get(key))?)
            }
            Source::Number(of) => Found::Number(of(record)?),
            Source::Text(of) => match of(record)? {
                Cow::Borrowed("") => return None,
                Cow::Borrowed(text) => Found::Bytes(Cow::Borrowed(text.as_bytes())),
                Cow::Owned(text) => Found::Bytes(Cow::Owned(text.into_bytes())),
            },
            Source::Address { of, part } => {
                let address = of(record)?;
                match part {
                    Part::Whole => Found::Bytes(Cow::Owned(address.to_string().into_bytes())),
                    Part::Ip => Found::Bytes(Cow::Owned(address.ip().to_string().into_bytes())),
                    Part::Port => Found::Number(address.port().into()),
                }
            }
            Source::GrpcStatus { number } => {
                let status = record.grpc_status()?;
                match GRPC.get(status as usize) {
                    Some(name) if !number => Found::Bytes(Cow::Borrowed(name.as_bytes())),
                    _ => Found::Number(status.into()),
                }
            }
            Source::Absent => return None,
        })
    }
}

const GRPC: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// The first value of a header, as Envoy logs it.
fn first(head: &RequestHead, name: &str) -> Option<bytes::Bytes> {
    if name.starts_with(':') || name == "host" { pseudo_or_header(head, name) } else { head.headers.get_bytes(name) }
}

fn either<'h>(headers: &'h Headers, name: &str, or: Option<&str>) -> Option<&'h [u8]> {
    headers.get(name).or_else(|| or.and_then(|name| headers.get(name)))
}

fn with_argument(name: &str, argument: &str) -> Result<Source, String> {
    let header = || -> Result<(String, Option<String>), String> {
        let (main, or) = argument.split_once('?').map_or((argument, None), |(main, or)| (main, Some(or)));
        if main.is_empty() || or.is_some_and(|or| or.is_empty() || or.contains('?')) {
            return Err(format!("{name} takes one or two header names, found ({argument})"));
        }
        Ok((main.to_ascii_lowercase(), or.map(str::to_ascii_lowercase)))
    };
    let path = || argument.split(':').map(str::to_owned).collect::<Vec<_>>();
    Ok(match name {
        "REQ" | "REQUEST_HEADER" => {
            let (name, or) = header()?;
            Source::Request { name, or, with_query: true }
        }
        "REQ_WITHOUT_QUERY" => {
            let (name, or) = header()?;
            Source::Request { name, or, with_query: false }
        }
        "RESP" | "RESPONSE_HEADER" => {
            let (name, or) = header()?;
            Source::Response { name, or }
        }
        "TRAILER" | "RESPONSE_TRAILER" => {
            let (name, or) = header()?;
            Source::Trailer { name, or }
        }
        "PATH" => path_command(argument)?,
        "START_TIME" => Source::StartTime((!argument.is_empty()).then(|| argument.to_owned())),
        "GRPC_STATUS" => Source::GrpcStatus { number: argument == "NUMBER" },
        "CLUSTER_METADATA" => Source::Metadata { of: Owner::Cluster, path: path() },
        "UPSTREAM_METADATA" => Source::Metadata { of: Owner::Endpoint, path: path() },
        "METADATA" => {
            let mut path = path();
            let owner = path.remove(0);
            match owner.as_str() {
                "ROUTE" => Source::Metadata { of: Owner::Route, path },
                "CLUSTER" => Source::Metadata { of: Owner::Cluster, path },
                "UPSTREAM_HOST" => Source::Metadata { of: Owner::Endpoint, path },
                "DYNAMIC" | "LISTENER" | "LISTENER_FILTER_CHAIN" | "VIRTUAL_HOST" => Source::Absent,
                other => return Err(format!("METADATA of unknown kind {other}")),
            }
        }
        "DYNAMIC_METADATA" | "FILTER_STATE" | "UPSTREAM_FILTER_STATE" => Source::Absent,
        "UPSTREAM_PEER_CERT_V_START"
        | "UPSTREAM_PEER_CERT_V_END"
        | "DOWNSTREAM_PEER_CERT_V_START"
        | "DOWNSTREAM_PEER_CERT_V_END" => Source::Absent,
        "QUERY_PARAM" => return Err("QUERY_PARAM is not supported; log the path".to_owned()),
        other if plain(other).is_some() => return Err(format!("{other} takes no argument, found ({argument})")),
        other => return Err(format!("unknown command {other}")),
    })
}

/// `PATH(WQ:ORIG)`: with or without query, the original path, the current one, or either.
fn path_command(argument: &str) -> Result<Source, String> {
    let mut parts = argument.split(':');
    let with_query = match parts.next().unwrap_or_default() {
        "" | "WQ" => true,
        "NQ" => false,
        other => return Err(format!("PATH takes WQ or NQ, found {other}")),
    };
    let (name, or) = match parts.next().unwrap_or_default() {
        "" | "ORIG_OR_PATH" => ("x-envoy-original-path", Some(":path".to_owned())),
        "PATH" => (":path", None),
        "ORIG" => ("x-envoy-original-path", None),
        other => return Err(format!("PATH takes ORIG, PATH or ORIG_OR_PATH, found {other}")),
    };
    Ok(Source::Request { name: name.to_owned(), or, with_query })
}

fn millis(duration: Option<std::time::Duration>) -> Option<u64> {
    duration.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn underscored(text: &str) -> Option<Cow<'_, str>> {
    // Spaces would divide the line where readers expect one field.
    Some(if text.contains(char::is_whitespace) {
        Cow::Owned(text.replace(char::is_whitespace, "_"))
    } else {
        text.into()
    })
}

fn plain(name: &str) -> Option<Source> {
    let address = |of, part| Source::Address { of, part };
    let local: fn(&Record<'_>) -> Option<SocketAddr> = |record| record.connection.local;
    let direct: fn(&Record<'_>) -> Option<SocketAddr> = |record| record.connection.direct_peer;
    let remote: fn(&Record<'_>) -> Option<SocketAddr> = |record| record.client.or(record.connection.direct_peer);
    let upstream: fn(&Record<'_>) -> Option<SocketAddr> = |record| record.upstream;
    let upstream_local: fn(&Record<'_>) -> Option<SocketAddr> = |record| record.upstream_local;
    Some(match name {
        "START_TIME" => Source::StartTime(None),
        "PROTOCOL" => Source::Text(|record| Some(record.request?.version.as_str().into())),
        "RESPONSE_CODE" => Source::Number(|record| Some(record.status.unwrap_or(0).into())),
        "RESPONSE_CODE_DETAILS" => Source::Text(|record| underscored(record.details)),
        "CONNECTION_TERMINATION_DETAILS" => Source::Text(|record| Some(record.connection.termination_details.into())),
        "RESPONSE_FLAGS" => Source::Text(|record| Some(record.flags.to_string().into())),
        "RESPONSE_FLAGS_LONG" => Source::Text(|record| {
            let names: Vec<&str> = record.flags.long_names().collect();
            Some(if names.is_empty() { "-".into() } else { names.join(",").into() })
        }),
        "BYTES_RECEIVED" => Source::Number(|record| Some(record.bytes_received)),
        "BYTES_SENT" => Source::Number(|record| Some(record.bytes_sent)),
        "UPSTREAM_WIRE_BYTES_RECEIVED" => Source::Number(|record| Some(record.upstream_wire_bytes.0)),
        "UPSTREAM_WIRE_BYTES_SENT" => Source::Number(|record| Some(record.upstream_wire_bytes.1)),
        "DOWNSTREAM_WIRE_BYTES_RECEIVED" => Source::Number(|record| Some(record.downstream_wire_bytes.0)),
        "DOWNSTREAM_WIRE_BYTES_SENT" => Source::Number(|record| Some(record.downstream_wire_bytes.1)),
        "DURATION" => Source::Number(|record| millis(record.duration)),
        "REQUEST_DURATION" => Source::Number(|record| millis(record.request_duration)),
        "RESPONSE_DURATION" => Source::Number(|record| millis(record.response_duration)),
        "RESPONSE_TX_DURATION" => Source::Number(|record| millis(record.response_tx_duration)),
        "UPSTREAM_REQUEST_ATTEMPT_COUNT" => Source::Number(|record| Some(record.attempts.into())),
        "UPSTREAM_HOST" => address(upstream, Part::Whole),
        "UPSTREAM_HOST_NAME" => Source::Text(|record| {
            if record.upstream_hostname.is_empty() {
                return Some(record.upstream?.to_string().into());
            }
            Some(record.upstream_hostname.into())
        }),
        "UPSTREAM_CLUSTER" | "UPSTREAM_CLUSTER_RAW" => Source::Text(|record| Some(record.upstream_cluster.into())),
        "UPSTREAM_LOCAL_ADDRESS" => address(upstream_local, Part::Whole),
        "UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT" => address(upstream_local, Part::Ip),
        "UPSTREAM_LOCAL_PORT" => address(upstream_local, Part::Port),
        "UPSTREAM_REMOTE_ADDRESS" => address(upstream, Part::Whole),
        "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => address(upstream, Part::Ip),
        "UPSTREAM_REMOTE_PORT" => address(upstream, Part::Port),
        "UPSTREAM_TRANSPORT_FAILURE_REASON" => Source::Text(|record| Some(record.upstream_transport_failure.into())),
        "DOWNSTREAM_TRANSPORT_FAILURE_REASON" => {
            Source::Text(|record| Some(record.connection.transport_failure.into()))
        }
        "DOWNSTREAM_LOCAL_ADDRESS" => address(local, Part::Whole),
        "DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT" => address(local, Part::Ip),
        "DOWNSTREAM_LOCAL_PORT" => address(local, Part::Port),
        "DOWNSTREAM_REMOTE_ADDRESS" => address(remote, Part::Whole),
        "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" => address(remote, Part::Ip),
        "DOWNSTREAM_REMOTE_PORT" => address(remote, Part::Port),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS" => address(direct, Part::Whole),
        "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT" => address(direct, Part::Ip),
        "DOWNSTREAM_DIRECT_REMOTE_PORT" => address(direct, Part::Port),
        "DOWNSTREAM_TLS_VERSION" => Source::Text(|record| Some(record.connection.tls_version.into())),
        "DOWNSTREAM_TLS_CIPHER" => Source::Text(|record| Some(record.connection.tls_cipher.into())),
        "DOWNSTREAM_PEER_SUBJECT" => Source::Text(|record| Some(record.connection.peer_subject.into())),
        "DOWNSTREAM_PEER_URI_SAN" => Source::Text(|record| Some(record.connection.peer_uri_san.into())),
        "DOWNSTREAM_LOCAL_URI_SAN" => Source::Text(|record| Some(record.connection.local_uri_san.into())),
        "REQUESTED_SERVER_NAME" => Source::Text(|record| Some(record.connection.server_name.into())),
        "ROUTE_NAME" => Source::Text(|record| Some(record.route_name.into())),
        "VIRTUAL_HOST_NAME" => Source::Text(|record| Some(record.virtual_host.into())),
        "HOSTNAME" => Source::Text(|record| Some(record.hostname.into())),
        "LOCAL_REPLY_BODY" => Source::Text(|record| Some(String::from_utf8_lossy(record.local_reply_body))),
        "CONNECTION_ID" => Source::Number(|record| Some(record.connection.id)),
        "STREAM_ID" => Source::Text(|record| {
            let id = record.stream_id;
            let part = |shift: u32, mask: u128| (id >> shift) & mask;
            (id != 0).then(|| {
                let (a, b, c) = (part(96, 0xffff_ffff), part(80, 0xffff), part(64, 0xffff));
                format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", part(48, 0xffff), part(0, 0xffff_ffff_ffff)).into()
            })
        }),
        "GRPC_STATUS" => Source::GrpcStatus { number: false },
        "GRPC_STATUS_NUMBER" => Source::GrpcStatus { number: true },
        "PATH" => return path_command("").ok(),
        // What nothing here makes: virtual clusters, traces, fingerprints, filter chains' names, other details of TLS.
        "VIRTUAL_CLUSTER_NAME"
        | "FILTER_CHAIN_NAME"
        | "TRACE_ID"
        | "SPAN_ID"
        | "TLS_JA3_FINGERPRINT"
        | "TLS_JA4_FINGERPRINT"
        | "DOWNSTREAM_PEER_ISSUER"
        | "DOWNSTREAM_PEER_SERIAL"
        | "DOWNSTREAM_PEER_FINGERPRINT_256"
        | "DOWNSTREAM_PEER_FINGERPRINT_1"
        | "DOWNSTREAM_PEER_CERT"
        | "DOWNSTREAM_PEER_DNS_SAN"
        | "DOWNSTREAM_LOCAL_SUBJECT"
        | "DOWNSTREAM_LOCAL_DNS_SAN"
        | "DOWNSTREAM_TLS_SESSION_ID"
        | "UPSTREAM_TLS_VERSION"
        | "UPSTREAM_TLS_CIPHER"
        | "UPSTREAM_TLS_SESSION_ID"
        | "UPSTREAM_PEER_SUBJECT"
        | "UPSTREAM_PEER_URI_SAN"
        | "UPSTREAM_LOCAL_URI_SAN"
        | "UPSTREAM_PEER_ISSUER"
        | "UPSTREAM_PEER_CERT"
        | "UPSTREAM_PEER_DNS_SAN"
        | "UPSTREAM_LOCAL_SUBJECT"
        | "UPSTREAM_CONNECTION_ID"
        | "UPSTREAM_PROTOCOL"
        | "UPSTREAM_CONNECTION_POOL_READY_DURATION"
        | "ACCESS_LOG_TYPE" => Source::Absent,
        _ => return None,
    })
}
