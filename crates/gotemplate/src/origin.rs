//! Which place of a template wrote which line of the output.
//! In: a mark at each write. Out: file and line, for messages about what was rendered.
//! Never here: work at each write beyond pushing one mark; lines are counted when somebody asks.

use std::sync::Arc;

use crate::template::Tree;

/// Output that knows where it comes from.
///
/// ```
/// use lateen_gotemplate::{Engine, Template, Value};
///
/// let text = "{{ range . }}\nname: {{ . }}\n{{- end }}\nlast: true\n";
/// let template = Template::parse("sidecar", text, &Engine::new()).unwrap();
/// let rendered = template.execute_with_lines(&Value::list(["a", "b"])).unwrap();
/// assert_eq!(rendered.text, "\nname: a\nname: b\nlast: true\n");
/// assert_eq!(rendered.origin(3), Some(("sidecar", 2)));
/// assert_eq!(rendered.origin(4), Some(("sidecar", 4)));
/// ```
#[derive(Clone, Debug)]
pub struct Rendered {
    pub text: String,
    pub(crate) marks: Marks,
}

impl Rendered {
    /// The name of the text, and the line in it, that wrote a line of the output. Both lines count from 1.
    ///
    /// Of a line that several places wrote, the one that wrote its first byte that is not blank counts;
    /// of a blank line, the one that ended it. Nothing for a line that the output does not have.
    pub fn origin(&self, line: usize) -> Option<(&str, usize)> {
        let before = self.text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
        let found = self.text[before..].split_inclusive('\n').next()?;
        let blank = found.len() - found.trim_start().len();
        self.marks.place(before + blank.min(found.len() - 1))
    }
}

/// Whether a node wrote its own bytes or the result of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    Verbatim,
    Made,
}

/// From here on the output comes from that position.
#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: usize,
    pos: usize,
    source: u32,
    copied: Copied,
}

/// Where the parts of an output come from, in the order of the output.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    sources: Vec<Arc<Tree>>,
}

impl Marks {
    pub fn source(&mut self, tree: &Arc<Tree>) -> u32 {
        let known = self.sources.iter().position(|known| Arc::ptr_eq(known, tree));
        let index = known.unwrap_or_else(|| {
            self.sources.push(tree.clone());
            self.sources.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub fn mark(&mut self, offset: usize, source: u32, pos: usize, copied: Copied) {
        // What wrote nothing is forgotten, so that marks are never more than bytes.
        if self.marks.last().is_some_and(|last| last.offset == offset) {
            self.marks.pop();
        }
        self.marks.push(Mark { offset, pos, source, copied });
    }

    fn place(&self, offset: usize) -> Option<(&str, usize)> {
        let after = self.marks.partition_point(|mark| mark.offset <= offset);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        let tree = self.sources.get(usize::try_from(mark.source).ok()?)?;
        let pos = match mark.copied {
            Copied::Verbatim => mark.pos + (offset - mark.offset),
            Copied::Made => mark.pos,
        };
        Some((&tree.file, tree.line_of(pos)))
    }
}
