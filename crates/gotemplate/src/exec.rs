//! Walking a tree: text is written, actions are evaluated, blocks are entered.
//! In: trees, data, functions, bounds. Out: text, or the first error with its place.
//! Never here: recursion that is not counted, or a loop that is not charged.

use std::fmt::Display;
use std::sync::Arc;

use crate::budget::Budget;
use crate::engine::Engine;
use crate::error::{CallError, ExecError, ExecErrorKind};
use crate::format;
use crate::origin::Copied;
use crate::parse::node::{Branch, Command, Expr, List, Node, Pipe};
use crate::template::{Output, Overlay, Set, Tree};
use crate::value::{Elem, Value};

mod call;
mod field;
mod pipeline;

/// A value on its way, and whether it comes out of an `interface {}`.
///
/// Nil that comes out of one is a nil interface, whose fields are an error;
/// nil that does not is no value at all, whose fields are no value again.
#[derive(Clone, Debug, Default)]
struct Operand {
    value: Value,
    boxed: bool,
}

impl Operand {
    fn plain(value: Value) -> Operand {
        Operand { value, boxed: false }
    }

    /// An element of a container.
    fn element(value: Value, elem: &Elem) -> Operand {
        Operand { value, boxed: *elem == Elem::Any }
    }

    /// The type that an error names.
    fn type_name(&self) -> String {
        if self.boxed { "interface {}".to_owned() } else { self.value.type_name() }
    }

    /// No value at all.
    fn is_missing(&self) -> bool {
        matches!(self.value, Value::Nil) && !self.boxed
    }
}

