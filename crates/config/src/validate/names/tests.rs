use super::*;

#[test]
fn hosts_are_told_from_other_texts() {
    let long = "a".repeat(64);
    for (text, plain, wildcard) in [
        ("shop", true, true),
        ("shop.example.com", true, true),
        ("shop.example.com.", true, true),
        ("Shop.Example.COM", true, true),
        ("*", false, true),
        ("*.example.com", false, true),
        ("*-eu.example.com", false, true),
        ("*eu.example.com", false, true),
        ("a.*.com", false, false),
        ("eu*.example.com", false, false),
        ("", false, false),
        (".", false, false),
        ("a..b", false, false),
        ("-a.b", false, false),
        ("a_b.c", false, false),
        ("10.0.0.1", false, false),
        ("a.1", false, false),
        ("ä.com", false, false),
        ("a b", false, false),
        (long.as_str(), false, false),
    ] {
        assert_eq!(host(text).is_ok(), plain, "host {text:?}");
        assert_eq!(wildcard_host(text).is_ok(), wildcard, "wildcard {text:?}");
    }
}

#[test]
fn a_wildcard_stands_alone() {
    for (text, good) in [("*", true), ("*.a.com", true), ("a.com", true), ("*-a.com", false), ("*a.com", false)] {
        assert_eq!(whole_wildcard(text).is_ok(), good, "{text}");
    }
}
