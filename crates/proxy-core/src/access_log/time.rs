//! Points in time as text.
