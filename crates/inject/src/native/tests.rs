//! Settings and versions.

use super::{NativeSidecars, NodeVersion, minor};

fn nodes(versions: &[(&str, &str)]) -> Vec<NodeVersion> {
    let node =
        |(name, kubelet): &(&str, &str)| NodeVersion { name: (*name).to_owned(), kubelet: (*kubelet).to_owned() };
    versions.iter().map(node).collect()
}

#[test]
fn settings() {
    use NativeSidecars::{Auto, Disabled, Enabled};
    for (value, expected) in [(None, Auto), (Some("auto"), Auto), (Some("true"), Enabled), (Some("false"), Disabled)] {
        assert_eq!(NativeSidecars::from_setting(value), (expected, None));
    }
    for value in ["", "True", "1"] {
        let (setting, warning) = NativeSidecars::from_setting(Some(value));
        assert_eq!(setting, Disabled);
        assert!(warning.is_some_and(|warning| warning.contains(&format!("'{value}'"))));
    }
}

#[test]
fn only_auto_asks_the_nodes() {
    let old = nodes(&[("a", "v1.20.0")]);
    let new = nodes(&[("a", "v1.33.0")]);
    let mut warnings = Vec::new();
    assert!(NativeSidecars::Enabled.apply(Some(&old), "a", &mut warnings));
    assert!(NativeSidecars::Enabled.apply(None, "", &mut warnings));
    assert!(!NativeSidecars::Disabled.apply(Some(&new), "a", &mut warnings));
    assert!(warnings.is_empty());
    assert!(!NativeSidecars::Auto.apply(None, "", &mut warnings));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn the_node_of_the_pod_decides_or_else_all_nodes() {
    let mixed = nodes(&[("new", "v1.33.0"), ("old", "v1.32.9"), ("odd", "latest")]);
    let new = nodes(&[("a", "v1.34.1-eks-113cf36"), ("b", "1.33.0+k3s1")]);
    let cases = [
        (&mixed, "new", true, 0),
        (&mixed, "old", false, 0),
        (&mixed, "odd", false, 1),
        (&mixed, "gone", false, 1),
        (&mixed, "", false, 0),
        (&new, "", true, 0),
        (&new, "gone", true, 1),
        (&Vec::new(), "", true, 0),
    ];
    for (nodes, pod_node, expected, warned) in cases {
        let mut warnings = Vec::new();
        assert_eq!(NativeSidecars::Auto.apply(Some(nodes), pod_node, &mut warnings), expected, "{nodes:?} {pod_node}");
        assert_eq!(warnings.len(), warned, "{warnings:?}");
    }
}

#[test]
fn versions() {
    let cases = [
        ("v1.33.0", Some(33)),
        ("1.33", Some(33)),
        ("v1.33.0-gke.1234", Some(33)),
        ("v1.28.9+k3s1", Some(28)),
        ("v1.33.0-alpha.1.20+0a1b", Some(33)),
        ("v1.33.2~rc1", Some(33)),
        ("v1", Some(0)),
        ("", None),
        ("v", None),
        ("v1.x", None),
        ("v1..2", None),
        ("v1.33 ", None),
        ("v99999999999999999999.1", None),
    ];
    for (version, expected) in cases {
        assert_eq!(minor(version), expected, "{version}");
    }
}
