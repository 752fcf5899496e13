//! Header lists by cases: order, duplicates, cleaning, conversions.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use http::HeaderMap;

use super::{HeaderName, Headers, map, name};

fn spanned(lines: &[(&'static str, &str)]) -> Headers {
    let mut block = Vec::new();
    let mut headers = Headers::new();
    for (name, value) in lines {
        let start = block.len() as u32;
        block.extend_from_slice(name.as_bytes());
        let middle = block.len() as u32;
        block.extend_from_slice(value.as_bytes());
        let end = block.len() as u32;
        headers.push_span(name.as_bytes(), (start, middle), (middle, end));
    }
    headers.attach(block.into());
    headers
}

fn pairs(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|(n, v)| (n.to_owned(), String::from_utf8_lossy(v).into_owned())).collect()
}

#[test]
fn known_names_are_filed_under_their_length() {
    for (len, text) in name::ALL {
        assert_eq!(*len, text.len(), "{text}");
        assert_eq!(name::known(text.as_bytes()), Some(*text));
        assert!(name::is_lower(text));
    }
    assert_eq!(name::known(b"x-hosts"), None);
}

#[test]
fn duplicates_keep_their_order_and_set_takes_the_first_place() {
    let mut headers = spanned(&[("x-a", "1"), ("accept", "2"), ("x-a", "3")]);
    headers.append("x-b", "4");
    assert_eq!(headers.get("x-a"), Some(&b"1"[..]));
    assert_eq!(headers.get_all("x-a").count(), 2);
    assert_eq!(headers.get_joined("x-a").unwrap(), &b"1,3"[..]);
    assert_eq!(headers.get_joined("x-b").unwrap(), &b"4"[..]);
    headers.set("x-a", "9");
    let want = [("x-a", "9"), ("accept", "2"), ("x-b", "4")];
    assert_eq!(pairs(&headers), want.map(|(n, v)| (n.to_owned(), v.to_owned())));
    headers.set("x-c", String::from("5"));
    assert_eq!(headers.remove("x-a"), 1);
    assert_eq!(headers.remove("x-a"), 0);
    assert!(!headers.contains("x-a"));
    assert_eq!(headers.byte_size(), "accept2x-b4x-c5".len());
    headers.retain(|name, _| name == "accept");
    assert_eq!(headers.len(), 1);
}

#[test]
fn no_value_can_end_its_line() {
    let mut headers = Headers::new();
    headers.append("x-a", "1\r\nx-admin: 1\0");
    headers.set("x-b", Bytes::from_static(b"\n"));
    assert_eq!(headers.get("x-a"), Some(&b"1  x-admin: 1 "[..]));
    assert_eq!(headers.get("x-b"), Some(&b" "[..]));
}

#[test]
fn a_name_from_a_configuration_is_checked_and_lowered() {
    assert_eq!(HeaderName::decode("X-Foo").unwrap().as_str(), "x-foo");
    assert_eq!(HeaderName::decode("HOST").unwrap().as_str(), "host");
    for bad in ["", "a b", "a:", ":path", "x\n", "é"] {
        assert!(HeaderName::decode(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn extend_outlives_the_block_of_the_other() {
    let mut headers = spanned(&[("x-a", "1")]);
    {
        let other = spanned(&[("x-long-name", "value"), ("host", "h")]);
        headers.extend(&other);
    }
    assert_eq!(headers.get("x-long-name"), Some(&b"value"[..]));
    assert_eq!(headers.get_bytes("host").unwrap(), &b"h"[..]);
}

#[test]
fn header_maps_are_carried_both_ways() {
    let mut source = HeaderMap::new();
    for (name, value) in [("cookie", "a=1"), ("host", "h"), ("x-y", "1"), ("cookie", "b=2"), ("x-y", "2")] {
        source.append(name, value.parse().unwrap());
    }
    let headers = map::from_map(&source, true);
    assert_eq!(headers.get("cookie"), Some(&b"a=1; b=2"[..]));
    assert_eq!(headers.get_all("x-y").collect::<Vec<_>>(), [b"1", b"2"]);
    assert!(!headers.contains("host"));
    let mut target = HeaderMap::new();
    assert_eq!(map::to_map(&headers, &mut target), 0);
    assert_eq!(target.get_all("x-y").iter().count(), 2);
    let mut odd = Headers::new();
    odd.append("x", &b"\x01"[..]);
    assert_eq!(map::to_map(&odd, &mut target), 1);
}
