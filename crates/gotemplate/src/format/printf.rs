//! Reading a format: directives, flags, width, precision, argument indexes, and what is wrong with them.
//! In: a format and operands. Out: text; mistakes show in the text, as Go's do.
//! Never here: how a value prints.

use super::{Flags, Printer};
use crate::budget::Budget;
use crate::error::CallError;
use crate::value::Value;

/// Greater widths and precisions are mistakes.
const MAX_WIDTH: i64 = 1_000_000;

/// Go's `fmt.Sprintf`.
pub(crate) fn printf(format: &str, args: &[Value], budget: &Budget) -> Result<String, CallError> {
    let mut run = Run { printer: Printer::new(budget), args, next: 0, reordered: false, good_index: true };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        run.printer.out.push_str(&rest[..at]);
        rest = run.directive(&rest[at + 1..])?;
    }
    run.printer.out.push_str(rest);
    if !run.reordered && run.next < args.len() {
        run.extra()?;
    }
    budget.text(run.printer.out.len())?;
    Ok(run.printer.out)
}

struct Run<'a> {
    printer: Printer<'a>,
    args: &'a [Value],
    next: usize,
    /// A directive used an argument index.
    reordered: bool,
    good_index: bool,
}

impl Run<'_> {
    /// One directive; answers what follows it.
    fn directive<'t>(&mut self, mut rest: &'t str) -> Result<&'t str, CallError> {
        self.good_index = true;
        self.printer.flags = Flags::default();
        let mut after_index = false;

        loop {
            let flags = &mut self.printer.flags;
            match rest.as_bytes().first() {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => break,
            }
            rest = &rest[1..];
        }

        rest = self.index(rest, &mut after_index);
        if let Some(tail) = rest.strip_prefix('*') {
            rest = tail;
            match self.int_argument() {
                Some(width) => {
                    if width < 0 {
                        self.printer.flags.minus = true;
                        self.printer.flags.zero = false;
                    }
                    self.printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.printer.out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            let (width, tail) = number(rest);
            self.printer.flags.width = width;
            rest = tail;
            if after_index && width.is_some() {
                self.good_index = false;
            }
        }

        // A point that nothing follows is a verb.
        if let Some(tail) = rest.strip_prefix('.').filter(|tail| !tail.is_empty()) {
            rest = tail;
            if after_index {
                self.good_index = false;
            }
            rest = self.index(rest, &mut after_index);
            if let Some(tail) = rest.strip_prefix('*') {
                rest = tail;
                match self.int_argument() {
                    Some(precision) if precision < 0 => self.printer.flags.precision = None,
                    Some(precision) => self.printer.flags.precision = usize::try_from(precision).ok(),
                    None => self.printer.out.push_str("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                let (precision, tail) = number(rest);
                self.printer.flags.precision = Some(precision.unwrap_or(0));
                rest = tail;
            }
        }

        if !after_index {
            rest = self.index(rest, &mut after_index);
        }

        let Some(verb) = rest.chars().next() else {
            self.printer.out.push_str("%!(NOVERB)");
            return Ok(rest);
        };
        rest = &rest[verb.len_utf8()..];
        if verb == '%' {
            self.printer.out.push('%');
        } else if !self.good_index {
            self.printer.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(arg) = self.args.get(self.next) {
            self.next += 1;
            let flags = &mut self.printer.flags;
            if verb == 'v' {
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            self.printer.argument(arg, verb)?;
        } else {
            self.printer.out.push_str(&format!("%!{verb}(MISSING)"));
        }
        Ok(rest)
    }

    /// An argument index such as `[2]`, if one stands here.
    fn index<'t>(&mut self, rest: &'t str, after_index: &mut bool) -> &'t str {
        *after_index = false;
        let Some(inner) = rest.strip_prefix('[') else { return rest };
        self.reordered = true;
        let Some(end) = inner.find(']') else {
            self.good_index = false;
            return inner;
        };
        let (index, tail) = number(&inner[..end]);
        match index {
            Some(index) if tail.is_empty() && (1..=self.args.len()).contains(&index) => {
                self.next = index - 1;
                *after_index = true;
            }
            _ => {
                self.good_index = false;
                *after_index = index.is_some() && tail.is_empty();
            }
        }
        &inner[end + 1..]
    }

    fn int_argument(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = match arg {
            Value::Int(n, _) => *n,
            Value::Uint(n, _) => i64::try_from(*n).ok()?,
            _ => return None,
        };
        (-MAX_WIDTH..=MAX_WIDTH).contains(&number).then_some(number)
    }

    fn extra(&mut self) -> Result<(), CallError> {
        self.printer.flags = Flags::default();
        self.printer.out.push_str("%!(EXTRA ");
        for (i, arg) in self.args[self.next..].iter().enumerate() {
            if i > 0 {
                self.printer.out.push_str(", ");
            }
            if matches!(arg, Value::Nil) {
                self.printer.out.push_str("<nil>");
            } else {
                self.printer.out.push_str(&arg.type_name());
                self.printer.out.push('=');
                self.printer.argument(arg, 'v')?;
            }
        }
        self.printer.out.push(')');
        Ok(())
    }
}

/// A number at the start of a text. One that is too great is no number, and ends the reading there.
fn number(text: &str) -> (Option<usize>, &str) {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        return (None, text);
    }
    match text[..digits].parse::<i64>() {
        Ok(number) if number <= MAX_WIDTH => (usize::try_from(number).ok(), &text[digits..]),
        _ => (None, ""),
    }
}
