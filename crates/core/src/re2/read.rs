//! Reads a pattern in RE2's syntax and writes it anew for crate `regex`.
//! In: a pattern. Out: the same meaning in the other syntax, the number of groups, the cost.
//! Takes time that grows with the length of the pattern, and calls nothing again and again within itself.

use super::class::{self, Class, NOTHING};
use super::{LARGEST, Re2Error};
use std::collections::HashSet;

/// How deep groups may lie in each other; RE2 allows 1000.
pub(super) const DEEPEST: u32 = 250;

/// The most repetitions, also of repetitions within each other (RE2's `kMaxRepeat`).
const MOST_REPEATS: u64 = 1000;

/// A pattern written anew.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) groups: usize,
    pub(super) cost: u64,
}

/// What is left of a pattern.
pub(super) struct Rest<'p>(&'p str);

impl<'p> Rest<'p> {
    pub(super) fn text(&self) -> &'p str {
        self.0
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.0.chars().next()?;
        self.0 = &self.0[next.len_utf8()..];
        Some(next)
    }

    /// Goes on behind `wanted`, if that is what follows.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Goes on behind `count` bytes, which were looked at before.
    pub(super) fn skip(&mut self, count: usize) {
        self.0 = self.0.get(count..).unwrap_or_default();
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flags {
    any_case: bool,
    many_lines: bool,
    dot_all: bool,
    lazy: bool,
}

/// A part of a sequence.
struct Piece {
    text: String,
    cost: u64,
    /// The largest product of repetitions within each other.
    repeats: u64,
    /// Whether an operator already follows.
    repeated: bool,
    /// Whether it is something that can be repeated, not flags.
    solid: bool,
}

/// A group that is open.
struct Frame {
    opened: &'static str,
    before: Flags,
    /// Alternatives that are complete.
    done: String,
    cost: u64,
    repeats: u64,
    pieces: Vec<Piece>,
}

struct Reader<'p> {
    rest: Rest<'p>,
    flags: Flags,
    frames: Vec<Frame>,
    top: Frame,
    groups: usize,
    names: HashSet<&'p str>,
}

/// Reads a whole pattern.
pub(super) fn pattern(pattern: &str) -> Result<Read, Re2Error> {
    let mut reader = Reader {
        rest: Rest(pattern),
        flags: Flags::default(),
        frames: Vec::new(),
        top: Frame::new("", Flags::default()),
        groups: 0,
        names: HashSet::new(),
    };
    while !reader.rest.text().is_empty() {
        let at = reader.rest.text();
        match at.as_bytes() {
            [b'(', b'?', ..] => reader.perl_group()?,
            [b'(', ..] => {
                reader.rest.skip(1);
                reader.open("(")?;
            }
            [b')', ..] => {
                reader.rest.skip(1);
                reader.close(at)?;
            }
            [b'|', ..] => {
                reader.rest.skip(1);
                reader.top.end_alternative(true);
                if reader.flags.any_case != reader.top.before.any_case {
                    reader.case();
                }
            }
            [b'*' | b'+' | b'?' | b'{', ..] => match reader.operator()? {
                Some(operator) => reader.repeat(&operator, at)?,
                None => {
                    reader.rest.skip(1);
                    reader.literal(u32::from(b'{'));
                }
            },
            _ => reader.atom()?,
        }
        if reader.top.cost > LARGEST {
            return Err(Re2Error::TooLarge { cost: reader.top.cost });
        }
    }
    if !reader.frames.is_empty() {
        return Err(Re2Error::syntax("a group is not closed", pattern));
    }
    reader.top.end_alternative(false);
    let Frame { done: text, cost, .. } = reader.top;
    if cost > LARGEST {
        return Err(Re2Error::TooLarge { cost });
    }
    Ok(Read { text, groups: reader.groups, cost })
}

/// `*`, `+`, `?` or `{n,m}`.
struct Operator {
    text: String,
    least: u64,
    /// None without an end.
    most: Option<u64>,
    /// Whether it is written with braces.
    counted: bool,
}

impl<'p> Reader<'p> {
    /// One character, class or assertion.
    fn atom(&mut self) -> Result<(), Re2Error> {
        let flags = self.flags;
        match self.rest.text().as_bytes() {
            [b'.', ..] if flags.dot_all => self.simple(1, "(?s:.)", 12),
            [b'.', ..] => self.simple(1, r"[^\n]", 12),
            [b'^', ..] => self.simple(1, if flags.many_lines { "(?m:^)" } else { r"\A" }, 1),
            [b'$', ..] => self.simple(1, if flags.many_lines { "(?m:$)" } else { r"\z" }, 1),
            [b'\\', b'b', ..] => self.simple(2, r"(?-u:\b)", 1),
            [b'\\', b'B', ..] => self.simple(2, r"(?-u:\B)", 1),
            [b'\\', b'A', ..] => self.simple(2, r"\A", 1),
            [b'\\', b'z', ..] => self.simple(2, r"\z", 1),
            [b'\\', b'C', ..] => self.simple(2, r"(?s-u:.)", 1),
            [b'\\', b'Q', ..] => {
                self.rest.skip(2);
                while !self.rest.text().is_empty() && !self.rest.take(r"\E") {
                    if let Some(character) = self.rest.next() {
                        self.literal(u32::from(character));
                    }
                }
            }
            [b'\\', ..] => match class::perl_or_unicode(&mut self.rest)? {
                Some(class) => self.class(class),
                None => {
                    let character = escape(&mut self.rest)?;
                    self.literal(character);
                }
            },
            [b'[', ..] => {
                self.rest.skip(1);
                let class = class::bracketed(&mut self.rest, flags.any_case)?;
                self.class(class);
            }
            _ => {
                if let Some(character) = self.rest.next() {
                    self.literal(u32::from(character));
                }
            }
        }
        Ok(())
    }

