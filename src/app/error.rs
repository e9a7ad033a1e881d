//! Why something could not be done, and what to do about it. Callers decide how to display it.

use std::fmt;

use sweep_data::DataError;
use sweep_experiment::{Diagnostic, Source};
use sweep_store::StoreError;

/// What the functions of this crate fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A problem of this machine: a file, a folder, the database, a worker that cannot start.
    #[error("{message}")]
    Environment { message: String, help: String },
    /// Invalid input.
    #[error("{message}")]
    Input { message: String, help: String },
    /// Another process is running this sweep.
    #[error("{message}")]
    Busy { message: String, help: String },
    /// Errors of an experiment, each with its place in the file or in a `--set` flag.
    #[error("{}", first_of(problems))]
    Experiment {
        file: Source,
        flags: Vec<String>,
        problems: Vec<Diagnostic>,
    },
    /// A table cannot be used.
    #[error("{}", first_of(.0))]
    Data(Vec<DataError>),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    pub fn environment(message: impl fmt::Display, help: &str) -> Error {
        Error::Environment {
            message: message.to_string(),
            help: help.to_owned(),
        }
    }

    pub fn input(message: impl fmt::Display, help: &str) -> Error {
        Error::Input {
            message: message.to_string(),
            help: help.to_owned(),
        }
    }

    pub fn busy(message: impl fmt::Display, help: &str) -> Error {
        Error::Busy {
            message: message.to_string(),
            help: help.to_owned(),
        }
    }

    /// What to do about it; empty if the message says so itself.
    pub fn help(&self) -> &str {
        match self {
            Error::Environment { help, .. }
            | Error::Input { help, .. }
            | Error::Busy { help, .. } => help,
            Error::Experiment { problems, .. } => {
                let first = problems.first();
                first.and_then(|first| first.help.as_deref()).unwrap_or("")
            }
            Error::Data(errors) => errors.first().map_or("", |first| &first.help),
            Error::Store(_) => "",
        }
    }
}

/// The first of several problems, and how many there are.
fn first_of<T: fmt::Display>(problems: &[T]) -> String {
    match problems {
        [] => String::new(),
        [only] => only.to_string(),
        [first, more @ ..] => format!("{first} (and {} more)", more.len()),
    }
}
