//! Paths and the variables that they stand for.

use super::{is_inject, variables};

/// Path, variables as `NAME=value` in order of their names, number of warnings.
const CASES: &[(&str, &[&str], usize)] = &[
    ("/inject", &[], 0),
    ("/inject/", &[], 0),
    ("/inject/cluster/east", &["ISTIO_META_CLUSTER_ID=east"], 0),
    ("/inject/cluster/east/", &["ISTIO_META_CLUSTER_ID=east"], 0),
    ("/inject/cluster/east/net/blue", &["ISTIO_META_CLUSTER_ID=east", "ISTIO_META_NETWORK=blue"], 0),
    ("/inject/net/blue/cluster/east", &["ISTIO_META_CLUSTER_ID=east", "ISTIO_META_NETWORK=blue"], 0),
    ("/inject/my_own/Value", &["MY_OWN=Value"], 0),
    ("/inject/path/a--slash--b--slash--c", &["PATH=a/b/c"], 0),
    // Only values have slashes.
    ("/inject/a--slash--b/c", &["A--SLASH--B=c"], 0),
    ("/inject/net/blue/cluster", &["ISTIO_META_NETWORK=blue"], 1),
    ("/inject/cluster", &[], 1),
    ("/inject/cluster//net/blue", &["ISTIO_META_CLUSTER_ID=", "ISTIO_META_NETWORK=blue"], 0),
    ("/inject//nothing/net/blue", &["ISTIO_META_NETWORK=blue"], 0),
    ("/inject/net/one/net/two", &["ISTIO_META_NETWORK=two"], 0),
    ("/inject/net/bl%75e%2Fcluster%2feast", &["ISTIO_META_CLUSTER_ID=east", "ISTIO_META_NETWORK=blue"], 0),
    ("/inject/:ENV:cluster=east:ENV:net=", &["ISTIO_META_CLUSTER_ID=east", "ISTIO_META_NETWORK="], 0),
    ("/inject/:ENV:a=b=c", &["A=b=c"], 0),
    ("/inject/:ENV:a=b--slash--c", &["A=b--slash--c"], 0),
    ("/inject/:ENV:=east:ENV:lonely:ENV:net=blue", &["ISTIO_META_NETWORK=blue"], 2),
    ("/inject/%3AENV%3Anet=blue", &["ISTIO_META_NETWORK=blue"], 0),
];

#[test]
fn a_path_becomes_variables() {
    for (path, expected, warnings) in CASES {
        let found = variables(path).unwrap();
        let shown: Vec<_> = found.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, *expected, "{path}");
        assert_eq!(found.warnings.len(), *warnings, "{path}: {:?}", found.warnings);
    }
}

#[test]
fn a_broken_percent_code_is_told() {
    for path in ["/inject/net/%", "/inject/net/%2", "/inject/net/%zz", "/inject/net/%ff"] {
        assert!(variables(path).is_err(), "{path}");
    }
}

#[test]
fn only_whole_words_are_the_webhooks() {
    for (path, expected) in [
        ("/inject", true),
        ("/inject/", true),
        ("/inject/net/a", true),
        ("/injector", false),
        ("/", false),
        ("/validate", false),
        ("/x/inject", false),
    ] {
        assert_eq!(is_inject(path), expected, "{path}");
    }
}
