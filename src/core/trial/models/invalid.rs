//! Why a setting was refused: what is at fault, and what would be allowed.

/// What is wrong with the value given for a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidParam {
    /// The kind has no such setting.
    Unknown,
    Value {
        allowed: String,
    },
    /// An item of a list is at fault; `allowed` says what the list may be.
    Item {
        index: usize,
        allowed: String,
    },
    /// An entry of a table is at fault.
    Entry {
        name: String,
        problem: InvalidEntry,
    },
    /// Several items or entries are, at least two.
    Several(Vec<InvalidParam>),
}

/// What is wrong with an entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvalidEntry {
    /// No such entry; `allowed` are those there are, and tables of the other `kinds` have it.
    Unknown {
        allowed: Vec<&'static str>,
        kinds: Vec<&'static str>,
    },
    /// The table needs it.
    Missing {
        allowed: String,
    },
    Value {
        allowed: String,
    },
}

impl InvalidParam {
    /// All `problems` as one, if there are any.
    pub(super) fn all(mut problems: Vec<InvalidParam>) -> Result<(), InvalidParam> {
        match problems.len() {
            0 => Ok(()),
            1 => Err(problems.remove(0)),
            _ => Err(InvalidParam::Several(problems)),
        }
    }
}
