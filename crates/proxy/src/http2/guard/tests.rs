//! Floods are found however the bytes are cut, and honest traffic is not.

use super::*;

fn frame(kind: u8, flags: u8, length: u32) -> Vec<u8> {
    let [_, a, b, c] = length.to_be_bytes();
    let mut bytes = vec![a, b, c, kind, flags, 0, 0, 0, 1];
    bytes.resize(9 + length as usize, 0);
    bytes
}

#[test]
fn frames_are_found_in_bytes_of_any_cut() {
    let bytes: Vec<u8> = [frame(HEADERS, 4, 300), frame(DATA, 1, 0), frame(PING, 0, 8)].concat();
    for cut in [1, 2, 7, 9, 10, 100, bytes.len()] {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        for part in bytes.chunks(cut) {
            scanner.scan(part, |frame| found.push((frame.kind, frame.flags, frame.length)));
        }
        assert_eq!(found, [(HEADERS, 4, 300), (DATA, 1, 0), (PING, 0, 8)], "cut {cut}");
    }
}

#[test]
fn each_flood_ends_and_says_what_it_was() {
    for (kind, flags, length, what) in [
        (DATA, 0, 0, "empty frames"),
        (PRIORITY, 0, 5, "PRIORITY frames"),
        (RST_STREAM, 0, 4, "RST_STREAM frames"),
        (SETTINGS, 0, 6, "PING or SETTINGS frames"),
        (PING, 0, 8, "PING or SETTINGS frames"),
        (WINDOW_UPDATE, 0, 4, "WINDOW_UPDATE frames"),
        (CONTINUATION, 0, 1000, "header block"),
    ] {
        let mut counts = Counts::new();
        let verdict = (0..2000).find_map(|_| counts.received(&Frame { length, kind, flags }, 60_000).err());
        assert_eq!(verdict, Some(what), "kind {kind}");
    }
}

#[test]
fn honest_traffic_passes() {
    let mut counts = Counts::new();
    for _ in 0..10_000 {
        for (kind, flags, length) in [
            (HEADERS, 4, 200),
            (DATA, 0, 1000),
            (DATA, 1, 0),
            (WINDOW_UPDATE, 0, 4),
            (WINDOW_UPDATE, 0, 4),
            (PING, 0, 8),
        ] {
            assert_eq!(counts.received(&Frame { length, kind, flags }, 60_000), Ok(()));
        }
        counts.sent(&Frame { length: 10, kind: HEADERS, flags: 4 });
        counts.sent(&Frame { length: 10, kind: DATA, flags: 1 });
    }
    assert_eq!((counts.heads_out, counts.data_out), (10_000, 10_000));
}
