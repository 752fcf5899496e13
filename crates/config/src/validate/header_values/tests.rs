use super::*;

#[test]
fn values_are_judged_as_a_proxy_parses_them() {
    for (text, good) in [
        ("", true),
        ("plain", true),
        ("100%%", true),
        ("%REQ(x-user)%", true),
        ("%REQ(X-A?:PATH):10%", true),
        ("a %DOWNSTREAM_REMOTE_ADDRESS% b %PROTOCOL%", true),
        ("%START_TIME(%s)%", true),
        ("%FILTER_STATE(a:PLAIN)%", true),
        ("%UPSTREAM_METADATA([\"a\", \"b\"])%", true),
        ("tab\there", true),
        ("100%", false),
        ("%REQ(x-user)", false),
        ("%REQ(x-user%", false),
        ("%NO_SUCH_THING%", false),
        ("%req(x)%", false),
        ("50% off", false),
        ("line\nbreak", false),
        ("%DOWNSTREAM_%", false),
        ("%\\", false),
        ("%REQ(\\", false),
    ] {
        assert_eq!(header_value(text).is_ok(), good, "{text:?}");
    }
}
