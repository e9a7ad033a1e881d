//! Trials that are programs: each is run as a process of its own, below this one.
//!
//! Invariant: when this process ends in an orderly way, nothing that a program has started is left.

use std::path::Path;

use sweep_core::atomic_fs::is_full;
use sweep_core::protocol::{FromWorker, ProgramRequest, TrainRequest};
use sweep_core::trial::Metric;
use sweep_engine::Control;
use sweep_program::run::{self, Attempt, Ended, Scratch, Watcher};
use sweep_program::tree;

use super::attempt_channel::AttemptChannel;

/// What is kept from one program to the next.
#[derive(Default)]
pub(super) struct Programs {
    scratch: Option<Scratch>,
}

impl Programs {
    /// Runs the trial of `order` and gives the last word on it.
    pub(super) fn run(
        &mut self,
        order: &TrainRequest,
        program: &ProgramRequest,
        channel: &mut AttemptChannel<'_>,
    ) -> FromWorker {
        let attempt = order.attempt;
        let rejected = |message: String| FromWorker::Rejected { attempt, message };
        if self.scratch.is_none() {
            let made = tree::adopt_orphans().and_then(|()| Scratch::new());
            match made {
                Ok(scratch) => self.scratch = Some(scratch),
                Err(error) => return rejected(format!("cannot run programs: {error}")),
            }
        }
        let Some(scratch) = &mut self.scratch else {
            return rejected("cannot run programs".to_owned());
        };
        if let Err(end) = make_folder(&order.folder, channel) {
            return end;
        }
        let settings = order.spec.model.params();
        let ended = run::run(
            &Attempt {
                spec: &program.spec,
                trial: &order.trial,
                settings: &settings,
                seed: order.spec.seed,
                objective: &order.spec.objective,
                folder: &order.folder,
                owner: &program.owner,
                recorded: program.recorded,
                pause_at: order.pause_at,
            },
            scratch,
            &mut ToCoordinator(channel),
        );
        match ended {
            Ended::Finished(result) => FromWorker::Finished { attempt, result },
            Ended::Paused { step } => FromWorker::Paused { attempt, step },
            Ended::Interrupted { step } => FromWorker::Interrupted { attempt, step },
            Ended::Failed { failure, log_tail } => FromWorker::Failed {
                attempt,
                failure,
                log_tail,
            },
        }
    }
}

/// Makes the folder of a trial, once there is space for it; an error is the last word on the trial.
fn make_folder(folder: &Path, channel: &mut AttemptChannel<'_>) -> Result<(), FromWorker> {
    let attempt = channel.attempt;
    while let Err(error) = std::fs::create_dir_all(folder) {
        let why = format!("cannot make {}: {error}", folder.display());
        if !is_full(&error) {
            return Err(FromWorker::Rejected {
                attempt,
                message: why,
            });
        }
        if channel.wait(&format!("{why}; the trial begins once there is space")) == Control::Stop {
            let step = None;
            return Err(FromWorker::Interrupted { attempt, step });
        }
    }
    channel.unblock();
    Ok(())
}

/// Ends whatever programs have started.
pub(super) fn end_all() {
    tree::kill_all(&mut tree::Usage::default());
}

/// Passes on what is heard of a program.
struct ToCoordinator<'a, 'c>(&'a mut AttemptChannel<'c>);

impl Watcher for ToCoordinator<'_, '_> {
    fn resumed(&mut self, step: u32) {
        let attempt = self.0.attempt;
        self.0.send(&FromWorker::Resumed { attempt, step });
    }

    fn progressed(&mut self, step: u32, values: Vec<(Metric, f64)>) {
        let attempt = self.0.attempt;
        self.0.send(&FromWorker::Progress {
            attempt,
            step,
            values,
        });
    }

    fn warn(&mut self, message: &str) {
        self.0.warn(message);
    }

    fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }
}
