//! The bounds of one execution: steps, the size of any one text or list, output.
//! In: what is about to be done. Out: leave to do it, or an error that names the bound.
//! Never here: a clock; `now` is what the host says it is.

use std::cell::Cell;

use crate::engine::Options;
use crate::error::CallError;

pub(crate) struct Budget {
    steps: Cell<u64>,
    max_value_size: usize,
    now: Option<i64>,
}

impl Budget {
    pub fn new(options: &Options) -> Budget {
        Budget {
            steps: Cell::new(options.limits.steps),
            max_value_size: options.limits.value_size,
            now: options.now_unix_seconds,
        }
    }

    /// Takes steps from what is left.
    pub fn spend(&self, steps: u64) -> Result<(), CallError> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                Err(CallError::limit("exceeded maximum number of steps"))
            }
        }
    }

    /// Asks for a text of that many bytes; work on it is charged too.
    pub fn text(&self, bytes: usize) -> Result<(), CallError> {
        self.check_size(bytes)?;
        self.spend(bytes as u64 / 64)
    }

    /// Asks for a list of that many items.
    pub fn items(&self, count: usize) -> Result<(), CallError> {
        self.check_size(count.saturating_mul(16))?;
        self.spend(count as u64)
    }

    /// Refuses a text that has grown too big.
    pub fn check_size(&self, bytes: usize) -> Result<(), CallError> {
        if bytes > self.max_value_size {
            return Err(CallError::limit(format!("exceeded maximum size of a value ({} bytes)", self.max_value_size)));
        }
        Ok(())
    }

    /// Seconds since 1970 that count as the present; nothing when the host gave no time.
    pub fn now(&self) -> Option<i64> {
        self.now
    }
}
