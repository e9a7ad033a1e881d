//! What has happened in a sweep so far, in numbers and as lines of text. Pure: callers give the time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indicatif::FormattedDuration;

use sweep_app::overview::Overview;
use sweep_core::event::{AttemptNo, Cause, Event, Slot, StopReason};
use sweep_core::sanitize::sanitize;
use sweep_core::search_job::SearchJob;
use sweep_core::trial::{Metric, TrialId, TrialResult};

/// Lines of a failed worker's log that are shown.
const LOG_LINES: usize = 3;
/// Longest line of a log that is shown, in characters.
const LOG_WIDTH: usize = 200;

/// What has happened so far.
pub struct Progress {
    pub sweep: Overview,
    pub began: Instant,
    finished: u64,
    diverged: u64,
    /// Failed for good, skipped ones included.
    pub failed: u64,
    skipped: u64,
    /// Finished by another session meanwhile.
    completed_elsewhere: u64,
    /// Jobs of searches that were decided on in this session, and those that have ended.
    jobs: u64,
    jobs_ended: u64,
    /// Trials that stand paused.
    paused: BTreeSet<TrialId>,
    is_stopping: bool,
    pub best: Option<(TrialId, f64)>,
    /// The best trial of the sweep in the database.
    pub best_at_end: Option<(TrialId, f64)>,
    /// With which others its configuration shares the first rank.
    pub tie_at_end: Option<String>,
    /// The trial that each slot runs; `None` between two trials.
    pub slots: BTreeMap<Slot, Option<Running>>,
}

/// A running trial.
pub struct Running {
    pub trial: TrialId,
    attempt: AttemptNo,
    pub step: u32,
    value: Option<f64>,
}

impl Progress {
    pub fn new(sweep: Overview, now: Instant) -> Progress {
        Progress {
            best: sweep.best.clone(),
            best_at_end: None,
            tie_at_end: None,
            sweep,
            began: now,
            finished: 0,
            diverged: 0,
            failed: 0,
            skipped: 0,
            completed_elsewhere: 0,
            jobs: 0,
            jobs_ended: 0,
            paused: BTreeSet::new(),
            is_stopping: false,
            slots: BTreeMap::new(),
        }
    }

    pub fn follow(&mut self, event: &Event) {
        match event {
            Event::WorkerStarted { slot, .. } => {
                self.slots.entry(slot.clone()).or_insert(None);
            }
            Event::TrialStarted {
                trial,
                attempt,
                slot,
                ..
            } => {
                let running = Running {
                    trial: trial.clone(),
                    attempt: *attempt,
                    step: 0,
                    value: None,
                };
                self.slots.insert(slot.clone(), Some(running));
            }
            Event::TrialResumed { attempt, step, .. } => {
                if let Some(running) = self.running(*attempt) {
                    running.step = *step;
                }
            }
            Event::TrialProgressed {
                attempt,
                step,
                values,
                ..
            } => {
                self.progress(*attempt, *step, values);
            }
            Event::TrialFinished {
                trial,
                attempt,
                result,
            } => {
                self.end(*attempt);
                self.paused.remove(trial);
                self.count(trial, result);
            }
            Event::TrialFailed {
                attempt,
                will_retry,
                ..
            } => {
                self.end(*attempt);
                self.failed += u64::from(!will_retry);
            }
            Event::TrialSkipped { .. } => {
                self.failed += 1;
                self.skipped += 1;
            }
            Event::TrialCompletedElsewhere { .. } => self.completed_elsewhere += 1,
            Event::TrialWarning { .. }
            | Event::StoreBlocked { .. }
            | Event::StoreResumed { .. }
            | Event::StoreWarning { .. } => {}
            Event::StopRequested { .. } => self.is_stopping = true,
            Event::TrialInterrupted { attempt, .. } => self.end(*attempt),
            Event::TrialPaused { trial, attempt, .. } => {
                self.end(*attempt);
                self.paused.insert(trial.clone());
            }
            Event::SearchJobDecided { job } => self.decided(job),
            Event::SearchJobEnded { .. } => self.jobs_ended += 1,
            Event::SearchEnded { .. } => {}
            Event::SlotRetired { slot, .. } => {
                self.slots.remove(slot);
            }
        }
    }