    fn simple(&mut self, length: usize, text: &str, cost: u64) {
        self.rest.skip(length);
        self.top.push(text.to_owned(), cost);
    }

    fn class(&mut self, class: Class) {
        self.top.push(class.text, class.cost);
    }

    fn literal(&mut self, character: u32) {
        let Some(character) = char::from_u32(character) else {
            // A surrogate, which no text has.
            return self.top.push(NOTHING.to_owned(), 1);
        };
        let text = if character.is_ascii_alphanumeric() {
            character.to_string()
        } else {
            format!(r"\x{{{:X}}}", u32::from(character))
        };
        let length = character.len_utf8() as u64;
        let cost = match (self.flags.any_case, character) {
            (false, _) => length,
            (true, 'k' | 'K' | 's' | 'S') => 6,
            (true, '\0'..='\x7f') => 2,
            (true, _) => 4 * length,
        };
        self.top.push(text, cost);
    }

    /// Writes down that the case counts, or no longer counts, from here to the end of the group.
    fn case(&mut self) {
        let text = if self.flags.any_case { "(?i)" } else { "(?-i)" };
        self.top.pieces.pop_if(|piece| !piece.solid);
        self.top.pieces.push(Piece { text: text.to_owned(), cost: 0, repeats: 1, repeated: false, solid: false });
    }

    /// A group or flags that begin with `(?`.
    fn perl_group(&mut self) -> Result<(), Re2Error> {
        let at = self.rest.text();
        let unknown = || match at.as_bytes() {
            [_, _, b'=' | b'!', ..] | [_, _, b'<', b'=' | b'!', ..] => {
                Re2Error::syntax("there is no look-around in RE2", at)
            }
            _ => Re2Error::syntax("RE2 does not know this group", at),
        };
        self.rest.skip(2);
        let named = match self.rest.text().as_bytes() {
            [b'<', b'=' | b'!', ..] => false,
            [b'<', ..] => self.rest.take("<"),
            _ => self.rest.take("P<"),
        };
        if named {
            let inner = self.rest.text();
            let bad = || Re2Error::syntax("the name of a group is missing, not valid or used twice", at);
            let name = inner.find('>').and_then(|end| inner.get(..end)).ok_or_else(bad)?;
            let valid = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !valid || !self.names.insert(name) {
                return Err(bad());
            }
            self.rest.skip(name.len() + 1);
            return self.open("(");
        }
        let mut flags = self.flags;
        let (mut negated, mut saw_flag) = (false, false);
        loop {
            let flag = match self.rest.next().ok_or_else(unknown)? {
                'i' => &mut flags.any_case,
                'm' => &mut flags.many_lines,
                's' => &mut flags.dot_all,
                'U' => &mut flags.lazy,
                '-' if !negated => {
                    (negated, saw_flag) = (true, false);
                    continue;
                }
                end @ (':' | ')') if !negated || saw_flag => {
                    if end == ':' {
                        // The flags end with the group.
                        self.open("(?:")?;
                    }
                    let changed = flags.any_case != self.flags.any_case;
                    self.flags = flags;
                    if changed {
                        self.case();
                    }
                    return Ok(());
                }
                _ => return Err(unknown()),
            };
            *flag = !negated;
            saw_flag = true;
        }
    }

    fn open(&mut self, opened: &'static str) -> Result<(), Re2Error> {
        if self.frames.len() >= DEEPEST as usize {
            return Err(Re2Error::TooDeep);
        }
        self.groups += usize::from(opened == "(");
        let frame = Frame::new(opened, self.flags);
        self.frames.push(std::mem::replace(&mut self.top, frame));
        Ok(())
    }

    fn close(&mut self, at: &str) -> Result<(), Re2Error> {
        let Some(outer) = self.frames.pop() else {
            return Err(Re2Error::syntax("a group is closed that is not open", at));
        };
        let mut inner = std::mem::replace(&mut self.top, outer);
        inner.end_alternative(false);
        self.flags = inner.before;
        let text = format!("{}{})", inner.opened, inner.done);
        self.top.cost += inner.cost + 2;
        let cost = inner.cost + 2;
        self.top.pieces.push(Piece { text, cost, repeats: inner.repeats, repeated: false, solid: true });
        Ok(())
    }

