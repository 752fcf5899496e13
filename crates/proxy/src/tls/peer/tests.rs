//! Which host names a name of a certificate stands for.

use super::dns_name_matches;

#[test]
fn wildcards_stand_for_one_label() {
    for (pattern, host, matches) in [
        ("a.example.com", "A.Example.COM", true),
        ("*.example.com", "a.example.com", true),
        ("*.example.com", "A.EXAMPLE.com", true),
        ("*.example.com", "a.b.example.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        // An authority of one's own may sign for all of a private top-level domain.
        ("*.internal", "api.internal", true),
        ("*.internal", "a.api.internal", false),
        ("*.internal", "internal", false),
        ("*", "internal", false),
        ("*.", "internal.", false),
    ] {
        assert_eq!(dns_name_matches(pattern, host), matches, "{pattern} for {host}");
    }
}
