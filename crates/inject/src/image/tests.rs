//! Images, as Istio names them.

use serde_json::json;

use super::{proxy, proxy_init, with_type};
use crate::pod::Pod;

#[test]
fn types_replace_the_types_that_istio_publishes() {
    let cases = [
        ("1.27.0", "", "1.27.0"),
        ("1.27.0-debug", "", "1.27.0-debug"),
        ("1.27.0", "default", "1.27.0"),
        ("1.27.0", "distroless", "1.27.0-distroless"),
        ("1.27.0-debug", "distroless", "1.27.0-distroless"),
        ("1.27.0-distroless", "debug", "1.27.0-debug"),
        ("1.27.0-distroless", "default", "1.27.0"),
        ("1.27.0-distroless", "distroless", "1.27.0-distroless"),
        ("1.11.2-asm.17", "debug", "1.11.2-asm.17-debug"),
        ("1.11.2-asm.17-distroless", "fips", "1.11.2-asm.17-fips"),
        ("1.27.0-fips", "debug", "1.27.0-fips-debug"),
        ("debug", "distroless", "debug-distroless"),
        ("-debug", "default", ""),
        ("1-distroless-debug", "default", "1-distroless"),
        ("", "debug", "-debug"),
        ("1.27.0", "Default", "1.27.0-Default"),
    ];
    for (tag, image_type, expected) in cases {
        assert_eq!(with_type(tag, image_type), expected, "{tag} as {image_type}");
    }
}

#[test]
fn the_annotation_goes_before_the_proxy_config_and_that_before_the_variant() {
    let plain = json!({"global": {"hub": "example.org/istio", "tag": "1.27.0"}});
    let variant = json!({"global": {"hub": "h", "tag": "1.27.0-debug", "variant": "distroless"}});
    let cases = [
        (&plain, "", None, "example.org/istio/proxyv2:1.27.0"),
        (&plain, "debug", None, "example.org/istio/proxyv2:1.27.0-debug"),
        (&plain, "debug", Some("distroless"), "example.org/istio/proxyv2:1.27.0-distroless"),
        // An annotation that is there counts, even when it is empty.
        (&plain, "debug", Some(""), "example.org/istio/proxyv2:1.27.0"),
        (&variant, "", None, "h/proxyv2:1.27.0-distroless"),
        (&variant, "default", None, "h/proxyv2:1.27.0"),
        (&variant, "debug", None, "h/proxyv2:1.27.0-debug"),
        (&variant, "", Some("default"), "h/proxyv2:1.27.0"),
        (&variant, "", Some(""), "h/proxyv2:1.27.0-debug"),
    ];
    for (values, image_type, annotation, expected) in cases {
        let annotations = match annotation {
            Some(value) => json!({"sidecar.istio.io/proxyImageType": value}),
            None => json!({}),
        };
        let pod = Pod::from_json(json!({"metadata": {"annotations": annotations}}));
        assert_eq!(proxy(values, image_type, &pod), expected, "{values} {image_type} {annotation:?}");
    }
}

#[test]
fn the_init_container_follows_the_annotation_but_not_the_proxy_config() {
    let values = json!({"global": {"hub": "h", "tag": "1", "proxy": {"image": "p"}, "proxy_init": {"image": "i"}}});
    let pod = Pod::from_json(json!({"metadata": {"annotations": {"sidecar.istio.io/proxyImageType": "debug"}}}));
    assert_eq!(proxy(&values, "distroless", &Pod::default()), "h/p:1-distroless");
    assert_eq!(proxy_init(&values, &Pod::default()), "h/i:1");
    assert_eq!(proxy_init(&values, &pod), "h/i:1-debug");
}

#[test]
fn tags_may_be_numbers() {
    let tagged = |tag: serde_json::Value| proxy(&json!({"global": {"hub": "h", "tag": tag}}), "", &Pod::default());
    assert_eq!(tagged(json!(1.27)), "h/proxyv2:1.27");
    assert_eq!(tagged(json!(7)), "h/proxyv2:7");
    assert_eq!(tagged(json!(20_240_101)), "h/proxyv2:2.0240101e+07", "as Go prints a float");
    assert_eq!(tagged(json!("1.20")), "h/proxyv2:1.20");
    assert_eq!(tagged(json!(true)), "h/proxyv2:true");
    assert_eq!(tagged(json!(null)), "h/proxyv2:");
    assert_eq!(proxy(&json!({}), "", &Pod::default()), "/proxyv2:");
    assert_eq!(proxy(&json!({"global": {"proxy": {"image": ""}}}), "", &Pod::default()), "/proxyv2:");
}
