//! Plain scalars as Kubernetes' YAML library resolves them.

use super::{ScalarKind, resolve};

#[test]
fn plain_words_mean_what_they_mean_to_kubernetes() {
    use ScalarKind::{Bool, Float, Int, Null, String};
    for (text, kind) in [
        ("", Null),
        ("~", Null),
        ("NULL", Null),
        ("nUll", String),
        ("yes", Bool(true)),
        ("On", Bool(true)),
        ("y", Bool(true)),
        ("off", Bool(false)),
        ("No", Bool(false)),
        ("tRue", String),
        ("80", Int(80)),
        ("+80", Int(80)),
        ("-80", Int(-80)),
        ("0644", Int(0o644)),
        ("0o644", Int(0o644)),
        ("0x1F", Int(31)),
        ("0b101", Int(5)),
        ("1_000", Int(1000)),
        ("18446744073709551615", Int(18_446_744_073_709_551_615)),
        ("18446744073709551616", Float(18_446_744_073_709_551_616.0)),
        ("089", Float(89.0)),
        ("1.5", Float(1.5)),
        ("1.", Float(1.0)),
        (".5", Float(0.5)),
        ("1e3", Float(1000.0)),
        ("-1.5E-1", Float(-0.15)),
        (".inf", Float(f64::INFINITY)),
        ("1.2.3", String),
        ("10.0.0.1", String),
        ("2024-05-01", String),
        ("12:30:45", String),
        ("0x", String),
        ("-", String),
        ("+", String),
        (".", String),
        ("..", String),
        ("1e", String),
        ("0xfoo", String),
        ("é", String),
        ("-é", String),
    ] {
        assert_eq!(resolve(text), kind, "{text}");
    }
}
