//! Lists: made, taken apart, searched.
//! In: lists of any type. Out: new lists; the given ones never change.
//! Never here: sorting of texts and joining; those are with the texts.

use super::args::{int, list, made_list, rest, to_i64, value};
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, Int};
use crate::value::{Elem, List, Value, deep_equal};

pub(super) const FUNCTIONS: &[Row] = &[
    ("list", &[], Some(Any), |b, a| made_list(a.to_vec(), b)),
    ("tuple", &[], Some(Any), |b, a| made_list(a.to_vec(), b)),
    ("append", &[Any, Any], None, append),
    ("push", &[Any, Any], None, append),
    ("mustAppend", &[Any, Any], None, append),
    ("mustPush", &[Any, Any], None, append),
    ("prepend", &[Any, Any], None, prepend),
    ("mustPrepend", &[Any, Any], None, prepend),
    ("first", &[Any], None, first),
    ("mustFirst", &[Any], None, first),
    ("last", &[Any], None, last),
    ("mustLast", &[Any], None, last),
    ("rest", &[Any], None, all_but_first),
    ("mustRest", &[Any], None, all_but_first),
    ("initial", &[Any], None, all_but_last),
    ("mustInitial", &[Any], None, all_but_last),
    ("reverse", &[Any], None, reverse),
    ("mustReverse", &[Any], None, reverse),
    ("compact", &[Any], None, compact),
    ("mustCompact", &[Any], None, compact),
    ("uniq", &[Any], None, uniq),
    ("mustUniq", &[Any], None, uniq),
    ("without", &[Any], Some(Any), without),
    ("mustWithout", &[Any], Some(Any), without),
    ("has", &[Any, Any], None, has),
    ("mustHas", &[Any, Any], None, has),
    ("slice", &[Any], Some(Any), slice),
    ("mustSlice", &[Any], Some(Any), slice),
    ("concat", &[], Some(Any), concat),
    ("chunk", &[Int, Any], None, chunk),
    ("mustChunk", &[Int, Any], None, chunk),
    ("until", &[Int], None, |b, a| until_step(b, 0, int(a, 0), if int(a, 0) < 0 { -1 } else { 1 })),
    ("untilStep", &[Int, Int, Int], None, |b, a| until_step(b, int(a, 0), int(a, 1), int(a, 2))),
    ("seq", &[], Some(Int), seq),
];

fn append(budget: &Budget, args: &[Value]) -> Result {
    let mut items = taken(args, "push on", budget)?;
    items.push(value(args, 1).clone());
    made_list(items, budget)
}

fn prepend(budget: &Budget, args: &[Value]) -> Result {
    let mut items = taken(args, "prepend on", budget)?;
    items.insert(0, value(args, 1).clone());
    made_list(items, budget)
}

/// The items of the first argument.
fn taken(args: &[Value], doing: &str, budget: &Budget) -> Result<Vec<Value>> {
    let list = list(value(args, 0), doing)?;
    budget.items(list.len())?;
    Ok(list.items().to_vec())
}

fn first(_: &Budget, args: &[Value]) -> Result {
    Ok(list(value(args, 0), "find first on")?.items().first().cloned().unwrap_or_default())
}

fn last(_: &Budget, args: &[Value]) -> Result {
    Ok(list(value(args, 0), "find last on")?.items().last().cloned().unwrap_or_default())
}

fn all_but_first(budget: &Budget, args: &[Value]) -> Result {
    let items = taken(args, "find rest on", budget)?;
    if items.is_empty() {
        return Ok(List::nil(Elem::Any).into());
    }
    made_list(items[1..].to_vec(), budget)
}

fn all_but_last(budget: &Budget, args: &[Value]) -> Result {
    let mut items = taken(args, "find initial on", budget)?;
    if items.pop().is_none() {
        return Ok(List::nil(Elem::Any).into());
    }
    made_list(items, budget)
}

fn reverse(budget: &Budget, args: &[Value]) -> Result {
    let mut items = taken(args, "find reverse on", budget)?;
    items.reverse();
    made_list(items, budget)
}

fn compact(budget: &Budget, args: &[Value]) -> Result {
    let mut items = taken(args, "compact on", budget)?;
    items.retain(|item| !super::defaults::is_empty(item));
    made_list(items, budget)
}

