//! A result of a trial that had a result before this session: it is compared, and never recorded in place of the first.

use rusqlite::params;

use super::StoreError;
use super::cells::to_int;
use super::event_transaction::EventTransaction;
use sweep_core::event::AttemptNo;
use sweep_core::trial::{Status, TrialResult};

/// How the message of an attempt begins that ended with another result than the recorded one.
pub const OTHER_RESULT: &str = "another result than the recorded one";
/// A metric that is a time, and differs from attempt to attempt.
const TIME: &str = "seconds";

impl<F: Fn(rusqlite::Error) -> StoreError> EventTransaction<'_, F> {
    /// Ends `attempt` at the finished `trial`: with its result if that is the recorded one to the bit, as rejected if
    /// not.
    pub(super) fn finished_again(
        &self,
        trial: i64,
        attempt: AttemptNo,
        result: &TrialResult,
        at_ms: i64,
    ) -> Result<(), StoreError> {
        let status = match result.diverged {
            Some(_) => Status::Diverged,
            None => Status::Finished,
        };
        let (outcome, message) = match self.difference(trial, status, result)? {
            None => (status.name(), result.diverged.clone()),
            Some(what) => (
                "rejected",
                Some(format!("{OTHER_RESULT}, which stays: {what}")),
            ),
        };
        if message.is_none() {
            self.artifacts(trial, result)?;
        }
        self.end_attempt(attempt, outcome, message.as_deref(), at_ms)
    }

    /// The first thing in which `result` differs from what is recorded.
    fn difference(
        &self,
        trial: i64,
        status: Status,
        result: &TrialResult,
    ) -> Result<Option<String>, StoreError> {
        let recorded = self
            .transaction
            .query_row(
                "SELECT status, best, last, best_step, steps, parameters FROM trials WHERE id = ?1",
                [trial],
                |row| {
                    let numbers: [Option<f64>; 2] = [row.get(1)?, row.get(2)?];
                    let counts: [Option<i64>; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
                    Ok((row.get::<_, String>(0)?, numbers, counts))
                },
            )
            .map_err(self.fail)?;
        let (old, [best, last], [best_step, steps, parameters]) = recorded;
        if old != status.name() {
            return Ok(Some(format!("it is {}, and was {old}", status.name())));
        }
        let mut numbers = vec![
            ("best".to_owned(), result.best, best),
            ("last".to_owned(), result.last, last),
        ];
        for (metric, value) in &result.metrics {
            if metric != TIME {
                // What the version of the recorded result did not measure is no difference.
                let recorded = self.recorded_metric(trial, result.best_step, metric)?;
                numbers.extend(recorded.map(|old| (metric.clone(), Some(*value), old)));
            }
        }
        let counts = [
            ("best step", i64::from(result.best_step), best_step),
            ("steps", i64::from(result.steps), steps),
            (
                "parameters",
                to_int("the number of parameters", result.parameters)?,
                parameters,
            ),
        ];
        let count = counts.into_iter().find(|(_, new, old)| Some(*new) != *old);
        let number = (numbers.into_iter()).find(|(_, new, old)| known(*new) != known(*old));
        let shown =
            |number: Option<f64>| known(number).map_or("none".to_owned(), |it| it.to_string());
        Ok(match (count, number) {
            (Some((name, new, Some(old))), _) => Some(format!("{name} {new}, was {old}")),
            (Some((name, new, None)), _) => Some(format!("{name} {new}, was none")),
            (None, Some((name, new, old))) => {
                Some(format!("{name} {}, was {}", shown(new), shown(old)))
            }
            (None, None) => None,
        })
    }

    fn recorded_metric(
        &self,
        trial: i64,
        step: u32,
        metric: &str,
    ) -> Result<Option<Option<f64>>, StoreError> {
        let found = self.transaction.query_row(
            "SELECT m.value FROM metrics m JOIN metric_names n ON n.id = m.metric
             WHERE m.trial = ?1 AND m.step = ?2 AND n.name = ?3",
            params![trial, step, metric],
            |row| row.get(0).map(Some),
        );
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            found => found.map_err(self.fail),
        }
    }
}

/// A number as the database holds it: NaN is none there.
fn known(number: Option<f64>) -> Option<f64> {
    number.filter(|number| !number.is_nan())
}
