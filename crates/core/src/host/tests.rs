use super::*;

#[test]
fn covers() {
    let cases = [
        ("*", "a.com", true),
        ("*", "*", true),
        ("*.a.com", "b.a.com", true),
        ("*.a.com", "c.b.a.com", true),
        ("*.a.com", "*.a.com", true),
        ("*.a.com", "*.b.a.com", true),
        ("*.a.com", "a.com", false),
        ("*.b.a.com", "*.a.com", false),
        ("a.com", "a.com", true),
        ("a.com", "A.com.", true),
        ("a.com", "*", false),
        ("*.a.com", "b.xa.com", false),
    ];
    for (wide, narrow, want) in cases {
        assert_eq!(Host::new(wide).covers(&Host::new(narrow)), want, "{wide} covers {narrow}");
    }
}

#[test]
fn specific_first() {
    let mut hosts: Vec<Host> = ["*", "*.com", "b.com", "*.a.com", "a.example.com"].map(Host::new).into();
    hosts.sort_by(Host::cmp_specific);
    let names: Vec<&str> = hosts.iter().map(Host::as_str).collect();
    assert_eq!(names, ["a.example.com", "b.com", "*.a.com", "*.com", "*"]);
}

#[test]
fn short_names_resolve_in_the_namespace_of_the_resource() {
    for (text, want) in [
        ("httpbin", "httpbin.foo.svc.cluster.local"),
        ("httpbin.bar", "httpbin.bar"),
        ("*", "*"),
        ("example.com", "example.com"),
    ] {
        assert_eq!(Host::resolve(text, "foo", "cluster.local").as_str(), want);
    }
}