    /// A search decided on a job, of a trial that may be new.
    fn decided(&mut self, job: &SearchJob) {
        self.jobs += 1;
        let trial = &job.trial;
        if self
            .sweep
            .epochs
            .insert(trial.clone(), job.spec.model.steps())
            .is_none()
            && !self.sweep.describe.contains_key(trial)
        {
            self.sweep.total += 1;
        }
        self.sweep
            .describe
            .insert(trial.clone(), job.settings.clone());
    }

    fn running(&mut self, attempt: AttemptNo) -> Option<&mut Running> {
        self.slots
            .values_mut()
            .flatten()
            .find(|running| running.attempt == attempt)
    }

    fn progress(&mut self, attempt: AttemptNo, step: u32, values: &[(Metric, f64)]) {
        let metric = &self.sweep.objective.metric;
        let found = values.iter().find(|(name, _)| name == metric);
        let value = found.map(|(_, value)| *value);
        if let Some(running) = self.running(attempt) {
            running.step = step;
            running.value = value.or(running.value);
        }
    }

    fn end(&mut self, attempt: AttemptNo) {
        for running in self.slots.values_mut() {
            if running
                .as_ref()
                .is_some_and(|running| running.attempt == attempt)
            {
                *running = None;
            }
        }
    }

    fn count(&mut self, trial: &TrialId, result: &TrialResult) {
        if result.diverged.is_some() {
            self.diverged += 1;
            return;
        }
        self.finished += 1;
        let goal = self.sweep.objective.goal;
        if let Some(value) = result.best
            && !self.sweep.unranked.contains(trial)
            && self
                .best
                .as_ref()
                .is_none_or(|(_, best)| goal.is_better(value, *best))
        {
            self.best = Some((trial.clone(), value));
        }
    }

    /// Trials that are over, in this session and before.
    pub fn done(&self) -> u64 {
        self.sweep.already_done + self.completed_elsewhere + self.finished + self.diverged
    }

    /// `12/44 trials, 1 failed, 3.2 trials/s, 00:00:10 left, best 0.6123 (2ce527b9 lr=0.01)`.
    pub fn overview(&self, now: Instant) -> String {
        let mut parts = vec![format!("{}/{} trials", self.done(), self.sweep.total)];
        if self.diverged > 0 {
            parts.push(format!("{} diverged", self.diverged));
        }
        if !self.paused.is_empty() {
            parts.push(format!("{} paused", self.paused.len()));
        }
        if self.failed > 0 {
            parts.push(self.failures());
        }
        if self.is_stopping {
            let running = self.slots.values().flatten().count() as u64;
            parts.push(format!("stopping, {running} running"));
        }
        // Skipped trials and those completed elsewhere took no time here.
        let over = self.finished + self.diverged + self.failed - self.skipped;
        let seconds = now.saturating_duration_since(self.began).as_secs_f64();
        if self.jobs > 0 {
            // How many more there will be is not known.
            parts.push(format!("{}/{} search jobs", self.jobs_ended, self.jobs));
        } else if over > 0 && seconds > 0.0 && !self.is_stopping {
            let a_second = over as f64 / seconds;
            parts.push(rate(a_second));
            let left = self.sweep.total.saturating_sub(self.done() + self.failed);
            // Too long a time cannot be a `Duration`.
            let left = Duration::try_from_secs_f64((left as f64 / a_second).round());
            parts.extend(
                left.ok()
                    .map(|left| format!("{} left", FormattedDuration(left))),
            );
        }
        if let Some((trial, value)) = &self.best {
            parts.push(format!("best {value:.4} ({})", self.named(trial)));
        }
        parts.join(", ")
    }

    /// `2ce527b9 epoch 3/20 valid/accuracy 0.5123 lr=0.01`.
    pub fn slot_line(&self, running: &Running) -> String {
        let mut line = running.trial.short().to_owned();
        match self.sweep.epochs.get(&running.trial) {
            Some(epochs) => line.push_str(&format!(" step {}/{epochs}", running.step)),
            None => line.push_str(&format!(" step {}", running.step)),
        }
        if let Some(value) = running.value {
            line.push_str(&format!(" {} {value:.4}", self.sweep.objective.metric));
        }
        format!("{line} {}", self.description(&running.trial))
    }

