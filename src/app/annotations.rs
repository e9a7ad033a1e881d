//! Tags and notes on trials.

use sweep_store::{StoreError, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::observer::Observer;
use crate::resolve;

/// What is done with tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagChange {
    Add,
    Remove,
}

/// A trial after its tags were changed.
#[derive(Debug, Clone)]
pub struct Tagged {
    pub trial: TrialRecord,
    /// Tags to add that it had, or tags to remove that it did not have.
    pub unchanged: Vec<String>,
}

/// Adds or removes `tags` of the trial that `prefix` names; without any, gives the trial as it is.
///
/// # Errors
/// When a tag is invalid, or no single trial is meant.
pub fn tag(
    app: &App,
    observer: &dyn Observer,
    prefix: &str,
    tags: &[String],
    change: TagChange,
) -> Result<Tagged, Error> {
    let trial = resolve::single(&app.read()?, prefix)?;
    let mut unchanged = Vec::new();
    if tags.is_empty() {
        return Ok(Tagged { trial, unchanged });
    }
    let mut store = app.write(observer)?;
    for tag in tags {
        let changed = match change {
            TagChange::Add => store.tag(&trial.id, tag),
            TagChange::Remove => store.untag(&trial.id, tag),
        };
        if !changed.map_err(error)? {
            unchanged.push(tag.clone());
        }
    }
    let trial = resolve::single(&app.read()?, trial.id.as_str())?;
    Ok(Tagged { trial, unchanged })
}

/// Adds a note to the trial that `prefix` names; without `text`, gives the trial as it is.
///
/// # Errors
/// When the text is invalid, or no single trial is meant.
pub fn note(
    app: &App,
    observer: &dyn Observer,
    prefix: &str,
    text: Option<&str>,
) -> Result<TrialRecord, Error> {
    let trial = resolve::single(&app.read()?, prefix)?;
    let Some(text) = text else {
        return Ok(trial);
    };
    let mut store = app.write(observer)?;
    store.note(&trial.id, text).map_err(error)?;
    resolve::single(&app.read()?, trial.id.as_str())
}

fn error(error: StoreError) -> Error {
    match error {
        StoreError::InvalidValue { .. } => Error::input(error, ""),
        error => error.into(),
    }
}
