//! Sweeps under another name: renamed, with their logs, or copied with their plan.
//!
//! Invariant: no sweep and no log is ever replaced. Logs are moved before the database is changed; if that is cut off in
//! between, renaming again finishes it.

use std::fs;
use std::path::PathBuf;

use sweep_core::atomic_fs;
use sweep_experiment::{NAME_ALLOWED, is_name, is_of_key};
use sweep_store::{ExperimentRecord, StoreError};

use crate::app::App;
use crate::error::Error;
use crate::observer::Observer;
use crate::run::new_session;

/// The key of the experiment file that holds the name.
const KEY: &str = "experiment.name";

/// A sweep that was renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The flag that gives the experiment file the new name, as in `sweep run FILE --set FLAG`.
    pub flag: String,
}

/// A sweep that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// As of [`Renamed`].
    pub flag: String,
    /// Trials in the plan of both.
    pub trials: u64,
}

/// Gives the sweep `old` the name `new`: in the database, where everything recorded stays with it, and for its logs.
///
/// # Errors
/// When `old` does not exist or is running, or `new` is no name, is taken or is running.
pub fn rename(app: &App, observer: &dyn Observer, old: &str, new: &str) -> Result<Renamed, Error> {
    let record = app.experiment(Some(old))?;
    check(app, new)?;
    let old_lock = new_session::lock_idle(app, old)?;
    let _new_lock = new_session::lock(app, new)?;
    let mut store = app.write(observer)?;
    let flag = flag(new);
    let logs = Logs::of(app, old, new);
    let moved = logs.rename()?;
    if let Err(error) = store.rename(old, new, &flags(&record, &flag)) {
        if moved {
            logs.put_back();
        }
        return Err(refused(error));
    }
    // A lock file that stays locks nothing, and `sweep gc` removes it.
    let _ = old_lock.remove();
    Ok(Renamed { flag })
}

/// Makes a sweep `new` with the file and the plan of `old`, and the same trials: nothing is trained again.
///
/// # Errors
/// When `old` does not exist, or `new` is no name, is taken or is running.
pub fn copy(app: &App, observer: &dyn Observer, old: &str, new: &str) -> Result<Copied, Error> {
    let record = app.experiment(Some(old))?;
    check(app, new)?;
    let _lock = new_session::lock(app, new)?;
    let mut store = app.write(observer)?;
    let flag = flag(new);
    let trials = store
        .copy(old, new, &flags(&record, &flag))
        .map_err(refused)?;
    Ok(Copied { flag, trials })
}

fn check(app: &App, new: &str) -> Result<(), Error> {
    if !is_name(new) {
        return Err(Error::input(
            format!("`{new}` cannot be the name of a sweep"),
            &format!("a name is {NAME_ALLOWED}"),
        ));
    }
    match app.read()?.experiment(new)? {
        Some(_) => Err(refused(StoreError::NameTaken {
            name: new.to_owned(),
        })),
        None => Ok(()),
    }
}

/// `experiment.name=NEW`, with quotes where a bare word would be read as a number or a truth value.
fn flag(new: &str) -> String {
    let is_word = new.starts_with(|first: char| first.is_ascii_alphabetic())
        && !["true", "false", "inf", "nan"].contains(&new);
    match is_word {
        true => format!("{KEY}={new}"),
        false => format!("{KEY}=\"{new}\""),
    }
}

/// The flags of `record`, with `flag` in place of an earlier name.
fn flags(record: &ExperimentRecord, flag: &str) -> Vec<String> {
    let others = record.flags.iter().filter(|other| !is_of_key(other, flag));
    others.cloned().chain([flag.to_owned()]).collect()
}

fn refused(error: StoreError) -> Error {
    match error {
        StoreError::NameTaken { .. } => Error::input(
            error,
            "choose another name, or remove that sweep with `sweep rm`",
        ),
        StoreError::NotFound { .. } => Error::input(error, ""),
        error => error.into(),
    }
}

/// The folders for the logs of a sweep under both of its names.
struct Logs {
    old: PathBuf,
    new: PathBuf,
}

impl Logs {
    fn of(app: &App, old: &str, new: &str) -> Logs {
        let run_dir = app.run_dir();
        Logs {
            old: run_dir.logs(old),
            new: run_dir.logs(new),
        }
    }

    /// Moves the logs, if there are any; false if there are none, or if a renaming that was cut off has moved them.
    fn rename(&self) -> Result<bool, Error> {
        if !self.old.exists() {
            return Ok(false);
        }
        if atomic_fs::is_occupied(&self.new) {
            return Err(Error::input(
                format!("there are logs in {} already", self.new.display()),
                "`sweep gc` removes logs of sweeps that are not in the database",
            ));
        }
        let moved = fs::rename(&self.old, &self.new)
            .and_then(|()| atomic_fs::sync_folder(atomic_fs::parent_dir(&self.new)));
        moved.map(|()| true).map_err(|error| {
            let (old, new) = (self.old.display(), self.new.display());
            Error::environment(format!("cannot move {old} to {new}: {error}"), "")
        })
    }

    /// Undoes [`Logs::rename`]. If that fails, `sweep gc` will call the logs unused: no result depends on them.
    fn put_back(&self) {
        let _ = fs::rename(&self.new, &self.old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_reads_as_another_value_stands_in_quotes() {
        assert_eq!(flag("genres-2"), "experiment.name=genres-2");
        for name in ["2", "1e5", "2024-01-01", "true", "inf", "_x"] {
            assert_eq!(flag(name), format!("experiment.name=\"{name}\""));
        }
    }
}
