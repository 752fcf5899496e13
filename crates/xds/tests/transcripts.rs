//! Plays the conversations in `tests/transcripts` against a [`Session`].
//!
//! In: one text file per conversation. Out: a failure that names the file and
//! line where the session says something else. No socket, no clock.
//!
//! ```text
//! delta | sotw            the variant
//! world CDS a=1 b=1 LDS   the resources and versions that exist from now on
//! > CDS                   a request without names
//! > EDS +a -b             delta: subscribe to a, unsubscribe from b
//! > EDS [a b]             state of the world: all names
//! > CDS have a=1          delta: kept from an earlier stream
//! > CDS ack 3             answers the response with nonce 3
//! > CDS nack 3 a: broken  refuses it
//! < CDS #1 a=1 -b         expected: a sent in version 1, b removed
//! report nack a=1         expected: what the answer before was taken for
//! wait 5s                 time passes
//! ```

#![allow(clippy::unwrap_used)] // tests

use lateen_envoy_api::{Any, google::rpc::Status, type_url};
use lateen_xds::server::{Change, Outcome, Request, RequestError, Response, Session};
use lateen_xds::{Resource, ResourceSet, TypeSet, Variant};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TYPES: [(&str, &str); 5] = [
    ("CDS", type_url::CLUSTER),
    ("EDS", type_url::ENDPOINT),
    ("LDS", type_url::LISTENER),
    ("RDS", type_url::ROUTE),
    ("SDS", type_url::SECRET),
];

#[test]
fn conversations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "the transcripts are missing");
    let mut failures = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        if let Err(failure) = play(&text) {
            failures.push(format!("{}:{failure}", file.file_name().unwrap().display()));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

struct Play {
    session: Session,
    variant: Variant,
    now: Instant,
    generation: u64,
    said: VecDeque<String>,
    reported: Option<String>,
}

fn play(text: &str) -> Result<(), String> {
    let mut play: Option<Play> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let at = |reason: String| format!("{}: `{line}`: {reason}", number + 1);
        if line.is_empty() {
            continue;
        }
        let Some(play) = play.as_mut() else {
            let variant = match line {
                "delta" => Variant::Delta,
                "sotw" => Variant::StateOfTheWorld,
                _ => return Err(at("expected delta or sotw".into())),
            };
            play = Some(Play {
                session: Session::new(variant, Duration::from_secs(5)),
                variant,
                now: Instant::now(),
                generation: 0,
                said: VecDeque::new(),
                reported: None,
            });
            continue;
        };
        play.step(line).map_err(at)?;
    }
    match play {
        Some(play) if play.said.is_empty() => Ok(()),
        Some(play) => Err(format!("end: unexpected {:?}", play.said)),
        None => Err("empty".into()),
    }
}

impl Play {
    fn step(&mut self, line: &str) -> Result<(), String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(verb, "<" | "report") && !self.said.is_empty() {
            return Err(format!("before this the session also said {:?}", self.said));
        }
        match verb {
            "<" => {
                let said = self.said.pop_front().unwrap_or_else(|| "nothing".into());
                return if said == rest { Ok(()) } else { Err(format!("the session said {said}")) };
            }
            "report" => {
                let reported = self.reported.take().unwrap_or_else(|| "nothing".into());
                return if reported == rest { Ok(()) } else { Err(format!("reported {reported}")) };
            }
            "world" => {
                self.generation += 1;
                self.session.on_world(self.generation, Arc::new(world(rest)));
            }
            "wait" => {
                let seconds = rest.trim_end_matches('s').parse().unwrap();
                let end = self.now + Duration::from_secs(seconds);
                // As the shell does: wake up at each deadline on the way.
                while let Some(deadline) = self.session.deadline().filter(|at| *at <= end) {
                    self.now = self.now.max(deadline);
                    let before = self.said.len();
                    self.poll();
                    if self.said.len() == before && self.session.deadline() == Some(deadline) {
                        return Err("a deadline that nothing follows from".into());
                    }
                }
                self.now = end;
            }
            ">" => {
                let feedback = match self.session.on_request(request(self.variant, rest)) {
                    Ok(feedback) => feedback,
                    Err(error) => {
                        self.reported = Some(format!("error {error}"));
                        return Ok(());
                    }
                };
                self.reported = feedback.map(|(feedback, _)| match feedback.outcome {
                    Outcome::Accepted => "ack".into(),
                    Outcome::Refused { resources, .. } => {
                        let names = resources.iter().map(|(name, version)| format!(" {name}={version}"));
                        format!("nack{}", names.collect::<String>())
                    }
                });
            }
            _ => return Err("no such step".into()),
        }
        self.poll();
        Ok(())
    }

    fn poll(&mut self) {
        self.said.extend(self.session.poll(self.now).iter().map(describe));
    }
}

