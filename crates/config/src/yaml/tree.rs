//! Events of the YAML scanner to trees with places.
//!
//! Bounded in depth, in nodes and in what aliases may add, so that a small text cannot become a
//! large tree. Never here: what a key means, apart from the merge key `<<`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::place::{At, Origin};
use crate::yaml::indent::{self, Indented};
use crate::yaml::merge::{add_merged, mark_duplicates, merge};
use crate::yaml::scalar::{self, Scalar, ScalarKind};
use crate::yaml::{Entry, Node, Value};

/// Levels of nesting; the recursion of decoders rests on this.
const DEEPEST: usize = 100;

/// What trees of one file may cost.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    /// Nodes written out.
    nodes: usize,
    /// Nodes that aliases and merge keys copy.
    copies: usize,
    /// Bytes of text that they copy.
    copied_bytes: usize,
    /// Bytes of texts that are scanned once more because lines of them were moved.
    moved_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 5_000_000, copies: 200_000, copied_bytes: 16 << 20, moved_bytes: indent::MOST_BYTES }
    }
}

/// Why a text has no tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    /// Where.
    pub(crate) at: At,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// The trees of a text up to its first problem.
pub(crate) fn scan(text: &str, origin: Origin, budget: &mut Budget) -> (Vec<Node>, Option<Problem>) {
    let mut given = budget.clone();
    let mut indented = Indented::new(text);
    loop {
        let (documents, stop) = scan_once(&indented, origin, budget);
        let Some(Stop { problem, syntax }) = stop else { return (documents, None) };
        match syntax {
            Some(error)
                if indented.mend(error.marker().line(), error.marker().col(), error.info(), &mut given.moved_bytes) =>
            {
                *budget = given.clone();
            }
            _ => {
                budget.moved_bytes = given.moved_bytes;
                return (documents, Some(problem));
            }
        }
    }
}

/// Where reading ends before the text does.
struct Stop {
    problem: Problem,
    /// What the scanner said, if it was the scanner.
    syntax: Option<ScanError>,
}

fn scan_once(text: &Indented<'_>, origin: Origin, budget: &mut Budget) -> (Vec<Node>, Option<Stop>) {
    let mut documents = Vec::new();
    let mut builder = Builder::new(text, origin, budget);
    if let Some(problem) = builder.control_character() {
        return (documents, Some(Stop { problem, syntax: None }));
    }
    for event in Parser::new_from_str(text.text()) {
        let step = match event {
            Ok((event, span)) => builder.event(event, span).map_err(|problem| Stop { problem, syntax: None }),
            Err(error) => Err(Stop { problem: builder.syntax(&error), syntax: Some(error) }),
        };
        match step {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => {}
            Err(stop) => return (documents, Some(stop)),
        }
    }
    (documents, None)
}

enum Frame {
    Sequence { anchor: usize, at: At, items: Vec<Node> },
    Mapping { anchor: usize, at: At, entries: Vec<Entry>, merged: Vec<Entry>, key: Option<Key> },
}

struct Key {
    text: String,
    at: At,
    length: u32,
    merge: bool,
}

struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
}

struct Builder<'t, 'b> {
    lines: Vec<&'t str>,
    indented: &'t Indented<'t>,
    origin: Origin,
    budget: &'b mut Budget,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
}

impl<'t, 'b> Builder<'t, 'b> {
    fn new(indented: &'t Indented<'t>, origin: Origin, budget: &'b mut Budget) -> Self {
        Self {
            lines: indented.text().split('\n').collect(),
            indented,
            origin,
            budget,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
        }
    }

