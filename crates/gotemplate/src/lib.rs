//! Go's text/template and Sprig's text functions: text and values in, text out.
//! In: a template, the functions and data that the host gives it. Out: the text that Go would print, or Go's error.
//! Never here: IO, the clock, the environment, randomness, any word of what the templates are about.
//! Nothing that a template or its data contains can panic, hang or exhaust memory: see [`Limits`].

mod budget;
mod builtin;
mod engine;
mod error;
mod exec;
mod format;
mod function;
mod lex;
mod origin;
mod parse;
mod quote;
mod sprig;
mod template;
mod value;

pub use engine::{Engine, Limits, MissingKey, Options};
pub use error::{CallError, ExecError, ExecErrorKind, ParseError};
pub use function::{Function, Signature, Type};
pub use origin::Rendered;
pub use template::{Template, WriteError};
pub use value::{Elem, FloatKind, FromJsonError, IntKind, JsonStyle, List, Map, Object, Record, UintKind, Value};