fn world(text: &str) -> ResourceSet {
    let mut types: BTreeMap<&str, Vec<Resource>> = BTreeMap::new();
    let mut current = "";
    for word in text.split_whitespace() {
        match word.split_once('=') {
            None => {
                current = url(word);
                types.insert(current, Vec::new());
            }
            Some((name, version)) => types.get_mut(current).unwrap().push(Resource {
                name: name.into(),
                version: version.parse().unwrap(),
                body: Any { type_url: current.into(), value: Vec::new() },
            }),
        }
    }
    types
        .into_iter()
        .fold(ResourceSet::new(), |set, (url, resources)| set.with(url, resources.into_iter().collect::<TypeSet>()))
}

fn request(variant: Variant, text: &str) -> Request {
    let mut words = text.split_whitespace().peekable();
    let type_url = url(words.next().unwrap());
    let (mut nonce, mut error) = (String::new(), None);
    let (mut all, mut subscribe, mut unsubscribe) = (Vec::new(), Vec::new(), Vec::new());
    let mut initial = BTreeMap::new();
    while let Some(word) = words.next() {
        match word {
            "ack" => nonce = words.next().unwrap().into(),
            "nack" => {
                nonce = words.next().unwrap().into();
                let message = words.by_ref().collect::<Vec<_>>().join(" ");
                error = Some(Status { code: 13, message, details: vec![] });
            }
            "have" => {
                for word in words.by_ref() {
                    let (name, version) = word.split_once('=').unwrap();
                    initial.insert(name.into(), version.into());
                }
            }
            _ if word.starts_with('+') => subscribe.push(word[1..].into()),
            _ if word.starts_with('-') => unsubscribe.push(word[1..].into()),
            _ => {
                let name = word.trim_matches(['[', ']']);
                all.extend((!name.is_empty()).then(|| name.to_owned()));
            }
        }
    }
    let change = match variant {
        Variant::StateOfTheWorld => Change::All(all),
        Variant::Delta => Change::Delta { subscribe, unsubscribe, initial },
    };
    Request { node: None, type_url: type_url.into(), nonce, error, change }
}

fn describe(response: &Response) -> String {
    let short = TYPES.iter().find(|(_, url)| *url == response.type_url).map_or("?", |(short, _)| short);
    let mut text = format!("{short} #{}", response.nonce);
    for resource in &response.resources {
        text += &format!(" {}={}", resource.name, resource.version);
    }
    for name in &response.removed {
        text += &format!(" -{name}");
    }
    text
}

fn url(short: &str) -> &'static str {
    TYPES.iter().find(|(name, _)| *name == short).unwrap_or_else(|| panic!("no type {short}")).1
}

#[test]
fn requests_that_make_no_sense_end_the_stream() {
    let mut session = Session::new(Variant::Delta, Duration::from_secs(5));
    let mut bad = request(Variant::Delta, "CDS");
    bad.type_url.clear();
    assert_eq!(session.on_request(bad), Err(RequestError::NoType));
    let other = request(Variant::StateOfTheWorld, "CDS");
    assert_eq!(session.on_request(other), Err(RequestError::Variant));
    let mut many = (0..100).map(|at| {
        let mut request = request(Variant::Delta, "CDS");
        request.type_url = format!("type.googleapis.com/x.T{at}");
        session.on_request(request)
    });
    assert!(many.any(|answer| matches!(answer, Err(RequestError::TooMany { .. }))));
}
