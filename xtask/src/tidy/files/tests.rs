use super::*;

#[test]
fn files_are_judged_by_head_size_and_name() {
    let long = format!("//! Head.\n{}", "//\n".repeat(600));
    let cases = [
        ("crates/a/src/b.rs", "//! Head.\n", true),
        ("crates/a/src/b.rs", "use x;\n", false),
        ("crates/a/src/b/tests.rs", "use x;\n", true),
        ("crates/a/src/b/mod.rs", "//! Head.\n", false),
        ("crates/a/src/utils.rs", "//! Head.\n", false),
        ("crates/a/tests/common/x.rs", "//! Head.\n", false),
        ("crates/a/src/long.rs", long.as_str(), false),
        ("examples/a.yaml", "path: /var/run/secrets\n", true),
        ("examples/a.yaml", concat!("path: /wo", "rk/x\n"), false),
        ("README.md", concat!("http://example.com/wo", "rk/x\n"), true),
        ("README.md", concat!("see `/ro", "ot/x`\n"), false),
    ];
    for (name, text, good) in cases {
        let wrong = check(name, text);
        assert_eq!(wrong.is_empty(), good, "{name}: {wrong:?}");
    }
}
