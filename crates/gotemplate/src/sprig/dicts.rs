//! Maps: made, read, changed in place, merged.
//! In: `map[string]interface {}`. Out: the same map changed, or a new one.
//! Never here: a map that contains itself; entries that would make one are refused.

use std::sync::Arc;

use super::args::{made_list, map, rest, text, to_text, value};
use super::defaults::is_empty;
use super::{Result, Row};
use crate::budget::Budget;
use crate::error::CallError;
use crate::function::Type::{Any, Map as Dict, String as Str};
use crate::value::{Elem, List, MAX_VALUE_DEPTH, Map, Value};

pub(super) const FUNCTIONS: &[Row] = &[
    ("dict", &[], Some(Any), dict),
    ("get", &[Dict, Str], None, |_, a| Ok(map(a, 0).get(text(a, 1)).unwrap_or_else(|| "".into()))),
    ("set", &[Dict, Str, Any], None, set),
    ("unset", &[Dict, Str], None, unset),
    ("hasKey", &[Dict, Str], None, |_, a| Ok(map(a, 0).contains_key(text(a, 1)).into())),
    ("pluck", &[Str], Some(Dict), pluck),
    ("keys", &[], Some(Dict), keys),
    ("values", &[Dict], None, |b, a| made_list(map(a, 0).entries().into_iter().map(|(_, v)| v).collect(), b)),
    ("pick", &[Dict], Some(Str), |b, a| filtered(b, a, true)),
    ("omit", &[Dict], Some(Str), |b, a| filtered(b, a, false)),
    ("merge", &[Dict], Some(Dict), |b, a| merge(b, a, false)),
    ("mustMerge", &[Dict], Some(Dict), |b, a| merge(b, a, false)),
    ("mergeOverwrite", &[Dict], Some(Dict), |b, a| merge(b, a, true)),
    ("mustMergeOverwrite", &[Dict], Some(Dict), |b, a| merge(b, a, true)),
    ("deepCopy", &[Any], None, deep_copy),
    ("mustDeepCopy", &[Any], None, deep_copy),
    ("dig", &[], Some(Any), dig),
];

fn dict(budget: &Budget, args: &[Value]) -> Result {
    budget.items(args.len())?;
    let dict = Map::new(Elem::Any, []);
    for pair in args.chunks(2) {
        let key = to_text(value(pair, 0), budget)?;
        dict.insert(&key, pair.get(1).cloned().unwrap_or_else(|| "".into()))?;
    }
    Ok(dict.into())
}

fn set(budget: &Budget, args: &[Value]) -> Result {
    let dict = map(args, 0);
    charge(value(args, 2), budget)?;
    dict.insert(text(args, 1), value(args, 2).clone())?;
    Ok(dict.into())
}

/// Pays for the search for a circle that an insertion makes.
fn charge(value: &Value, budget: &Budget) -> Result<()> {
    match value {
        Value::Map(map) => budget.spend(map.len() as u64),
        Value::List(list) => budget.spend(list.len() as u64),
        _ => Ok(()),
    }
}

fn unset(_: &Budget, args: &[Value]) -> Result {
    let dict = map(args, 0);
    dict.remove(text(args, 1));
    Ok(dict.into())
}

fn pluck(budget: &Budget, args: &[Value]) -> Result {
    let found = (1..args.len()).filter_map(|i| map(args, i).get(text(args, 0)));
    made_list(found.collect(), budget)
}

/// In order, where Go's order is random.
fn keys(budget: &Budget, args: &[Value]) -> Result {
    let mut keys = Vec::new();
    for i in 0..args.len() {
        keys.extend(map(args, i).keys().into_iter().map(Value::from));
        budget.items(keys.len())?;
    }
    Ok(List::new(Elem::String, keys).into())
}

fn filtered(budget: &Budget, args: &[Value], wanted: bool) -> Result {
    let names = rest(args, 1);
    let entries = map(args, 0).entries();
    budget.spend((entries.len() as u64).saturating_mul(names.len() as u64 + 1))?;
    let kept = entries.into_iter().filter(|(key, _)| names.iter().any(|name| name.as_str() == Some(&**key)) == wanted);
    Ok(Map::new(Elem::Any, kept).into())
}

/// Merges maps into the first. Without `overwrite` only what is missing or empty there is taken.
fn merge(budget: &Budget, args: &[Value], overwrite: bool) -> Result {
    let mut target = map(args, 0);
    if target.is_nil() {
        target = Map::new(Elem::Any, []);
    }
    for i in 1..args.len() {
        merge_into(&target, &map(args, i), overwrite, budget, 0)?;
    }
    Ok(target.into())
}

fn merge_into(target: &Map, source: &Map, overwrite: bool, budget: &Budget, depth: usize) -> Result<()> {
    if depth > MAX_VALUE_DEPTH {
        return Err(CallError::too_deep());
    }
    if target.is_same(source) {
        return Ok(());
    }
    for (key, value) in source.entries() {
        budget.spend(1)?;
        let known = target.get(&key);
        match (&known, &value) {
            (Some(Value::Map(known)), Value::Map(value)) if !known.is_nil() => {
                merge_into(known, value, overwrite, budget, depth + 1)?;
            }
            (_, Value::Nil) if !overwrite => {}
            (Some(known), _) if !overwrite && !is_empty(known) => {}
            _ => {
                charge(&value, budget)?;
                target.insert(&key, value)?;
            }
        }
    }
    Ok(())
}

fn deep_copy(budget: &Budget, args: &[Value]) -> Result {
    copy(value(args, 0), budget, 0)
}

fn copy(value: &Value, budget: &Budget, depth: usize) -> Result {
    if depth > MAX_VALUE_DEPTH {
        return Err(CallError::too_deep());
    }
    budget.spend(1)?;
    Ok(match value {
        Value::List(list) if !list.is_nil() => {
            let items = list.items().iter().map(|item| copy(item, budget, depth + 1));
            List::new(list.elem().clone(), items.collect::<Result<_>>()?).into()
        }
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries().into_iter().map(|(key, item)| Ok((key, copy(&item, budget, depth + 1)?)));
            Map::new(map.elem().clone(), entries.collect::<Result<Vec<(Arc<str>, Value)>>>()?).into()
        }
        other => other.clone(),
    })
}

/// `dig KEY... DEFAULT DICT`
fn dig(_: &Budget, args: &[Value]) -> Result {
    let [keys @ .., default, dict] = args else {
        return Err(CallError::new("dig needs at least three arguments"));
    };
    if keys.is_empty() {
        return Err(CallError::new("dig needs at least three arguments"));
    }
    let mut found = dict.clone();
    for key in keys {
        let Value::Map(map) = &found else { return Err(conversion(&found, "map[string]interface {}")) };
        if *map.elem() != Elem::Any {
            return Err(conversion(&found, "map[string]interface {}"));
        }
        let Some(key) = key.as_str() else { return Err(conversion(key, "string")) };
        match map.get(key) {
            Some(value) => found = value,
            None => return Ok(default.clone()),
        }
    }
    Ok(found)
}

fn conversion(value: &Value, wanted: &str) -> CallError {
    let is = match value {
        Value::Nil => "nil".to_owned(),
        other => other.type_name(),
    };
    CallError::new(format!("interface conversion: interface {{}} is {is}, not {wanted}"))
}
