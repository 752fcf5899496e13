//! A value under a verb: which verb fits which type, and how containers print.
//! In: a value, a verb. Out: its text, or `%!verb(type=value)`.
//! Never here: reading a format.

use super::{ADDRESS, Printed, Printer};
use crate::error::CallError;
use crate::value::{Elem, FloatKind, MAX_VALUE_DEPTH, Object, UintKind, Value};

impl Printer<'_> {
    /// An operand of a directive.
    pub(super) fn argument(&mut self, value: &Value, verb: char) -> Printed {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.bad_verb(None, verb),
            (_, 'T') => self.text(&value.type_name(), 's'),
            (Value::List(_) | Value::Map(_) | Value::Function(_), 'p') => self.pad(ADDRESS),
            (Value::Object(object), 'p') if object.is_nil() => self.pad("0x0"),
            (Value::Object(object), 'p') if object.is_pointer() => self.pad(ADDRESS),
            (_, 'p') => self.bad_verb(Some(value), verb),
            _ => self.value(value, verb, 0, true),
        }
    }

    /// A value; `outer` when it is an operand and not part of one.
    fn value(&mut self, value: &Value, verb: char, depth: usize, outer: bool) -> Printed {
        if depth > MAX_VALUE_DEPTH {
            return Err(CallError::too_deep());
        }
        self.budget.check_size(self.out.len())?;
        self.budget.spend(1)?;
        match value {
            Value::Nil if self.flags.sharp_v => self.raw("interface {}(nil)"),
            Value::Nil => self.raw("<nil>"),
            Value::Bool(b) if matches!(verb, 't' | 'v') => self.pad(if *b { "true" } else { "false" }),
            Value::Int(n, _) => match verb {
                'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' => self.integer(n.unsigned_abs(), *n < 0, verb),
                'c' => self.character(*n as u64),
                'q' => self.quoted_character(*n as u64),
                'U' => self.unicode(*n as u64),
                _ => self.bad_verb(Some(value), verb),
            },
            Value::Uint(n, _) => match verb {
                'v' if self.flags.sharp_v => {
                    self.flags.sharp = true;
                    let printed = self.integer(*n, false, 'x');
                    self.flags.sharp = false;
                    printed
                }
                'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' => self.integer(*n, false, verb),
                'c' => self.character(*n),
                'q' => self.quoted_character(*n),
                'U' => self.unicode(*n),
                _ => self.bad_verb(Some(value), verb),
            },
            Value::Float(n, kind) => {
                let double = *kind == FloatKind::Float64;
                match verb {
                    'v' => self.float(*n, double, 'g', None),
                    'b' | 'g' | 'G' | 'x' | 'X' => self.float(*n, double, verb, None),
                    'f' | 'e' | 'E' | 'F' => self.float(*n, double, verb, Some(6)),
                    _ => self.bad_verb(Some(value), verb),
                }
            }
            Value::String(text) if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') => self.text(text, verb),
            Value::List(list) if is_bytes(list.elem()) && matches!(verb, 's' | 'q' | 'x' | 'X') => {
                let bytes: Vec<u8> = list.items().iter().map(byte_of).collect();
                self.text(&String::from_utf8_lossy(&bytes), verb)
            }
            Value::List(list) => {
                if self.flags.sharp_v {
                    self.raw(&value.type_name())?;
                    if list.is_nil() {
                        return self.raw("(nil)");
                    }
                }
                let (open, between, close) = if self.flags.sharp_v { ("{", ", ", "}") } else { ("[", " ", "]") };
                self.raw(open)?;
                for (i, item) in list.items().iter().enumerate() {
                    if i > 0 {
                        self.raw(between)?;
                    }
                    self.value(item, verb, depth + 1, false)?;
                }
                self.raw(close)
            }
            Value::Map(map) => {
                if self.flags.sharp_v {
                    self.raw(&value.type_name())?;
                    if map.is_nil() {
                        return self.raw("(nil)");
                    }
                }
                self.raw(if self.flags.sharp_v { "{" } else { "map[" })?;
                for (i, (key, item)) in map.entries().into_iter().enumerate() {
                    if i > 0 {
                        self.raw(if self.flags.sharp_v { ", " } else { " " })?;
                    }
                    self.value(&Value::String(key), verb, depth + 1, false)?;
                    self.raw(":")?;
                    self.value(&item, verb, depth + 1, false)?;
                }
                self.raw(if self.flags.sharp_v { "}" } else { "]" })
            }
            Value::Object(object) => self.object(&**object, verb, depth, outer),
            Value::Function(_) if verb == 'v' => self.raw(ADDRESS),
            _ => self.bad_verb(Some(value), verb),
        }
    }

    fn object(&mut self, object: &dyn Object, verb: char, depth: usize, outer: bool) -> Printed {
        if !self.erroring
            && !self.flags.sharp_v
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.string()
        {
            return self.text(&text, verb);
        }
        if object.is_nil() {
            return if self.flags.sharp_v {
                self.raw(&format!("({})(nil)", object.type_name()))
            } else if verb == 'v' {
                self.pad("<nil>")
            } else if matches!(verb, 'b' | 'o' | 'd' | 'x' | 'X') {
                self.integer(0, false, verb)
            } else {
                self.raw(&format!("%!{verb}({}=", object.type_name()))?;
                self.pad("<nil>")?;
                self.raw(")")
            };
        }
        if object.is_pointer() {
            if !outer {
                return self.raw(ADDRESS);
            }
            if !self.bare {
                self.raw("&")?;
            }
        }
        if self.flags.sharp_v {
            let name = object.type_name();
            self.raw(name.trim_start_matches('*'))?;
        }
        self.raw("{")?;
        for (i, (name, field)) in object.fields().into_iter().enumerate() {
            if i > 0 {
                self.raw(if self.flags.sharp_v { ", " } else { " " })?;
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.raw(&name)?;
                self.raw(":")?;
            }
            self.value(&field, verb, depth + 1, false)?;
        }
        self.raw("}")
    }

    /// `%!verb(type=value)`
    pub(super) fn bad_verb(&mut self, value: Option<&Value>, verb: char) -> Printed {
        let erroring = std::mem::replace(&mut self.erroring, true);
        self.raw(&format!("%!{verb}("))?;
        match value {
            None | Some(Value::Nil) => self.raw("<nil>")?,
            Some(value) => {
                self.raw(&value.type_name())?;
                self.raw("=")?;
                self.value(value, 'v', 0, true)?;
            }
        }
        self.erroring = erroring;
        self.raw(")")
    }

    fn raw(&mut self, text: &str) -> Printed {
        self.budget.check_size(self.out.len() + text.len())?;
        self.out.push_str(text);
        Ok(())
    }
}

fn is_bytes(elem: &Elem) -> bool {
    matches!(elem, Elem::Named(name) if &**name == "uint8")
}

fn byte_of(value: &Value) -> u8 {
    match value {
        Value::Uint(n, UintKind::Uint8) => u8::try_from(*n).unwrap_or(0),
        _ => 0,
    }
}