    /// One event; gives the document that it completes.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<Option<Node>, Problem> {
        let at = self.at(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
            Event::DocumentEnd => {
                self.anchors.clear();
                return Ok(self.root.take());
            }
            Event::SequenceStart(anchor, _) => {
                self.nest(at)?;
                self.stack.push(Frame::Sequence { anchor, at, items: Vec::new() });
            }
            Event::MappingStart(anchor, _) => {
                self.nest(at)?;
                self.stack.push(Frame::Mapping { anchor, at, entries: Vec::new(), merged: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(at)?;
                let plain = style == ScalarStyle::Plain;
                let node = Node {
                    at,
                    length: self.length(span, style),
                    value: Value::Scalar(Scalar {
                        kind: kind(&text, plain, tag.as_deref()),
                        origin: self.inner_origin(&text, span, style, at),
                        text: text.into_owned(),
                    }),
                };
                self.remember(anchor, &node)?;
                self.place(node, plain)?;
            }
            Event::Alias(id) => {
                let node = self.copy(id, at)?;
                self.place(node, false)?;
            }
        }
        Ok(None)
    }

    /// Puts a complete node where it belongs: a key, a value, an item, or the document itself.
    fn place(&mut self, node: Node, plain: bool) -> Result<(), Problem> {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::Sequence { items, .. }) => items.push(node),
            Some(Frame::Mapping { entries, merged, key, .. }) => match key.take() {
                Some(key) if key.merge => merged.extend(merge(key.at, node)?),
                Some(key) => entries.push(Entry {
                    key: key.text,
                    at: key.at,
                    length: key.length,
                    value: node,
                    duplicate_of: None,
                }),
                None => *key = Some(as_key(node, plain)?),
            },
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Problem> {
        let (anchor, node) = match self.stack.pop() {
            Some(Frame::Sequence { anchor, at, items }) => {
                (anchor, Node { at, length: 1, value: Value::Sequence(items) })
            }
            Some(Frame::Mapping { anchor, at, mut entries, merged, .. }) => {
                mark_duplicates(&mut entries);
                add_merged(&mut entries, merged);
                let length = entries.first().map_or(1, |entry| entry.length);
                (anchor, Node { at, length, value: Value::Mapping(entries) })
            }
            None => return Ok(()),
        };
        self.remember(anchor, &node)?;
        self.place(node, false)
    }

    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Problem> {
        if anchor == 0 {
            return Ok(());
        }
        let (nodes, bytes) = weigh(node);
        self.spend_copies(nodes, bytes, node.at)?;
        self.anchors.insert(anchor, Anchored { node: node.clone(), nodes, bytes });
        Ok(())
    }

    fn copy(&mut self, id: usize, at: At) -> Result<Node, Problem> {
        let Some(anchored) = self.anchors.get(&id) else {
            let message = "an alias may not stand inside of what it names".to_owned();
            return Err(Problem { at, message, hint: None });
        };
        let (nodes, bytes) = (anchored.nodes, anchored.bytes);
        if depth(&anchored.node) + self.stack.len() > DEEPEST {
            return Err(too_deep(at));
        }
        let node = anchored.node.clone();
        self.spend_copies(nodes, bytes, at)?;
        Ok(node)
    }

    fn nest(&mut self, at: At) -> Result<(), Problem> {
        if self.stack.len() >= DEEPEST {
            return Err(too_deep(at));
        }
        self.spend(at)
    }

    fn spend(&mut self, at: At) -> Result<(), Problem> {
        match self.budget.nodes.checked_sub(1) {
            Some(left) => {
                self.budget.nodes = left;
                Ok(())
            }
            None => {
                let message = "this file has too many values".to_owned();
                let hint = Some("split it into several files".to_owned());
                Err(Problem { at, message, hint })
            }
        }
    }

    fn spend_copies(&mut self, nodes: usize, bytes: usize, at: At) -> Result<(), Problem> {
        let budget = &mut *self.budget;
        let left = (budget.copies.checked_sub(nodes), budget.copied_bytes.checked_sub(bytes));
        if let (Some(copies), Some(copied_bytes)) = left {
            budget.copies = copies;
            budget.copied_bytes = copied_bytes;
            return Ok(());
        }
        let message = "the aliases of this file expand to too much".to_owned();
        Err(Problem { at, message, hint: Some("write the values out".to_owned()) })
    }

    fn at(&self, span: Span) -> At {
        self.position(span.start.line(), span.start.col())
    }

    fn position(&self, line: usize, column: usize) -> At {
        let column = column.saturating_sub(self.indented.moved(line));
        self.origin.map(number(line.max(1)), number(column).saturating_add(1))
    }

    fn length(&self, span: Span, style: ScalarStyle) -> u32 {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if block || span.start.line() != span.end.line() {
            return 1;
        }
        number(span.end.col().saturating_sub(span.start.col())).max(1)
    }

    /// How positions in a scalar map to the file: line by line in a literal block, else not.
    fn inner_origin(&self, text: &str, span: Span, style: ScalarStyle, at: At) -> Origin {
        let outer = match self.origin {
            Origin::File => (0, 0),
            Origin::Shifted { lines, columns } => (lines, columns),
            Origin::Fixed(_) => return self.origin,
        };
        if style != ScalarStyle::Literal {
            return Origin::Fixed(at);
        }
        let text = text.split('\n').enumerate().find(|(_, line)| !line.trim().is_empty());
        let Some((blank, words)) = text else {
            return Origin::Fixed(at);
        };
        // The scanner's span starts at the first word of the content, or at a tag before it.
        let line = |row: usize| self.lines.get(row - 1).copied().unwrap_or_default();
        let start = span.start.line().max(1);
        let in_content = line(start).chars().skip(span.start.col()).eq(words.chars());
        let (row, columns) = if in_content {
            (start, span.start.col())
        } else {
            let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
            let rows = start + 1..=self.lines.len();
            let row = rows.into_iter().find(|row| !line(*row).trim().is_empty()).unwrap_or(start);
            (row, indent(line(row)).saturating_sub(indent(words)))
        };
        Origin::Shifted {
            lines: number((row - 1).saturating_sub(blank)).saturating_add(outer.0),
            columns: number(columns).saturating_add(outer.1),
        }
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let marker = error.marker();
        let (mut row, mut column) = (marker.line().max(1), marker.col());
        // What is missing at the end of the text is missing after its last word.
        let blank = |row: usize| self.lines.get(row - 1).is_none_or(|line| line.trim().is_empty());
        let at_end = (row..=self.lines.len()).all(blank);
        while at_end && row > 1 && blank(row) {
            row -= 1;
            column = self.lines.get(row - 1).map_or(0, |line| line.trim_end().chars().count());
        }
        let line = self.lines.get(row - 1).copied().unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let hint = indent.contains('\t').then(|| "indent with spaces, not with tabs".to_owned());
        Problem { at: self.position(row, column), message: format!("this is not YAML: {}", error.info()), hint }
    }

    /// YAML is text: NUL and its like end scanners early or hide in terminals.
    fn control_character(&self) -> Option<Problem> {
        for (index, line) in self.lines.iter().enumerate() {
            let found = line
                .chars()
                .enumerate()
                .find(|(_, c)| (c.is_ascii_control() && !matches!(c, '\t' | '\r')) || *c == '\u{fffe}');
            if let Some((column, c)) = found {
                let message = format!("character U+{:04X} is not allowed in YAML", u32::from(c));
                return Some(Problem { at: self.position(index + 1, column), message, hint: None });
            }
        }
        None
    }
}

fn kind(text: &str, plain: bool, tag: Option<&Tag>) -> ScalarKind {
    match tag {
        None if plain => scalar::resolve(text),
        Some(tag) if tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "int" | "float" | "bool" | "null") => {
            scalar::resolve(text)
        }
        _ => ScalarKind::String,
    }
}

