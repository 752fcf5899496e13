//! Templates: parsed once, executed many times, together with those that they call by name.
//! In: texts, an engine, data. Out: text, to a string or a writer.
//! Never here: evaluation.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{ExecError, ExecErrorKind, ParseError};
use crate::exec;
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
}

pub(crate) type Set = BTreeMap<Arc<str>, Arc<Tree>>;

/// A parsed template and all templates that its text, and texts added to it, define.
///
/// Cheap to clone and safe to share between threads.
#[derive(Clone, Debug)]
pub struct Template {
    name: Arc<str>,
    set: Set,
    engine: Engine,
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
        let mut template = Template { name: name.into(), set: Set::new(), engine: engine.clone() };
        template.add(name, text)?;
        Ok(template)
    }

    /// Parses one more text into the set, under its own name. What it defines replaces what was known before,
    /// unless it is empty.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), ParseError> {
        let functions = &self.engine.functions;
        let nesting = self.engine.options.limits.nesting;
        let parsed = parse(name, text, nesting, &|function| functions.contains_key(function))?;
        let (file, text): (Arc<str>, Arc<str>) = (name.into(), text.into());
        for (tree_name, list) in parsed.trees {
            if is_empty(&list) && self.set.contains_key(&*tree_name) {
                continue;
            }
            let tree = Tree { file: file.clone(), text: text.clone(), list };
            self.set.insert(tree_name.into(), Arc::new(tree));
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

    /// Runs the template on data.
    pub fn execute(&self, data: &Value) -> Result<String, ExecError> {
        let mut out = String::new();
        let mut output = Output { sink: Sink::Text(&mut out), left: self.engine.options.limits.output_size };
        exec::execute(&self.engine, &self.set, &self.name, data, &mut output)?;
        Ok(out)
    }

    /// Runs the template on data, writing as it goes: a run that fails has written what came before.
    pub fn execute_to(&self, data: &Value, writer: &mut dyn io::Write) -> Result<(), WriteError> {
        let mut failed = None;
        let mut output =
            Output { sink: Sink::Writer(writer, &mut failed), left: self.engine.options.limits.output_size };
        let result = exec::execute(&self.engine, &self.set, &self.name, data, &mut output);
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
}

enum Sink<'a> {
    Text(&'a mut String),
    Writer(&'a mut dyn io::Write, &'a mut Option<io::Error>),
}

impl Output<'_> {
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
