//! Where a word was written: `At` inside a file, `Place` with the file, `Text` for a string that
//! holds a document of its own. Positions never take part in comparing two values.

use std::sync::Arc;

use lateen_core::Place;

/// A position inside the file that the owning object names.
///
/// All positions are equal, so that two messages compare by what they say and not by where they
/// stand: moving an object inside its file is not a change.
#[derive(Clone, Copy, Default)]
pub struct At {
    /// Line, counted from 1; 0 for a value that was made and not read.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

/// A string value together with the place of its characters, such as a value of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The string.
    pub value: String,
    /// Where the value starts in the file.
    pub at: At,
    /// How positions inside the string map to the file.
    pub origin: Origin,
}

/// Maps positions inside a piece of text to positions of the file around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// The text is the whole file.
    #[default]
    File,
    /// Line n of the text is line n + `lines` of the file, moved right by `columns` characters: a
    /// document inside a file, or the content of a literal block scalar.
    Shifted {
        /// Lines before the text.
        lines: u32,
        /// Characters left of the text.
        columns: u32,
    },
    /// Every position of the text is this one, as in a quoted or folded scalar.
    Fixed(At),
}

impl Origin {
    /// The position in the file of a line (from 1) and column (from 1) of the text.
    pub(crate) fn map(self, line: u32, column: u32) -> At {
        match self {
            Origin::File => At { line, column },
            Origin::Shifted { lines, columns } => {
                At { line: line.saturating_add(lines), column: column.saturating_add(columns) }
            }
            Origin::Fixed(at) => at,
        }
    }
}

impl At {
    /// This position in the given file.
    pub fn place(self, file: &Arc<str>) -> Place {
        Place { file: Arc::clone(file), line: self.line, column: self.column }
    }
}

impl PartialEq for At {
    fn eq(&self, _: &At) -> bool {
        true
    }
}

impl Eq for At {}

impl std::fmt::Debug for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