/// What an error points at.
#[derive(Clone, Copy)]
enum Place<'t> {
    Start,
    Pipe(&'t Pipe),
    Command(&'t Command),
    Expr(&'t Expr),
    Action(&'t Node),
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

type Result<T, E = Box<ExecError>> = std::result::Result<T, E>;

struct State<'t, 'o> {
    engine: &'t Engine,
    overlay: &'t Overlay,
    set: &'t Set,
    name: &'t str,
    tree: &'t Arc<Tree>,
    /// What the output knows the tree as.
    source: u32,
    place: Place<'t>,
    vars: Vec<(&'t str, Operand)>,
    depth: usize,
    budget: &'t Budget,
    out: &'o mut Output<'o>,
}

/// Runs the template of that name in a set.
pub(crate) fn execute<'o>(
    engine: &Engine,
    overlay: &Overlay,
    set: &Set,
    name: &str,
    data: &Value,
    out: &'o mut Output<'o>,
) -> std::result::Result<(), ExecError> {
    let budget = Budget::new(&engine.options);
    let empty = Arc::new(Tree::empty(name));
    let found = set.get(name);
    let dot = Operand::plain(data.clone());
    let mut state = State {
        engine,
        overlay,
        set,
        name,
        tree: found.unwrap_or(&empty),
        source: out.source(found.unwrap_or(&empty)),
        place: Place::Start,
        vars: vec![("$", dot.clone())],
        depth: 0,
        budget: &budget,
        out,
    };
    if found.is_none() {
        let message = format!("{} is an incomplete or empty template", crate::quote::quote(name));
        return Err(*state.error(message));
    }
    state.walk_list(&dot, &state.tree.list).map(drop).map_err(|err| *err)
}

impl<'t> State<'t, '_> {
    fn error(&self, message: impl Into<String>) -> Box<ExecError> {
        self.error_of(ExecErrorKind::Evaluation, message.into())
    }

    fn error_of(&self, kind: ExecErrorKind, message: String) -> Box<ExecError> {
        let (pos, piece): (usize, &dyn Display) = match self.place {
            Place::Start => (0, &""),
            Place::Pipe(pipe) => (pipe.pos, pipe),
            Place::Command(command) => (command.pos, command),
            Place::Expr(expr) => (expr.pos, expr),
            Place::Action(node) => (node.pos(), node),
        };
        let before = self.tree.text.get(..pos).unwrap_or_default();
        Box::new(ExecError {
            file: self.tree.file.to_string(),
            template: self.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.len() - before.rfind('\n').map_or(0, |at| at + 1),
            piece: piece.to_string(),
            message,
            kind,
        })
    }

    /// An error of the work on a value, such as a bound that was reached.
    fn refused(&self, err: CallError) -> Box<ExecError> {
        let kind = if err.is_limit() { ExecErrorKind::Limit } else { ExecErrorKind::Evaluation };
        self.error_of(kind, err.to_string())
    }

    fn spend(&self) -> Result<()> {
        self.budget.spend(1).map_err(|err| self.refused(err))
    }

    /// Goes one level deeper. The level is left again only by those that return normally.
    fn enter(&mut self) -> Result<()> {
        self.depth += 1;
        let limit = self.engine.options.limits.depth;
        if self.depth > limit {
            return Err(self.error_of(ExecErrorKind::Limit, format!("exceeded maximum template depth ({limit})")));
        }
        Ok(())
    }

    fn walk_list(&mut self, dot: &Operand, list: &'t List) -> Result<Flow> {
        for node in list {
            match self.walk(dot, node)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Operand, node: &'t Node) -> Result<Flow> {
        self.spend()?;
        match node {
            Node::Text { pos, text } => self.write(*pos, Copied::Verbatim, text)?,
            Node::Action { pipe, .. } => {
                self.place = Place::Action(node);
                let operand = self.pipeline(dot, pipe)?;
                if pipe.decl.is_empty() {
                    self.place = Place::Action(node);
                    self.print(node, &operand)?;
                }
            }
            Node::If(branch) => return self.if_or_with(dot, branch, false),
            Node::With(branch) => return self.if_or_with(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template { name, pipe, .. } => self.template(dot, node, name, pipe.as_ref())?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Writes what the node at a position gives.
    fn write(&mut self, pos: usize, copied: Copied, text: &str) -> Result<()> {
        self.out.mark(self.source, pos, copied);
        match self.out.write(text) {
            Ok(()) => Ok(()),
            Err((kind, message)) => Err(self.error_of(kind, message)),
        }
    }

    fn print(&mut self, node: &'t Node, operand: &Operand) -> Result<()> {
        match &operand.value {
            Value::Nil => self.write(node.pos(), Copied::Made, "<no value>"),
            Value::String(text) => self.write(node.pos(), Copied::Made, text),
            Value::Function(function) => {
                Err(self.error(format!("can't print {node} of type {}", function.type_name())))
            }
            value => {
                let text = format::print_value(value, self.budget).map_err(|err| self.refused(err))?;
                self.write(node.pos(), Copied::Made, &text)
            }
        }
    }

    fn if_or_with(&mut self, dot: &Operand, branch: &'t Branch, with: bool) -> Result<Flow> {
        let mark = self.vars.len();
        let operand = self.pipeline(dot, &branch.pipe)?;
        let flow = if operand.value.truth() {
            self.body(if with { &operand } else { dot }, &branch.list)?
        } else if let Some(list) = &branch.else_list {
            self.body(dot, list)?
        } else {
            Flow::Next
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    /// The inside of a block.
    fn body(&mut self, dot: &Operand, list: &'t List) -> Result<Flow> {
        self.enter()?;
        let flow = self.walk_list(dot, list)?;
        self.depth -= 1;
        Ok(flow)
    }

    fn range(&mut self, dot: &Operand, branch: &'t Branch) -> Result<Flow> {
        let mark = self.vars.len();
        let operand = self.pipeline(dot, &branch.pipe)?;
        let looped = self.iterate(branch, &operand.value)?;
        let mut flow = Flow::Next;
        if !looped && let Some(list) = &branch.else_list {
            // A `break` here leaves the range around this one.
            flow = self.body(dot, list)?;
            if flow == Flow::Break {
                flow = Flow::Next;
            }
        }
        self.vars.truncate(mark);
        Ok(flow)
    }

    /// Visits every element; answers whether there was any.
    fn iterate(&mut self, branch: &'t Branch, value: &Value) -> Result<bool> {
        match value {
            Value::Nil => Ok(false),
            Value::Int(..) | Value::Uint(..) => {
                if branch.pipe.decl.len() > 1 {
                    let value = self.show(value);
                    return Err(self.error(format!("can't use {value} to iterate over more than one variable")));
                }
                let count = match value {
                    Value::Int(n, _) => u64::try_from(*n).unwrap_or(0),
                    Value::Uint(n, _) => *n,
                    _ => 0,
                };
                for i in 0..count {
                    let element = match value {
                        Value::Uint(_, kind) => Value::Uint(i, *kind),
                        Value::Int(_, kind) => Value::Int(i64::try_from(i).unwrap_or(i64::MAX), *kind),
                        _ => Value::Nil,
                    };
                    if self.iteration(branch, Operand::default(), Operand::plain(element))? == Flow::Break {
                        break;
                    }
                }
                Ok(count > 0)
            }
            Value::List(list) => {
                for (i, item) in list.items().iter().enumerate() {
                    let element = Operand::element(item.clone(), list.elem());
                    if self.iteration(branch, Operand::plain(i.into()), element)? == Flow::Break {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Map(map) => {
                let entries = map.entries();
                let any = !entries.is_empty();
                for (key, item) in entries {
                    let element = Operand::element(item, map.elem());
                    if self.iteration(branch, Operand::plain(Value::String(key)), element)? == Flow::Break {
                        break;
                    }
                }
                Ok(any)
            }
            Value::Object(object) if object.range().is_some() => {
                let entries = object.range().unwrap_or_default();
                let any = !entries.is_empty();
                for (key, item) in entries {
                    if self.iteration(branch, Operand::plain(key), Operand::plain(item))? == Flow::Break {
                        break;
                    }
                }
                Ok(any)
            }
            Value::Object(object) if object.is_nil() => Err(self.error("range can't iterate over <nil>")),
            other => {
                let value = self.show(other);
                Err(self.error(format!("range can't iterate over {value}")))
            }
        }
    }

    fn iteration(&mut self, branch: &'t Branch, index: Operand, element: Operand) -> Result<Flow> {
        self.spend()?;
        let decl = &branch.pipe.decl;
        let mark = self.vars.len();
        if branch.pipe.assign {
            match &decl[..] {
                [] => {}
                [one] => self.set_var(one, element.clone())?,
                [first, second, ..] => {
                    self.set_var(first, index)?;
                    self.set_var(second, element.clone())?;
                }
            }
        } else {
            // The pipeline has declared them; here they get their values.
            let declared = self.vars.iter_mut().rev().take(decl.len());
            for ((_, var), value) in declared.zip([element.clone(), index]) {
                *var = value;
            }
        }
        let flow = self.body(&element, &branch.list)?;
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn template(&mut self, dot: &Operand, node: &'t Node, name: &'t str, pipe: Option<&'t Pipe>) -> Result<()> {
        self.place = Place::Action(node);
        let Some(tree) = self.set.get(name) else {
            return Err(self.error(format!("template {} not defined", crate::quote::quote(name))));
        };
        self.enter()?;
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Operand::default(),
        };
        let outer_vars = std::mem::replace(&mut self.vars, vec![("$", dot.clone())]);
        let outer = (self.name, self.tree, self.source);
        (self.name, self.tree, self.source) = (name, tree, self.out.source(tree));
        self.walk_list(&dot, &tree.list)?;
        (self.name, self.tree, self.source) = outer;
        self.vars = outer_vars;
        self.depth -= 1;
        Ok(())
    }

    fn set_var(&mut self, name: &str, value: Operand) -> Result<()> {
        match self.vars.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, var)) => {
                *var = value;
                Ok(())
            }
            None => Err(self.error(format!("undefined variable: {name}"))),
        }
    }

    /// A value inside an error message.
    fn show(&self, value: &Value) -> String {
        format::print_bare(std::slice::from_ref(value), self.budget).unwrap_or_else(|err| err.to_string())
    }
}

impl Node {
    fn pos(&self) -> usize {
        match self {
            Node::Action { pos, .. } | Node::Template { pos, .. } => *pos,
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => branch.pos,
            Node::Text { .. } | Node::Break | Node::Continue => 0,
        }
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Node::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Node::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", crate::quote::quote(name))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Node::If(branch) => write!(f, "{{{{if {}}}}}", branch.pipe),
            Node::With(branch) => write!(f, "{{{{with {}}}}}", branch.pipe),
            Node::Range(branch) => write!(f, "{{{{range {}}}}}", branch.pipe),
            Node::Text { text, .. } => f.write_str(text),
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
        }
    }
}
