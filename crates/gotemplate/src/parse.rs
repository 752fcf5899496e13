//! From tokens to trees: one for the text, one for each `define` and `block` in it.
//! In: a template's text and the names of the functions that exist. Out: trees, or the first error as Go words it.
//! Never here: unbounded recursion; nesting is counted.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::Entry;
use crate::error::ParseError;
use crate::lex::{Kind, Token, lex};
use crate::quote::unquote;

pub(crate) mod node;
pub(crate) mod number;

use node::{Branch, Called, Command, Expr, ExprKind, List, Node, Pipe, Pos};
use number::Number;

/// The trees of one text, in the order in which they ended; the text's own comes last.
pub(crate) struct Parsed {
    pub trees: Vec<(String, List)>,
}

pub(crate) fn parse(
    name: &str,
    text: &str,
    nesting: usize,
    functions: &HashMap<Arc<str>, Entry>,
) -> Result<Parsed, ParseError> {
    let mut parser = Parser {
        name,
        text,
        functions,
        tokens: lex(text),
        next: 0,
        newest: 0,
        vars: vec!["$".into()],
        range_depth: 0,
        action_line: 0,
        nesting,
        trees: Vec::new(),
    };
    let root = parser.top()?;
    parser.add(name.to_owned(), root)?;
    Ok(Parsed { trees: parser.trees })
}

struct Parser<'a> {
    name: &'a str,
    text: &'a str,
    functions: &'a HashMap<Arc<str>, Entry>,
    tokens: Vec<Token<'a>>,
    next: usize,
    /// The furthest token looked at; errors are reported on its line.
    newest: usize,
    vars: Vec<Arc<str>>,
    range_depth: usize,
    /// Line of the action that is open; 0 when none is.
    action_line: usize,
    /// How many more blocks and parentheses may open.
    nesting: usize,
    trees: Vec<(String, List)>,
}

/// What ended a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn text(self) -> &'static str {
        match self {
            Ending::End => "{{end}}",
            Ending::Else => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Ending(Ending),
}

type Result<T, E = ParseError> = std::result::Result<T, E>;

impl<'a> Parser<'a> {
    // Tokens.