fn contains(items: &[Value], wanted: &Value, budget: &Budget) -> Result<bool> {
    for item in items {
        if deep_equal(wanted, item, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(budget: &Budget, args: &[Value]) -> Result {
    let mut found: Vec<Value> = Vec::new();
    for item in taken(args, "find uniq on", budget)? {
        if !contains(&found, &item, budget)? {
            found.push(item);
        }
    }
    made_list(found, budget)
}

fn without(budget: &Budget, args: &[Value]) -> Result {
    let mut kept = Vec::new();
    for item in taken(args, "find without on", budget)? {
        if !contains(rest(args, 1), &item, budget)? {
            kept.push(item);
        }
    }
    made_list(kept, budget)
}

fn has(budget: &Budget, args: &[Value]) -> Result {
    match value(args, 1) {
        Value::Nil => Ok(false.into()),
        haystack => {
            let list = list(haystack, "find has on")?;
            Ok(contains(list.items(), value(args, 0), budget)?.into())
        }
    }
}

fn slice(budget: &Budget, args: &[Value]) -> Result {
    let list = match value(args, 0) {
        Value::List(list) => list,
        Value::Nil => return Err(CallError::new("runtime error: invalid memory address or nil pointer dereference")),
        other => {
            let kind = other.kind_name();
            return Err(CallError::new(format!("list should be type of slice or array but {kind}")));
        }
    };
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_i64);
    let end = args.get(2).map_or_else(|| i64::try_from(list.len()).unwrap_or(i64::MAX), to_i64);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(start), Ok(end)) if start <= end && end <= list.len() => {
            budget.items(end - start)?;
            Ok(List::new(list.elem().clone(), list.items()[start..end].to_vec()).into())
        }
        _ => Err(CallError::new("reflect.Value.Slice: slice index out of bounds")),
    }
}

fn concat(budget: &Budget, args: &[Value]) -> Result {
    let mut items = Vec::new();
    for arg in args {
        match arg {
            Value::List(list) => {
                budget.items(items.len() + list.len())?;
                items.extend_from_slice(list.items());
            }
            other => {
                return Err(match list(other, "concat") {
                    Err(err) if matches!(other, Value::Nil) => err,
                    _ => CallError::new(format!("Cannot concat type {} as list", other.kind_name())),
                });
            }
        }
    }
    if items.is_empty() {
        return Ok(List::nil(Elem::Any).into());
    }
    made_list(items, budget)
}

fn chunk(budget: &Budget, args: &[Value]) -> Result {
    let list = list(value(args, 1), "chunk")?;
    let size = usize::try_from(int(args, 0)).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| CallError::new("chunk size must be positive"))?;
    budget.items(list.len())?;
    let chunks = list.items().chunks(size).map(|chunk| Value::list(chunk.iter().cloned()));
    Ok(List::new(Elem::List, chunks.collect()).into())
}

/// The numbers from a start up to or down to, but without, an end.
fn steps(budget: &Budget, start: i64, stop: i64, step: i64) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    if (stop < start && step >= 0) || (stop >= start && step <= 0) {
        return Ok(numbers);
    }
    let mut next = Some(start);
    while let Some(n) = next.filter(|n| if step > 0 { *n < stop } else { *n > stop }) {
        numbers.push(n);
        budget.spend(1)?;
        if numbers.len() % 1024 == 0 {
            budget.items(numbers.len())?;
        }
        next = n.checked_add(step);
    }
    Ok(numbers)
}

fn until_step(budget: &Budget, start: i64, stop: i64, step: i64) -> Result {
    let numbers = steps(budget, start, stop, step)?;
    Ok(List::new(Elem::Int, numbers.into_iter().map(Value::from).collect()).into())
}

/// Numbers as one text: `seq END`, `seq START END`, `seq START STEP END`, ends included.
fn seq(budget: &Budget, args: &[Value]) -> Result {
    let (start, step, end) = match args.len() {
        1 => (1, None, int(args, 0)),
        2 => (int(args, 0), None, int(args, 1)),
        3 => (int(args, 0), Some(int(args, 1)), int(args, 2)),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok("".into());
    }
    let numbers = steps(budget, start, end.saturating_add(direction), step.unwrap_or(direction))?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    super::args::made(texts.join(" "), budget)
}
