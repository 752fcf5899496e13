//! Hellos, request lines and PROXY headers: whole, cut, split and hostile.

use super::{ClientHello, Inspected, client_hello, http, proxy_protocol};
use proptest::prelude::*;

/// A hello as a client writes it, in records of at most `record` bytes.
fn hello(name: &str, alpn: &[&str], record: usize) -> Vec<u8> {
    let long = |bytes: Vec<u8>| [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], &bytes].concat();
    let short = |bytes: &[u8]| [&[u8::try_from(bytes.len()).expect("short")][..], bytes].concat();
    let mut extensions = vec![0x0a, 0x0a, 0, 0]; // GREASE
    if !name.is_empty() {
        extensions.extend([0, 0]);
        extensions.extend(long(long([vec![0], long(name.as_bytes().to_vec())].concat())));
    }
    if !alpn.is_empty() {
        extensions.extend([0, 16]);
        extensions.extend(long(long(alpn.iter().flat_map(|name| short(name.as_bytes())).collect())));
    }
    extensions.extend([0, 43, 0, 7, 6, 0x5a, 0x5a, 3, 4, 3, 3]);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(short(&[9; 32]));
    body.extend(long(vec![0x13, 1]));
    body.extend(short(&[0]));
    body.extend(long(extensions));
    let mut message = vec![1, 0];
    message.extend(long(body));
    message
        .chunks(record)
        .flat_map(|part| [&[22, 3, 1][..], &u16::try_from(part.len()).expect("short").to_be_bytes(), part].concat())
        .collect()
}

#[test]
fn a_hello_is_read_at_every_cut() {
    let wanted = ClientHello {
        server_name: "a.example".to_owned(),
        alpn: vec!["h2".to_owned(), "http/1.1".to_owned()],
        version: 0x0304,
    };
    for record in [1, 3, 50, 4096] {
        let bytes = hello("A.example", &["h2", "http/1.1"], record);
        for cut in 0..bytes.len() {
            assert_eq!(client_hello(&bytes[..cut]), Inspected::More, "cut {cut}, records of {record}");
        }
        assert_eq!(client_hello(&bytes), Inspected::Yes(wanted.clone()));
        assert_eq!(client_hello(&[&bytes[..], b"more"].concat()), Inspected::Yes(wanted.clone()));
    }
    assert_eq!(
        client_hello(&hello("", &[], 4096)),
        Inspected::Yes(ClientHello { version: 0x0304, ..ClientHello::default() })
    );
}

#[test]
fn what_is_no_hello_is_said_at_once() {
    for bytes in [
        &b"GET / HTTP/1.1"[..],
        b"\x16\x02",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x02",
        b"\x16\x03\x01\xff\xff\x01",
        // A message of 16 MiB.
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        // Lengths inside that lead nowhere.
        b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03",
    ] {
        assert_eq!(client_hello(bytes), Inspected::No, "{bytes:?}");
    }
}

#[test]
fn http_is_recognised() {
    for (bytes, verdict) in [
        (&b""[..], Inspected::More),
        (b"GE", Inspected::More),
        (b"GET / HTTP/1.1", Inspected::More),
        (b"GET / HTTP/1.1\r\n", Inspected::Yes("http/1.1")),
        (b"\r\nGET / HTTP/1.0\r\n", Inspected::Yes("http/1.0")),
        (b"PRI * HTTP/2.0\r\n", Inspected::More),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Inspected::Yes("h2c")),
        (b"GET / FTP/1.1\r\n", Inspected::No),
        (b"\x16\x03\x01", Inspected::No),
        (b"SSH-2.0-x\r\n", Inspected::No),
        (b" GET", Inspected::No),
    ] {
        assert_eq!(http(bytes), verdict, "{:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(http(&[b'A'; 40]), Inspected::No);
    assert_eq!(http(&[&b"GET /"[..], &[b'a'; 9000]].concat()), Inspected::No);
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[0x20 | command, family], &length, body].concat()
}

#[test]
fn proxy_headers_name_the_client() {
    let four = [10, 0, 0, 1, 10, 0, 0, 2, 0x10, 0, 0, 80, 3, 0, 1, 0];
    let mut six = [0; 36];
    (six[15], six[31], six[33], six[35]) = (1, 2, 5, 6);
    for (bytes, from, to) in [
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 4096 80\r\n".to_vec(), "10.0.0.1:4096", "10.0.0.2:80"),
        (b"PROXY TCP6 ::1 ::2 5 6\r\n".to_vec(), "[::1]:5", "[::2]:6"),
        (v2(1, 0x11, &four), "10.0.0.1:4096", "10.0.0.2:80"),
        (v2(1, 0x21, &six), "[::1]:5", "[::2]:6"),
    ] {
        for cut in 0..bytes.len() {
            assert_eq!(proxy_protocol(&bytes[..cut]), Ok(Inspected::More), "cut {cut} of {bytes:?}");
        }
        let Ok(Inspected::Yes(found)) = proxy_protocol(&[&bytes[..], b"GET"].concat()) else {
            panic!("{bytes:?} is no header")
        };
        assert_eq!(found.length, bytes.len());
        let (source, destination) = found.addresses.expect("addresses");
        assert_eq!((source.to_string().as_str(), destination.to_string().as_str()), (from, to));
    }
    for bytes in [b"PROXY UNKNOWN\r\n".to_vec(), b"PROXY UNKNOWN a b c\r\n".to_vec(), v2(0, 0, &[1, 2]), v2(1, 0, &[])]
    {
        let Ok(Inspected::Yes(found)) = proxy_protocol(&bytes) else { panic!("{bytes:?} is no header") };
        assert_eq!((found.length, found.addresses), (bytes.len(), None));
    }
    assert_eq!(proxy_protocol(b"GET / HTTP/1.1"), Ok(Inspected::No));
}

#[test]
fn broken_proxy_headers_are_errors() {
    for bytes in [
        b"PROXY TCP4 10.0.0.1 10.0.0.2 4096\r\n".to_vec(),
        b"PROXY TCP4 ::1 ::2 1 2\r\n".to_vec(),
        b"PROXY TCP4 10.0.0.1 10.0.0.2 +1 2\r\n".to_vec(),
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 70000\r\n".to_vec(),
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n".to_vec(),
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n".to_vec(),
        [&b"PROXY "[..], &[b'x'; 110]].concat(),
        v2(2, 0x11, &[0; 12]),
        v2(1, 0x11, &[0; 4]),
        v2(1, 0x12, &[0; 12]),
        v2(1, 0x31, &[0; 216]),
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0".to_vec(),
    ] {
        assert!(proxy_protocol(&bytes).is_err(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..300), flips in 0..300_usize, to: u8) {
        let mut broken = hello("a.example", &["h2"], 64);
        let at = flips % broken.len();
        broken[at] = to;
        for bytes in [bytes.clone(), broken, [&b"PROXY "[..], &bytes].concat(), v2(1, to, &bytes)] {
            let _ = (client_hello(&bytes), http(&bytes), proxy_protocol(&bytes));
        }
    }

    #[test]
    fn a_verdict_stays_when_more_comes(name in "[a-z]{1,20}", record in 1..80_usize, more in proptest::collection::vec(any::<u8>(), 0..50)) {
        let bytes = hello(&name, &["h2"], record);
        prop_assert_eq!(client_hello(&bytes), client_hello(&[&bytes[..], &more[..]].concat()));
    }
}
