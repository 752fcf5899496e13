//! Access logs: lines out of templates with Envoy's `%COMMAND%` operators, and filters that leave requests out.
//! In: templates of resources, a `Record` that the shell fills. Out: bytes of one line.
//! Never here: files, clocks. A value that is absent is `-` (`null` in JSON).

mod command;
mod filter;
mod format;
mod record;
mod template;
mod time;

#[cfg(test)]
mod tests;

pub use filter::{Comparison, Filter};
pub use format::{Format, JsonNode};
pub use record::{Connection, Record, UnixTime};
pub use template::{Template, TemplateError};
