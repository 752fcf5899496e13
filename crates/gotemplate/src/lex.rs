//! From a template's text to tokens.
//! In: text. Out: tokens with their positions; the last one is the end or an error.
//! Never here: meaning; numbers and quoted texts are only delimited.

use std::borrow::Cow;

use crate::quote::is_printable;

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `val` is the message.
    Error,
    Bool,
    /// A printable character that means nothing by itself, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    // keywords
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

#[derive(Clone, Debug)]
pub(crate) struct Token<'t> {
    pub kind: Kind,
    /// Byte offset in the text.
    pub pos: usize,
    pub val: Cow<'t, str>,
    /// From 1.
    pub line: usize,
}

impl Token<'_> {
    /// How an error message names the token.
    pub fn describe(&self) -> String {
        match self.kind {
            Kind::Eof => "EOF".into(),
            Kind::Error => self.val.to_string(),
            Kind::Dot
            | Kind::Block
            | Kind::Break
            | Kind::Continue
            | Kind::Define
            | Kind::Else
            | Kind::End
            | Kind::If
            | Kind::Nil
            | Kind::Range
            | Kind::Template
            | Kind::With => format!("<{}>", self.val),
            _ if self.val.len() > 10 => {
                let head: String = self.val.chars().take(10).collect();
                format!("{}...", crate::quote::quote(&head))
            }
            _ => crate::quote::quote(&self.val),
        }
    }
}

/// Splits a whole text. The work is linear in its length.
pub(crate) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, pos: 0, start: 0, line: 1, start_line: 1, parens: 0, tokens: Vec::new() };
    lexer.run();
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    tokens: Vec<Token<'a>>,
}

/// The lexer has said its last token.
struct Stop;

