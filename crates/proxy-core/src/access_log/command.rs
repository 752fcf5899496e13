//! One `%COMMAND(ARGUMENT):LENGTH%`.

use super::record::Record;

/// One command operator.
#[derive(Debug, Clone)]
pub(super) struct Command;

impl Command {
    /// Adds the value; false when there is none.
    pub(super) fn render(&self, _record: &Record<'_>, _out: &mut Vec<u8>) -> bool {
        false
    }
}
