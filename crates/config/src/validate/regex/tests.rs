use super::*;

#[test]
fn expressions_are_judged_as_re2_does() {
    let long = "a".repeat(1025);
    for (text, good) in [
        (".*", true),
        ("^/v[0-9]+/(.*)$", true),
        ("(?i)abc", true),
        ("(?P<name>x)", true),
        ("a{1,1000}", true),
        ("a*?b+?", true),
        ("[]a]", true),
        ("[^]a]", true),
        ("[a-z&]", true),
        ("\\d+\\.\\w", true),
        ("a?b??", true),
        ("[*+?]{2}", true),
        ("", false),
        ("*", false),
        ("(", false),
        ("[", false),
        ("a**", false),
        ("a+*", false),
        ("a{2}{3}", false),
        ("a{1001}", false),
        ("(?=x)", false),
        ("(?!x)", false),
        ("(a)\\1", false),
        ("(?x) a", false),
        ("[a&&b]", true),
        ("\\w{1,255}", true),
        ("[\\w.-]{1,300}", true),
        ("\\Q(\\E", true),
        ("\\u0041", false),
        ("\\pL{900}{900}", false),
        (long.as_str(), false),
    ] {
        assert_eq!(regex(text).is_ok(), good, "{text:?}: {:?}", regex(text));
    }
}

#[test]
fn groups_are_counted() {
    assert_eq!(groups("(a)(?:b)(?P<c>c)"), Ok(2));
}

/// What is refused for its size is refused without compiling it, and so is what is taken.
#[test]
fn many_large_expressions_are_judged_at_once() {
    let (large, hostile) = (r"\pL{170}", r"(?i)[\pL\x{100}-\x{10000}]{1000}");
    let start = std::time::Instant::now();
    for _ in 0..2000 {
        assert!(regex(large).is_ok());
        assert!(regex(hostile).is_err());
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}
