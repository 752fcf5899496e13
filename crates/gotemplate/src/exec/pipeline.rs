//! Pipelines, commands and operands.
//! In: a part of the tree and dot. Out: its value.
//! Never here: output.

use super::{Operand, Place, Result, State};
use crate::function::Type;
use crate::parse::node::{Command, Expr, ExprKind, Pipe};
use crate::parse::number::Number;
use crate::value::Value;

impl<'t> State<'t, '_> {
    pub(super) fn pipeline(&mut self, dot: &Operand, pipe: &'t Pipe) -> Result<Operand> {
        self.place = Place::Pipe(pipe);
        let mut last: Option<Operand> = None;
        for command in &pipe.commands {
            let mut operand = self.command(dot, command, last)?;
            operand.boxed = false;
            last = Some(operand);
        }
        let operand = last.unwrap_or_default();
        for name in &pipe.decl {
            if pipe.assign {
                self.set_var(name, operand.clone())?;
            } else {
                self.vars.push((&**name, operand.clone()));
            }
        }
        Ok(operand)
    }

    /// `last` is what the command before this one in the pipeline gave.
    fn command(&mut self, dot: &Operand, command: &'t Command, last: Option<Operand>) -> Result<Operand> {
        self.spend()?;
        let Some(first) = command.args.first() else { return Ok(Operand::default()) };
        let args = &command.args[1..];
        match &first.kind {
            ExprKind::Field(fields) => {
                self.place = Place::Expr(first);
                return self.fields(dot, dot.clone(), first, fields, args, last);
            }
            ExprKind::Chain(inner, fields) => return self.chain(dot, first, inner, fields, args, last),
            ExprKind::Variable(name, fields) => return self.variable(dot, first, name, fields, args, last),
            ExprKind::Identifier(called) => {
                self.place = Place::Expr(first);
                return self.function(dot, Place::Command(command), called, args, last);
            }
            ExprKind::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                return self.parenthesized(dot, pipe);
            }
            _ => {}
        }
        self.place = Place::Expr(first);
        self.not_a_function(first, args, last.as_ref())?;
        match &first.kind {
            ExprKind::Bool(b) => Ok(Operand::plain(Value::Bool(*b))),
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Number(number) => self.constant(number),
            ExprKind::String { text, .. } => Ok(Operand::plain(Value::String(text.clone()))),
            ExprKind::Nil => Err(self.error("nil is not a command")),
            _ => Err(self.error(format!("can't evaluate command {}", crate::quote::quote(&first.to_string())))),
        }
    }

    pub(super) fn parenthesized(&mut self, dot: &Operand, pipe: &'t Pipe) -> Result<Operand> {
        self.enter()?;
        let operand = self.pipeline(dot, pipe)?;
        self.depth -= 1;
        Ok(operand)
    }

    fn not_a_function(&self, first: &Expr, args: &[Expr], last: Option<&Operand>) -> Result<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        let shown = match &first.kind {
            ExprKind::Pipe(pipe) => pipe.to_string(),
            _ => first.to_string(),
        };
        Err(self.error(format!("can't give argument to non-function {shown}")))
    }

    /// A number where nothing says what type it should have.
    fn constant(&self, number: &Number) -> Result<Operand> {
        let value = match number {
            Number { float: Some(f), .. } if number.is_float_like() => Value::from(*f),
            Number { int: Some(n), .. } => Value::from(*n),
            Number { uint: Some(_), .. } => return Err(self.error(format!("{} overflows int", number.text))),
            _ => Value::Nil,
        };
        Ok(Operand::plain(value))
    }

    fn variable(
        &mut self,
        dot: &Operand,
        expr: &'t Expr,
        name: &str,
        fields: &'t [String],
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Operand> {
        self.place = Place::Expr(expr);
        let found = self.vars.iter().rev().find(|(known, _)| *known == name);
        let Some(value) = found.map(|(_, value)| value.clone()) else {
            return Err(self.error(format!("undefined variable: {name}")));
        };
        if fields.is_empty() {
            self.not_a_function(expr, args, last.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, expr, fields, args, last)
    }

    fn chain(
        &mut self,
        dot: &Operand,
        expr: &'t Expr,
        inner: &'t Expr,
        fields: &'t [String],
        args: &'t [Expr],
        last: Option<Operand>,
    ) -> Result<Operand> {
        self.place = Place::Expr(expr);
        let receiver = self.argument(dot, None, inner)?;
        self.fields(dot, receiver, expr, fields, args, last)
    }

    /// An operand as an argument of a type; without one, as it is.
    pub(super) fn argument(&mut self, dot: &Operand, wanted: Option<Type>, expr: &'t Expr) -> Result<Operand> {
        self.spend()?;
        self.place = Place::Expr(expr);
        let operand = match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil => {
                return match wanted.and_then(Type::nil) {
                    Some(value) => Ok(Operand { value, boxed: wanted != Some(Type::Reflect) }),
                    None => {
                        let name = wanted.map_or("<nil>", Type::name);
                        Err(self.error(format!("cannot assign nil to {name}")))
                    }
                };
            }
            ExprKind::Field(fields) => self.fields(dot, dot.clone(), expr, fields, &[], None)?,
            ExprKind::Variable(name, fields) => self.variable(dot, expr, name, fields, &[], None)?,
            ExprKind::Pipe(pipe) => self.parenthesized(dot, pipe)?,
            ExprKind::Identifier(called) => self.function(dot, Place::Expr(expr), called, &[], None)?,
            ExprKind::Chain(inner, fields) => self.chain(dot, expr, inner, fields, &[], None)?,
            constant => return self.typed_constant(wanted.unwrap_or(Type::Any), expr, constant),
        };
        match wanted {
            Some(wanted) => self.validate(operand, wanted),
            None => Ok(operand),
        }
    }

    /// A constant takes the type that is asked for, if it can.
    fn typed_constant(&self, wanted: Type, expr: &Expr, constant: &ExprKind) -> Result<Operand> {
        use crate::value::IntKind;
        let value = match (wanted, constant) {
            (Type::Any | Type::Reflect | Type::Bool, ExprKind::Bool(b)) => Value::Bool(*b),
            (Type::Any | Type::Reflect | Type::String, ExprKind::String { text, .. }) => Value::String(text.clone()),
            (Type::Any | Type::Reflect, ExprKind::Number(number)) => return self.constant(number),
            (Type::Int, ExprKind::Number(Number { int: Some(n), .. })) => Value::Int(*n, IntKind::Int),
            (Type::Int64, ExprKind::Number(Number { int: Some(n), .. })) => Value::Int(*n, IntKind::Int64),
            (Type::Float64, ExprKind::Number(Number { float: Some(f), .. })) => Value::from(*f),
            _ => {
                let expected = match wanted {
                    Type::Bool => "bool",
                    Type::String => "string",
                    Type::Int | Type::Int64 => "integer",
                    Type::Float64 => "float",
                    other => {
                        return Err(self.error(format!("can't handle {expr} for arg of type {}", other.name())));
                    }
                };
                return Err(self.error(format!("expected {expected}; found {expr}")));
            }
        };
        Ok(Operand::plain(value))
    }

    /// Holds a value against the type of a parameter.
    pub(super) fn validate(&self, operand: Operand, wanted: Type) -> Result<Operand> {
        if operand.is_missing() {
            return match wanted.nil() {
                Some(value) => Ok(Operand { value, boxed: wanted != Type::Reflect }),
                None => Err(self.error(format!("invalid value; expected {}", wanted.name()))),
            };
        }
        if wanted.accepts(&operand.value) {
            return Ok(operand);
        }
        let got = match &operand.value {
            Value::Nil => "interface {}".to_owned(),
            value => value.type_name(),
        };
        Err(self.error(format!("wrong type for value; expected {}; got {got}", wanted.name())))
    }
}
