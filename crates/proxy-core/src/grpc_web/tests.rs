//! What a browser sends and reads, however it is cut into pieces.

use super::*;

fn call(content_type: &'static str, accept: &'static str) -> Option<(GrpcWeb, RequestHead)> {
    let mut head = RequestHead::default();
    for (name, value) in [("content-type", content_type), ("accept", accept), ("content-length", "8")] {
        head.headers.append(name, value);
    }
    GrpcWeb::begin(&mut head).map(|call| (call, head))
}

fn text() -> GrpcWeb {
    call("application/grpc-web-text", "application/grpc-web-text").expect("a call").0
}

#[test]
fn a_call_becomes_grpc() {
    for content_type in [
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpc-web-text",
        "application/grpc-web-text+proto",
    ] {
        let (_, head) = call(content_type, "*/*").expect("a call");
        let value = |name| head.headers.get_str(name);
        assert_eq!(value("content-type"), Some("application/grpc"), "{content_type}");
        assert_eq!(value("te"), Some("trailers"));
        assert_eq!(value("grpc-accept-encoding"), Some("identity,deflate,gzip"));
        assert_eq!(value("content-length"), None);
    }
    for other in ["application/grpc", "application/grpc-web+json", "application/json", ""] {
        assert!(call(other, "*/*").is_none(), "{other}");
    }
}

#[test]
fn text_is_decoded_however_it_is_cut() {
    // Two messages, each encoded for itself, so that there is padding in the middle.
    let (messages, coded) = (b"\0\0\0\0\x01a\0\0\0\0\x02bc", "AAAAAAFhAAAAAAJiYw==");
    assert_eq!(STANDARD.encode(messages), coded);
    let halves = format!("{}{}", STANDARD.encode(&messages[..7]), STANDARD.encode(&messages[7..]));
    for whole in [coded, &halves] {
        for size in 1..=whole.len() {
            let mut call = text();
            let mut out = Vec::new();
            for piece in whole.as_bytes().chunks(size) {
                out.extend_from_slice(&call.decode(Bytes::copy_from_slice(piece)).expect("base64"));
            }
            assert_eq!(call.decode_end(), Ok(()));
            assert_eq!(out, messages, "in pieces of {size}");
        }
    }
}

#[test]
fn what_is_no_base64_is_refused() {
    for bad in ["AA-A", "A===", "AA=A", "====", "\0\0\0\0"] {
        assert_eq!(text().decode(Bytes::from_static(bad.as_bytes())), Err(BadText::Data), "{bad:?}");
    }
    let mut call = text();
    assert_eq!(call.decode(Bytes::from_static(b"AAAAA")).expect("a group"), b"\0\0\0".as_slice());
    assert_eq!(call.decode_end(), Err(BadText::Size));
}

#[test]
fn each_frame_of_the_answer_is_text_of_its_own() {
    let frames: [&[u8]; 3] = [b"\0\0\0\0\x04abcd", b"\0\0\0\0\0", b"\0\0\0\0\x03xyz"];
    let whole = frames.concat();
    let wanted: String = frames.iter().map(|frame| STANDARD.encode(frame)).collect();
    for size in 1..=whole.len() {
        let mut call = text();
        let mut out = Vec::new();
        for piece in whole.chunks(size) {
            out.extend_from_slice(&call.encode(Bytes::copy_from_slice(piece)));
        }
        assert_eq!(call.encode_end(None), b"".as_slice());
        assert_eq!(String::from_utf8_lossy(&out), wanted, "in pieces of {size}");
    }
}

#[test]
fn trailers_are_the_last_frame() {
    let mut trailers = Headers::default();
    trailers.append("grpc-status", "0");
    trailers.append("grpc-message", "well done");
    let frame = b"\x80\0\0\0\x27grpc-status:0\r\ngrpc-message:well done\r\n".as_slice();
    let (mut binary, _) = call("application/grpc-web-text", "application/grpc-web").expect("a call");
    assert_eq!(binary.encode(Bytes::from_static(b"\0\0\0\0\0")), b"\0\0\0\0\0".as_slice());
    assert_eq!(binary.encode_end(Some(&trailers)), frame);
    assert_eq!(text().encode_end(Some(&trailers)), STANDARD.encode(frame).as_bytes());
}

#[test]
fn an_answer_that_is_no_grpc_becomes_a_message() {
    let cases = [
        (200, "application/grpc", false),
        (200, "application/grpc+proto", false),
        (200, "application/grpc-web+proto; charset=x", false),
        (503, "application/grpc", true),
        (200, "text/html", true),
        (404, "text/html", true),
    ];
    for (status, content_type, explained) in cases {
        let mut head = ResponseHead::new(status);
        head.headers.append("content-type", content_type);
        head.headers.append("content-length", "9");
        assert_eq!(text().answer(&mut head, false), explained, "{status} {content_type}");
        assert_eq!(head.headers.get_str("content-type"), Some("application/grpc-web-text+proto"));
        assert_eq!(head.headers.get_str("content-length"), None);
        assert!(!text().answer(&mut head, true));
    }
    let mut head = ResponseHead::new(404);
    GrpcWeb::explain(&mut head, b"not here: \xff%");
    assert_eq!(head.headers.get_str("grpc-message"), Some("not here: %FF%25"));
    assert_eq!(head.headers.get_str("grpc-status"), Some("12"));
    assert_eq!(head.headers.get_str("content-length"), Some("0"));
}
