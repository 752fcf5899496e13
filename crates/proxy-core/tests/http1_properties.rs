//! Properties of the codec for any bytes: no panic, splits do not matter, encoded is parsed.
//!
//! In: random bytes, mutated requests, random splits. Out: the same heads and bodies each time.

#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use lateen_proxy_core::headers::Headers;
use lateen_proxy_core::http1::hop::{self, Hop};
use lateen_proxy_core::http1::{
    BodyDecoder, BodyEncoder, BodyFraming, Decoded, Options, ParseError, ParsedRequest, ResponseContext,
    ResponseOptions, encode, request, response,
};
use lateen_proxy_core::path;
use proptest::collection::vec;
use proptest::prelude::*;

/// Messages of a connection: head, body, trailers.
type Message = (ParsedRequest, Vec<u8>, Option<Headers>);

/// Feeds `pieces` one after another and collects what comes out.
fn feed(pieces: &[&[u8]]) -> (Vec<Message>, Option<ParseError>) {
    let options = Options { enable_trailers: true, ..Options::default() };
    let mut buf = BytesMut::new();
    let mut parser = request::Parser::default();
    let mut current: Option<(Message, BodyDecoder)> = None;
    let mut done = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            if let Some((message, decoder)) = &mut current {
                match decoder.decode(&mut buf) {
                    Err(error) => return (done, Some(error)),
                    Ok(Decoded::NeedMore) => break,
                    Ok(Decoded::Data(data)) => message.1.extend_from_slice(&data),
                    Ok(Decoded::Trailers(trailers)) => message.2 = Some(trailers),
                    Ok(Decoded::End) => done.extend(current.take().map(|(message, _)| message)),
                }
            } else {
                match parser.parse(&mut buf, &options) {
                    Err(error) => return (done, Some(error)),
                    Ok(None) => break,
                    Ok(Some(request)) => {
                        let decoder = BodyDecoder::new(request.body, true);
                        current = Some(((request, Vec::new(), None), decoder));
                    }
                }
            }
        }
    }
    (done, None)
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z!#$%&'*+.^`|~0-9-]{1,12}".prop_filter("framing is added apart", |name| {
        !["host", "te", "upgrade"].contains(&name.to_ascii_lowercase().as_str())
    })
}

fn request_bytes() -> impl Strategy<Value = Vec<u8>> {
    let headers = vec((token(), "[ -~\\t]{0,20}"), 0..8);
    let body = prop_oneof![
        Just(String::from("\r\n")),
        "[a-z]{0,40}".prop_map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len())),
        (vec("[a-z]{1,20}", 0..4), any::<bool>()).prop_map(|(chunks, trailer)| {
            let mut text = String::from("Transfer-Encoding: chunked\r\n\r\n");
            for chunk in chunks {
                text += &format!("{:X};e\r\n{chunk}\r\n", chunk.len());
            }
            text + if trailer { "0\r\nX-T: 1\r\n\r\n" } else { "0\r\n\r\n" }
        }),
    ];
    let method = prop::sample::select(vec!["GET", "POST", "PURGE", "HEAD"]);
    (method, "/[!-~]{0,30}", headers, body).prop_map(|(method, path, headers, body)| {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: h\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        (text + &body).into_bytes()
    })
}

/// Requests one after another with a few bytes changed.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (vec(request_bytes(), 1..4), changes).prop_map(|(requests, changes)| {
        let mut bytes = requests.concat();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_does_not_depend_on_the_pieces(
        bytes in prop_oneof![hostile(), vec(any::<u8>(), 0..200)],
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = feed(&[&bytes]);
        prop_assert_eq!(&whole, &feed(&cut(&bytes, &cuts)));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&whole, &feed(&single));
    }

    #[test]
    fn what_is_forwarded_is_read_as_the_same_requests(bytes in hostile()) {
        let (messages, _) = feed(&[&bytes]);
        let mut wire = BytesMut::new();
        let mut wanted = Vec::new();
        for (mut request, data, trailers) in messages {
            hop::strip_request(&mut request.head.headers, Hop::Plain);
            encode::encode_request_head(&request.head, request.body, &mut wire);
            let mut encoder = BodyEncoder::new(request.body);
            prop_assert!(encoder.write(&data, &mut wire).is_ok());
            prop_assert!(encoder.finish(trailers.as_ref(), &mut wire).is_ok());
            for gone in ["content-length", "transfer-encoding"] {
                request.head.headers.remove(gone);
            }
            // The scheme of an absolute URL is not sent on.
            request.head.scheme = None;
            wanted.push((request.head, data, trailers));
        }
        let (again, error) = feed(&[&wire]);
        prop_assert_eq!(error, None);
        let again: Vec<_> = again.into_iter().map(|(mut request, data, trailers)| {
            for gone in ["content-length", "transfer-encoding"] {
                request.head.headers.remove(gone);
            }
            (request.head, data, trailers)
        }).collect();
        prop_assert_eq!(again, wanted);
    }

    #[test]
    fn responses_and_bodies_never_panic(
        bytes in vec(any::<u8>(), 0..200),
        status in 0_u16..1000,
        line in "(HTTP/1.1 [0-9]{3} ?.{0,9}\r\n)?([a-z-]{1,9}: [ -~]{0,9}\r\n){0,3}(\r\n)?",
        head in any::<bool>(),
    ) {
        let context = ResponseContext { head, ..ResponseContext::default() };
        let mut buf = BytesMut::from(line.as_bytes());
        buf.extend_from_slice(&bytes);
        let _ = response::parse(&mut buf, context, &ResponseOptions::default());
        for framing in [BodyFraming::Chunked, BodyFraming::Length(7), BodyFraming::UntilClose] {
            let mut buf = BytesMut::from(&bytes[..]);
            let mut decoder = BodyDecoder::new(framing, true);
            while let Ok(Decoded::Data(_)) = decoder.decode(&mut buf) {}
            let mut head = lateen_proxy_core::headers::ResponseHead::new(status);
            head.headers.append("x", Bytes::from(bytes.clone()));
            let mut out = BytesMut::new();
            encode::encode_response_head(&head, framing, &mut out);
            let lines = out.iter().filter(|&&byte| byte == b'\n').count();
            prop_assert!(lines <= 4, "{:?}", out);
        }
    }

    #[test]
    fn normalising_a_path_twice_changes_nothing_more(bytes in vec(any::<u8>(), 0..40)) {
        let mut path = vec![b'/'];
        path.extend(bytes);
        let options = path::Options {
            normalize_path: true,
            merge_slashes: true,
            ..path::Options::default()
        };
        if let path::Outcome::Changed(once) = path::normalize(&path, options) {
            let segments: Vec<&[u8]> = once
                .split(|&byte| byte == b'?')
                .next()
                .unwrap_or_default()
                .split(|&byte| byte == b'/')
                .collect();
            prop_assert!(!segments.contains(&&b".."[..]) && !segments.contains(&&b"."[..]));
        }
    }
}
