//! The dialect: what matches, what is refused, and that what is checked compiles.

use super::*;
use proptest::prelude::*;

#[test]
fn texts_match_as_in_re2() {
    let cases: &[(&str, &str, bool)] = &[
        // Perl's classes are ASCII, Unicode's are not.
        (r"\w+", "abc_1", true),
        (r"\w", "é", false),
        (r"\W", "é", true),
        (r"\d", "٣", false),
        (r"\pN", "٣", true),
        (r"\s", "\u{a0}", false),
        (r"\s", "\x0b", false),
        (r"[[:space:]]", "\x0b", true),
        (r"[[:^alpha:]]", "a", false),
        (r"[[:^alpha:]]", "é", true),
        (r"[\D]", "5", false),
        (r"\p{Greek}+", "αβγ", true),
        (r"\p{^Greek}", "α", false),
        (r"\P{Greek}", "a", true),
        (r"[\pL\d]+", "é5", true),
        (r"\pZ", " ", true),
        (r"\p{Any}", "\u{10ffff}", true),
        (r"\pC", "\u{378}", false),
        (r".*\bé\b.*", "é", false),
        (r"é\ba", "éa", true),
        (r"\w{1,255}", "abc", true),
        (r"[\w.-]{1,300}", "a.b-c", true),
        // Dot is one character, and no line break.
        (".", "é", true),
        ("..", "é", false),
        (r"\C\C", "é", true),
        (".", "\n", false),
        ("(?s).", "\n", true),
        ("(?s:.).", "\na", true),
        ("(?s:.).", "\n\n", false),
        // Literals.
        (r"\Qa.b*\E+", "a.b***", true),
        (r"\Qa.b*\E+", "a.b", false),
        (r"\Qa\b", r"a\b", true),
        (r"\Q\E", "", true),
        (r"\101\x42\x{43}\07", "ABC\x07", true),
        (r"\0", "\0", true),
        (r"\x{000000000041}", "A", true),
        (r"\a\f\v\t\r\n", "\x07\x0c\x0b\t\r\n", true),
        (r"\/\-\#\ \é", "", false),
        ("a{,5}", "a{,5}", true),
        ("a{01}", "a{01}", true),
        ("a{", "a{", true),
        ("}]", "}]", true),
        ("# <>~&", "# <>~&", true),
        (r"\<\>", "<>", true),
        // Brackets have no operators.
        ("[a&&b]+", "a&b", true),
        ("[+--]+", "+,-", true),
        ("[~~]+", "~", true),
        ("[[a]+", "[a", true),
        ("[]a]+", "]a", true),
        ("[^]a]", "]", false),
        ("[a-]+", "a-", true),
        ("[-a]+", "a-", true),
        (r"[\w-x]+", "a-", true),
        (r"[\]\\\-]+", r"\]-", true),
        ("[é-ü]", "ö", true),
        ("[^a]", "é", true),
        ("[^a]", "\n", true),
        (r"[\x{d800}-\x{dfff}]|a", "a", true),
        (r"[^\x{d800}]", "a", true),
        ("[[:x]+", "[:x", true),
        // Ends of the text and of lines.
        ("^a$", "a", true),
        ("^a$", "a\n", false),
        ("(?m)a$\\nb", "a\nb", true),
        ("a$\\nb", "a\nb", false),
        (r"\Aa\z", "a", true),
        // Flags last to the end of their group, through its alternatives.
        ("(?i)aBc", "AbC", true),
        ("(?:(?i)a)b", "Ab", true),
        ("(?:(?i)a)b", "AB", false),
        ("(?i:a)b", "AB", false),
        ("(?i)a(?-i)b", "AB", false),
        ("(?i)a(?-i)b", "Ab", true),
        ("a(?i)b|c", "C", true),
        ("(?:a(?i)b|c)d", "Cd", true),
        ("(?:a(?i)b|c)d", "CD", false),
        ("(?i)(?:a(?-i)b|c)", "C", false),
        ("a(?i)*", "aaa", true),
        ("(?i)k", "\u{212a}", true),
        ("(?i)[^k]", "K", false),
        (r"(?i)[[:lower:]]", "A", true),
        ("(?)a", "a", true),
        ("(?i-s).", "a", true),
        // Groups and alternatives.
        ("(?P<n>a)(?<m>b)(?P<1>c)", "abc", true),
        ("|a", "", true),
        ("(|a)*", "aa", true),
        ("^*a", "a", true),
        ("()", "", true),
        ("(?U)a+?b", "aab", true),
    ];
    for (pattern, text, matches) in cases {
        match Re2::full(pattern) {
            Ok(re2) => assert_eq!(re2.is_match(text.as_bytes()), *matches, "{pattern:?} {text:?}"),
            Err(error) => assert!(!matches, "{pattern:?}: {error}"),
        }
    }
    assert!(Re2::full(r"\C").expect("pattern").is_match(b"\xff"));
    assert!(!Re2::full(".").expect("pattern").is_match(b"\xff"), "dot is no part of a character");
    assert!(!Re2::full("[^a]").expect("pattern").is_match(b"\xff"));
}

