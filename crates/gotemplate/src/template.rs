//! Templates: parsed once, executed many times, together with those that they call by name.
//! In: texts, an engine, data. Out: text, to a string or a writer.
//! Never here: evaluation.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{ExecError, ExecErrorKind, ParseError};
use crate::exec;
use crate::function::Function;
use crate::origin::{Copied, Marks, Rendered};
use crate::parse::node::List;
use crate::parse::{is_empty, parse};
use crate::value::Value;

/// One template of a set.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Name of the text that it stands in.
    pub file: Arc<str>,
    pub text: Arc<str>,
    pub list: List,
}

impl Tree {
    pub fn empty(name: &str) -> Tree {
        Tree { file: name.into(), text: "".into(), list: List::new() }
    }

    /// The line of a position in the text, from 1.
    pub fn line_of(&self, pos: usize) -> usize {
        self.text.as_bytes().iter().take(pos).filter(|byte| **byte == b'\n').count() + 1
    }
}

pub(crate) type Set = BTreeMap<Arc<str>, Arc<Tree>>;

/// Functions that stand in for those of the engine; the last of a name counts.
pub(crate) type Overlay = Vec<(Arc<str>, Function)>;

/// A parsed template and all templates that its text, and texts added to it, define.
///
/// Cheap to clone and safe to share between threads.
#[derive(Clone, Debug)]
pub struct Template {
    name: Arc<str>,
    set: Arc<Set>,
    engine: Engine,
    overlay: Arc<Overlay>,
}

/// A template that could not be written out.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The writer failed.
    #[error("cannot write a template's output: {0}")]
    Io(#[from] io::Error),
}

impl Template {
    /// Parses a text. Functions of the engine are known by name from here on.
    pub fn parse(name: &str, text: &str, engine: &Engine) -> Result<Template, ParseError> {
        let mut template =
            Template { name: name.into(), set: Arc::default(), engine: engine.clone(), overlay: Arc::default() };
        template.add(name, text)?;
        Ok(template)
    }

    /// Parses one more text into the set, under its own name. What it defines replaces what was known before,
    /// unless it is empty.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let nesting = self.engine.options.limits.nesting;
        let parsed = parse(name, text, nesting, &self.engine.functions)?;
        let (file, text): (Arc<str>, Arc<str>) = (name.into(), text.into());
        let set = Arc::make_mut(&mut self.set);
        for (tree_name, list) in parsed.trees {
            if is_empty(&list) && set.contains_key(&*tree_name) {
                continue;
            }
            let tree = Tree { file: file.clone(), text: text.clone(), list };
            set.insert(tree_name.into(), Arc::new(tree));
        }
        Ok(())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of all templates of the set, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.set.keys().map(|name| &**name)
    }

    /// The template of that name in the set.
    pub fn lookup(&self, name: &str) -> Option<Template> {
        let (name, _) = self.set.get_key_value(name)?;
        Some(Template { name: name.clone(), ..self.clone() })
    }

    /// The same template with another function under a name.
    ///
    /// For functions that need the data of one execution. Cheap: texts, trees and the engine are shared.
    /// A name that the engine does not know stays unknown, so no text can call it.
    #[must_use]
    pub fn rebind(&self, name: &str, function: Function) -> Template {
        let kept = self.overlay.iter().filter(|(known, _)| **known != *name).cloned();
        let overlay = kept.chain([(name.into(), function)]).collect();
        Template { overlay: Arc::new(overlay), ..self.clone() }
    }

    /// Runs the template on data.
    pub fn execute(&self, data: &Value) -> Result<String, ExecError> {
        let mut out = String::new();
        let mut output =
            Output { sink: Sink::Text(&mut out), left: self.engine.options.limits.output_size, marks: None };
        exec::execute(&self.engine, &self.overlay, &self.set, &self.name, data, &mut output)?;
        Ok(out)
    }

    /// Runs the template on data, and remembers which place of the template wrote which line.
    pub fn execute_with_lines(&self, data: &Value) -> Result<Rendered, ExecError> {
        let (mut text, mut marks) = (String::new(), Marks::default());
        let left = self.engine.options.limits.output_size;
        let mut output = Output { sink: Sink::Text(&mut text), left, marks: Some(&mut marks) };
        exec::execute(&self.engine, &self.overlay, &self.set, &self.name, data, &mut output)?;
        Ok(Rendered { text, marks })
    }

    /// Runs the template on data, writing as it goes: a run that fails has written what came before.
    pub fn execute_to(&self, data: &Value, writer: &mut dyn io::Write) -> Result<(), WriteError> {
        let mut failed = None;
        let mut output = Output {
            sink: Sink::Writer(writer, &mut failed),
            left: self.engine.options.limits.output_size,
            marks: None,
        };
        let result = exec::execute(&self.engine, &self.overlay, &self.set, &self.name, data, &mut output);
        match failed {
            Some(err) => Err(WriteError::Io(err)),
            None => Ok(result?),
        }
    }
}

/// Where the text goes, and how much may still come.
pub(crate) struct Output<'a> {
    sink: Sink<'a>,
    left: usize,
    /// Only for text.
    marks: Option<&'a mut Marks>,
}

enum Sink<'a> {
    Text(&'a mut String),
    Writer(&'a mut dyn io::Write, &'a mut Option<io::Error>),
}

impl Output<'_> {
    /// What marks call a tree; nothing of interest when there are none.
    pub fn source(&mut self, tree: &Arc<Tree>) -> u32 {
        self.marks.as_mut().map_or(0, |marks| marks.source(tree))
    }

    /// Says where the text that is written next comes from.
    pub fn mark(&mut self, source: u32, pos: usize, copied: Copied) {
        if let (Some(marks), Sink::Text(out)) = (&mut self.marks, &self.sink) {
            marks.mark(out.len(), source, pos, copied);
        }
    }

    pub fn write(&mut self, text: &str) -> Result<(), (ExecErrorKind, String)> {
        self.left = self
            .left
            .checked_sub(text.len())
            .ok_or_else(|| (ExecErrorKind::Limit, "exceeded maximum size of output".to_owned()))?;
        match &mut self.sink {
            Sink::Text(out) => out.push_str(text),
            Sink::Writer(writer, failed) => {
                if let Err(err) = writer.write_all(text.as_bytes()) {
                    let message = err.to_string();
                    **failed = Some(err);
                    return Err((ExecErrorKind::Write, message));
                }
            }
        }
        Ok(())
    }
}
