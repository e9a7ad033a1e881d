//! What preparation noticed that is no error.

mod collect;

use std::fmt;

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Info,
    /// Results may mean less than they seem to.
    Warning,
}

/// One thing noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub level: Level,
    /// Dotted path of the experiment key it is about.
    pub key: Option<String>,
    /// One sentence or two, free of control characters.
    pub text: String,
    /// A column that may be better left out.
    pub leave_out: Option<String>,
}

impl Note {
    pub(crate) fn info(text: String) -> Note {
        Note {
            level: Level::Info,
            key: None,
            text,
            leave_out: None,
        }
    }

    pub(crate) fn warning(text: String) -> Note {
        Note {
            level: Level::Warning,
            key: None,
            text,
            leave_out: None,
        }
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Note {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn leave_out(mut self, column: &str) -> Note {
        self.leave_out = Some(column.to_owned());
        self
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Info => write!(f, "note: {}", self.text),
            Level::Warning => write!(f, "warning: {}", self.text),
        }
    }
}
