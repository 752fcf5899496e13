//! Go's `fmt`: printing values, with and without a format.
//! In: values, a format. Out: text, as long as the budget allows.
//! Never here: addresses; what Go would print as one is a fixed number.

use crate::budget::Budget;
use crate::engine::Options;
use crate::error::CallError;
use crate::value::Value;

pub(crate) mod float;
mod number;
mod printf;
mod value;

pub(crate) use printf::printf;

/// What Go would print for a pointer inside a value, and for a function.
const ADDRESS: &str = "0xc000010000";

/// The state of one directive.
#[derive(Clone, Copy, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`
    plus_v: bool,
    /// `%#v`
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'a> {
    out: String,
    flags: Flags,
    budget: &'a Budget,
    /// Inside an error such as `%!d(...)`, where `String` methods are not asked.
    erroring: bool,
    /// The outermost pointer prints as what it points to.
    bare: bool,
}

type Printed = Result<(), CallError>;

impl<'a> Printer<'a> {
    fn new(budget: &'a Budget) -> Printer<'a> {
        Printer { out: String::new(), flags: Flags::default(), budget, erroring: false, bare: false }
    }

    /// Writes with the padding that the directive asks for. Width counts characters.
    fn pad(&mut self, text: &str) -> Printed {
        let missing = self.flags.width.unwrap_or(0).saturating_sub(text.chars().count());
        self.budget.text(self.out.len().saturating_add(text.len()).saturating_add(missing))?;
        let zero = self.flags.zero && !self.flags.minus;
        let filling = if zero { "0" } else { " " }.repeat(missing);
        if self.flags.minus {
            self.out.push_str(text);
            self.out.push_str(&filling);
        } else {
            self.out.push_str(&filling);
            self.out.push_str(text);
        }
        Ok(())
    }
}

/// A value as an action prints it: `%v`, and a pointer as what it points to.
pub(crate) fn print_value(value: &Value, budget: &Budget) -> Result<String, CallError> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        _ => print_bare(std::slice::from_ref(value), budget),
    }
}

impl Value {
    /// The value as Go's `fmt.Sprint` prints it. Fails beyond the default [`Limits`](crate::Limits).
    pub fn printed(&self) -> Result<String, CallError> {
        print(std::slice::from_ref(self), &Budget::new(&Options::default()))
    }
}

/// Go's `fmt.Sprint`: a space between operands when neither is a string.
pub(crate) fn print(values: &[Value], budget: &Budget) -> Result<String, CallError> {
    print_by(Printer::new(budget), values)
}

/// As [`print`], with pointers as what they point to.
pub(crate) fn print_bare(values: &[Value], budget: &Budget) -> Result<String, CallError> {
    print_by(Printer { bare: true, ..Printer::new(budget) }, values)
}

fn print_by(mut printer: Printer<'_>, values: &[Value]) -> Result<String, CallError> {
    let mut after_text = true;
    for (i, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::String(_));
        if i > 0 && !is_text && !after_text {
            printer.out.push(' ');
        }
        printer.argument(value, 'v')?;
        after_text = is_text;
    }
    Ok(printer.out)
}

/// Go's `fmt.Sprintln`: spaces between all operands, and a newline.
pub(crate) fn println(values: &[Value], budget: &Budget) -> Result<String, CallError> {
    let mut printer = Printer::new(budget);
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            printer.out.push(' ');
        }
        printer.argument(value, 'v')?;
    }
    printer.out.push('\n');
    Ok(printer.out)
}
