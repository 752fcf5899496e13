use serde_json::json;

use super::*;

#[test]
fn arguments_are_decoded_and_repeated_names_become_lists() {
    let cases = [
        ("", json!({})),
        ("a=1", json!({ "a": "1" })),
        ("a=1&b", json!({ "a": "1", "b": "" })),
        ("a=1&a=2&a=3", json!({ "a": ["1", "2", "3"] })),
        ("q=x+y%20z%2F", json!({ "q": "x y z/" })),
        ("q=100%&r=%4", json!({ "q": "100%", "r": "%4" })),
        ("q=%zz%41", json!({ "q": "%zzA" })),
    ];
    for (query, want) in cases {
        assert_eq!(args(query), want, "{query}");
    }
}

#[test]
fn headers_are_named_as_httpbin_names_them() {
    let (head, ()) = http::Request::builder()
        .uri("/headers")
        .header("host", "shop.example.com")
        .header("x-request-id", "1")
        .header("accept", "a")
        .header("accept", "b")
        .body(())
        .unwrap()
        .into_parts();
    assert_eq!(headers(&head), json!({ "Host": "shop.example.com", "X-Request-Id": "1", "Accept": "a,b" }));
}
