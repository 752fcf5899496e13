use super::*;

#[test]
fn ranges_are_judged() {
    for (text, good) in [
        ("10.0.0.1", true),
        ("10.0.0.0/8", true),
        ("0.0.0.0/0", true),
        ("10.0.0.0/33", false),
        ("10.0.0.0/08", false),
        ("10.0.0.0/+8", false),
        ("10.0.0.0/", false),
        ("10.0.0/8", false),
        ("010.0.0.1", false),
        ("2001:db8::/32", true),
        ("2001:db8::/129", false),
        ("::1", true),
        ("example.com", false),
        ("10.0.0.0/8/8", false),
    ] {
        assert_eq!(subnet(text).is_ok(), good, "{text}");
    }
}

#[test]
fn sockets_are_judged() {
    let long = format!("/{}", "a".repeat(120));
    for (text, good) in
        [("/run/a", true), ("@a", true), ("run/a", false), ("/run/", false), ("", false), (&long, false)]
    {
        assert_eq!(unix(text).is_ok(), good, "{text}");
    }
}

#[test]
fn ports_are_split_off() {
    for (text, parts) in [
        ("127.0.0.1:80", Some(("127.0.0.1", "80"))),
        ("[::1]:80", Some(("::1", "80"))),
        (":80", Some(("", "80"))),
        ("::1:80", None),
        ("80", None),
        ("[::1]", None),
    ] {
        assert_eq!(split_port(text), parts, "{text}");
    }
}
