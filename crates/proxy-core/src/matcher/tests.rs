use super::*;
use crate::sample::request;
use lateen_core::Re2;

#[test]
fn strings_match_by_kind_and_case() {
    let matcher = |kind, ignore_case| StringMatcher { kind, ignore_case };
    for (kind, ignore_case, text, wanted) in [
        (StringKind::Exact("Ab".into()), false, "ab", false),
        (StringKind::Exact("Ab".into()), true, "aB", true),
        (StringKind::Prefix("/A".into()), true, "/ab", true),
        (StringKind::Prefix("/abc".into()), false, "/ab", false),
        (StringKind::Suffix(".COM".into()), true, "x.com", true),
        (StringKind::Contains("BC".into()), true, "abcd", true),
        (StringKind::Contains("bc".into()), false, "aBCd", false),
        (StringKind::Regex(Re2::full("a|ab").expect("regex")), false, "ab", true),
        (StringKind::Regex(Re2::full("a|b").expect("regex")), false, "ab", false),
        (StringKind::Regex(Re2::full("a.").expect("regex")), false, "a\n", false),
    ] {
        assert_eq!(matcher(kind.clone(), ignore_case).matches(text.as_bytes()), wanted, "{kind:?} {text}");
    }
    assert!(Re2::full(")(").is_err());
}

#[test]
fn parameters_are_taken_as_they_stand() {
    let found: Vec<(&[u8], &[u8])> = parameters(b"a=1&b&&c=x=y%20#d=1").collect();
    let wanted: [(&[u8], &[u8]); 3] = [(b"a", b"1"), (b"b", b""), (b"c", b"x=y%20")];
    assert_eq!(found, wanted);
}

#[test]
fn pseudo_headers_are_found() {
    let head = request("PUT a.com/p", &["x: 1", "x: 2"]);
    for (name, wanted) in [
        (":path", Some("/p")),
        (":method", Some("PUT")),
        (":authority", Some("a.com")),
        ("x", Some("1,2")),
        (":none", None),
    ] {
        let found = pseudo_or_header(&head, name);
        assert_eq!(
            found.as_deref().map(|value| String::from_utf8_lossy(value).into_owned()).as_deref(),
            wanted,
            "{name}"
        );
    }
}
