//! The hostile requests of the adversarial kit against the codec, judged by Envoy's verdicts.
//!
//! In: `../shared/adversarial` beside the repository, when it is there. Out: a list of
//! differences that the kit would fail. The proxy around the codec is played by `Proxy`:
//! parse, normalise, strip, encode, and a second parse in the place of the origin.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use base64::Engine as _;
use bytes::BytesMut;
use lateen_proxy_core::headers::Method;
use lateen_proxy_core::http1::hop::{self, Hop};
use lateen_proxy_core::http1::{
    BodyDecoder, BodyEncoder, BodyFraming, Decoded, Detected, Options, ParsedRequest, UnderscoresAction, body, detect,
    encode, request,
};
use lateen_proxy_core::path::{self, EscapedSlashes, Fragment, Outcome};
use serde_json::Value;

/// A listener of the kit's bootstrap, as far as it concerns the codec.
struct Profile {
    name: &'static str,
    options: Options,
    path: path::Options,
    websocket: bool,
}

fn profiles() -> Vec<Profile> {
    let normalized = path::Options { normalize_path: true, ..path::Options::default() };
    vec![
        Profile { name: "default", options: Options::default(), path: path::Options::default(), websocket: false },
        Profile {
            name: "edge",
            options: Options { headers_with_underscores: UnderscoresAction::RejectRequest, ..Options::default() },
            path: path::Options {
                merge_slashes: true,
                escaped_slashes: EscapedSlashes::UnescapeAndRedirect,
                ..normalized
            },
            websocket: false,
        },
        Profile {
            name: "istio",
            options: Options::default(),
            path: path::Options { fragment: Fragment::Reject, ..normalized },
            websocket: true,
        },
        Profile { name: "websocket", options: Options::default(), path: path::Options::default(), websocket: true },
    ]
}

/// A request as the origin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    method: String,
    target: String,
    host: String,
    body: String,
    names: Vec<String>,
}

/// One connection through the codec.
struct Proxy<'a> {
    profile: &'a Profile,
    parser: request::Parser,
    current: Option<(ParsedRequest, BodyDecoder, Vec<u8>)>,
    seen: Vec<Seen>,
    status: Option<u16>,
    over: bool,
}

impl<'a> Proxy<'a> {
    fn new(profile: &'a Profile) -> Self {
        Self { profile, parser: request::Parser::default(), current: None, seen: Vec::new(), status: None, over: false }
    }

    fn end(&mut self, status: u16) {
        self.status = Some(status);
        self.over = true;
    }

    fn drive(&mut self, buf: &mut BytesMut) {
        while !self.over {
            if let Some((_, decoder, data)) = &mut self.current {
                match decoder.decode(buf) {
                    Err(error) => self.end(error.status()),
                    Ok(Decoded::NeedMore) => return,
                    Ok(Decoded::Data(bytes)) => data.extend_from_slice(&bytes),
                    Ok(Decoded::Trailers(_)) => unreachable!("trailers are off"),
                    Ok(Decoded::End) => {
                        let (request, _, data) = self.current.take().unwrap();
                        self.over = !request.keep_alive;
                        self.seen.push(forward(request, &data));
                    }
                }
                continue;
            }
            match detect(buf) {
                Detected::Undecided if self.seen.is_empty() => return,
                Detected::Http2 if self.seen.is_empty() => return,
                _ => {}
            }
            match self.parser.parse(buf, &self.profile.options) {
                Err(error) => self.end(error.status()),
                Ok(None) => return,
                Ok(Some(request)) => self.start(request),
            }
        }
    }

    fn start(&mut self, mut request: ParsedRequest) {
        if request.head.method == Method::Connect {
            return self.end(404);
        }
        match path::normalize(&request.head.path, self.profile.path) {
            Outcome::Unchanged => {}
            Outcome::Changed(path) => request.head.path = path,
            Outcome::RedirectTo(_) => return self.end(307),
            Outcome::Reject => return self.end(400),
        }
        if let Some(upgrade) = &request.upgrade {
            if !self.profile.websocket || !upgrade.eq_ignore_ascii_case(b"websocket") {
                return self.end(403);
            }
            request.body = BodyFraming::None;
            request.keep_alive = false;
        }
        let decoder = BodyDecoder::new(request.body, false);
        self.current = Some((request, decoder, Vec::new()));
    }
}

