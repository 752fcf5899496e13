use super::*;
use crate::flags::ResponseFlags;
use crate::headers::ResponseHead;
use crate::ir::AccessLog;
use crate::sample::{hcm, request};
use std::sync::Arc;
use std::time::Duration;

fn line(format: &str, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    Template::decode(format).expect("a template").render(record, &mut out);
    String::from_utf8(out).expect("text")
}

#[test]
fn commands_tell_what_the_record_holds() {
    let head = request("GET a.com/p?q=1", &["user-agent: curl", "x-long: abcdef"]);
    let mut answer = ResponseHead::new(503);
    answer.headers.append("grpc-status", "14");
    let record = Record {
        request: Some(&head),
        response: Some(&answer),
        status: Some(503),
        start: Duration::new(1_700_000_000, 123_456_789),
        duration: Some(Duration::from_millis(12)),
        flags: ResponseFlags::NO_HEALTHY_UPSTREAM | ResponseFlags::UPSTREAM_RETRY_LIMIT_EXCEEDED,
        details: "no healthy upstream",
        bytes_sent: 19,
        client: Some("1.2.3.4:0".parse().expect("address")),
        upstream: Some("[::1]:80".parse().expect("address")),
        connection: Connection { local: Some("10.0.0.1:8080".parse().expect("address")), ..Connection::default() },
        ..Record::default()
    };
    for (format, wanted) in [
        ("100%% %PROTOCOL%", "100% HTTP/1.1"),
        ("%START_TIME%", "2023-11-14T22:13:20.123Z"),
        ("%START_TIME(%Y/%m/%d %a %j %H:%M:%S.%6f %s)%", "2023/11/14 Tue 318 22:13:20.123456 1700000000"),
        ("%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %REQ(:AUTHORITY)%", "GET /p?q=1 a.com"),
        ("%REQ_WITHOUT_QUERY(:PATH)% %PATH(NQ:PATH)%", "/p /p"),
        ("%REQ(x-long):3% %REQ(missing)% %RESP(missing?GRPC-STATUS)%", "abc - 14"),
        ("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%", "503 URX,UH no_healthy_upstream"),
        ("%RESPONSE_FLAGS_LONG%", "UpstreamRetryLimitExceeded,NoHealthyUpstream"),
        ("%DURATION% %REQUEST_DURATION% %BYTES_SENT%", "12 - 19"),
        ("%UPSTREAM_HOST% %UPSTREAM_CLUSTER%", "[::1]:80 -"),
        ("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT%", "10.0.0.1 8080"),
        ("%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%", "1.2.3.4:0 -"),
        ("%GRPC_STATUS% %GRPC_STATUS(NUMBER)%", "Unavailable 14"),
        ("%DYNAMIC_METADATA(a:b)% %FILTER_STATE(x)%", "- -"),
    ] {
        assert_eq!(line(format, &record), wanted, "{format}");
    }
    assert_eq!(line("%RESPONSE_CODE% %RESPONSE_FLAGS% %PROTOCOL%", &Record::default()), "0 - -");
}

#[test]
fn dates_hold_over_centuries() {
    for (seconds, wanted) in [
        (0, "1970-01-01 001"),
        (951_782_400, "2000-02-29 060"),
        (4_107_542_400, "2100-03-01 060"),
        (1_735_603_200, "2024-12-31 366"),
    ] {
        let record = Record { start: Duration::from_secs(seconds), ..Record::default() };
        assert_eq!(line("%START_TIME(%F %j)%", &record), wanted);
    }
}

#[test]
fn bad_formats_are_refused() {
    for format in [
        "%",
        "50% off",
        "%REQ%",
        "%REQ()%",
        "%REQ(a?b?c)%",
        "%NOT_A_COMMAND%",
        "%PROTOCOL",
        "%PROTOCOL(x)%",
        "%REQ(a",
        "%REQ(a):x%",
    ] {
        assert!(Template::decode(format).is_err(), "{format}");
    }
}

fn log(fields: &str) -> Arc<AccessLog> {
    let text = format!(
        r#", "access_log": [{{"name": "a"{fields}, "typed_config": {{"@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {{"json_format": {{"status": "%RESPONSE_CODE%", "path": "%REQ(:PATH)%", "both": "%REQ(a)% %BYTES_SENT%", "fix": 1, "in": {{"none": "%REQ(b)%"}}}}}}}}}}]"#
    );
    hcm(&text).access_log[0].clone()
}

#[test]
fn json_keeps_types() {
    let head = request("GET h/p", &[]);
    let mut out = Vec::new();
    log("").format.render(&Record { request: Some(&head), status: Some(200), ..Record::default() }, &mut out);
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text, "{\"both\":\"- 0\",\"fix\":1,\"in\":{\"none\":null},\"path\":\"/p\",\"status\":200}\n");
}

#[test]
fn filters_leave_requests_out() {
    let status = |op, value| {
        format!(
            r#"{{"status_code_filter": {{"comparison": {{"op": "{op}", "value": {{"default_value": {value}}}}}}}}}"#
        )
    };
    let record = Record {
        status: Some(503),
        duration: Some(Duration::from_millis(9)),
        flags: ResponseFlags::UPSTREAM_OVERFLOW,
        ..Record::default()
    };
    for (filter, accepted) in [
        (status("GE", 500), true),
        (status("LE", 500), false),
        (format!(r#"{{"and_filter": {{"filters": [{}, {}]}}}}"#, status("GE", 500), status("EQ", 200)), false),
        (format!(r#"{{"or_filter": {{"filters": [{}, {}]}}}}"#, status("GE", 500), status("EQ", 200)), true),
        (r#"{"response_flag_filter": {"flags": ["UO"]}}"#.to_owned(), true),
        (r#"{"response_flag_filter": {"flags": ["NR"]}}"#.to_owned(), false),
        (r#"{"response_flag_filter": {}}"#.to_owned(), true),
        (r#"{"runtime_filter": {"runtime_key": "k", "percent_sampled": {"numerator": 0}}}"#.to_owned(), false),
        (r#"{"duration_filter": {"comparison": {"op": "GE", "value": {"default_value": 10}}}}"#.to_owned(), false),
        (r#"{"not_health_check_filter": {}}"#.to_owned(), true),
        (r#"{"header_filter": {"header": {"name": "x"}}}"#.to_owned(), false),
    ] {
        let log = log(&format!(r#", "filter": {filter}"#));
        assert_eq!(log.filter.as_ref().expect("a filter").accepts(&record, 0), accepted, "{filter}");
    }
}
