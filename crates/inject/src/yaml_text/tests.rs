//! Texts that Go writes, and texts that are read back.

use lateen_config::json_documents;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{to_yaml, to_yaml_in_order};

/// What `sigs.k8s.io/yaml` 1.4 wrote for values, as pairs of the value and the text.
const RECORDED: &str = include_str!("recorded.jsonl");

#[test]
fn as_go_writes() {
    let mut count = 0;
    for line in RECORDED.lines() {
        let (json, expected): (Json, String) = serde_json::from_str(line).unwrap();
        assert_eq!(to_yaml(&json), expected, "{json}");
        count += 1;
    }
    assert!(count > 250, "{count} values");
}

#[test]
fn recorded_texts_are_read_back() {
    for line in RECORDED.lines() {
        let (json, text): (Json, String) = serde_json::from_str(line).unwrap();
        assert!(is_read_back(&json, &text), "{json}\n{text}");
    }
}

#[test]
fn layout() {
    let cases = [
        (json!(null), "null\n"),
        (json!({}), "{}\n"),
        (json!([]), "[]\n"),
        (json!({"a": {}, "b": [], "c": null}), "a: {}\nb: []\nc: null\n"),
        (json!({"a": {"b": {"c": 1}}}), "a:\n  b:\n    c: 1\n"),
        (json!({"a": [{"b": 1, "c": [2]}, [3, [4]]]}), "a:\n- b: 1\n  c:\n  - 2\n- - 3\n  - - 4\n"),
        (json!({"sh": ["-c", "a\nb\n"]}), "sh:\n- -c\n- |\n  a\n  b\n"),
        (json!([["a\n b"]]), "- - |-\n    a\n     b\n"),
        (
            json!({"a10": 1, "a9": 2, "B": 3, "a-b": 4, "a.b": 5, "ab": 6}),
            "B: 3\na-b: 4\na.b: 5\na9: 2\na10: 1\nab: 6\n",
        ),
    ];
    for (json, text) in cases {
        assert_eq!(to_yaml(&json), text, "{json}");
    }
}

#[test]
fn order_is_kept_where_it_is_asked_for() {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "spec": {"b": [{"z": 1, "a": "y"}], "a": 2}});
    assert_eq!(to_yaml_in_order(&pod), "kind: Pod\napiVersion: v1\nspec:\n  b:\n  - z: 1\n    a: \"y\"\n  a: 2\n");
    assert_eq!(to_yaml(&pod), "apiVersion: v1\nkind: Pod\nspec:\n  a: 2\n  b:\n  - a: \"y\"\n    z: 1\n");
}

#[test]
fn numbers_as_go_writes_them() {
    let cases = [
        (json!(1.0), "1"),
        (json!(-0.0), "0"),
        (json!(1e6), "1000000"),
        (json!(1e18), "1000000000000000000"),
        (json!(1e20), "1e+20"),
        (json!(1e21), "1e+21"),
        (json!(1.5), "1.5"),
        (json!(123_456.5), "123456.5"),
        (json!(1_234_567.5), "1.2345675e+06"),
        (json!(0.0001), "0.0001"),
        (json!(0.000_01), "1e-05"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!(u64::MAX), "18446744073709551615"),
    ];
    for (number, text) in cases {
        assert_eq!(to_yaml(&number).trim_end(), text);
    }
}

#[test]
fn what_readers_disagree_about_is_quoted() {
    for text in ["<<", "1e400", "x\u{2028}y", "a\nb\u{2029}", "\u{feff}"] {
        let yaml = to_yaml(&json!({ "k": text }));
        assert!(yaml.starts_with("k: \""), "{yaml}");
        assert!(is_read_back(&json!({ "k": text }), &yaml), "{yaml}");
    }
}

fn is_read_back(json: &Json, text: &str) -> bool {
    match json_documents("text", text).as_slice() {
        [document] => document.value.as_ref().is_some_and(|value| same(value, json)),
        _ => false,
    }
}

/// Equal but for the form of numbers and the order of keys.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

/// Texts of pieces that mean something in YAML, and of any characters.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        " ",
        "\n",
        "\t",
        "-",
        ":",
        "#",
        "'",
        "\"",
        "?",
        "|",
        ">",
        "[",
        "{",
        ",",
        "&",
        "*",
        "!",
        "%",
        "@",
        "---",
        "...",
        "a",
        "word",
        "é",
        "1",
        "0x",
        "e3",
        ".",
        "yes",
        "null",
        "~",
        "<<",
        "\\",
        "\r",
        "\u{85}",
        "\u{2028}",
        "$(POD)",
        "a rather long piece of a text",
        "2001-01-01",
    ]);
    prop_oneof![prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()), any::<String>()]
}

fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        4 => texts().prop_map(Json::String),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => any::<i64>().prop_map(Json::from),
        1 => prop::num::f64::NORMAL.prop_map(Json::from),
        1 => Just(Json::Null),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::vec((texts(), inner), 0..5)
                .prop_map(|entries| Json::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_value_is_read_back(json in values()) {
        for text in [to_yaml(&json), to_yaml_in_order(&json)] {
            prop_assert!(is_read_back(&json, &text), "{json}\n{text}");
        }
    }
}
