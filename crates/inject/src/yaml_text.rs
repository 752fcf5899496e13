//! JSON as YAML text, in the form of `sigs.k8s.io/yaml`.
//! In: JSON. Out: block YAML that both YAML 1.1 and 1.2 read back as that JSON.
//! Never here: reading YAML; anchors, tags, comments.

use serde_json::{Map, Value as Json};

mod keys;
mod resolve;
mod scalar;

use scalar::Style;

/// Columns after which a text of several words goes on in the next line.
const WIDTH: usize = 80;
/// Spaces of a level.
const STEP: usize = 2;
/// Bytes above which a key is written with a question mark.
const LONGEST_SIMPLE_KEY: usize = 128;

/// JSON as YAML, mappings in the order of their keys, numbers inside keys by value: `a2` before `a10`.
///
/// The text is what `sigs.k8s.io/yaml` writes, but for what some readers would take for something else:
/// `<<`, numbers that no float holds such as `1e400`, U+2028 and U+2029 are double-quoted.
///
/// ```
/// let json = serde_json::json!({"b": ["yes", 1.0], "a": "x\ny\n"});
/// assert_eq!(lateen_inject::yaml_text::to_yaml(&json), "a: |\n  x\n  y\nb:\n- \"yes\"\n- 1\n");
/// ```
pub fn to_yaml(json: &Json) -> String {
    write(json, true)
}

/// JSON as YAML, mappings in the order that they have.
pub fn to_yaml_in_order(json: &Json) -> String {
    write(json, false)
}

fn write(json: &Json, sorted: bool) -> String {
    let mut writer = Writer { out: String::new(), column: 0, sorted };
    writer.node(json, None, Place::Fresh);
    writer.end_line();
    writer.out
}

/// Where a node begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the root, after `-`, or after the colon of a long key: the first entry stands in the same line.
    Fresh,
    /// After the colon of a key: entries begin in the next line, and lists are not indented.
    Value,
}

struct Writer {
    out: String,
    /// Characters written in the last line.
    column: usize,
    sorted: bool,
}

impl Writer {
    /// `outer` is the column of the entries of the mapping or list that the node is in.
    fn node(&mut self, json: &Json, outer: Option<usize>, place: Place) {
        match json {
            Json::Object(entries) if !entries.is_empty() => self.mapping(entries, outer, place),
            Json::Array(items) if !items.is_empty() => self.list(items, outer, place),
            leaf => {
                if self.column > 0 {
                    self.push(' ');
                }
                self.leaf(leaf, outer);
            }
        }
    }

    fn mapping(&mut self, entries: &Map<String, Json>, outer: Option<usize>, place: Place) {
        let column = inside(outer);
        let mut order: Vec<(&String, &Json)> = entries.iter().collect();
        if self.sorted {
            order.sort_by(|(a, _), (b, _)| keys::compare(a, b));
        }
        for (i, (key, value)) in order.into_iter().enumerate() {
            self.entry(i == 0, place, column);
            if key.len() <= LONGEST_SIMPLE_KEY && !scalar::has_line_break(key) {
                self.text(key, None);
                self.push(':');
                self.node(value, Some(column), Place::Value);
            } else {
                self.push_str("? ");
                self.text(key, Some(column + STEP));
                self.end_line();
                self.indent(column);
                self.push(':');
                self.node(value, Some(column), Place::Fresh);
            }
        }
    }

    fn list(&mut self, items: &[Json], outer: Option<usize>, place: Place) {
        let column = match (place, outer) {
            (Place::Value, Some(outer)) => outer,
            _ => inside(outer),
        };
        for (i, item) in items.iter().enumerate() {
            self.entry(i == 0, place, column);
            self.push('-');
            self.node(item, Some(column), Place::Fresh);
        }
    }

    fn entry(&mut self, first: bool, place: Place, column: usize) {
        if !first || place == Place::Value {
            self.end_line();
        }
        self.indent(column);
    }

    fn leaf(&mut self, json: &Json, outer: Option<usize>) {
        match json {
            Json::Null => self.push_str("null"),
            Json::Bool(b) => self.push_str(if *b { "true" } else { "false" }),
            Json::Number(number) => self.push_str(&scalar::number(number)),
            Json::String(text) => self.text(text, Some(outer.map_or(STEP, |outer| outer + STEP))),
            Json::Array(_) => self.push_str("[]"),
            Json::Object(_) => self.push_str("{}"),
        }
    }

    /// A text; `indent` is where its further lines begin. A simple key has none.
    fn text(&mut self, text: &str, indent: Option<usize>) {
        match (scalar::style(text), indent) {
            (Style::Plain, indent) => self.folded(text, indent, |writer, c| writer.push(c)),
            (Style::Single, indent) => {
                self.push('\'');
                self.folded(text, indent, |writer, c| match c {
                    '\'' => writer.push_str("''"),
                    c => writer.push(c),
                });
                self.push('\'');
            }
            (Style::Literal, Some(indent)) => self.literal(text, indent),
            (Style::Double | Style::Literal, indent) => self.double(text, indent),
        }
    }

    fn folded(&mut self, text: &str, indent: Option<usize>, put: impl Fn(&mut Writer, char)) {
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next_is_word = chars.peek().is_some_and(|next| *next != ' ');
            match indent {
                Some(indent) if c == ' ' && !after_space && next_is_word && self.column > WIDTH => {
                    self.end_line();
                    self.indent(indent);
                }
                _ => put(self, c),
            }
            after_space = c == ' ';
        }
    }

    fn double(&mut self, text: &str, indent: Option<usize>) {
        self.push('"');
        let mut after_space = false;
        let mut chars = text.chars().enumerate().peekable();
        while let Some((i, c)) = chars.next() {
            match (indent, chars.peek()) {
                (Some(indent), Some((_, next))) if c == ' ' && i > 0 && !after_space && self.column > WIDTH => {
                    self.end_line();
                    self.indent(indent);
                    if *next == ' ' {
                        self.push('\\');
                    }
                }
                _ => match scalar::escape(c) {
                    Some(escaped) => self.push_str(&escaped),
                    None => self.push(c),
                },
            }
            after_space = c == ' ';
        }
        self.push('"');
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.push('|');
        if text.starts_with([' ', '\n']) {
            self.push_str(&STEP.to_string());
        }
        match text.strip_suffix('\n') {
            None => self.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.push('+'),
            Some(_) => {}
        }
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            self.push('\n');
            if !line.is_empty() {
                self.indent(indent);
                self.push_str(line);
            }
        }
        if text.ends_with('\n') {
            self.push('\n');
        }
    }

    fn end_line(&mut self) {
        if self.column > 0 {
            self.push('\n');
        }
    }

    fn indent(&mut self, column: usize) {
        while self.column < column {
            self.push(' ');
        }
    }

    fn push(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    fn push_str(&mut self, text: &str) {
        text.chars().for_each(|c| self.push(c));
    }
}

/// The column of a mapping or list inside another.
fn inside(outer: Option<usize>) -> usize {
    outer.map_or(0, |outer| outer + STEP)
}

#[cfg(test)]
mod tests;