    /// A line of its own for an event that needs one.
    pub fn notice(&self, event: &Event) -> Option<String> {
        match event {
            Event::TrialFailed {
                trial,
                attempt,
                cause,
                log_tail,
                will_retry,
            } => {
                let slot = self.slots.iter().find(|(_, running)| {
                    running
                        .as_ref()
                        .is_some_and(|running| running.attempt == *attempt)
                });
                let place = slot.map_or(String::new(), |(slot, _)| format!(" on {slot}"));
                let next = match (will_retry, cause) {
                    (true, _) => "it will be retried",
                    (false, Cause::Rejected { .. }) => {
                        "it is not retried, because it would fail the same way"
                    }
                    (false, _) => "it is not retried; --retry-failed trains it again",
                };
                let name = self.named(trial);
                let cause = sanitize(&cause.to_string());
                let mut notice = format!("trial {name} failed{place}: {cause}; {next}");
                for line in last_lines(log_tail) {
                    notice.push_str("\n    | ");
                    notice.push_str(&line);
                }
                Some(notice)
            }
            Event::TrialSkipped { trial, reason } => {
                let (name, reason) = (self.named(trial), sanitize(reason));
                Some(format!("trial {name} skipped: {reason}"))
            }
            Event::TrialWarning { trial, message, .. } => {
                let (name, message) = (self.named(trial), sanitize(message));
                Some(format!("trial {name}: {message}"))
            }
            Event::StopRequested { at_once: true, .. } => {
                Some("stopping at once: ending the remaining workers".to_owned())
            }
            Event::StopRequested { reason, .. } => Some(match reason {
                StopReason::Interrupt => {
                    "stopping: running trials write a checkpoint (Ctrl-C again stops at once)"
                        .to_owned()
                }
                StopReason::TimeLimit(_) => format!(
                    "stopping: {reason}; running trials write a checkpoint (Ctrl-C stops at once)"
                ),
                StopReason::TrialLimit(_) => format!("stopping: {reason}"),
            }),
            Event::SlotRetired { slot, reason } => {
                Some(format!("slot {slot} is disabled: {}", sanitize(reason)))
            }
            Event::StoreBlocked { reason } => Some(format!(
                "the database cannot be written: {}; nothing is lost: running trials continue, and no \
                 new ones start until it can",
                sanitize(reason)
            )),
            Event::StoreResumed { after } => Some(format!(
                "the database can be written again after {}; nothing was lost",
                FormattedDuration(*after)
            )),
            Event::StoreWarning { message } => Some(sanitize(message)),
            Event::SearchEnded {
                path,
                reason,
                is_budget_spent: false,
                ..
            } => Some(format!("`{path}` has ended: {reason}")),
            _ => None,
        }
    }

    pub fn outcome(&self, now: Instant) -> String {
        let took = now.saturating_duration_since(self.began);
        let mut line = format!(
            "{} of {} trials done ({} in this session: {} finished, {} diverged), {}, in {}",
            self.done(),
            self.sweep.total,
            self.finished + self.diverged,
            self.finished,
            self.diverged,
            self.failures(),
            FormattedDuration(took),
        );
        if !self.paused.is_empty() {
            line.push_str(&format!("; {} paused", self.paused.len()));
        }
        if self.sweep.failed_before > 0 {
            line.push_str(&format!("; {} failed before", self.sweep.failed_before));
        }
        if let Some((trial, value)) = &self.best_at_end {
            let metric = &self.sweep.objective.metric;
            let name = self.named(trial);
            line.push_str(&format!("; best {metric} {value:.4}: {name}"));
            if let Some(tie) = &self.tie_at_end {
                line.push_str(&format!(" ({tie})"));
            }
        }
        line
    }

    fn failures(&self) -> String {
        match self.skipped {
            0 => format!("{} failed", self.failed),
            some => format!("{} failed ({some} skipped)", self.failed),
        }
    }

    /// Short name and settings of a trial.
    fn named(&self, trial: &TrialId) -> String {
        format!("{} {}", trial.short(), self.description(trial))
            .trim_end()
            .to_owned()
    }

    fn description(&self, trial: &TrialId) -> String {
        sanitize(self.sweep.describe.get(trial).map_or("", String::as_str))
    }
}

/// Trials by the unit of time that gives a readable number.
pub fn rate(a_second: f64) -> String {
    match a_second {
        1.0.. => format!("{a_second:.1} trials/s"),
        _ if a_second * 60.0 >= 1.0 => format!("{:.1} trials/min", a_second * 60.0),
        _ => format!("{:.1} trials/h", a_second * 3_600.0),
    }
}

fn last_lines(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines[from..]
        .iter()
        .map(|line| sanitize(line).chars().take(LOG_WIDTH).collect())
        .collect()
}
