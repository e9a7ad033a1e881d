//! Watches one trial: sends progress, writes checkpoints when they are due, and holds a finished model
//! while there is no space for it.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::attempt_channel::AttemptChannel;
use super::budget::Budget;
use super::checkpoints;
use super::progress_log::ProgressLog;
use sweep_core::atomic_fs::{how_to_make_room, is_full};
use sweep_core::awake;
use sweep_core::protocol::FromWorker;
use sweep_core::trial::Metric;
use sweep_engine::{Callback, Control, EngineError, Epoch};

/// Sends progress, and writes checkpoints when they are due.
pub(super) struct Reporter<'a, 'v> {
    channel: &'a mut AttemptChannel<'v>,
    folder: &'a Path,
    /// A newer checkpoint than the one that training resumes from could not be used.
    fell_back: bool,
    /// The step of the newest checkpoint that is good.
    pub saved_step: Option<u32>,
    /// The step after which the trial pauses.
    pause_at: Option<u32>,
    /// The step at which it has.
    pub paused: Option<u32>,
    pub budget: Budget,
    reports: ProgressLog,
    began: Instant,
    /// It has been said that checkpoints cannot be written.
    complained: bool,
    /// The folder was removed and has been made again.
    remade: bool,
}

impl<'a, 'v> Reporter<'a, 'v> {
    pub(super) fn new(
        channel: &'a mut AttemptChannel<'v>,
        folder: &'a Path,
        budget: Budget,
        (pause_at, fell_back): (Option<u32>, bool),
    ) -> Reporter<'a, 'v> {
        Reporter {
            channel,
            folder,
            fell_back,
            saved_step: None,
            pause_at,
            paused: None,
            budget,
            reports: ProgressLog::default(),
            began: awake::now(),
            complained: false,
            remade: false,
        }
    }

    /// Writes a checkpoint, if it is `wanted` in any case or worth its time. One that cannot be written
    /// costs repeated work later, not the trial.
    fn save(&mut self, step: u32, wanted: bool, checkpoint: &mut dyn FnMut() -> Vec<u8>) {
        let start = awake::now();
        let bytes = checkpoint();
        let made = awake::since(start);
        let affordable = self
            .budget
            .affords(awake::since(self.began), made, bytes.len());
        if !affordable && !wanted {
            return;
        }
        let start = awake::now();
        let outcome = self
            .keep_reports()
            .and_then(|()| checkpoints::keep(self.folder, &bytes));
        let (wrote, elapsed) = (awake::since(start), awake::since(self.began));
        match outcome {
            Ok(()) => {
                self.saved_step = Some(step);
                self.budget.pay(elapsed, made, wrote, bytes.len());
            }
            Err(error) => {
                self.budget.failed(elapsed, wrote);
                if !self.complained {
                    self.complained = true;
                    let path = self.folder.join(checkpoints::LAST);
                    self.channel.warn(&format!(
                        "cannot write {}: {error}; training continues without a checkpoint of step {step}",
                        path.display()
                    ));
                }
            }
        }
    }
}

impl Reporter<'_, '_> {
    /// Makes a folder that was removed again, as for a checkpoint.
    fn keep_reports(&mut self) -> io::Result<()> {
        match self.reports.keep(self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(self.folder)?;
                self.reports.keep(self.folder)
            }
            outcome => outcome,
        }
    }

    /// Reports an epoch, and logs the report for an attempt that resumes from here.
    fn report(&mut self, step: u32, values: Vec<(Metric, f64)>) {
        let report = FromWorker::Progress {
            attempt: self.channel.attempt,
            step,
            values,
        };
        self.channel.send(&report);
        self.reports.add(&report).expect("writing to memory");
    }

    /// Tells again what was reported up to `step`: the database may not have come to all of it.
    fn resend_until(&mut self, step: u32) {
        let told = ProgressLog::recall(self.folder, step);
        // Not every step has a report, but the one of a checkpoint has.
        if !told.contains_key(&step) {
            self.channel.warn(&format!(
                "what was reported up to step {step} is gone; if the database has not got it either, its \
                 curves have a gap there"
            ));
        }
        for (step, values) in told {
            self.report(step, values);
        }
    }
}

impl Callback for Reporter<'_, '_> {
    fn resumed(&mut self, step: u32) {
        self.saved_step = Some(step);
        let attempt = self.channel.attempt;
        self.channel.send(&FromWorker::Resumed { attempt, step });
        self.resend_until(step);
        // From here on the one that was good is the last one, so that it is the one kept beside the next.
        if self.fell_back
            && let Err(error) = checkpoints::fall_back(self.folder)
        {
            self.channel.warn(&format!(
                "cannot put {} in place of the one that is of no use: {error}",
                self.folder.join(checkpoints::PREVIOUS).display()
            ));
        }
    }

    fn epoch(&mut self, epoch: &Epoch, checkpoint: &mut dyn FnMut() -> Vec<u8>) -> Control {
        self.report(epoch.step, epoch.values.clone());
        // What was reported beyond the step, by an attempt that was killed as it paused, is not taken back.
        if self.pause_at.is_some_and(|at| epoch.step >= at) {
            self.paused = Some(epoch.step);
        }
        let stop = self.channel.is_stopped() || self.paused.is_some();
        if stop || self.budget.is_due(awake::since(self.began)) {
            self.save(epoch.step, stop, checkpoint);
        }
        match stop {
            true => Control::Stop,
            false => Control::Continue,
        }
    }

    fn cannot_write(&mut self, error: &EngineError) -> Control {
        let EngineError::Write { source, .. } = error else {
            return Control::Stop;
        };
        if is_full(source) {
            return self.channel.wait(&format!(
                "{error}; the finished model is kept in memory and written once there is space: {}",
                how_to_make_room(source)
            ));
        }
        let removed = source.kind() == std::io::ErrorKind::NotFound;
        if removed && !self.remade && std::fs::create_dir_all(self.folder).is_ok() {
            self.remade = true;
            self.channel.warn(&format!(
                "{} had been removed and was made again",
                self.folder.display()
            ));
            return Control::Continue;
        }
        Control::Stop
    }
}
