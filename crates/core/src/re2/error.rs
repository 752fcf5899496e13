//! Why a pattern or a substitution is refused.
//! In: what the readers met. Out: one line for the author of the pattern; where it has a place, the part is quoted.

use thiserror::Error;

/// Why a pattern or a substitution is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Re2Error {
    /// RE2's syntax does not have it.
    #[error("{reason}: `{part}`")]
    Syntax {
        /// What is wrong.
        reason: &'static str,
        /// The part that is wrong.
        part: String,
    },
    /// Groups lie too deep in each other.
    #[error("groups lie more than {} deep in each other", super::read::DEEPEST)]
    TooDeep,
    /// The program would be too large, as RE2 would find as well.
    #[error("it comes to about {cost} instructions, and the most is {}", super::LARGEST)]
    TooLarge {
        /// Estimate of its instructions.
        cost: u64,
    },
    /// A substitution names a group that the pattern does not have.
    #[error("names group {group}, and the expression has {groups}")]
    NoGroup {
        /// The group.
        group: usize,
        /// How many the pattern has.
        groups: usize,
    },
    /// A backslash of a substitution stands before something else.
    #[error("a backslash stands only before a digit or a backslash")]
    Backslash,
}

impl Re2Error {
    /// The first characters of `rest` show the place.
    pub(super) fn syntax(reason: &'static str, rest: &str) -> Self {
        Self::Syntax { reason, part: rest.chars().take(24).collect() }
    }
}
