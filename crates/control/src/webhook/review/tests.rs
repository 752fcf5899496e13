//! Bodies that are AdmissionReviews, and many that are not.

use super::{Answer, Review, Verdict, Version};
use serde_json::{Value as Json, json};

fn question(api: &str) -> Json {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": api,
        "request": {
            "uid": "b1c2",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "operation": "CREATE",
            "namespace": "shop",
            "dryRun": true,
            "object": {"metadata": {"name": "cart"}, "spec": {"containers": []}},
            "userInfo": {"username": "somebody"},
        },
    })
}

fn message(body: &[u8]) -> String {
    Review::decode(body).unwrap_err().to_string()
}

#[test]
fn both_versions_are_read_and_answered_in_kind() {
    for (api, version) in [("admission.k8s.io/v1", Version::V1), ("admission.k8s.io/v1beta1", Version::V1Beta1)] {
        let review = Review::decode(question(api).to_string().as_bytes()).unwrap();
        assert_eq!(
            (review.version, review.uid.as_str(), review.namespace.as_str(), review.kind.as_str(), review.dry_run),
            (version, "b1c2", "shop", "Pod", true)
        );
        assert_eq!(review.object["metadata"]["name"], "cart");
        let answer =
            Answer { version: review.version, uid: review.uid, verdict: Verdict::Allow, warnings: Vec::new() }.encode();
        let answer: Json = serde_json::from_slice(&answer).unwrap();
        let expected = json!({
            "kind": "AdmissionReview", "apiVersion": api, "response": {"uid": "b1c2", "allowed": true},
        });
        assert_eq!(answer, expected);
    }
}

/// A place in the question, what stands there instead, and what the message says.
const WRONG: &[(&str, &str, &str)] = &[
    ("/kind", "\"Pod\"", "its kind is `\"Pod\"`"),
    ("/kind", "null", "its kind is missing"),
    ("/apiVersion", "\"admission.k8s.io/v2\"", "apiVersion is `\"admission.k8s.io/v2\"`"),
    ("/apiVersion", "1", "apiVersion is `1`"),
    ("/apiVersion", "null", "apiVersion is missing"),
    ("/request", "null", "no `request`"),
    ("/request", "[]", "request is a list, and wants an object"),
    ("/request/uid", "7", "request.uid is `7`, and wants a text"),
    ("/request/namespace", "{}", "request.namespace is an object"),
];

#[test]
fn what_is_wrong_is_named() {
    for (place, value, expected) in WRONG {
        let mut body = question("admission.k8s.io/v1");
        *body.pointer_mut(place).unwrap() = serde_json::from_str(value).unwrap();
        let message = message(body.to_string().as_bytes());
        assert!(message.contains(expected), "{place} = {value}: {message}");
    }
}

#[test]
fn bytes_that_are_no_review_are_told_apart() {
    let whole = question("admission.k8s.io/v1").to_string();
    for cut in 1..whole.len() {
        assert!(message(&whole.as_bytes()[..cut]).contains("cut off"), "after {cut} bytes");
    }
    assert!(message(b" \n").contains("empty"));
    assert!(message(b"hello").contains("not JSON"));
    assert!(message(b"[]").contains("its kind is a list"));
    assert!(message(&[0xff; 20]).contains("not JSON"));
    assert!(message(format!("{whole}{{}}").as_bytes()).contains("not JSON"), "more than one document");
    assert!(message("[".repeat(100_000).as_bytes()).contains("not JSON"), "too deep");
}

#[test]
fn a_refusal_carries_its_message_and_warnings_stay_on_a_line() {
    let answer = Answer {
        version: Version::V1,
        uid: "b1c2".to_owned(),
        verdict: Verdict::Deny { code: 500, message: "template `sidecar`\nline 3".to_owned() },
        warnings: vec!["first\n  second\tthird".to_owned()],
    };
    let answer: Json = serde_json::from_slice(&answer.encode()).unwrap();
    let response = &answer["response"];
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["message"], "template `sidecar`\nline 3");
    assert_eq!(response["status"]["code"], 500);
    assert_eq!(response["warnings"], json!(["first second third"]));
    assert_eq!(response.get("patch"), None);
}