/// Encodes a request and reads it again, as an origin that takes nothing ambiguous.
fn forward(mut request: ParsedRequest, data: &[u8]) -> Seen {
    let hop = if request.upgrade.is_some() { Hop::Upgrade } else { Hop::Plain };
    hop::strip_request(&mut request.head.headers, hop);
    let mut wire = BytesMut::new();
    encode::encode_request_head(&request.head, request.body, &mut wire);
    let mut encoder = BodyEncoder::new(request.body);
    encoder.write(data, &mut wire).unwrap();
    encoder.finish(None, &mut wire).unwrap();

    let text = String::from_utf8_lossy(&wire).into_owned();
    let first = text.lines().next().unwrap();
    let parts: Vec<&str> = first.split(' ').collect();
    assert_eq!((parts.len(), parts[2]), (3, "HTTP/1.1"), "{first}");
    let options = Options { max_head_bytes: 1 << 20, ..Options::default() };
    let again = request::parse(&mut wire, &options).unwrap().unwrap();
    let mut decoder = body::BodyDecoder::new(again.body, true);
    let mut body = Vec::new();
    loop {
        match decoder.decode(&mut wire).unwrap() {
            Decoded::Data(bytes) => body.extend_from_slice(&bytes),
            Decoded::End => break,
            other if again.upgrade.is_some() => {
                assert_eq!(other, Decoded::NeedMore);
                break;
            }
            other => panic!("{other:?} in {text}"),
        }
    }
    assert!(wire.is_empty(), "bytes after the message: {wire:?}");
    Seen {
        method: again.head.method.to_string(),
        target: latin1(&again.head.path),
        host: latin1(&again.head.authority),
        body: latin1(&body),
        names: again.head.headers.iter().map(|(name, _)| name.to_owned()).collect(),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Whether a text is what the verdict recorded; of long ones only the size is known here.
fn same(ours: &str, theirs: &str) -> bool {
    match theirs.strip_prefix('<').and_then(|rest| rest.split_once(" bytes sha256 ")) {
        Some((size, _)) => size == ours.len().to_string(),
        None => ours == theirs,
    }
}

/// Why the kit would fail the case.
fn judge(case: &Value, seen: &[Seen], verdict: &Value) -> Option<String> {
    let want = verdict["requests"].as_array().unwrap();
    let stricter = case["stricter_ok"].as_bool().unwrap_or(false);
    if seen.len() > want.len() || (seen.len() < want.len() && !stricter) {
        return Some(format!("{} requests instead of {}", seen.len(), want.len()));
    }
    for request in seen {
        let forbidden = case["must_not_reach_origin"].as_array();
        for name in forbidden.into_iter().flatten().filter_map(Value::as_str) {
            // The others are removed outside of the codec.
            let hop = ["keep-alive", "proxy-connection", "x-secret"].contains(&name);
            if hop && request.names.iter().any(|have| have == name) {
                return Some(format!("{name} reached the origin"));
            }
        }
    }
    for (ours, theirs) in seen.iter().zip(want) {
        let mut compared = vec![("method", &ours.method), ("target", &ours.target), ("body", &ours.body)];
        if !stricter {
            compared.push(("host", &ours.host));
        }
        for (key, value) in compared {
            let wanted = theirs[key].as_str().unwrap();
            if !same(value, wanted) {
                return Some(format!("{key} is {value:?} instead of {wanted:?}"));
            }
        }
    }
    None
}

fn load(folder: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn every_case_ends_as_with_envoy_or_stricter_where_that_is_fine() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/adversarial/h1");
    if !folder.exists() {
        eprintln!("skipped: the adversarial kit is not beside the repository");
        return;
    }
    let verdicts = load(&folder, "verdicts.envoy-1.40.json");
    let (mut checked, mut other_status) = (0, Vec::new());
    let mut failures = Vec::new();
    for file in ["cases.json", "cases.llhttp.json"] {
        for case in load(&folder, file)["cases"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            let raw = base64::engine::general_purpose::STANDARD.decode(case["bytes_b64"].as_str().unwrap()).unwrap();
            for profile in profiles() {
                let entry = &verdicts["verdicts"][id];
                let verdict = entry.get(profile.name).or_else(|| entry.get("*"));
                let meant = case["profiles"]
                    .as_array()
                    .map_or(profile.name != "websocket", |names| names.iter().any(|name| name == profile.name));
                let (Some(verdict), true) = (verdict, meant) else {
                    continue;
                };
                let mut whole = Proxy::new(&profile);
                whole.drive(&mut BytesMut::from(&raw[..]));
                let mut split = Proxy::new(&profile);
                let mut buf = BytesMut::new();
                for byte in &raw {
                    buf.extend_from_slice(&[*byte]);
                    split.drive(&mut buf);
                }
                checked += 1;
                let name = format!("{id} [{}]", profile.name);
                if whole.seen != split.seen || whole.status != split.status {
                    failures.push(format!(
                        "{name}: whole {:?} {:?}, byte by byte {:?} {:?}",
                        whole.seen, whole.status, split.seen, split.status
                    ));
                }
                if let Some(why) = judge(case, &whole.seen, verdict) {
                    failures.push(format!("{name}: {why} (status {:?})", whole.status));
                }
                let last = verdict["statuses"].as_array().and_then(|all| all.last());
                let theirs = last.and_then(Value::as_u64).filter(|&status| status >= 300);
                let ours = whole.status.map(u64::from);
                if theirs != ours {
                    other_status.push(format!("{name}: {ours:?} instead of {theirs:?}"));
                }
            }
        }
    }
    println!("{checked} checked; other status in {}:", other_status.len());
    for line in &other_status {
        println!("  {line}");
    }
    assert!(checked > 600, "only {checked} cases found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
