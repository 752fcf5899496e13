//! Whatever the bytes are, decoding ends, soon, and without a panic.
#![allow(clippy::unwrap_used)]

use lateen_config::{
    MeshConfig, Severity, apply_mesh_config, decode, decode_mesh_config, json_documents, parse_duration,
};
use proptest::prelude::*;

const VALID: &str = include_str!("data/everything-routing.yaml");
const MESH: &str = include_str!("mesh/everything.yaml");

/// Fragments that YAML scanners trip over.
const SHARDS: &[&str] = &[
    "---\n",
    "...\n",
    "- ",
    "? ",
    ": ",
    ":\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!<",
    "%TAG ! x\n",
    "|\n",
    ">-2\n",
    "|+9\n",
    "'",
    "\"",
    "\\x",
    "\\u12",
    "#",
    "\t",
    "\r",
    "\r\n",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "\0",
    "é",
    "😀",
    "apiVersion: v1\n",
    "kind: List\n",
    "items:\n",
    "metadata:\n",
    "  name: x\n",
    "spec:\n",
    "null",
    "~",
    "1e999",
    "-0x",
    "0b",
    "_",
    "99999999999999999999",
];

fn bounded(text: &str) {
    let decoded = decode("hostile", text);
    assert!(decoded.findings.iter().all(|f| f.place.line >= 1 && f.place.column >= 1));
    decode_mesh_config("hostile", text);
    apply_mesh_config("hostile", text, MeshConfig::istio_defaults());
    for document in json_documents("hostile", text) {
        assert!(document.error.is_some() != document.value.is_some());
        assert!(document.line >= 1 && document.duplicates.iter().all(|d| d.first >= 1 && d.second >= d.first));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        bounded(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_shards(shards in proptest::collection::vec(proptest::sample::select(SHARDS), 0..60)) {
        bounded(&shards.concat());
    }

    #[test]
    fn any_change_of_a_valid_text(
        at in any::<proptest::sample::Index>(),
        length in 0usize..12,
        shard in proptest::sample::select(SHARDS),
        mesh in any::<bool>(),
    ) {
        let text: Vec<char> = if mesh { MESH } else { VALID }.chars().collect();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        let changed: String =
            text[..start].iter().copied().chain(shard.chars()).chain(text[end..].iter().copied()).collect();
        bounded(&changed);
    }

    #[test]
    fn any_duration(text in "[-+]?[0-9.nuµmsh]{0,40}") {
        let _ = parse_duration(&text);
    }
}

fn first_error(text: &str) -> String {
    let decoded = decode("hostile", text);
    assert!(decoded.objects.is_empty());
    let error = decoded.findings.iter().find(|f| f.severity == Severity::Error);
    error.expect("an error").message.clone()
}

#[test]
fn aliases_cannot_make_a_large_tree() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{items}]\n");
    }
    assert!(first_error(&bomb).contains("aliases"));

    let long = "x".repeat(100_000);
    let copies = vec!["*a"; 100_000].join(", ");
    assert!(first_error(&format!("a: &a {long}\nb: [{copies}]\n")).contains("aliases"));

    let merges = vec!["*a"; 100_000].join(", ");
    let map: Vec<String> = (0..1000).map(|i| format!("k{i}: 1")).collect();
    let merge = format!("a: &a {{{}}}\nb: {{<<: [{merges}]}}\n", map.join(", "));
    assert!(first_error(&merge).contains("aliases"));
}

#[test]
fn an_alias_of_itself_is_an_error() {
    assert!(!first_error("a: &a [*a]\n").is_empty());
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        for depth in [90, 150, 5_000] {
            let text = format!("{}x{}\n", open.repeat(depth), close.repeat(depth));
            assert!(!first_error(&text).is_empty(), "{open} {depth}");
        }
    }
}

#[test]
fn findings_of_a_document_have_an_end() {
    let fields: String = (0..100_000).map(|i| format!("  nonsense{i}: 1\n")).collect();
    let text = format!("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: a}}\nspec:\n{fields}");
    let decoded = decode("hostile", &text);
    assert!(decoded.findings.len() < 1000);
    assert!(decoded.findings.iter().any(|f| f.message.contains("further findings")));
}

#[test]
fn a_long_file_of_many_documents_is_read_once() {
    let one = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n";
    assert_eq!(decode("hostile", &one.repeat(20_000)).objects.len(), 20_000);
}
