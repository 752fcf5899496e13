//! Fields and methods: `.A.B`, on maps, structs, pointers and nothing.
//! In: a receiver and names. Out: the value that they lead to.
//! Never here: functions by name.

use super::{Operand, Place, Result, State};
use crate::engine::MissingKey;
use crate::parse::node::Expr;
use crate::value::Value;

impl<'t> State<'t, '_> {
    /// A chain of fields; only the last may be a method with arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Operand,
        mut receiver: Operand,
        expr: &'t Expr,
        names: &'t [String],
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Operand> {
        let Some((final_name, names)) = names.split_last() else { return Ok(receiver) };
        for name in names {
            receiver = self.field(dot, receiver, expr, name, &[], None)?;
        }
        self.field(dot, receiver, expr, final_name, args, last)
    }

    fn field(
        &mut self,
        dot: &Operand,
        receiver: Operand,
        expr: &'t Expr,
        name: &str,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Operand> {
        let missing_key = self.engine.options.missing_key;
        let has_args = !args.is_empty() || last.is_some();
        match &receiver.value {
            Value::Nil if !receiver.boxed => {
                if missing_key == MissingKey::Error {
                    let name = crate::quote::quote(name);
                    return Err(self.error(format!("nil data; no entry for key {name}")));
                }
                return Ok(Operand::default());
            }
            Value::Nil => return Err(self.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(map) => {
                if has_args {
                    return Err(self.error(format!("{name} is not a method but has arguments")));
                }
                return match (map.get(name), missing_key) {
                    (Some(value), _) => Ok(Operand::element(value, map.elem())),
                    (None, MissingKey::Invalid) => Ok(Operand::default()),
                    (None, MissingKey::Zero) => Ok(Operand::element(map.elem().zero(), map.elem())),
                    (None, MissingKey::Error) => {
                        Err(self.error(format!("map has no entry for key {}", crate::quote::quote(name))))
                    }
                };
            }
            Value::Object(object) => {
                if let Some(method) = object.method(name) {
                    let args = self.arguments(dot, name, method.signature(), args, last)?;
                    return match method.call(self.budget, &args) {
                        Ok(value) => Ok(Operand::plain(value)),
                        Err(err) => {
                            self.place = Place::Expr(expr);
                            Err(self.failed_call(name, err))
                        }
                    };
                }
                if let Some(value) = object.field(name) {
                    if object.is_nil() {
                        let type_name = receiver.type_name();
                        return Err(self.error(format!("nil pointer evaluating {type_name}.{name}")));
                    }
                    if has_args {
                        return Err(self.error(format!("{name} has arguments but cannot be invoked as function")));
                    }
                    let boxed = matches!(value, Value::Nil);
                    return Ok(Operand { value, boxed });
                }
            }
            _ => {}
        }
        let type_name = receiver.type_name();
        Err(self.error(format!("can't evaluate field {name} in type {type_name}")))
    }
}
