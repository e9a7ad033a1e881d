//! Reading one typed setting out of a [`Value`]: the one place where ranges are checked.

use super::Value;

/// A key that a model takes: the source of every list of allowed keys and of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    /// What may stand there, as a sentence fragment: `a number in [0, 1)`.
    pub allowed: &'static str,
    pub about: &'static str,
}

/// Why a setting was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// No such key; `allowed` are the keys there are.
    UnknownKey,
    /// The value will not do; `allowed` says what would.
    Value { allowed: &'static str },
    /// An item of a list will not do; `allowed` says what the list may be.
    Item { at: usize, allowed: &'static str },
    /// An entry of a table is at fault.
    Entry { key: String, fault: Fault },
    /// Several items or entries are, at least two.
    Several(Vec<Rejected>),
}

impl Rejected {
    /// All `faults` as one, if there are any.
    pub(super) fn all(mut faults: Vec<Rejected>) -> Result<(), Rejected> {
        match faults.len() {
            0 => Ok(()),
            1 => Err(faults.remove(0)),
            _ => Err(Rejected::Several(faults)),
        }
    }
}

/// What is wrong with an entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No such entry; `allowed` are those there are, beside what else the table says. Tables of the other `kinds`
    /// have it.
    Unknown {
        allowed: &'static [&'static str],
        kinds: Vec<&'static str>,
    },
    /// The table needs it.
    Missing {
        allowed: &'static str,
    },
    Value {
        allowed: &'static str,
    },
}

impl Key {
    pub(super) const fn new(name: &'static str, allowed: &'static str, about: &'static str) -> Key {
        Key {
            name,
            allowed,
            about,
        }
    }

    /// Refuses a value for this key.
    pub(super) fn reject(&self) -> Rejected {
        Rejected::Value {
            allowed: self.allowed,
        }
    }

    /// Refuses the item at `at` of the list given for this key.
    pub(super) fn reject_item(&self, at: usize) -> Rejected {
        Rejected::Item {
            at,
            allowed: self.allowed,
        }
    }

    pub(super) fn bool(&self, value: &Value) -> Result<bool, Rejected> {
        match value {
            Value::Bool(bool) => Ok(*bool),
            _ => Err(self.reject()),
        }
    }

    /// A finite number for which `holds`.
    pub(super) fn number(&self, value: &Value, holds: fn(f64) -> bool) -> Result<f64, Rejected> {
        match value.as_f64() {
            // Adding zero turns -0.0 into 0.0, which would otherwise be a trial of its own.
            Some(number) if number.is_finite() && holds(number) => Ok(number + 0.0),
            _ => Err(self.reject()),
        }
    }

    /// An integer within `from..=to`.
    pub(super) fn integer(&self, value: &Value, from: u32, to: u32) -> Result<u32, Rejected> {
        match value {
            Value::Int(int) => match u32::try_from(*int) {
                Ok(int) if (from..=to).contains(&int) => Ok(int),
                _ => Err(self.reject()),
            },
            _ => Err(self.reject()),
        }
    }

    /// One of `choices` by name.
    pub(super) fn choice<T: Copy>(
        &self,
        value: &Value,
        choices: &[(&str, T)],
    ) -> Result<T, Rejected> {
        match value {
            Value::Text(text) => choices
                .iter()
                .find(|(name, _)| name == text)
                .map(|(_, choice)| *choice)
                .ok_or(self.reject()),
            _ => Err(self.reject()),
        }
    }
}

/// The key called `name`.
pub(super) fn find(keys: &'static [Key], name: &str) -> Result<&'static Key, Rejected> {
    keys.iter()
        .find(|key| key.name == name)
        .ok_or(Rejected::UnknownKey)
}
