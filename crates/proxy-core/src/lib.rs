//! Under construction.

pub mod headers;
