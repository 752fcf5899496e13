//! A Go slice: items that never change, and the type of its elements.
//! In: items. Out: shared, cheap to clone.
//! Never here: recursion on drop; however deep a list nests, it is taken apart with a stack of its own.

use std::sync::Arc;

use super::{Elem, Value};

/// A slice. A nil slice is empty, prints `[]`, and equals nil.
#[derive(Clone, Debug)]
pub struct List {
    elem: Elem,
    /// Nothing in a nil slice.
    items: Option<Arc<Items>>,
}

#[derive(Debug)]
struct Items(Vec<Value>);

impl List {
    pub fn new(elem: Elem, items: Vec<Value>) -> List {
        List { elem, items: Some(Arc::new(Items(items))) }
    }

    /// The nil slice of a type.
    pub fn nil(elem: Elem) -> List {
        List { elem, items: None }
    }

    pub fn elem(&self) -> &Elem {
        &self.elem
    }

    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    pub fn items(&self) -> &[Value] {
        self.items.as_ref().map_or(&[], |items| &items.0)
    }

    pub fn len(&self) -> usize {
        self.items().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items, when nobody else holds the list.
    pub(super) fn into_items(self) -> Vec<Value> {
        match self.items.and_then(Arc::into_inner) {
            Some(mut items) => std::mem::take(&mut items.0),
            None => Vec::new(),
        }
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        take_apart(std::mem::take(&mut self.0));
    }
}

/// Drops values without recursion, so that depth cannot exhaust the stack.
pub(super) fn take_apart(mut stack: Vec<Value>) {
    while let Some(value) = stack.pop() {
        match value {
            Value::List(list) => stack.append(&mut list.into_items()),
            Value::Map(map) => stack.append(&mut map.into_values()),
            _ => {}
        }
    }
}