#[test]
fn patterns_that_re2_refuses() {
    let deep = "(".repeat(1001) + &")".repeat(1001);
    let cases: &[&str] = &[
        "*",
        "a|*",
        "(*)",
        "(?i)*",
        "+",
        "{2}",
        "(",
        ")",
        "a)",
        "(a",
        "[",
        "[a",
        "[]",
        "[^]",
        "[b-a]",
        r"[a-\d]",
        "[[:foo:]]",
        "[a--b]",
        "[a--]",
        "a**",
        "a+*",
        "a*+",
        "a{2}{3}",
        "a*??",
        "a{1001}",
        "a{2,1}",
        "a{1,1001}",
        "(a{100}){11}",
        "((a{10}){10}){11}",
        "(?=x)",
        "(?!x)",
        "(?<=x)",
        "(?<!x)",
        "(?>x)",
        "(?#x)",
        r"(a)\1",
        r"\8",
        r"\k<n>",
        "(?P=n)",
        "(?P<n>a)(?P<n>b)",
        "(?P<>a)",
        "(?P<n-m>a)",
        "(?P<n",
        "(?x)a",
        "(?u)a",
        "(?R)a",
        "(?i-)a",
        "(?--i)a",
        "(?-)a",
        "(?",
        "(?i",
        r"\",
        r"\u0041",
        r"\U00000041",
        r"\e",
        r"\cA",
        r"\h",
        r"\R",
        r"\X",
        r"\Z",
        r"\G",
        r"\K",
        r"\E",
        r"\_",
        r"\x",
        r"\x4",
        r"\x{}",
        r"\x{110000}",
        r"\x{g}",
        r"\p",
        r"\p{",
        r"\p{Foo}",
        r"\p{L}\p{Grek}",
        r"\p{greek}",
        r"\p{IsGreek}",
        r"\p{Script=Greek}",
        r"\p{LC}",
        r"\pX",
        r"\p{Alphabetic}",
        r"\pL{900}",
        r"(?:.{1,1000}){1}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}.{1000}",
        &deep,
    ];
    for pattern in cases {
        assert!(check(pattern).is_err(), "{pattern:?} is taken");
        assert!(Re2::full(pattern).is_err(), "{pattern:?} compiles");
    }
}

#[test]
fn refusals_say_what_and_where() {
    for (pattern, text) in [
        ("ab(?=c)", "there is no look-around in RE2: `(?=c)`"),
        (r"(a)\1", r"there are no references to groups in RE2: `\1`"),
        ("a{1001}", "it repeats 1000 times at most, from the smaller number on: `{1001}`"),
        (r"\pL{900}", "it comes to about 450001 instructions, and the most is 87000"),
    ] {
        assert_eq!(check(pattern).expect_err("refused").to_string(), text);
    }
}

#[test]
fn substitutions_replace_every_match() {
    for (pattern, by, text, wanted) in [
        ("b*", "x", "abc", "xaxcx"),
        ("b*", "x", "é", "xéx"),
        ("", "-", "ab", "-a-b-"),
        ("(a)(b)?", r"[\2\1\0]", "aab", "[aa][baab]"),
        ("/x/(.*)", r"/$1\1\\", "/x/y", "/$1y\\"),
        ("^a", "b", "aaa", "baa"),
        ("q", "x", "abc", "abc"),
        (r"\bé", "x", "é", "é"),
    ] {
        let re2 = Re2::partial(pattern).expect(pattern);
        let by = Substitution::new(by, re2.groups()).expect(by);
        let out = re2.replace_all(text.as_bytes(), &by);
        assert_eq!(String::from_utf8_lossy(&out), wanted, "{pattern:?} in {text:?}");
    }
    assert_eq!(Substitution::new(r"\2", 1), Err(Re2Error::NoGroup { group: 2, groups: 1 }));
    assert_eq!(Substitution::new(r"\a", 1), Err(Re2Error::Backslash));
    assert_eq!(Substitution::new(r"a\", 1), Err(Re2Error::Backslash));
}

/// The largest programs that are allowed of each kind compile too.
#[test]
fn what_is_just_small_enough_compiles() {
    for unit in [
        r"\pL",
        ".",
        "[^a]",
        "a",
        "(a)",
        "(?:)",
        "ab|c",
        r"[^\x{81}-\x{10FFFE}]",
        r"(?i)\pL",
        "(?i)é",
        r"\w",
        "é?",
        r"\p{Han}*",
        r"[^\W\PL]",
    ] {
        let cost = check(&format!("(?:{unit})")).expect(unit).cost;
        let count = (LARGEST - 100) / (cost + 2);
        let (full, rest) = (count / 1000, count % 1000);
        let pattern = format!("(?:{unit}){{1000}}").repeat(full as usize) + &format!("(?:{unit}){{{rest}}}");
        check(&pattern).expect(unit);
        Re2::full(&pattern).unwrap_or_else(|error| panic!("{unit}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_checked_compiles(pattern in r"([a-cé.|*+?^$()]|\\[a-zA-Z0-9\\]|\[[\^a-c\-\[&~:\\wdpL]{1,6}\]?|\{[0-9]{1,2}(,[0-9]?)?\}|\(\?[imsU\-]{0,3}[:)]|\\Q|\\E|\\pL|\[\[:alpha:\]){0,12}") {
        if let Ok(checked) = check(&pattern) {
            let re2 = Re2::full(&pattern);
            prop_assert!(re2.is_ok(), "{} compiles to {:?}", pattern, read::pattern(&pattern).map(|read| read.text));
            prop_assert_eq!(re2.map(|re2| re2.groups()), Ok(checked.groups));
        }
    }

    #[test]
    fn nothing_panics(pattern in any::<String>(), text in any::<Vec<u8>>()) {
        if let Ok(re2) = Re2::partial(&pattern) {
            let by = Substitution::new(r"[\0]", re2.groups()).expect("a substitution");
            let _ = re2.replace_all(&text, &by);
        }
    }

    /// Quoted, any text matches itself and nothing else.
    #[test]
    fn quoted_texts_match_themselves(text in "[^\\\\]{0,20}", other in "[^\\\\]{0,20}") {
        let re2 = Re2::full(&format!(r"\Q{text}\E")).expect("quoted");
        prop_assert!(re2.is_match(text.as_bytes()));
        prop_assert_eq!(re2.is_match(other.as_bytes()), text == other);
    }
}
