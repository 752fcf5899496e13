//! From a spanned tree to typed values: the trait, and the macros that declare messages.
//!
//! A decoder takes a node and gives a value or nothing; whenever it gives nothing it has told the
//! context why. Never here: the meaning of a field.

pub(crate) mod context;
pub(crate) mod duration;
pub(crate) mod macros;
pub(crate) mod names;
mod nested;
mod numbers;
mod scalars;
mod timestamp;

pub(crate) use context::{Context, Unknown};
pub(crate) use macros::{choice, message, oneof};

use crate::yaml::Node;

/// A value that can be read from a node.
pub(crate) trait Decode: Sized {
    /// The value, or nothing after a finding.
    fn decode(node: &Node, cx: &mut Context) -> Option<Self>;
}

/// A set of fields of which at most one may be written.
pub(crate) trait Oneof: Sized {
    /// Field names, snake case, as Rust writes them.
    const MEMBERS: &'static [&'static str];

    /// The value of the member at `index` of `MEMBERS`, or nothing after a finding.
    fn decode_member(index: usize, node: &Node, cx: &mut Context) -> Option<Self>;
}
