//! Two trials side by side.

use sweep_core::trial::TrialId;
use sweep_report::diff::{Section, Side, sections};
use sweep_store::{SessionRecord, Store};

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::resolve;

/// Two trials and all that is compared of them.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub left: Side,
    pub right: Side,
    /// Every fact, whether it differs or not.
    pub sections: Vec<Section>,
}

/// Compares the trials that `left` and `right` name; of a configuration, its best trial.
pub fn diff(app: &App, observer: &dyn Observer, left: &str, right: &str) -> Result<Outcome, Error> {
    let store = app.read()?;
    let left = side(app, observer, &store, left)?;
    let right = side(app, observer, &store, right)?;
    Ok(Outcome {
        sections: sections(&left, &right),
        left,
        right,
    })
}

/// The trial that `prefix` names, with its data and its last attempt.
fn side(app: &App, observer: &dyn Observer, store: &Store, prefix: &str) -> Result<Side, Error> {
    let resolve::Best { trial, why } = resolve::best(app, store, prefix)?;
    if let Some(why) = why {
        observer.notice(&Notice::TrialChosen(why));
    }
    let dataset = store.dataset_of(&trial.id)?;
    let attempts = app.attempts(store, &trial.id)?;
    let last = match attempts.last() {
        Some(attempt) => {
            let session = session(store, &trial.id, attempt.session)?;
            Some((attempt.clone(), session))
        }
        None => None,
    };
    Ok(Side {
        trial,
        dataset,
        last,
    })
}

/// The session `id`, of any sweep that planned `trial`.
fn session(store: &Store, trial: &TrialId, id: i64) -> Result<Option<SessionRecord>, Error> {
    for name in store.experiments_of(trial)? {
        let record = store.experiment(&name)?;
        let sessions = record.map(|record| record.sessions).unwrap_or_default();
        if let Some(session) = sessions.into_iter().find(|session| session.id == id) {
            return Ok(Some(session));
        }
    }
    Ok(None)
}
