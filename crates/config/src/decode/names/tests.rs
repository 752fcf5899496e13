//! Spellings of fields and near misses.

use super::{matches, nearest, written};

#[test]
fn a_field_has_its_json_name_and_its_proto_name() {
    for (key, field, same) in [
        ("mirrorPercent", "mirror_percent", true),
        ("mirror_percent", "mirror_percent", true),
        ("match", "r#match", true),
        ("consecutive5xxErrors", "consecutive_5xx_errors", true),
        ("k8sSaJwtPath", "k8s_sa_jwt_path", true),
        ("mirrorpercent", "mirror_percent", false),
        ("mirrorPercentage", "mirror_percent", false),
        ("mirror", "mirror_percent", false),
        ("", "mirror", false),
    ] {
        assert_eq!(matches(key, field, &[]), same, "{key} {field}");
    }
    assert!(matches("meshMTLS", "mesh_mtls", &["meshMTLS", "mesh_mTLS"]));
    assert_eq!(written("enable_64bit_trace_id", &[]), "enable64bitTraceId");
    assert_eq!(written("mesh_mtls", &["meshMTLS"]), "meshMTLS");
}

#[test]
fn near_misses_find_what_was_meant() {
    let fields = ["prefix", "exact", "regex", "perTryTimeout", "subjectAltNames"];
    for (word, near) in [
        ("prefx", Some("prefix")),
        ("Prefix", Some("prefix")),
        ("rgeex", Some("regex")),
        ("pertrytimeout", Some("perTryTimeout")),
        ("subjectAlt", Some("subjectAltNames")),
        ("host", None),
        ("", None),
    ] {
        assert_eq!(nearest(word, fields.iter().copied()), near, "{word}");
    }
}
