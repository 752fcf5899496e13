//! Where a file is cut.

use super::{normalize, split};

#[test]
fn files_are_cut_at_separators_in_the_first_column() {
    for (text, chunks) in [
        ("", vec![(0, "")]),
        ("a: 1\n", vec![(0, "a: 1\n")]),
        ("a: 1\n---\nb: 1\n", vec![(0, "a: 1\n"), (1, "---\nb: 1\n")]),
        ("# c\n%YAML 1.2\n---\nb: 1\n", vec![(0, "# c\n%YAML 1.2\n---\nb: 1\n")]),
        ("---\n---\n--- b\n", vec![(0, "---\n"), (1, "---\n"), (2, "--- b\n")]),
        ("a: |\n  ---\n  b\n", vec![(0, "a: |\n  ---\n  b\n")]),
        ("a: 1\n----\n--- # c", vec![(0, "a: 1\n----\n"), (2, "--- # c")]),
    ] {
        let found: Vec<(u32, &str)> = split(text).into_iter().map(|chunk| (chunk.lines_before, chunk.text)).collect();
        assert_eq!(found, chunks, "{text:?}");
    }
}

#[test]
fn line_ends_become_those_of_unix() {
    assert_eq!(normalize("\u{feff}a: 1\r\n---\r\nb\rc"), "a: 1\n---\nb\rc");
}