    /// The repetition that follows; none when a brace stands for itself.
    fn operator(&mut self) -> Result<Option<Operator>, Re2Error> {
        let at = self.rest.text();
        let (length, least, most, counted) = match at.as_bytes() {
            [b'*', ..] => (1, 0, None, false),
            [b'+', ..] => (1, 1, None, false),
            [b'?', ..] => (1, 0, Some(1), false),
            _ => {
                let Some((length, least, most)) = counts(at) else { return Ok(None) };
                if most.is_some_and(|most| most < least) || least.max(most.unwrap_or(0)) > MOST_REPEATS {
                    return Err(Re2Error::syntax("it repeats 1000 times at most, from the smaller number on", at));
                }
                (length, least, most, true)
            }
        };
        self.rest.skip(length);
        let mut text = at[..length].to_owned();
        let lazy = self.rest.take("?");
        if lazy != self.flags.lazy {
            text.push('?');
        }
        Ok(Some(Operator { text, least, most, counted }))
    }

    fn repeat(&mut self, operator: &Operator, at: &str) -> Result<(), Re2Error> {
        let Some(piece) = self.top.pieces.iter_mut().rfind(|piece| piece.solid) else {
            return Err(Re2Error::syntax("there is nothing to repeat", at));
        };
        if piece.repeated {
            // With flags between the two RE2 takes it; nobody means it.
            return Err(Re2Error::syntax("a repetition is repeated", at));
        }
        if operator.counted {
            piece.repeats = piece.repeats.saturating_mul(operator.most.unwrap_or(operator.least).max(1));
            if piece.repeats > MOST_REPEATS {
                return Err(Re2Error::syntax("repetitions within each other come to more than 1000", at));
            }
        }
        let former = piece.cost;
        piece.cost = match operator.most {
            None => former.saturating_mul(operator.least.max(1)) + 1,
            Some(most) => former.saturating_mul(most.max(1)) + (most - operator.least),
        };
        let cost = piece.cost;
        piece.text.push_str(&operator.text);
        piece.repeated = true;
        self.top.cost = (self.top.cost - former).saturating_add(cost);
        Ok(())
    }
}

impl Frame {
    fn new(opened: &'static str, before: Flags) -> Self {
        Self { opened, before, done: String::new(), cost: 1, repeats: 1, pieces: Vec::new() }
    }

    fn push(&mut self, text: String, cost: u64) {
        self.cost += cost;
        self.pieces.push(Piece { text, cost, repeats: 1, repeated: false, solid: true });
    }

    fn end_alternative(&mut self, another: bool) {
        for piece in self.pieces.drain(..) {
            self.done.push_str(&piece.text);
            self.repeats = self.repeats.max(piece.repeats);
        }
        if another {
            self.done.push('|');
            self.cost += 1;
        }
    }
}

/// Length and numbers of `{n}`, `{n,}` or `{n,m}`; anything else stands for itself.
fn counts(text: &str) -> Option<(usize, u64, Option<u64>)> {
    let inner = text.strip_prefix('{')?;
    // Two numbers of nine digits; a longer look would be taken for every brace again.
    let end = inner.bytes().take(20).position(|byte| byte == b'}')?;
    let number = |text: &str| {
        let written = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = text.len() > 1 && text.starts_with('0');
        (written && !leading_zero).then(|| text.parse::<u64>().ok()).flatten()
    };
    let inner = &inner[..end];
    let (least, most) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    Some((end + 2, least, most))
}

/// The character that an escape stands for; it may be a surrogate.
pub(super) fn escape(rest: &mut Rest<'_>) -> Result<u32, Re2Error> {
    let at = rest.text();
    let unknown = || Re2Error::syntax("RE2 does not know this escape", at);
    rest.skip(1);
    let first = rest.next().ok_or_else(|| Re2Error::syntax("a backslash stands at the end", at))?;
    let octal = |rest: &Rest<'_>| rest.text().chars().next().and_then(|next| next.to_digit(8));
    let code = match first {
        'a' => 0x07,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        '0'..='7' => {
            // A digit alone would be a reference to a group.
            let mut code = first.to_digit(8).unwrap_or(0);
            if code != 0 && octal(rest).is_none() {
                return Err(Re2Error::syntax("there are no references to groups in RE2", at));
            }
            for _ in 0..2 {
                let Some(digit) = octal(rest) else { break };
                code = code * 8 + digit;
                rest.skip(1);
            }
            code
        }
        'x' if rest.take("{") => {
            let inner = rest.text();
            let digits = inner.find('}').and_then(|end| inner.get(..end)).ok_or_else(unknown)?;
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(unknown());
            }
            rest.skip(digits.len() + 1);
            let digits = digits.trim_start_matches('0');
            if digits.is_empty() { 0 } else { u32::from_str_radix(digits, 16).map_err(|_| unknown())? }
        }
        'x' => {
            let digits = rest.text().get(..2).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(unknown)?;
            rest.skip(2);
            code
        }
        plain if plain.is_ascii() && !plain.is_ascii_alphanumeric() && plain != '_' => u32::from(plain),
        _ => return Err(unknown()),
    };
    if code > 0x10_ffff { Err(unknown()) } else { Ok(code) }
}
