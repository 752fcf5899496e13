//! Names of headers the proxy knows, and what a header name may be.
//!
//! In: bytes of a name. Out: the static name when it is known, whether it is a token.
//! A known name is `&'static str` in `Headers`: no share of the head, no check of its text.

macro_rules! names {
    ($($len:literal => { $($konst:ident = $text:literal,)* })*) => {
        $($(
            #[doc = concat!("`", $text, "`")]
            pub const $konst: &str = $text;
        )*)*

        /// Every name of this module with the length it is filed under.
        #[cfg(test)]
        pub(super) const ALL: &[(usize, &str)] = &[$($(($len, $text)),*),*];

        /// The static text of a known lower-case name.
        pub(crate) fn known(name: &[u8]) -> Option<&'static str> {
            match name.len() {
                $($len => {
                    $(if name == $text.as_bytes() {
                        return Some($text);
                    })*
                    None
                })*
                _ => None,
            }
        }
    };
}

names! {
    2 => {
        B3 = "b3",
        TE = "te",
    }
    3 => {
        AGE = "age",
        VIA = "via",
    }
    4 => {
        DATE = "date",
        ETAG = "etag",
        FROM = "from",
        HOST = "host",
        LINK = "link",
        VARY = "vary",
    }
    5 => {
        ALLOW = "allow",
        RANGE = "range",
    }
    6 => {
        ACCEPT = "accept",
        COOKIE = "cookie",
        EXPECT = "expect",
        ORIGIN = "origin",
        PRAGMA = "pragma",
        SERVER = "server",
    }
    7 => {
        BAGGAGE = "baggage",
        EXPIRES = "expires",
        REFERER = "referer",
        TRAILER = "trailer",
        UPGRADE = "upgrade",
    }
    8 => {
        IF_MATCH = "if-match",
        LOCATION = "location",
    }
    9 => {
        FORWARDED = "forwarded",
        X_REAL_IP = "x-real-ip",
    }
    10 => {
        CONNECTION = "connection",
        KEEP_ALIVE = "keep-alive",
        SET_COOKIE = "set-cookie",
        TRACESTATE = "tracestate",
        USER_AGENT = "user-agent",
        X_B3_FLAGS = "x-b3-flags",
    }
    11 => {
        GRPC_STATUS = "grpc-status",
        RETRY_AFTER = "retry-after",
        TRACEPARENT = "traceparent",
        X_B3_SPANID = "x-b3-spanid",
    }
    12 => {
        CONTENT_TYPE = "content-type",
        GRPC_MESSAGE = "grpc-message",
        GRPC_TIMEOUT = "grpc-timeout",
        X_B3_SAMPLED = "x-b3-sampled",
        X_B3_TRACEID = "x-b3-traceid",
        X_REQUEST_ID = "x-request-id",
    }
    13 => {
        AUTHORIZATION = "authorization",
        CACHE_CONTROL = "cache-control",
        GRPC_ENCODING = "grpc-encoding",
        IF_NONE_MATCH = "if-none-match",
        LAST_MODIFIED = "last-modified",
    }
    14 => {
        CONTENT_LENGTH = "content-length",
        HTTP2_SETTINGS = "http2-settings",
        SEC_FETCH_DEST = "sec-fetch-dest",
        SEC_FETCH_MODE = "sec-fetch-mode",
        SEC_FETCH_SITE = "sec-fetch-site",
    }
    15 => {
        ACCEPT_ENCODING = "accept-encoding",
        ACCEPT_LANGUAGE = "accept-language",
        X_ENVOY_CLUSTER = "x-envoy-cluster",
        X_ENVOY_IP_TAGS = "x-envoy-ip-tags",
        X_FORWARDED_FOR = "x-forwarded-for",
    }
    16 => {
        CONTENT_ENCODING = "content-encoding",
        PROXY_CONNECTION = "proxy-connection",
        WWW_AUTHENTICATE = "www-authenticate",
        X_ENVOY_DEGRADED = "x-envoy-degraded",
        X_ENVOY_INTERNAL = "x-envoy-internal",
        X_ENVOY_RETRY_ON = "x-envoy-retry-on",
        X_FORWARDED_HOST = "x-forwarded-host",
        X_FORWARDED_PORT = "x-forwarded-port",
    }
    17 => {
        IF_MODIFIED_SINCE = "if-modified-since",
        SEC_WEBSOCKET_KEY = "sec-websocket-key",
        TRANSFER_ENCODING = "transfer-encoding",
        X_B3_PARENTSPANID = "x-b3-parentspanid",
        X_CLIENT_TRACE_ID = "x-client-trace-id",
        X_FORWARDED_PROTO = "x-forwarded-proto",
        X_OT_SPAN_CONTEXT = "x-ot-span-context",
    }
    18 => {
        PROXY_AUTHENTICATE = "proxy-authenticate",
        X_ENVOY_OVERLOADED = "x-envoy-overloaded",
    }
    19 => {
        PROXY_AUTHORIZATION = "proxy-authorization",
        X_ENVOY_FORCE_TRACE = "x-envoy-force-trace",
        X_ENVOY_MAX_RETRIES = "x-envoy-max-retries",
        X_ENVOY_RATELIMITED = "x-envoy-ratelimited",
    }
    20 => {
        GRPC_ACCEPT_ENCODING = "grpc-accept-encoding",
        SEC_WEBSOCKET_ACCEPT = "sec-websocket-accept",
        X_ENVOY_ORIGINAL_URL = "x-envoy-original-url",
    }
    21 => {
        SEC_WEBSOCKET_VERSION = "sec-websocket-version",
        X_ENVOY_ATTEMPT_COUNT = "x-envoy-attempt-count",
        X_ENVOY_ORIGINAL_PATH = "x-envoy-original-path",
        X_ENVOY_PEER_METADATA = "x-envoy-peer-metadata",
        X_ENVOY_RETRY_GRPC_ON = "x-envoy-retry-grpc-on",
    }
    22 => {
        ACCESS_CONTROL_MAX_AGE = "access-control-max-age",
        SEC_WEBSOCKET_PROTOCOL = "sec-websocket-protocol",
    }
    23 => {
        GRPC_STATUS_DETAILS_BIN = "grpc-status-details-bin",
        X_ENVOY_ATTEMPT_TIMEOUT = "x-envoy-attempt-timeout",
        X_ENVOY_UPSTREAM_CANARY = "x-envoy-upstream-canary",
        X_FORWARDED_CLIENT_CERT = "x-forwarded-client-cert",
    }
    24 => {
        SEC_WEBSOCKET_EXTENSIONS = "sec-websocket-extensions",
        X_ENVOY_EXTERNAL_ADDRESS = "x-envoy-external-address",
        X_ENVOY_LOCAL_OVERLOADED = "x-envoy-local-overloaded",
        X_ENVOY_PEER_METADATA_ID = "x-envoy-peer-metadata-id",
    }
    25 => {
        STRICT_TRANSPORT_SECURITY = "strict-transport-security",
        X_ENVOY_ORIGINAL_DST_HOST = "x-envoy-original-dst-host",
    }
    27 => {
        ACCESS_CONTROL_ALLOW_ORIGIN = "access-control-allow-origin",
        X_ENVOY_DECORATOR_OPERATION = "x-envoy-decorator-operation",
    }
    28 => {
        ACCESS_CONTROL_ALLOW_HEADERS = "access-control-allow-headers",
        ACCESS_CONTROL_ALLOW_METHODS = "access-control-allow-methods",
    }
    29 => {
        ACCESS_CONTROL_EXPOSE_HEADERS = "access-control-expose-headers",
        ACCESS_CONTROL_REQUEST_METHOD = "access-control-request-method",
        X_ENVOY_UPSTREAM_SERVICE_TIME = "x-envoy-upstream-service-time",
    }
    30 => {
        ACCESS_CONTROL_REQUEST_HEADERS = "access-control-request-headers",
        X_ENVOY_EXPECTED_RQ_TIMEOUT_MS = "x-envoy-expected-rq-timeout-ms",
        X_ENVOY_RETRIABLE_HEADER_NAMES = "x-envoy-retriable-header-names",
        X_ENVOY_RETRIABLE_STATUS_CODES = "x-envoy-retriable-status-codes",
        X_ENVOY_UPSTREAM_ALT_STAT_NAME = "x-envoy-upstream-alt-stat-name",
        X_ENVOY_UPSTREAM_RQ_TIMEOUT_MS = "x-envoy-upstream-rq-timeout-ms",
    }
    31 => {
        X_ENVOY_DOWNSTREAM_SERVICE_NODE = "x-envoy-downstream-service-node",
    }
    32 => {
        ACCESS_CONTROL_ALLOW_CREDENTIALS = "access-control-allow-credentials",
        X_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT = "x-envoy-hedge-on-per-try-timeout",
    }
    34 => {
        X_ENVOY_DOWNSTREAM_SERVICE_CLUSTER = "x-envoy-downstream-service-cluster",
    }
    35 => {
        X_ENVOY_IMMEDIATE_HEALTH_CHECK_FAIL = "x-envoy-immediate-health-check-fail",
        X_ENVOY_UPSTREAM_STREAM_DURATION_MS = "x-envoy-upstream-stream-duration-ms",
    }
    36 => {
        ACCESS_CONTROL_ALLOW_PRIVATE_NETWORK = "access-control-allow-private-network",
    }
    38 => {
        ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK = "access-control-request-private-network",
        X_ENVOY_UPSTREAM_HEALTHCHECKED_CLUSTER = "x-envoy-upstream-healthchecked-cluster",
        X_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS = "x-envoy-upstream-rq-per-try-timeout-ms",
    }
    40 => {
        X_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE = "x-envoy-upstream-rq-timeout-alt-response",
    }
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
pub(crate) const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_usize;
    while byte < 128 {
        table[byte] = matches!(byte as u8,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
            | b'`' | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');
        byte += 1;
    }
    table
};

/// Whether `name` is a token: one character or more, all of them allowed.
#[must_use]
pub fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| TOKEN[byte as usize])
}

/// Whether `name` is a token without upper-case letters, as every name in `Headers` is.
#[must_use]
pub fn is_lower(name: &str) -> bool {
    is_token(name.as_bytes()) && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}
