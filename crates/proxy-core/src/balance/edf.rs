//! Earliest deadline first: takes turns by weight.
//! In: weights. Out: one index after another, each as often as its weight says.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A schedule over indexes.
#[derive(Debug, Clone, Default)]
pub(super) struct Edf {
    now: f64,
    order: u64,
    queue: BinaryHeap<Turn>,
    weights: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Turn {
    deadline: f64,
    order: u64,
    index: usize,
}

impl Ord for Turn {
    /// The heap gives the largest first, so earlier is larger.
    fn cmp(&self, other: &Self) -> Ordering {
        other.deadline.total_cmp(&self.deadline).then_with(|| other.order.cmp(&self.order))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Turn {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Turn {}

impl Edf {
    /// A schedule; weights are above zero, and `factor` says how much of each counts for its first turn.
    pub(super) fn new(weights: Vec<f64>, factor: impl Fn(usize) -> f64) -> Self {
        let mut edf = Self { weights, ..Self::default() };
        for index in 0..edf.weights.len() {
            let weight = edf.weights[index] * factor(index);
            edf.add(index, weight);
        }
        edf
    }

    /// The index whose turn it is.
    pub(super) fn next(&mut self) -> Option<usize> {
        self.next_with(|_, weight| weight)
    }

    /// The same; `weight` says what counts for the turn after this one.
    pub(super) fn next_with(&mut self, weight: impl Fn(usize, f64) -> f64) -> Option<usize> {
        let turn = self.queue.pop()?;
        self.now = turn.deadline;
        let declared = self.weights.get(turn.index).copied().unwrap_or(1.0);
        self.add(turn.index, weight(turn.index, declared));
        Some(turn.index)
    }

    fn add(&mut self, index: usize, weight: f64) {
        self.queue.push(Turn { deadline: self.now + 1.0 / weight.max(f64::MIN_POSITIVE), order: self.order, index });
        self.order += 1;
    }
}
