//! When each step of a trial was reached, for formats that want a time with every value.
//!
//! The database holds when attempts began and ended, not when their steps did: steps are spread evenly over
//! the attempt that brought the trial to where it stands.

use sweep_store::{AttemptRecord, Curve, TrialRecord};

/// From the first step to the end of the last attempt, in milliseconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    pub began_ms: i64,
    pub ended_ms: Option<i64>,
    first_step: u32,
    steps: u32,
    /// Of the attempt that the steps are spread over.
    from_ms: i64,
    until_ms: i64,
}

impl Times {
    /// `None` for a trial that was never attempted.
    pub fn of(trial: &TrialRecord, attempts: &[AttemptRecord], curves: &[Curve]) -> Option<Times> {
        let first = attempts.first()?;
        let last = attempts.last()?;
        let seconds = trial
            .seconds
            .filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let guess = last.started_ms + seconds.map_or(0, |seconds| (seconds * 1e3) as i64);
        let until_ms = last.ended_ms.unwrap_or(guess).max(last.started_ms);
        let steps = curves.iter().filter_map(|curve| curve.points.last());
        Some(Times {
            began_ms: first.started_ms,
            ended_ms: last.ended_ms,
            first_step: last.resumed_from.unwrap_or(0),
            steps: steps.map(|(step, _)| *step).max().unwrap_or(0),
            from_ms: last.started_ms,
            until_ms,
        })
    }

    /// When `step` (from 1) ended. Steps before the last attempt stand at its beginning.
    pub fn at(&self, step: u32) -> i64 {
        let length = self.steps.saturating_sub(self.first_step).max(1);
        let done = step.clamp(self.first_step, self.steps.max(self.first_step)) - self.first_step;
        let share = f64::from(done) / f64::from(length);
        self.from_ms + ((self.until_ms - self.from_ms) as f64 * share) as i64
    }
}
