use super::*;

#[test]
fn sentences_are_told_apart() {
    let cases = [
        ("One sentence.", 0),
        ("One sentence. Another one.", 1),
        ("Version 1.2 of a thing, e.g. this one.", 0),
        ("1. A list item.", 0),
        ("```\nOne. Two.\n```\nThree. Four.", 1),
        ("| a. B | c. D |", 0),
    ];
    for (text, want) in cases {
        assert_eq!(check("x.md", text).len(), want, "{text}");
    }
}
