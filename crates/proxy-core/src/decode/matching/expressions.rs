//! Compiled expressions, each compiled once for as long as resources go on to use it.
//! In: patterns. Out: their programs, shared with what was decoded before by this thread.
//! The memory is bounded by the cost of programs; what was not asked for in a while is forgotten.

use lateen_core::{Re2, Re2Error};
use std::cell::RefCell;
use std::collections::HashMap;

/// Instructions of the programs that one half of the memory holds.
const HALF: u64 = 1_000_000;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Two generations: what is used moves to the young one, and the old one goes when the young one is full.
#[derive(Default)]
struct Known {
    young: HashMap<Key, Re2>,
    old: HashMap<Key, Re2>,
    cost: u64,
}

/// The pattern, and whether it matches a whole text.
type Key = (Box<str>, bool);

/// An expression that matches a whole text.
pub(crate) fn full(pattern: &str) -> Result<Re2, Re2Error> {
    KNOWN.with_borrow_mut(|known| known.get(pattern, true))
}

/// An expression that is looked for within a text.
pub(crate) fn partial(pattern: &str) -> Result<Re2, Re2Error> {
    KNOWN.with_borrow_mut(|known| known.get(pattern, false))
}

impl Known {
    fn get(&mut self, pattern: &str, whole: bool) -> Result<Re2, Re2Error> {
        let key: Key = (pattern.into(), whole);
        if let Some(known) = self.young.get(&key) {
            return Ok(known.clone());
        }
        let compiled = match self.old.remove(&key) {
            Some(known) => known,
            None if whole => Re2::full(pattern)?,
            None => Re2::partial(pattern)?,
        };
        self.cost += compiled.cost();
        if self.cost > HALF {
            self.old = std::mem::take(&mut self.young);
            self.cost = compiled.cost();
        }
        self.young.insert(key, compiled.clone());
        Ok(compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut known = Known::default();
        for number in 0..200 {
            known.get("kept{1,1000}", true).expect("pattern");
            known.get(&format!("{number}(?:.{{1,1000}})"), true).expect("pattern");
        }
        assert!(known.young.contains_key(&("kept{1,1000}".into(), true)));
        assert!(known.young.len() + known.old.len() < 200, "{} and {}", known.young.len(), known.old.len());
        assert!(!known.get("a", false).expect("pattern").as_str().is_empty());
        assert!(known.get("(", false).is_err());
    }
}
