//! The canonical form of a path: dot segments, percent-encoding, backslashes.
//!
//! In: a path without query that starts with `/`. Out: its canonical form, or `Invalid`.
//! As Envoy's URL library: `\` is `/`, escaped unreserved characters are decoded, escapes that
//! stay keep their case, bytes that no path may have are escaped, `%00` is invalid, and
//! slashes are not merged. Parameters of dot segments (`/..;x/`) are dropped first.

/// The path has a NUL.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid;

/// What to do with a byte that stands unescaped in a path.
fn must_escape(byte: u8) -> bool {
    matches!(byte, 0..=0x20 | b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'|' | b'}') || byte >= 0x7f
}

/// The canonical form; `None` when the path has it already.
pub(super) fn canonicalize(path: &[u8]) -> Result<Option<Vec<u8>>, Invalid> {
    if is_canonical(path) {
        return Ok(None);
    }
    let stripped = strip_dot_parameters(path);
    let path = stripped.as_deref().unwrap_or(path);
    let mut out: Vec<u8> = Vec::with_capacity(path.len() + 16);
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        if let Some(dot) = dot_len(path, at) {
            at += dot;
            if out.last() != Some(&b'/') {
                out.push(b'.');
                continue;
            }
            match after_dot(path, at) {
                Dot::Name => out.push(b'.'),
                Dot::Current(used) => at += used,
                Dot::Parent(used) => {
                    at += used;
                    pop_segment(&mut out);
                }
            }
            continue;
        }
        at += 1;
        match byte {
            b'\\' => out.push(b'/'),
            b'%' => match escaped(path, at) {
                Some(0) => return Err(Invalid),
                Some(value) => {
                    at += 2;
                    if value.is_ascii_alphanumeric() || matches!(value, b'-' | b'_' | b'~') {
                        out.push(value);
                    } else {
                        out.push(b'%');
                        out.extend_from_slice(&path[at - 2..at]);
                    }
                }
                None => out.push(b'%'),
            },
            0 => return Err(Invalid),
            byte if must_escape(byte) => {
                let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value & 15)];
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte)]);
            }
            byte => out.push(byte),
        }
    }
    Ok(Some(out))
}

/// Whether nothing of `canonicalize` could apply: the common case.
fn is_canonical(path: &[u8]) -> bool {
    let mut previous = 0;
    path.iter().all(|&byte| {
        let plain = byte != b'%' && byte != b'\\' && !(byte == b'.' && previous == b'/') && !must_escape(byte);
        previous = byte;
        plain
    })
}

/// Cuts `;...` off segments that start with `.;` or `..;`.
fn strip_dot_parameters(path: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(path, b".;")?;
    let mut out = Vec::with_capacity(path.len());
    for (index, segment) in path.split(|&byte| byte == b'/').enumerate() {
        if index > 0 {
            out.push(b'/');
        }
        out.extend_from_slice(match segment {
            [b'.', b'.', b';', ..] => b"..",
            [b'.', b';', ..] => b".",
            other => other,
        });
    }
    Some(out)
}

/// The length of a dot at `at`: `.` is 1, `%2e` is 3.
fn dot_len(path: &[u8], at: usize) -> Option<usize> {
    match path.get(at..)? {
        [b'.', ..] => Some(1),
        [b'%', b'2', b'e' | b'E', ..] => Some(3),
        _ => None,
    }
}

/// What a dot after a slash is.
enum Dot {
    /// The start of a name.
    Name,
    /// `.`: bytes used after the dot.
    Current(usize),
    /// `..`: bytes used after the first dot.
    Parent(usize),
}

fn after_dot(path: &[u8], at: usize) -> Dot {
    let ends = |at: usize| match path.get(at) {
        None => Some(0),
        Some(b'/' | b'\\') => Some(1),
        Some(_) => None,
    };
    if let Some(used) = ends(at) {
        return Dot::Current(used);
    }
    if let Some(second) = dot_len(path, at)
        && let Some(used) = ends(at + second)
    {
        return Dot::Parent(second + used);
    }
    Dot::Name
}

/// Removes the last segment; the output ends with a slash before and after.
fn pop_segment(out: &mut Vec<u8>) {
    out.pop();
    let kept = memchr::memrchr(b'/', out).map_or(0, |slash| slash + 1);
    out.truncate(kept);
    if out.is_empty() {
        out.push(b'/');
    }
}

/// The value of two hex digits at `at`.
fn escaped(path: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    match path.get(at..at + 2)? {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}
