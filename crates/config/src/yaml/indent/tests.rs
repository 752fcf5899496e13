//! Texts that the readers of Kubernetes take, beside the same with the indentation that YAML wants.

use serde_json::json;

use crate::json_documents;

#[test]
fn lines_inside_brackets_and_quotes_may_stand_anywhere() {
    let cases = [
        ("a:\n  b: {\n  }\nc: 1\n", json!({"a": {"b": {}}, "c": 1})),
        ("a:\n  b: {\n\n  }\nc: 1\n", json!({"a": {"b": {}}, "c": 1})),
        ("a:\n  b: {\n    x: v,\n}\nc: 1\n", json!({"a": {"b": {"x": "v"}}, "c": 1})),
        ("a:\n  b: {\nx: v,\nz: {\n}\n}\nc: 1\n", json!({"a": {"b": {"x": "v", "z": {}}}, "c": 1})),
        ("a:\n  b: [\n  {x: 'it''s'},\n  \"#\" # all\n  ]\n", json!({"a": {"b": [{"x": "it's"}, "#"]}})),
        ("a:\n- b: [\n  ]\n- c: [\n1, 2,\n  3]\n- d\n", json!({"a": [{"b": []}, {"c": [1, 2, 3]}, "d"]})),
        ("a:\n  b: {\"x\": \"y\nz\"}\n", json!({"a": {"b": {"x": "y z"}}})),
        ("a:\n  b: \"x\ny\n\n  z\"\n  c: 'd\ne'\n", json!({"a": {"b": "x y\nz", "c": "d e"}})),
    ];
    for (text, want) in cases {
        let mut documents = json_documents("f.yaml", text);
        assert_eq!(documents.len(), 1, "{text}");
        let document = documents.remove(0);
        assert_eq!(document.error, None, "{text}");
        assert_eq!(document.value, Some(want), "{text}");
    }
}

#[test]
fn what_is_wrong_keeps_its_place() {
    let cases = [
        // Behind lines that were moved, and on one.
        ("a:\n  b: {\n  }\nc: [1\n", 4),
        ("a:\n  b: {\n  x: v, @\n  }\n", 3),
        ("a:\n  b: \"x\ny\n", 2),
        ("a:\n  b: c\n d: e\n", 3),
    ];
    for (text, line) in cases {
        let error = json_documents("f.yaml", text).remove(0).error.unwrap();
        assert_eq!(error.place.line, line, "{text}: {}", error.message);
        assert!(error.place.column < 12, "{text}: {}", error.place);
    }
}

#[test]
fn a_line_of_a_block_is_not_moved() {
    let documents = json_documents("f.yaml", "a: {\n}\nb:\n  c: {\n  }\n  d: e\n---\nf: [\n]\n");
    let values: Vec<_> = documents.into_iter().map(|document| document.value).collect();
    assert_eq!(values, [Some(json!({"a": {}, "b": {"c": {}, "d": "e"}})), Some(json!({"f": []}))]);
}

#[test]
fn a_long_list_at_the_left_edge_is_read() {
    let items: Vec<String> = (0..5000).map(|n| format!("{{\"n\": {n}, \"t\": [\"a\",\n\"b\"]}}")).collect();
    let text = format!("a:\n  b: [\n{}\n]\nc: 1\n", items.join(",\n"));
    let document = json_documents("f.yaml", &text).remove(0);
    let value = document.value.unwrap();
    assert_eq!(value["a"]["b"].as_array().map(Vec::len), Some(5000));
    assert_eq!(value["a"]["b"][4999], json!({"n": 4999, "t": ["a", "b"]}));
    assert_eq!(value["c"], 1);
}

#[test]
fn what_moving_lines_may_cost_is_bounded_over_all_documents_of_a_file() {
    // Each document takes a hundred attempts, of about a megabyte together.
    let document = format!("a:\n  b: [\n{}]\n", "1, #\n".repeat(100));
    let documents = json_documents("f.yaml", &vec![document; 100].join("---\n"));
    assert_eq!(documents.len(), 100);
    let read = documents.iter().filter(|document| document.value.is_some()).count();
    assert!((1..50).contains(&read), "{read}");
    let error = documents[99].error.as_ref().unwrap();
    assert_eq!((error.place.line, error.message.contains("invalid indentation")), (99 * 104 + 3, true), "{error:?}");

    // Lines of two bytes would become a hundred times as long.
    let text = format!("a:\n  b: [\n{}]\n", "1,\n".repeat(200_000));
    assert!(json_documents("f.yaml", &text).remove(0).error.is_some());
}

/// As go-yaml's scanner reads them (`yaml_parser_scan_to_next_token`): tabs anywhere but where a key may begin, comments
/// behind any token.
#[test]
fn tabs_before_values_and_comments_behind_tokens_are_read() {
    let cases = [
        ("a:\tb\n", json!({"a": "b"})),
        ("a:\t\tb\n\"c\":\t -d\n\u{fc}:\te\tf # g\n", json!({"a": "b", "c": "-d", "\u{fc}": "e\tf"})),
        (
            "a: {b:\tc, d:\t[e]}#f\ng: 'h'#i\nj: \"k\"#l: \"m\n",
            json!({"a": {"b": "c", "d": ["e"]}, "g": "h", "j": "k"}),
        ),
        ("a: |\n  b:\tc 'd'#e\nf: g#h\n", json!({"a": "b:\tc 'd'#e\n", "f": "g#h"})),
        ("a: [\n'b'#c\n, d ]\ne:\tf\n", json!({"a": ["b", "d"], "e": "f"})),
        // Here a key may begin, or no value.
        ("? a\n:\tb\n", json!(null)),
        ("a:\tb: c\n", json!(null)),
        ("a:\t- b\n", json!(null)),
        ("a:\n\tb: c\n", json!(null)),
    ];
    for (text, want) in cases {
        let document = json_documents("f.yaml", text).remove(0);
        assert_eq!(document.error.is_some(), want.is_null(), "{text:?}: {:?}", document.error);
        if !want.is_null() {
            assert_eq!(document.value, Some(want), "{text:?}");
        }
    }
    let error = json_documents("f.yaml", "a:\tb\nc: 'd'#e\nf:\tg: h\n").remove(0).error.unwrap();
    assert_eq!((error.place.line, error.place.column), (3, 5), "{}", error.message);
}
