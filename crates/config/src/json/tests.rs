//! Documents as JSON: scalars, duplicates, lines, raw texts.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::{JsonDocument, json_documents};

fn one(text: &str) -> JsonDocument {
    let mut documents = json_documents("pod.yaml", text);
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

#[test]
fn scalars_mean_what_kubernetes_makes_of_them() {
    for (text, expected) in [
        ("a: yes", json!(true)),
        ("a: Off", json!(false)),
        ("a: 'yes'", json!("yes")),
        ("a: 0644", json!(420)),
        ("a: 0x1F", json!(31)),
        ("a: 9223372036854775808", json!(9223372036854775808u64)),
        ("a: -9223372036854775808", json!(i64::MIN)),
        ("a: 1e3", json!(1000)),
        ("a: 1.0", json!(1)),
        ("a: 0.5", json!(0.5)),
        ("a: 18446744073709551616", json!(1.8446744073709552e19)),
        ("a: 2020-01-01", json!("2020-01-01")),
        ("a: ~", Value::Null),
        ("a:", Value::Null),
        ("a: |\n  x\n  y\n", json!("x\ny\n")),
        ("{\"a\": [1, {}]}", json!([1, {}])),
        ("x: &x {b: 1, c: 2}\na: {<<: *x, c: 3}", json!({"c": 3, "b": 1})),
        ("a: 1000m", json!("1000m")),
        ("a: 1_000", json!(1000)),
    ] {
        let value = one(text).value.unwrap();
        assert_eq!(value["a"], expected, "{text}");
        assert_eq!(value["a"].to_string(), expected.to_string(), "{text}");
    }
}

#[test]
fn keys_keep_their_order() {
    assert_eq!(one("b: 1\na: 2\nc: {z: 1, w: 2}\n").value.unwrap().to_string(), r#"{"b":1,"a":2,"c":{"z":1,"w":2}}"#);
}

/// What is written, what comes out, and path, key and lines of each duplicate.
#[test]
fn maps_that_stand_twice_are_merged_and_all_duplicates_told() {
    for (text, value, duplicates) in [
        ("a: 1\na: 2\n", json!({"a": 2}), vec![(vec![], "a", 1, 2)]),
        ("a: {b: 1, c: 1}\na: {c: 2}\n", json!({"a": {"b": 1, "c": 2}}), vec![(vec![], "a", 1, 2)]),
        ("a: {b: {x: 1}}\na: {b: {w: 2}}\n", json!({"a": {"b": {"x": 1, "w": 2}}}), vec![(vec![], "a", 1, 2)]),
        ("a: {b: 1}\na: [1]\n", json!({"a": [1]}), vec![(vec![], "a", 1, 2)]),
        ("a: {b: 1}\na:\n", json!({"a": null}), vec![(vec![], "a", 1, 2)]),
        ("a: 1\na: 2\na: 3\n", json!({"a": 3}), vec![(vec![], "a", 1, 2), (vec![], "a", 1, 3)]),
        (
            "l:\n- m:\n    k: 1\n    o: 1\n    k: 2\n",
            json!({"l": [{"m": {"k": 2, "o": 1}}]}),
            vec![(vec!["l", "0", "m"], "k", 3, 5)],
        ),
        ("true: 1\nyes: 2\n", json!({"true": 2}), vec![(vec![], "true", 1, 2)]),
    ] {
        let document = one(text);
        assert_eq!(document.value, Some(value), "{text}");
        let found: Vec<_> = document
            .duplicates
            .iter()
            .map(|d| (d.path.iter().map(String::as_str).collect(), d.key.as_str(), d.first, d.second))
            .collect();
        assert_eq!(found, duplicates, "{text}");
    }
}

#[test]
fn many_duplicates_are_told_in_part() {
    let text = format!("a: &a {{k: 1, k: 2}}\nb: [{}]\n", vec!["*a"; 500].join(", "));
    let document = one(&text);
    assert_eq!(document.duplicates.len(), 200);
    assert_eq!(document.value.unwrap()["b"][499], json!({"k": 2}));
}

#[test]
fn each_document_has_its_text_and_line() {
    let shown = |text: &str| -> Vec<(String, usize, Option<Value>)> {
        json_documents("x", text).into_iter().map(|d| (d.text, d.line, d.value)).collect()
    };
    let of = |text: &str, line, value| (text.to_owned(), line, Some(value));
    for (text, expected) in [
        ("", vec![of("", 1, Value::Null)]),
        ("a: 1\n", vec![of("a: 1\n", 1, json!({"a": 1}))]),
        ("a: 1\n---\nb: 2", vec![of("a: 1\n", 1, json!({"a": 1})), of("b: 2", 3, json!({"b": 2}))]),
        ("---\r\na: 1\r\n", vec![of("a: 1\n", 2, json!({"a": 1}))]),
        ("# c\n---\n  # d\na: 1\n", vec![of("  # d\na: 1\n", 3, json!({"a": 1}))]),
        ("a: 1\n---\n", vec![of("a: 1\n", 1, json!({"a": 1})), of("", 3, Value::Null)]),
        ("---\n---\na: 1\n", vec![of("", 2, Value::Null), of("a: 1\n", 3, json!({"a": 1}))]),
        ("--- {a: 1}\n", vec![of("--- {a: 1}\n", 1, json!({"a": 1}))]),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn what_does_not_parse_is_told_and_spares_the_rest() {
    let documents = json_documents("pod.yaml", "a: 1\n---\na: [\n---\nb: 2\nc: .nan\n---\nd: 1\n");
    let shown: Vec<_> = documents.iter().map(|d| d.error.as_ref().map(|e| e.place.to_string())).collect();
    assert_eq!(shown, [None, Some("pod.yaml:3:5".to_owned()), Some("pod.yaml:6:4".to_owned()), None]);
    assert_eq!(documents.iter().map(|d| d.value.is_some()).collect::<Vec<_>>(), [true, false, false, true]);
    assert!(documents[1].text.contains('['));
}

#[test]
fn values_are_found_by_their_path() {
    let document =
        &json_documents("x", "---\nspec:\n  containers:\n  - name: a\n  - image: b\n    name: c\nspec:\n  x: 1\n")[0];
    for (path, line) in [
        (&[][..], Some(2)),
        (&["spec", "x"], Some(8)),
        (&["spec", "containers", "1", "name"], Some(6)),
        (&["spec", "containers", "0"], Some(4)),
        (&["spec", "containers", "2"], None),
        (&["spec", "containers", "x"], None),
        (&["metadata"], None),
    ] {
        assert_eq!(document.line_of(path), line, "{path:?}");
    }
}