/// Keys are strings in JSON; a boolean becomes its JSON name, as in Kubernetes' conversion.
fn as_key(node: Node, plain: bool) -> Result<Key, Problem> {
    let (at, length) = (node.at, node.length);
    match node.value {
        Value::Scalar(scalar) => Ok(Key {
            merge: plain && scalar.text == "<<",
            text: match scalar.kind {
                ScalarKind::Bool(value) => value.to_string(),
                _ => scalar.text,
            },
            at,
            length,
        }),
        _ => {
            let message = "a key must be a string".to_owned();
            let hint = Some("quote text that starts with `{` or `[`".to_owned());
            Err(Problem { at, message, hint })
        }
    }
}

fn weigh(node: &Node) -> (usize, usize) {
    match &node.value {
        Value::Scalar(scalar) => (1, scalar.text.len()),
        Value::Sequence(items) => items.iter().map(weigh).fold((1, 0), add),
        Value::Mapping(entries) => {
            entries.iter().map(|entry| add(weigh(&entry.value), (0, entry.key.len()))).fold((1, 0), add)
        }
    }
}

fn add(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}

fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 0,
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0),
    }
}

fn too_deep(at: At) -> Problem {
    let message = format!("more than {DEEPEST} levels of nesting");
    Problem { at, message, hint: None }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
