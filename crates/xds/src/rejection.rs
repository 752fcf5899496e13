//! How a NACK says which resources were refused, and how that is read.
//!
//! In: rejected resources, or the `error_detail` of a request. Out: the other.
//! The client writes one `ResourceError` per resource into the details and all
//! reasons into the message; Envoy and others write only a message, in which
//! the server looks for the names that it sent.

use lateen_envoy_api::google::rpc::Status;
use lateen_envoy_api::v3::discovery::{ResourceError, ResourceName};
use lateen_envoy_api::{pack, unpack};
use std::collections::BTreeSet;

/// `google.rpc.Code.INVALID_ARGUMENT`, which Envoy puts into its NACKs too.
const INVALID_ARGUMENT: i32 = 3;

/// A resource that the client did not take, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The name of the resource.
    pub name: String,
    /// For a human: the field and what is wrong with it.
    pub reason: String,
}

pub(crate) fn encode(rejected: &[Rejected]) -> Status {
    let message: Vec<_> = rejected.iter().map(|one| format!("{}: {}", one.name, one.reason)).collect();
    let details = rejected.iter().map(|one| {
        pack(&ResourceError {
            resource_name: Some(ResourceName { name: one.name.clone(), ..Default::default() }),
            error_detail: Some(Status { code: INVALID_ARGUMENT, message: one.reason.clone(), details: Vec::new() }),
        })
    });
    Status { code: INVALID_ARGUMENT, message: message.join("; "), details: details.collect() }
}

/// The names among `sent` that `status` blames; empty when it names none.
pub(crate) fn blamed<'a>(status: &Status, sent: impl Iterator<Item = &'a str> + Clone) -> BTreeSet<String> {
    let listed: BTreeSet<String> = status
        .details
        .iter()
        .filter_map(|detail| unpack::<ResourceError>(detail).ok()?.resource_name)
        .map(|resource| resource.name)
        .collect();
    let from_details: BTreeSet<String> =
        sent.clone().filter(|name| listed.contains(*name)).map(str::to_owned).collect();
    if !from_details.is_empty() {
        return from_details;
    }
    sent.filter(|name| mentions(&status.message, name)).map(str::to_owned).collect()
}

/// Whether `name` stands in `message` as a whole and not as part of a longer name.
fn mentions(message: &str, name: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    message.match_indices(name).any(|(at, _)| {
        let before = message.get(..at).and_then(|text| text.chars().next_back());
        let mut after = message.get(at + name.len()..).unwrap_or_default().chars();
        let (next, second) = (after.next(), after.next());
        let ends = match next {
            // Punctuation is part of a name only when the name goes on behind it.
            Some('.' | ':') => !second.is_some_and(continues),
            Some(letter) => !continues(letter),
            None => true,
        };
        ends && !before.is_some_and(|letter| continues(letter) || letter == '.')
    })
}

fn continues(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '|' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whole_in_a_message() {
        let sent = ["outbound|80||a", "outbound|80||a.com", "in", "0.0.0.0_80"];
        for (message, names) in [
            ("Error adding/updating cluster(s) outbound|80||a.com: bad", vec!["outbound|80||a.com"]),
            ("cluster 'outbound|80||a': bad", vec!["outbound|80||a"]),
            ("outbound|80||a: x\noutbound|80||a.com: y", vec!["outbound|80||a", "outbound|80||a.com"]),
            ("Error adding/updating listener(s) 0.0.0.0_80: error adding listener", vec!["0.0.0.0_80"]),
            ("something inside broke", vec![]),
            ("bad: in.", vec!["in"]),
            ("", vec![]),
        ] {
            let status = Status { code: 13, message: message.into(), details: vec![] };
            let found = blamed(&status, sent.into_iter());
            assert_eq!(
                found.into_iter().collect::<Vec<_>>(),
                {
                    let mut names = names;
                    names.sort_unstable();
                    names
                },
                "{message}"
            );
        }
    }

    #[test]
    fn details_count_before_the_message() {
        let status = encode(&[Rejected { name: "a".into(), reason: "clashes with b".into() }]);
        assert_eq!(status.message, "a: clashes with b");
        let found = blamed(&status, ["a", "b"].into_iter());
        assert_eq!(found, BTreeSet::from(["a".to_owned()]));
    }
}
