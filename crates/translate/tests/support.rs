//! What the cases need: resources as JSON, and where a call goes in them.

pub mod call;
pub mod resources;
