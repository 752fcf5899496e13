//! `Headers`: the ordered header list of one message, made for a proxy's hot path.
//!
//! In: spans of a message head that a codec has checked, or names and values set by filters.
//! Out: lower-case names and values in order, duplicates kept, for routing and for encoding.
//! Lookup is a linear scan that compares lengths first; nothing is hashed.
//! No CR, LF or NUL is ever inside: a value that carries one is cleaned when it comes in.

use std::fmt;

use bytes::Bytes;

pub use piece::{HeaderName, InvalidHeaderName};

use piece::Piece;

pub mod head;
pub mod map;
pub mod name;
mod piece;
#[cfg(test)]
mod tests;

pub use head::{Method, RequestHead, ResponseHead, Version};

/// One header: a lower-case name and a value without CR, LF or NUL.
#[derive(Clone)]
struct Entry {
    name: Piece,
    value: Piece,
}

/// An ordered list of headers. Names are lower-case; duplicates are kept in order.
///
/// Headers that came from the wire are spans of one shared block (the message head),
/// so a head costs one reference, not two for each header.
#[derive(Clone, Default)]
pub struct Headers {
    block: Bytes,
    entries: Vec<Entry>,
}

impl Headers {
    /// An empty list; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for `capacity` headers.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { block: Bytes::new(), entries: Vec::with_capacity(capacity) }
    }

    /// Says which block the spans point into. At most 4 GiB of a block can be addressed.
    pub(crate) fn attach(&mut self, block: Bytes) {
        self.block = block;
    }

    /// Adds a header whose name and value are ranges (start, end) of the block.
    ///
    /// The codec has checked both: a lower-case token, and a value without CR, LF, NUL.
    pub(crate) fn push_span(&mut self, name: &[u8], place: (u32, u32), value: (u32, u32)) {
        let name = match name::known(name) {
            Some(known) => Piece::Static(known),
            None => Piece::Block(place.0, place.1),
        };
        self.entries.push(Entry { name, value: Piece::Block(value.0, value.1) });
    }

    /// Number of headers, duplicates counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All headers in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { block: &self.block, entries: self.entries.iter() }
    }

    /// All headers in order as bytes, for encoders.
    pub(crate) fn iter_bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let block = &self.block;
        self.entries.iter().map(move |entry| (entry.name.bytes(block), entry.value.bytes(block)))
    }

    /// The first value of `name` (lower-case by contract).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.position(name).map(|at| self.entries[at].value.bytes(&self.block))
    }

    /// The first value of `name` as text; `None` also when it is not UTF-8.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|v| std::str::from_utf8(v).ok())
    }

    /// The first value of `name` as a share of the message head, without a copy.
    #[must_use]
    pub fn get_bytes(&self, name: &str) -> Option<Bytes> {
        self.position(name).map(|at| self.entries[at].value.share(&self.block))
    }

    /// All values of `name` in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        debug_assert!(name::is_lower(name));
        self.entries
            .iter()
            .filter(move |entry| entry.name.is(&self.block, name.as_bytes()))
            .map(|entry| entry.value.bytes(&self.block))
    }

    /// All values of `name` joined with `,`, as Envoy joins repeated headers.
    ///
    /// A single value is shared, not copied.
    #[must_use]
    pub fn get_joined(&self, name: &str) -> Option<Bytes> {
        let mut values = self.get_all(name);
        let first = values.next()?;
        let Some(second) = values.next() else {
            return self.get_bytes(name);
        };
        let mut joined = Vec::with_capacity(first.len() + second.len() + 1);
        joined.extend_from_slice(first);
        for value in std::iter::once(second).chain(values) {
            joined.push(b',');
            joined.extend_from_slice(value);
        }
        Some(joined.into())
    }

    /// Whether `name` occurs.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Adds a header at the end, after others of the same name.
    ///
    /// CR, LF and NUL in `value` become spaces, so no value can end its line.
    pub fn append(&mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) {
        self.entries.push(Entry { name: name.into().0, value: Piece::cleaned(value.into()) });
    }

    /// Replaces all values of `name` by one, in the place of the first; adds it when absent.
    pub fn set(&mut self, name: impl Into<HeaderName>, value: impl Into<Bytes>) {
        let name = name.into();
        let value = Piece::cleaned(value.into());
        let block = &self.block;
        let Some(at) = self.entries.iter().position(|entry| entry.name.is(block, name.as_bytes())) else {
            self.entries.push(Entry { name: name.0, value });
            return;
        };
        self.entries[at].value = value;
        let mut index = 0;
        self.entries.retain(|entry| {
            index += 1;
            index <= at + 1 || !entry.name.is(block, name.as_bytes())
        });
    }

    /// Removes every header called `name` and returns how many there were.
    pub fn remove(&mut self, name: &str) -> usize {
        let Some(first) = self.position(name) else {
            return 0;
        };
        let before = self.entries.len();
        let block = &self.block;
        let mut index = 0;
        self.entries.retain(|entry| {
            index += 1;
            index <= first || !entry.name.is(block, name.as_bytes())
        });
        before - self.entries.len()
    }

    /// Keeps the headers for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &[u8]) -> bool) {
        let block = &self.block;
        self.entries.retain(|entry| keep(entry.name.text(block), entry.value.bytes(block)));
    }

    /// Adds all headers of `other` at the end.
    pub fn extend(&mut self, other: &Headers) {
        self.entries.reserve(other.len());
        for entry in &other.entries {
            self.entries
                .push(Entry { name: entry.name.detached(&other.block), value: entry.value.detached(&other.block) });
        }
    }

    /// Removes every header.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.block = Bytes::new();
    }

    /// Sum of the lengths of names and values in bytes, as Envoy's `byteSize` counts.
    #[must_use]
    pub fn byte_size(&self) -> usize {
        self.entries.iter().map(|entry| entry.name.len() + entry.value.len()).sum()
    }

    fn position(&self, name: &str) -> Option<usize> {
        debug_assert!(name::is_lower(name), "header name {name:?}");
        self.entries.iter().position(|entry| entry.name.is(&self.block, name.as_bytes()))
    }
}

/// The bytes of a range of `block`; empty when the range is outside.
fn span(block: &Bytes, (start, end): (u32, u32)) -> &[u8] {
    block.get(start as usize..end as usize).unwrap_or_default()
}

/// Iterates over names and values in order.
#[derive(Clone)]
pub struct Iter<'a> {
    block: &'a Bytes,
    entries: std::slice::Iter<'a, Entry>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        Some((entry.name.text(self.block), entry.value.bytes(self.block)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: Into<HeaderName>, V: Into<Bytes>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(pairs: T) -> Self {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)));
        f.debug_map().entries(pairs).finish()
    }
}