impl Lexer<'_> {
    fn run(&mut self) {
        loop {
            let inside = match self.text_until_action() {
                Ok(inside) => inside,
                Err(Stop) => return,
            };
            if inside && self.action().is_err() {
                return;
            }
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn emit(&mut self, kind: Kind) {
        let val = Cow::Borrowed(&self.text[self.start..self.pos]);
        self.tokens.push(Token { kind, pos: self.start, val, line: self.start_line });
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn ignore(&mut self) {
        self.line += self.text[self.start..self.pos].matches('\n').count();
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn error(&mut self, message: String) -> Stop {
        self.tokens.push(Token { kind: Kind::Error, pos: self.start, val: message.into(), line: self.start_line });
        Stop
    }

    /// Whether an action begins where this stops; a comment is skipped here.
    fn text_until_action(&mut self) -> Result<bool, Stop> {
        let Some(found) = self.rest().find(LEFT) else {
            self.pos = self.text.len();
            if self.pos > self.start {
                self.line += self.text[self.start..].matches('\n').count();
                self.emit(Kind::Text);
            }
            self.emit(Kind::Eof);
            return Err(Stop);
        };
        self.pos += found;
        let trim = has_left_trim(&self.text[self.pos + LEFT.len()..]);
        let piece = &self.text[self.start..self.pos];
        let trimmed = if trim { piece.len() - piece.trim_end_matches(is_space).len() } else { 0 };
        self.pos -= trimmed;
        if self.pos > self.start {
            self.line += self.text[self.start..self.pos].matches('\n').count();
            self.emit(Kind::Text);
        }
        self.pos += trimmed;
        self.ignore();

        self.pos += LEFT.len();
        let marker = if trim { 2 } else { 0 };
        if self.text[self.pos + marker..].starts_with("/*") {
            self.pos += marker;
            self.ignore();
            self.comment()?;
            return Ok(false);
        }
        self.emit(Kind::LeftDelim);
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        Ok(true)
    }

    fn comment(&mut self) -> Result<(), Stop> {
        self.pos += 2;
        let Some(end) = self.rest().find("*/") else {
            return Err(self.error("unclosed comment".into()));
        };
        self.pos += end + 2;
        let Some(trim) = self.at_right() else {
            return Err(self.error("comment ends before closing delimiter".into()));
        };
        self.pos += RIGHT.len();
        if trim {
            self.pos += 2;
            self.skip_space();
        }
        self.ignore();
        Ok(())
    }

    /// Whether a right delimiter is here, and if so, whether it trims.
    fn at_right(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_matches(is_space).len();
    }

    /// The inside of an action, up to and with its right delimiter.
    fn action(&mut self) -> Result<(), Stop> {
        loop {
            if let Some(trim) = self.at_right() {
                if self.parens > 0 {
                    return Err(self.error("unclosed left paren".into()));
                }
                if trim {
                    self.pos += 2;
                    self.ignore();
                }
                self.pos += RIGHT.len();
                self.emit(Kind::RightDelim);
                if trim {
                    self.skip_space();
                    self.ignore();
                }
                return Ok(());
            }
            let Some(c) = self.next() else {
                return Err(self.error("unclosed action".into()));
            };
            match c {
                c if is_space(c) => {
                    // A trimming delimiter begins with a space: leave that one.
                    while self.peek().is_some_and(is_space) && self.at_right().is_none() {
                        self.next();
                    }
                    self.emit(Kind::Space);
                }
                '=' => self.emit(Kind::Assign),
                ':' => {
                    if self.next() != Some('=') {
                        return Err(self.error("expected :=".into()));
                    }
                    self.emit(Kind::Declare);
                }
                '|' => self.emit(Kind::Pipe),
                '"' => self.quoted('"', "unterminated quoted string", Kind::String)?,
                '\'' => self.quoted('\'', "unterminated character constant", Kind::CharConstant)?,
                '`' => {
                    loop {
                        match self.next() {
                            Some('`') => break,
                            Some(_) => {}
                            None => return Err(self.error("unterminated raw quoted string".into())),
                        }
                    }
                    self.emit(Kind::RawString);
                }
                '$' => self.field_or_variable(Kind::Variable)?,
                '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) && self.pos < self.text.len() => {
                    self.field_or_variable(Kind::Field)?;
                }
                '.' | '+' | '-' | '0'..='9' => {
                    self.pos -= 1;
                    self.number()?;
                }
                c if is_alphanumeric(c) => self.identifier()?,
                '(' => {
                    self.parens += 1;
                    self.emit(Kind::LeftParen);
                }
                ')' => {
                    if self.parens == 0 {
                        return Err(self.error("unexpected right paren".into()));
                    }
                    self.parens -= 1;
                    self.emit(Kind::RightParen);
                }
                ' '..='~' => self.emit(Kind::Char),
                c => return Err(self.error(format!("unrecognized character in action: {}", unicode(Some(c))))),
            }
        }
    }

    fn quoted(&mut self, mark: char, unterminated: &str, kind: Kind) -> Result<(), Stop> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                Some('\\' | '\n') | None => return Err(self.error(unterminated.into())),
                Some(c) if c == mark => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn field_or_variable(&mut self, kind: Kind) -> Result<(), Stop> {
        if self.at_terminator() {
            self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
            return Ok(());
        }
        self.word()?;
        self.emit(kind);
        Ok(())
    }

    fn word(&mut self) -> Result<(), Stop> {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            let message = format!("bad character {}", unicode(self.peek()));
            return Err(self.error(message));
        }
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), Stop> {
        self.word()?;
        self.emit(match &self.text[self.start..self.pos] {
            "block" => Kind::Block,
            "break" => Kind::Break,
            "continue" => Kind::Continue,
            "define" => Kind::Define,
            "else" => Kind::Else,
            "end" => Kind::End,
            "if" => Kind::If,
            "nil" => Kind::Nil,
            "range" => Kind::Range,
            "template" => Kind::Template,
            "with" => Kind::With,
            "true" | "false" => Kind::Bool,
            _ => Kind::Identifier,
        });
        Ok(())
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(c) => is_space(c) || self.rest().starts_with(RIGHT),
        }
    }

    fn number(&mut self) -> Result<(), Stop> {
        let ok = self.scan_number();
        if ok && !matches!(self.peek(), Some('+' | '-')) {
            self.emit(Kind::Number);
            return Ok(());
        }
        if ok && self.scan_number() && self.text[..self.pos].ends_with('i') {
            self.emit(Kind::Complex);
            return Ok(());
        }
        let message = format!("bad number syntax: {}", crate::quote::quote(&self.text[self.start..self.pos]));
        Err(self.error(message))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|c| valid.contains(c));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphabetic() || c.is_numeric()
}

fn has_left_trim(text: &str) -> bool {
    text.as_bytes().first() == Some(&b'-') && text[1..].starts_with(is_space)
}

fn has_right_trim(text: &str) -> bool {
    text.starts_with(is_space) && text[1..].starts_with('-')
}

/// A character as Go's `%#U`; the end of the text is -1 there.
fn unicode(c: Option<char>) -> String {
    match c {
        Some(c) if is_printable(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
        None => "U+FFFFFFFFFFFFFFFF".into(),
    }
}
