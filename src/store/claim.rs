//! The state of trials that other sessions may be running: why they failed, and which sessions train them.

use std::collections::{HashMap, HashSet};

use super::{SessionId, Store, StoreError};
use sweep_core::protocol::RecordedProgress;
use sweep_core::trial::{Goal, Kind, Objective, Status, TrialId};

/// No session bears this key: SQLite counts from 1.
const NO_SESSION: i64 = 0;

/// The state of one trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub status: Status,
    /// The experiments in whose open sessions, other than one's own, an attempt at it is recorded as
    /// running. Their processes may be gone: their locks tell.
    pub running_in: Vec<String>,
}

impl Store {
    /// Why each trial that has failed did, in one word.
    pub fn failure_causes(&self) -> Result<HashMap<TrialId, String>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT name, cause FROM trials WHERE status = 'failed' AND cause IS NOT NULL",
            [],
            ("trials", "name"),
            |cells| {
                let trial = TrialId::from_hex(cells.hex("name", 32)?);
                Ok((trial, cells.text("cause")?))
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// The experiments that have asked for `trial`, by name, and whether their files still do.
    pub fn planned_by(&self, trial: &TrialId) -> Result<Vec<(String, bool)>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT e.name, x.in_plan FROM experiments e
             JOIN experiment_trials x ON x.experiment = e.id
             JOIN trials t ON t.id = x.trial WHERE t.name = ?1 ORDER BY e.name",
            [trial.as_str()],
            ("experiments", "name"),
            |cells| Ok((cells.text("name")?, cells.get("in_plan", "0 or 1")?)),
        )
    }

    /// The experiment that `session` was of, if it is still there.
    pub fn session_experiment(&self, session: i64) -> Result<Option<String>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT e.name FROM sessions s JOIN experiments e ON e.id = s.experiment
             WHERE s.id = ?1",
            [session],
            ("sessions", "name"),
            |cells| cells.text("name"),
        )?;
        Ok(found.into_iter().next())
    }

    /// The experiments that run `trial`, as far as the database tells: of sessions that were killed it
    /// tells so too.
    pub fn running_in(&self, trial: &TrialId) -> Result<Vec<String>, StoreError> {
        let claim = self.claim(trial, SessionId(NO_SESSION))?;
        Ok(claim.map_or(Vec::new(), |claim| claim.running_in))
    }

    /// The sweeps in whose plan `trial` is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn asking_for(&self, trial: &TrialId) -> Result<Vec<String>, StoreError> {
        self.rows(
            &self.database.connection,
            "SELECT e.name FROM experiment_trials x
             JOIN trials t ON t.id = x.trial JOIN experiments e ON e.id = x.experiment
             WHERE t.name = ?1 AND x.in_plan = 1",
            [trial.as_str()],
            ("experiments", "name"),
            |cells| cells.text("name"),
        )
    }

    /// The state of `trial`, seen from `own` session; `None` for one that the database does not know.
    pub fn claim(&self, trial: &TrialId, own: SessionId) -> Result<Option<Claim>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let statuses = self.rows(
            &snapshot,
            "SELECT name, status FROM trials WHERE name = ?1",
            [trial.as_str()],
            ("trials", "name"),
            |cells| cells.status("status"),
        )?;
        let Some(status) = statuses.into_iter().next() else {
            return Ok(None);
        };
        let running_in = match status.is_final() {
            true => Vec::new(),
            // The status alone does not tell: another session may have buried one of its own.
            false => self.rows(
                &snapshot,
                "SELECT DISTINCT e.name FROM attempts a
                 JOIN trials t ON t.id = a.trial
                 JOIN sessions s ON s.id = a.session JOIN experiments e ON e.id = s.experiment
                 WHERE t.name = ?1 AND a.outcome = 'running' AND s.outcome = 'running'
                     AND s.id <> ?2",
                rusqlite::params![trial.as_str(), own.0],
                ("experiments", "name"),
                |cells| cells.text("name"),
            )?,
        };
        Ok(Some(Claim { status, running_in }))
    }

    /// Every trial that is a program.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn program_trials(&self) -> Result<HashSet<TrialId>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT name FROM trials WHERE kind = ?1",
            [Kind::PROGRAM.name()],
            ("trials", "name"),
            |cells| Ok(TrialId::from_hex(cells.hex("name", 32)?)),
        )?;
        Ok(found.into_iter().collect())
    }

    /// The trial whose last attempt began last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_started(&self) -> Result<Option<TrialId>, StoreError> {
        let found = self.rows(
            &self.database.connection,
            "SELECT t.name FROM attempts a JOIN trials t ON t.id = a.trial
             ORDER BY a.session DESC, a.number DESC LIMIT 1",
            [],
            ("trials", "name"),
            |cells| Ok(TrialId::from_hex(cells.hex("name", 32)?)),
        )?;
        Ok(found.into_iter().next())
    }

    /// The last step that was recorded of `trial`, the best value of the `objective` with its first step, and its last value;
    /// `None` if nothing was recorded.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn recorded_progress(
        &self,
        trial: &TrialId,
        objective: &Objective,
    ) -> Result<Option<RecordedProgress>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let steps = self.rows(
            &snapshot,
            "SELECT m.step FROM metrics m JOIN trials t ON t.id = m.trial
             WHERE t.name = ?1 ORDER BY m.step DESC LIMIT 1",
            [trial.as_str()],
            ("metrics", "step"),
            |cells| cells.int("step"),
        )?;
        let Some(step) = steps.into_iter().next() else {
            return Ok(None);
        };
        let order = match objective.goal {
            Goal::Min => "m.value ASC",
            Goal::Max => "m.value DESC",
        };
        let best = self.rows(
            &snapshot,
            &format!(
                "SELECT m.step, m.value FROM metrics m JOIN trials t ON t.id = m.trial
                 JOIN metric_names n ON n.id = m.metric
                 WHERE t.name = ?1 AND n.name = ?2 AND m.value IS NOT NULL
                 ORDER BY {order}, m.step LIMIT 1"
            ),
            rusqlite::params![trial.as_str(), objective.metric],
            ("metrics", "step"),
            |cells| Ok((cells.number("value")?, cells.int("step")?)),
        )?;
        let last = self.rows(
            &snapshot,
            "SELECT m.value FROM metrics m JOIN trials t ON t.id = m.trial
             JOIN metric_names n ON n.id = m.metric
             WHERE t.name = ?1 AND n.name = ?2 ORDER BY m.step DESC LIMIT 1",
            rusqlite::params![trial.as_str(), objective.metric],
            ("metrics", "value"),
            |cells| cells.number("value"),
        )?;
        Ok(Some(RecordedProgress {
            step,
            last: last.into_iter().next().filter(|last| last.is_finite()),
            best: best
                .into_iter()
                .next()
                .filter(|(value, _)| value.is_finite()),
        }))
    }
}