    fn peek(&mut self) -> Token<'a> {
        self.newest = self.newest.max(self.next);
        self.tokens[self.next].clone()
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        // The last token, the end or an error, is answered for ever.
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn peek_non_space(&mut self) -> Token<'a> {
        while self.peek().kind == Kind::Space {
            self.take();
        }
        self.peek()
    }

    fn take_non_space(&mut self) -> Token<'a> {
        self.peek_non_space();
        self.take()
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token<'a>> {
        let token = self.take_non_space();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    // Errors.

    fn error(&self, message: impl Into<String>) -> ParseError {
        let token = &self.tokens[self.newest];
        let before = &self.text[..token.pos];
        ParseError {
            template: self.name.to_owned(),
            line: token.line,
            column: before.len() - before.rfind('\n').map_or(0, |at| at + 1),
            message: message.into(),
        }
    }

    fn unexpected(&self, token: &Token<'_>, context: &str) -> ParseError {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", token.describe()));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", self.name, self.action_line);
            if token.val.ends_with(" action") {
                extra = extra.replacen(" in action", "", 1);
            }
        }
        self.error(format!("{}{extra}", token.val))
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting == 0 {
            return Err(self.error("nested too deep"));
        }
        self.nesting -= 1;
        let result = parse(self);
        self.nesting += 1;
        result
    }

    /// Parses a block whose variables end with it.
    fn scoped<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let vars = self.vars.len();
        let result = self.nested(parse);
        self.vars.truncate(vars);
        result
    }

    // Structure.

    fn top(&mut self) -> Result<List> {
        let mut root = List::new();
        loop {
            match self.peek().kind {
                Kind::Eof => return Ok(root),
                Kind::LeftDelim => {
                    let at = self.next;
                    self.take();
                    if self.take_non_space().kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.next = at;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Item::Node(node) => root.push(node),
                Item::Ending(ending) => return Err(self.error(format!("unexpected {}", ending.text()))),
            }
        }
    }

    /// Adds a tree. An empty one never takes the place of another.
    fn add(&mut self, name: String, tree: List) -> Result<()> {
        match self.trees.iter_mut().find(|(known, _)| *known == name) {
            None => self.trees.push((name, tree)),
            Some((_, known)) if is_empty(known) => *known = tree,
            Some(_) if is_empty(&tree) => {}
            Some(_) => {
                let name = crate::quote::quote(&name);
                return Err(self.error(format!("template: multiple definition of template {name}")));
            }
        }
        Ok(())
    }

    fn definition(&mut self) -> Result<()> {
        const CONTEXT: &str = "define clause";
        let token = self.take_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let list = self.own_tree(CONTEXT)?;
        self.add(name, list)
    }

    /// The body of a `define` or `block`: it sees no variables from outside.
    fn own_tree(&mut self, context: &str) -> Result<List> {
        let vars = std::mem::replace(&mut self.vars, vec!["$".into()]);
        let range_depth = std::mem::take(&mut self.range_depth);
        let (list, ending) = self.nested(Self::item_list)?;
        self.vars = vars;
        self.range_depth = range_depth;
        match ending {
            Ending::End => Ok(list),
            other => Err(self.error(format!("unexpected {} in {context}", other.text()))),
        }
    }

    fn item_list(&mut self) -> Result<(List, Ending)> {
        let mut list = List::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => list.push(node),
                Item::Ending(ending) => return Ok((list, ending)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Item> {
        let token = self.take_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text { pos: token.pos, text: token.val.into() })),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action();
                self.action_line = 0;
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item> {
        let at = {
            self.peek_non_space();
            self.next
        };
        let token = self.take();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.leave(Node::Break, "{{break}}")?,
            Kind::Continue => self.leave(Node::Continue, "{{continue}}")?,
            Kind::Else => {
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Ending(Ending::Else));
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ending(Ending::End));
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.next = at;
                let pos = self.peek().pos;
                Node::Action { pos, pipe: self.pipeline("command", Kind::RightDelim)? }
            }
        };
        Ok(Item::Node(node))
    }

    fn leave(&mut self, node: Node, name: &str) -> Result<Node> {
        let token = self.take_non_space();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, name));
        }
        if self.range_depth == 0 {
            return Err(self.error(format!("{name} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    fn control(&mut self, context: &'static str) -> Result<Branch> {
        self.scoped(|parser| {
            let pipe = parser.pipeline(context, Kind::RightDelim)?;
            let in_range = usize::from(context == "range");
            parser.range_depth += in_range;
            let (list, ending) = parser.item_list()?;
            parser.range_depth -= in_range;
            let else_list = match ending {
                Ending::End => None,
                Ending::Else => Some(parser.else_list(context)?),
            };
            Ok(Branch { pos: pipe.pos, pipe, list, else_list })
        })
    }

    /// What follows `else`. In a chain of `else if` one `end` closes all.
    fn else_list(&mut self, context: &'static str) -> Result<List> {
        match (context, self.peek().kind) {
            ("if", Kind::If) => {
                self.take();
                Ok(vec![Node::If(self.control("if")?)])
            }
            ("with", Kind::With) => {
                self.take();
                Ok(vec![Node::With(self.control("with")?)])
            }
            _ => match self.item_list()? {
                (list, Ending::End) => Ok(list),
                (_, other) => Err(self.error(format!("expected end; found {}", other.text()))),
            },
        }
    }

    fn block(&mut self) -> Result<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.take_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let list = self.own_tree(CONTEXT)?;
        self.add(name.clone(), list)?;
        Ok(Node::Template { pos: token.pos, name, pipe: Some(pipe) })
    }

    fn template(&mut self) -> Result<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.take_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = if self.peek_non_space().kind == Kind::RightDelim {
            self.take();
            None
        } else {
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template { pos: token.pos, name, pipe })
    }

    fn template_name(&mut self, token: &Token<'_>, context: &str) -> Result<String> {
        match token.kind {
            Kind::String | Kind::RawString => unquote(&token.val).ok_or_else(|| self.error("invalid syntax")),
            _ => Err(self.unexpected(token, context)),
        }
    }

    // Pipelines.

    fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, assign: false, decl: Vec::new(), commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let at = {
                self.peek_non_space();
                self.next
            };
            let token = self.take();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.next = at;
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return Err(self.unexpected(&token, context)),
            }
        }
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            if is_constant(&command.args[0].kind) {
                return Err(self.error(format!("non executable command in pipeline stage {}", i + 1)));
            }
        }
        Ok(pipe)
    }

    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        loop {
            let at = {
                self.peek_non_space();
                self.next
            };
            let variable = self.peek();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.take();
            let next = self.peek_non_space();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assign = next.kind == Kind::Assign;
                    self.take();
                    self.declare(pipe, &variable);
                    return Ok(());
                }
                Kind::Char if next.val == "," => {
                    self.take();
                    self.declare(pipe, &variable);
                    if context != "range" || pipe.decl.len() > 1 {
                        return Err(self.error(format!("too many declarations in {context}")));
                    }
                    if !matches!(self.peek_non_space().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return Err(self.error("range can only initialize variables"));
                    }
                }
                _ => {
                    self.next = at;
                    return Ok(());
                }
            }
        }
    }

    fn declare(&mut self, pipe: &mut Pipe, variable: &Token<'_>) {
        let name: Arc<str> = variable.val.as_ref().into();
        pipe.decl.push(name.clone());
        self.vars.push(name);
    }

    fn command(&mut self) -> Result<Command> {
        let mut command = Command { pos: self.peek_non_space().pos, args: Vec::new() };
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let at = self.next;
            let token = self.take();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.next = at,
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        if command.args.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(command)
    }

    fn operand(&mut self) -> Result<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(term));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(&self.take()));
        }
        // As in Go, the position is that of the second field.
        let pos: Pos = first.pos;
        let kind = match term.kind {
            ExprKind::Field(mut known) => {
                known.append(&mut fields);
                ExprKind::Field(known)
            }
            ExprKind::Variable(name, mut known) => {
                known.append(&mut fields);
                ExprKind::Variable(name, known)
            }
            kind if is_constant(&kind) => {
                let term = crate::quote::quote(&Expr { pos, kind }.to_string());
                return Err(self.error(format!("unexpected . after term {term}")));
            }
            kind => ExprKind::Chain(Box::new(Expr { pos: term.pos, kind }), fields),
        };
        Ok(Some(Expr { pos, kind }))
    }

    fn term(&mut self) -> Result<Option<Expr>> {
        let at = {
            self.peek_non_space();
            self.next
        };
        let token = self.take();
        let kind = match token.kind {
            Kind::Identifier => {
                let Some((name, entry)) = self.functions.get_key_value(&*token.val) else {
                    return Err(self.error(format!("function {} not defined", crate::quote::quote(&token.val))));
                };
                ExprKind::Identifier(Called { name: name.clone(), entry: entry.clone() })
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => {
                if !self.vars.iter().any(|known| **known == *token.val) {
                    return Err(self.error(format!("undefined variable {}", crate::quote::quote(&token.val))));
                }
                ExprKind::Variable(token.val.as_ref().into(), Vec::new())
            }
            Kind::Field => ExprKind::Field(vec![field_name(&token)]),
            Kind::Bool => ExprKind::Bool(token.val == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                ExprKind::Number(Number::parse(token.kind, &token.val).map_err(|message| self.error(message))?)
            }
            Kind::LeftParen => ExprKind::Pipe(Box::new(
                self.nested(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?,
            )),
            Kind::String | Kind::RawString => {
                let text = unquote(&token.val).ok_or_else(|| self.error("invalid syntax"))?;
                ExprKind::String { quoted: token.val.into_owned(), text: text.into() }
            }
            _ => {
                self.next = at;
                return Ok(None);
            }
        };
        Ok(Some(Expr { pos: token.pos, kind }))
    }
}

fn field_name(token: &Token<'_>) -> String {
    token.val.trim_start_matches('.').to_owned()
}

fn is_constant(kind: &ExprKind) -> bool {
    matches!(kind, ExprKind::Bool(_) | ExprKind::Dot | ExprKind::Nil | ExprKind::Number(_) | ExprKind::String { .. })
}

/// Whether a tree says nothing, so that it may stand in for a later definition.
pub(crate) fn is_empty(list: &List) -> bool {
    list.iter().all(|node| matches!(node, Node::Text { text, .. } if text.trim().is_empty()))
}
