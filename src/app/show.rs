//! All that is known of one sweep, one configuration or one trial.

use std::path::PathBuf;

use sweep_analysis::Summary;
use sweep_core::event::Slot;
use sweep_core::trial::{Objective, TrialId};
use sweep_store::{
    ArtifactRecord, AttemptRecord, Curve, ExperimentRecord, SessionRecord, SlotEventRecord, Store,
    TrialRecord,
};

use crate::app::App;
use crate::dummy;
use crate::error::Error;
use crate::resolve::{self, Found};

/// What a name stands for.
pub enum Shown {
    Sweep(Box<Sweep>),
    /// The trials of a configuration, by seed, and the objective they are ranked by.
    Configuration(Objective, Vec<TrialRecord>),
    Trial(Box<Trial>),
}

/// A sweep with the failures of its slots.
pub struct Sweep {
    pub record: ExperimentRecord,
    pub summary: Summary,
    pub slot_events: Vec<SlotEventRecord>,
}

/// A trial with all that it left.
pub struct Trial {
    pub objective: Objective,
    pub trial: TrialRecord,
    /// Oldest first.
    pub attempts: Vec<AttemptRecord>,
    pub curves: Vec<Curve>,
    pub artifacts: Vec<ArtifactRecord>,
    /// Sweeps that planned it, and whether it is still in their plan.
    pub planned_by: Vec<(String, bool)>,
    pub folder: PathBuf,
    /// Logs of the slots that it ran on, those that still exist.
    pub logs: Vec<PathBuf>,
}

/// What `what` names: a sweep, or else a trial or a configuration by its first digits; the last sweep if left out.
pub fn show(app: &App, what: Option<&str>) -> Result<Shown, Error> {
    let store = app.read()?;
    match what {
        Some(prefix) if store.experiment(prefix)?.is_none() => {
            match resolve::find(&store, prefix)? {
                Found::Trial(found) => trial(app, &store, *found),
                Found::Configuration(trials) => configuration(app, &store, trials),
            }
        }
        name => {
            let record = app.experiment(name)?;
            let mut summary = dummy::summary(app, &store, &record)?;
            if app.is_running(&record.name) {
                summary = summary.while_running(std::slice::from_ref(&record.name));
            }
            Ok(Shown::Sweep(Box::new(Sweep {
                slot_events: store.slot_events(&record.name)?,
                summary,
                record,
            })))
        }
    }
}

/// The session whose working tree `sweep show --patch` prints: the last one of a sweep, or that of the last attempt at a
/// trial; the last session of all if `what` is left out.
///
/// # Errors
/// When there is no such session.
pub fn session(app: &App, what: Option<&str>) -> Result<SessionRecord, Error> {
    let store = app.read()?;
    let (name, number) = match what {
        Some(prefix) if store.experiment(prefix)?.is_none() => {
            let trial = resolve::single(&store, prefix)?;
            let attempts = store.attempts(&trial.id)?;
            let Some(last) = attempts.last() else {
                let message = format!("trial {} has no attempt yet", trial.id.short());
                return Err(Error::input(message, "`sweep resume` trains it"));
            };
            (store.session_experiment(last.session)?, Some(last.session))
        }
        name => (Some(app.experiment(name)?.name), None),
    };
    let record = app.experiment(name.as_deref())?;
    let mut sessions = record.sessions.into_iter().rev();
    let found = sessions.find(|session| number.is_none_or(|number| session.id == number));
    found.ok_or_else(|| {
        let message = format!("sweep {} has no session yet", record.name);
        Error::input(
            message,
            &format!("`sweep resume {}` begins one", record.name),
        )
    })
}

fn trial(app: &App, store: &Store, mut trial: TrialRecord) -> Result<Shown, Error> {
    app.mark_stale(store, &mut trial)?;
    let attempts = app.attempts(store, &trial.id)?;
    Ok(Shown::Trial(Box::new(Trial {
        objective: objective(app, store, &trial.id)?,
        curves: store.curves(&trial.id)?,
        artifacts: store.artifacts(&trial.id)?,
        planned_by: store.planned_by(&trial.id)?,
        folder: app.trials().join(trial.id.as_str()),
        logs: logs(app, store, &attempts)?,
        attempts,
        trial,
    })))
}

fn configuration(app: &App, store: &Store, mut trials: Vec<TrialRecord>) -> Result<Shown, Error> {
    for trial in &mut trials {
        app.mark_stale(store, trial)?;
    }
    let objective = match trials.first() {
        Some(first) => objective(app, store, &first.id)?,
        None => Objective::default(),
    };
    Ok(Shown::Configuration(objective, trials))
}

/// The objective of a sweep that planned `trial`.
fn objective(app: &App, store: &Store, trial: &TrialId) -> Result<Objective, Error> {
    let names = store.experiments_of(trial)?;
    match names.first() {
        Some(name) => Ok(app.experiment(Some(name))?.objective),
        None => Ok(Objective::default()),
    }
}

/// The logs of the slots that `attempts` ran on, those that still exist.
fn logs(app: &App, store: &Store, attempts: &[AttemptRecord]) -> Result<Vec<PathBuf>, Error> {
    let mut logs = Vec::new();
    for attempt in attempts {
        let Some(name) = store.session_experiment(attempt.session)? else {
            continue;
        };
        let log = app.run_dir().log(&name, &Slot(attempt.slot.clone()));
        if log.is_file() && !logs.contains(&log) {
            logs.push(log);
        }
    }
    Ok(logs)
}
