//! Calling functions: arguments counted and held against the signature, `and`, `or` and `call` on their own.
//! In: a name, arguments, the value from the pipeline. Out: the result.
//! Never here: what a function does.

use super::{Operand, Place, Result, State};
use crate::builtin::Callee;
use crate::engine::Role;
use crate::error::{CallError, ExecError, ExecErrorKind};
use crate::function::{Signature, Type};
use crate::parse::node::{Called, Expr};
use crate::value::{Record, Value};

impl<'t> State<'t, '_> {
    pub(super) fn function(
        &mut self,
        dot: &Operand,
        place: Place<'t>,
        called: &'t Called,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Operand> {
        let name = &*called.name;
        let replaced = self.overlay.iter().rev().find(|(known, _)| **known == *name);
        let (function, role) = match replaced {
            Some((_, function)) => (function, Role::Host),
            None => (&called.entry.function, called.entry.role),
        };
        let signature = function.signature();
        if matches!(role, Role::And | Role::Or) {
            self.count(name, signature, args, last.as_ref())?;
            return self.and_or(dot, role == Role::Or, args, last);
        }
        let values = if role == Role::Slice {
            self.slice_arguments(dot, signature, args, last)?
        } else {
            self.arguments(dot, name, signature, args, last)?
        };
        let result = if role == Role::Call {
            // What comes through a pipeline has no name, and Go shows the text that it is.
            let shown = match (args.first(), values.first()) {
                (Some(expr), _) => expr.to_string(),
                (None, Some(Value::String(text))) => text.to_string(),
                (None, value) => format!("<{} Value>", value.map(Value::type_name).unwrap_or_default()),
            };
            Callee::new(&shown, values.first()).and_then(|callee| callee.call(&values[1..], self.budget))
        } else {
            function.call(self.budget, &values)
        };
        match result {
            // Go's own functions but `index` promise a type; what others answer counts as `interface {}`.
            Ok(value) => Ok(Operand { boxed: matches!(role, Role::Host | Role::Index), value }),
            Err(err) => {
                self.place = place;
                Err(self.failed_call(name, err))
            }
        }
    }

    /// Whether the number of arguments fits.
    fn count(&self, name: &str, signature: &Signature, args: &[Expr], last: Option<&Operand>) -> Result<usize> {
        let count = args.len() + usize::from(last.is_some());
        let fixed = signature.fixed.len();
        if signature.variadic.is_some() && count < fixed {
            let got = args.len();
            return Err(self.error(format!("wrong number of args for {name}: want at least {fixed} got {got}")));
        }
        if signature.variadic.is_none() && count != fixed {
            return Err(self.error(format!("wrong number of args for {name}: want {fixed} got {count}")));
        }
        Ok(count)
    }

    /// Evaluates arguments as the types that a signature asks for.
    pub(super) fn arguments(
        &mut self,
        dot: &Operand,
        name: &str,
        signature: &Signature,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Vec<Value>> {
        let count = self.count(name, signature, args, last.as_ref())?;
        let type_at = |i: usize| signature.fixed.get(i).copied().or(signature.variadic).unwrap_or(Type::Any);
        let mut values = Vec::with_capacity(count);
        for (i, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, Some(type_at(i)), arg)?.value);
        }
        if let Some(last) = last {
            values.push(self.validate(last, type_at(args.len()))?.value);
        }
        Ok(values)
    }

    /// As [`State::arguments`], but Go's `slice`, other than `index`, does not look for an index inside an interface.
    fn slice_arguments(
        &mut self,
        dot: &Operand,
        signature: &Signature,
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(self.count("slice", signature, args, last.as_ref())?);
        let mut push = |operand: Operand| {
            let hidden = operand.boxed && !values.is_empty();
            values.push(if hidden { Value::object(Record::new("interface {}")) } else { operand.value });
        };
        for arg in args {
            push(self.argument(dot, Some(Type::Reflect), arg)?);
        }
        if let Some(last) = last {
            push(self.validate(last, Type::Reflect)?);
        }
        Ok(values)
    }

    /// The first argument that decides, or the last; those after it are not evaluated.
    fn and_or(&mut self, dot: &Operand, or: bool, args: &'t [Expr], last: Option<Operand>) -> Result<Operand> {
        let mut operand = Operand::default();
        for arg in args {
            operand = self.argument(dot, Some(Type::Reflect), arg)?;
            if operand.value.truth() == or {
                return Ok(operand);
            }
        }
        match last {
            Some(last) => self.validate(last, Type::Reflect),
            None => Ok(operand),
        }
    }

    pub(super) fn failed_call(&self, name: &str, err: CallError) -> Box<ExecError> {
        let kind = if err.is_limit() { ExecErrorKind::Limit } else { ExecErrorKind::Evaluation };
        self.error_of(kind, format!("error calling {name}: {err}"))
    }
}
