//! What of a compressed field block (HPACK, RFC 7541) can be told without its dynamic table.
//! In: the bytes of a block. Out: whether a pseudo header stands in it. Pure, and safe on hostile bytes.
//! Names that only the dynamic table knows are not seen; a decoder still has to drop those.

/// Whether a pseudo header (RFC 9113 section 8.3) stands in `block`, by its static index or by its name.
///
/// Trailers must have none (section 8.1); a block that cannot be read is judged by what came before.
#[must_use]
pub fn names_pseudo_header(mut block: &[u8]) -> bool {
    while let Some(&first) = block.first() {
        // The prefix of the index, and whether a name and a value follow.
        let (bits, literal) = match first {
            0x80.. => (7, false),
            0x40.. => (6, true),
            // A change of the table's size.
            0x20.. => {
                if integer(&mut block, 5).is_none() {
                    return false;
                }
                continue;
            }
            _ => (4, true),
        };
        let Some(index) = integer(&mut block, bits) else { return false };
        // Entries 1 to 14 of the static table are the pseudo headers (appendix A).
        if (1..=14).contains(&index) {
            return true;
        }
        if literal {
            if index == 0 {
                let Some((huffman, name)) = string(&mut block) else { return false };
                // `:` itself, or the seven bits of its Huffman code (appendix B).
                let colon = name.first().is_some_and(|&byte| if huffman { byte >> 1 == 0x5c } else { byte == b':' });
                if colon {
                    return true;
                }
            }
            if string(&mut block).is_none() {
                return false;
            }
        }
    }
    false
}

/// An integer with a prefix of `bits` bits (section 5.1); `None` when it is cut off or does not fit.
fn integer(block: &mut &[u8], bits: u32) -> Option<u64> {
    let (&first, mut rest) = block.split_first()?;
    let mask = (1u8 << bits) - 1;
    let mut value = u64::from(first & mask);
    if first & mask == mask {
        for shift in (0..=28).step_by(7) {
            let (&byte, more) = rest.split_first()?;
            rest = more;
            value += u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *block = rest;
                return Some(value);
            }
        }
        return None;
    }
    *block = rest;
    Some(value)
}

/// A string literal (section 5.2): whether it is Huffman-coded, and its bytes.
fn string<'b>(block: &mut &'b [u8]) -> Option<(bool, &'b [u8])> {
    let huffman = block.first()? & 0x80 != 0;
    let length = usize::try_from(integer(block, 7)?).ok()?;
    let (text, rest) = block.split_at_checked(length)?;
    *block = rest;
    Some((huffman, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pseudo_headers_are_seen() {
        let cases: [(&[u8], bool); 11] = [
            (b"", false),
            // grpc-status: 0 as a literal, then by the dynamic table.
            (b"\x40\x0bgrpc-status\x010", false),
            (b"\xbe", false),
            // :path by index, as the name of a literal, by its name, by its Huffman-coded name.
            (b"\x84", true),
            (b"\x44\x02/y", true),
            (b"\x00\x05:path\x02/y", true),
            (b"\x00\x84\xb9\x58\xd3\x3f\x02/y", true),
            // Behind another header and a change of the table's size.
            (b"\x3f\xe1\x1f\x10\x01a\x01b\x00\x07:method\x03GET", true),
            // Cut off.
            (b"\x00\x05:pa", false),
            (b"\x00", false),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", false),
        ];
        for (block, wanted) in cases {
            assert_eq!(names_pseudo_header(block), wanted, "{block:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(block in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = names_pseudo_header(&block);
        }
    }
}
