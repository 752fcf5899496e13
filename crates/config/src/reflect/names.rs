//! Names of fields in Go: the rule by which protoc-gen-go makes them from those of a .proto file.
//!
//! In: `proxy_metadata`. Out: `ProxyMetadata`. Never here: exceptions; the rule has none that matter.

/// The name in Go (`GoCamelCase` of google.golang.org/protobuf/internal/strs).
pub(super) fn go(proto: &str) -> String {
    letters(proto).collect()
}

/// Whether a name is the one in Go.
pub(super) fn is_go(proto: &str, name: &str) -> bool {
    letters(proto).eq(name.chars())
}

/// An underscore goes when a small letter follows; each run of small letters starts with a capital.
fn letters(proto: &str) -> impl Iterator<Item = char> {
    let mut rest = proto.chars().peekable();
    let mut start = true;
    let mut inside = false;
    std::iter::from_fn(move || {
        loop {
            let c = rest.next()?;
            let first = std::mem::replace(&mut start, false);
            let small = c.is_ascii_lowercase();
            let continues = small && inside;
            inside = c.is_ascii_alphabetic();
            match c {
                '_' if first => return Some('X'),
                '_' if rest.peek().is_some_and(char::is_ascii_lowercase) => inside = false,
                '_' => {
                    inside = true;
                    return Some('_');
                }
                c if continues => return Some(c),
                c => return Some(c.to_ascii_uppercase()),
            }
        }
    })
}
