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
        ("[a&&b]", false),
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
