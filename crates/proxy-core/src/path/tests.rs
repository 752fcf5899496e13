//! Path normalisation by cases: a path, options, and what becomes of it.

use super::{EscapedSlashes, Fragment, Options, Outcome, normalize};

fn run(path: &str, options: Options) -> String {
    match normalize(path.as_bytes(), options) {
        Outcome::Unchanged => "=".to_owned(),
        Outcome::Changed(new) => String::from_utf8_lossy(&new).into_owned(),
        Outcome::RedirectTo(new) => format!("307 {}", String::from_utf8_lossy(&new)),
        Outcome::Reject => "400".to_owned(),
    }
}

#[test]
fn rfc_3986_normalisation() {
    let options = Options { normalize_path: true, ..Options::default() };
    for (path, want) in [
        ("/", "="),
        ("/a.b/c..d", "="),
        ("/a/./b", "/a/b"),
        ("/a/../../../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a//../b", "/a/b"),
        ("/..", "/"),
        ("/%2E%2e", "/"),
        ("/a%2Eb", "/a.b"),
        ("/%7Ea%41", "/~aA"),
        ("/a%2fb%3F", "="),
        ("/a\\..\\b", "/b"),
        ("/a|b^c`d", "/a%7Cb%5Ec%60d"),
        ("/a%zz%", "="),
        ("/a/..;x=1/b", "/b"),
        ("/a/.;/b", "/a/b"),
        ("/a..;/b", "="),
        ("/a?b=/../%41", "="),
        ("/a%00", "400"),
        ("/a#b", "400"),
        ("a", "400"),
        ("*", "400"),
    ] {
        assert_eq!(run(path, options), want, "{path}");
    }
}

#[test]
fn escaped_slashes_by_action() {
    for (action, path, want) in [
        (EscapedSlashes::Keep, "/a%2f..%2Fb", "="),
        (EscapedSlashes::Reject, "/a%2f..%2Fb", "400"),
        (EscapedSlashes::UnescapeAndForward, "/a%2f..%5Cb?c", "/b?c"),
        (EscapedSlashes::UnescapeAndRedirect, "/a%2f%2Fb", "307 /a/b"),
        (EscapedSlashes::UnescapeAndRedirect, "/a//b", "/a/b"),
        (EscapedSlashes::Reject, "/a?%2f", "="),
        (EscapedSlashes::Reject, "/a%252f", "="),
    ] {
        let options =
            Options { normalize_path: true, merge_slashes: true, escaped_slashes: action, fragment: Fragment::Reject };
        assert_eq!(run(path, options), want, "{action:?} {path}");
    }
}

#[test]
fn a_fragment_is_cut_off_where_configured() {
    let options = Options { fragment: Fragment::Strip, ..Options::default() };
    assert_eq!(run("/a?b#c", options), "/a?b");
    assert_eq!(run("/#", options), "/");
    assert_eq!(run("/a//../b", options), "=");
}
