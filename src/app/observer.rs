//! What a caller learns while a function of this crate works.
//!
//! Invariant: an observer does not change what a function does.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use sweep_core::event::Event;
use sweep_core::format::{format_duration, pluralize, pluralize_irregular, with_thousands};
use sweep_core::sanitize::sanitize;
use sweep_core::trial::{ConfigId, DataDigest, Kind, TrialId};
use sweep_experiment::{Diagnostic, Source};

use crate::overview::{Overview, StopHandle};
use crate::pool_notice::PoolNotice;

/// How long work on the database may take before there is a notice.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// Gets notices, from whichever thread.
pub trait Observer: Sync {
    fn notice(&self, notice: &Notice);

    /// Trials are about to be trained; `stop` interrupts that.
    fn training(&self, _overview: Overview, _stop: StopHandle) {}

    /// Something happened in the training.
    fn event(&self, _event: &Event) {}

    /// Time passed without an event.
    fn idle(&self) {}

    /// The last event has been given; results are still being written.
    fn trained(&self) {}

    /// Everything is in the database; `best` is the best trial of the sweep, and `tie` says with how many other
    /// configurations its own shares the first rank.
    fn recorded(&self, _best: Option<(TrialId, f64)>, _tie: Option<String>) {}
}

/// Ignores everything.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _notice: &Notice) {}
}

/// Something worth knowing that is no failure. Its text is a sentence; a warning also has a place in a file.
#[derive(Debug)]
pub enum Notice {
    /// The database was brought to a newer schema.
    StoreUpgraded {
        path: PathBuf,
        from: i64,
        to: i64,
        backup: PathBuf,
    },
    /// Work on the database takes long.
    StoreBlocked { path: PathBuf },
    /// A key of the experiment deserves attention.
    Warning {
        file: Source,
        flags: Vec<String>,
        problem: Box<Diagnostic>,
    },
    /// Which trial was chosen, of several.
    TrialChosen(String),
    /// A finding of data preparation.
    Data(String),
    /// A sweep of this name was run from another file, so that `run` would ask.
    NameTaken(String),
    /// Some of the trials to train need a library that was not found.
    LibraryMissing {
        kind: Kind,
        trials: usize,
        why: String,
    },
    /// A kind of baseline that an experiment file without a model stands for is left out.
    BaselineLeftOut { kind: Kind, why: String },
    /// What a session will do.
    Planned(SessionPlan),
    /// Seeds were added to the best configurations.
    SeedsAdded {
        seeds: Vec<u64>,
        configurations: usize,
        trials: usize,
    },
    /// The test set is evaluated while trials are left to train.
    TestedEarly { sweep: String, left: usize },
    /// A configuration is evaluated on the test set.
    Testing {
        kind: Kind,
        config: ConfigId,
        /// `3 seeds`, or `3 seeds x 5 folds`.
        seeds: String,
    },
    /// A trial cannot be a member of an ensemble.
    CandidateLeftOut { trial: TrialId, why: String },
    /// An ensemble is used that a selection would not give any more.
    EnsembleStale { sweep: String, why: String },
    /// An ensemble is evaluated on the test set.
    TestingEnsemble { members: usize },
    /// A configuration is trained once more, to a fixed step, on training and validation rows.
    Refit {
        kind: Kind,
        config: ConfigId,
        rows: usize,
        seeds: Vec<u64>,
        step: u32,
        /// Runs of which that step is the mean.
        runs: usize,
    },
    /// Where that training stands.
    RefitProgress {
        kind: Kind,
        seed: u64,
        step: u32,
        until: u32,
    },
    /// A model was exported whose validation rows are not known.
    ExportedWithoutValidation { sweep: String, why: String },
    /// A trial that was trained again for its model had another result than recorded, so that the model was removed.
    OtherResult { trial: TrialId, message: String },
    /// The experiment file is not what it was when the sweep began.
    FileEdited(PathBuf),
    /// New data were to be accepted, but the data are unchanged.
    DataUnchanged(PathBuf),
    /// The run directory cannot be written, so that data are prepared in a temporary folder.
    PreparedInTemporaryFolder { runs: PathBuf, folder: PathBuf },
    /// A running sweep was asked to stop.
    StopRequested {
        sweep: String,
        pid: u32,
        host: String,
    },
    /// Something about agents.
    Pool(PoolNotice),
    /// So many processes of programs were ended that a coordinator which is gone had left behind.
    LeftoversEnded(usize),
    /// What a program is made of is not what it was when the sweep was last run: its trials are new ones.
    ProgramChanged { sweep: String, changes: String },
    /// It has not stopped yet.
    StopPending { waited: Duration },
    /// `sweep run` is about to train a sweep on other data than before.
    RunOnOtherData {
        sweep: String,
        path: PathBuf,
        /// Whether the table itself is another one; else what `[data]` makes of it.
        is_edited: bool,
        /// Whether the sweep was last run with earlier defaults of `[data]`.
        has_earlier_defaults: bool,
        old: DataDigest,
        new: DataDigest,
    },
    /// `sweep run` is about to train a sweep with later defaults of settings than before.
    RunWithLaterDefaults {
        sweep: String,
        /// Each setting, with its default now and then.
        changed: Vec<String>,
    },
    /// Changed data are accepted as a new version of the data set.
    DataChanged {
        path: PathBuf,
        old: DataDigest,
        new: DataDigest,
    },
}

/// What a session will do, in numbers of trials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPlan {
    pub sweep: String,
    pub planned: usize,
    /// Those with a result from earlier sessions.
    pub done: usize,
    pub to_train: usize,
    /// Workers of this machine; `None` where agents train.
    pub workers: Option<usize>,
    /// Each search in a few words.
    pub searches: Vec<String>,
    /// Whether any of them has something left to do.
    pub is_searching: bool,
    /// Those of earlier files or data, no longer in the plan.
    pub out_of_plan: usize,
}

impl Notice {
    /// Whether it is shown even in quiet mode.
    pub fn is_essential(&self) -> bool {
        matches!(
            self,
            Notice::StoreUpgraded { .. }
                | Notice::StoreBlocked { .. }
                | Notice::RunOnOtherData { .. }
                | Notice::RunWithLaterDefaults { .. }
                | Notice::TestedEarly { .. }
                | Notice::Testing { .. }
                | Notice::ExportedWithoutValidation { .. }
                | Notice::OtherResult { .. }
                | Notice::CandidateLeftOut { .. }
                | Notice::TestingEnsemble { .. }
                | Notice::EnsembleStale { .. }
        )
    }
}

impl fmt::Display for Notice {
    #[expect(clippy::too_many_lines, reason = "one arm for each notice")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::StoreUpgraded {
                path,
                from,
                to,
                backup,
            } => write!(
                f,
                "upgraded {} from schema version {from} to {to}; a backup is in {}",
                path.display(),
                backup.display(),
            ),
            Notice::StoreBlocked { path } => write!(
                f,
                "waiting for {}: another process holds its lock, or the disk is slow",
                path.display()
            ),
            Notice::Warning { problem, .. } => problem.fmt(f),
            Notice::TrialChosen(why) => f.write_str(why),
            Notice::Data(note) => f.write_str(&sanitize(note)),
            Notice::NameTaken(conflict) => write!(
                f,
                "note: {}; `sweep run` needs another name or --accept-new-file",
                sanitize(conflict)
            ),
            Notice::LibraryMissing { kind, trials, why } => write!(
                f,
                "note: {} cannot be trained on this machine: {why}",
                pluralize(*trials, &format!("{} trial", kind.label()))
            ),
            Notice::BaselineLeftOut { kind, why } => write!(
                f,
                "note: the file names no model, and the baseline {} is left out: {why}",
                kind.label()
            ),
            Notice::Planned(plan) => plan.fmt(f),
            Notice::SeedsAdded {
                seeds,
                configurations,
                trials,
            } => {
                let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "extra seeds {} for {}: {}",
                    seeds.join(", "),
                    pluralize(*configurations, "configuration"),
                    pluralize(*trials, "trial"),
                )
            }
            Notice::TestedEarly { sweep, left } => {
                let (trials, are) = match left {
                    1 => ("1 trial".to_owned(), "is"),
                    many => (format!("{many} trials"), "are"),
                };
                write!(
                    f,
                    "note: {trials} of sweep {sweep} {are} not trained yet; this test-set evaluation is counted all the same, \
                     and test scores of models that are chosen after it are biased upwards",
                )
            }
            Notice::ExportedWithoutValidation { sweep, why } => write!(
                f,
                "note: {why}; the exported model predicts, but not with --coverage, --calibrate or --threshold, which need \
                 its validation rows: `sweep resume {sweep}` prepares them again",
            ),
            Notice::Testing {
                kind,
                config,
                seeds,
            } => write!(
                f,
                "evaluating {} {} on the test set, {seeds}",
                kind.name(),
                config.short(),
            ),
            Notice::TestingEnsemble { members } => write!(
                f,
                "evaluating the ensemble on the test set, {}",
                pluralize(*members, "member")
            ),
            Notice::CandidateLeftOut { trial, why } => write!(
                f,
                "warning: trial {} is left out: {}",
                trial.short(),
                sanitize(why)
            ),
            Notice::EnsembleStale { sweep, why } => write!(
                f,
                "note: the ensemble of sweep {sweep} is out of date: {why}; `sweep ensemble {sweep}` selects it again",
            ),
            Notice::Refit {
                kind,
                config,
                rows,
                seeds,
                step,
                runs,
            } => {
                let numbers: Vec<String> = seeds.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "refit of {} {} on {} training and validation rows, {} {}, to {} {step}: {}",
                    kind.name(),
                    config.short(),
                    with_thousands(*rows as u64),
                    if seeds.len() == 1 { "seed" } else { "seeds" },
                    numbers.join(", "),
                    kind.def().steps.name,
                    match runs {
                        1 => "the one that its run kept".to_owned(),
                        many => format!("the mean of those that its {many} runs kept"),
                    }
                )
            }
            Notice::RefitProgress {
                kind,
                seed,
                step,
                until,
            } => write!(
                f,
                "refit with seed {seed}: {} {step} of {until}",
                kind.def().steps.name
            ),
            Notice::OtherResult { trial, message } => write!(
                f,
                "trial {}: {}; its new model is removed",
                trial.short(),
                sanitize(message)
            ),
            Notice::FileEdited(path) => {
                let path = path.display();
                write!(
                    f,
                    "{path} was edited since the sweep began; resuming with the experiment file in the database (`sweep run \
                     {path}` uses the edited one)"
                )
            }
            Notice::PreparedInTemporaryFolder { runs, folder } => write!(
                f,
                "note: {} cannot be written; the data are prepared in {} and removed afterwards",
                runs.display(),
                folder.display()
            ),
            Notice::StopRequested { sweep, pid, host } => {
                write!(f, "asked {sweep} to stop (process {pid} on {host})")
            }
            Notice::Pool(notice) => notice.fmt(f),
            Notice::LeftoversEnded(count) => write!(
                f,
                "{} that an earlier session had left behind {} ended",
                pluralize_irregular(*count, "process", "processes"),
                if *count == 1 { "was" } else { "were" },
            ),
            Notice::ProgramChanged { sweep, changes } => write!(
                f,
                "{sweep} was last run with another version of its program: {changes}; its trials are new ones, and results of \
                 the old version stay in the database"
            ),
            Notice::StopPending { waited } => write!(
                f,
                "waiting for its checkpoints, {} so far",
                format_duration(Duration::from_secs(waited.as_secs()))
            ),
            Notice::DataUnchanged(path) => write!(
                f,
                "{} gives the same data as before: there are no new data to accept",
                path.display()
            ),
            Notice::RunOnOtherData {
                sweep,
                path,
                is_edited,
                has_earlier_defaults,
                old,
                new,
            } => write!(
                f,
                "note: {} since {sweep} was last run: the digest of the prepared data was {} and is now {}; all trials are \
                 trained on the new data, and results on the old data stay in the database, out of the plan{}",
                match is_edited {
                    true => format!("{} has changed", path.display()),
                    false => format!("what [data] makes of {} has changed", path.display()),
                },
                old.short(),
                new.short(),
                match has_earlier_defaults {
                    true => format!(
                        "; defaults of [data] have changed as well, and `sweep resume {sweep}` keeps those of then"
                    ),
                    false => String::new(),
                },
            ),
            Notice::RunWithLaterDefaults { sweep, changed } => write!(
                f,
                "note: defaults have changed since {sweep} was last run: {}; trials with the new ones are trained, and \
                 those with the old ones stay in the database, out of the plan; `sweep resume {sweep}` keeps the old \
                 ones",
                changed.join(", "),
            ),
            Notice::DataChanged { path, old, new } => write!(
                f,
                "{} has changed and is accepted as a new version of the data set: the digest of the prepared \
                 data was {} and is now {}; results on the old version stay in the database, out of the plan",
                path.display(),
                old.short(),
                new.short(),
            ),
        }
    }
}

impl fmt::Display for SessionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.sweep)?;
        for search in &self.searches {
            write!(f, "{search}; ")?;
        }
        if !self.searches.is_empty() && !self.is_searching {
            f.write_str("the search has ended; ")?;
        }
        write!(f, "{}", pluralize(self.planned, "trial"))?;
        if !self.searches.is_empty() {
            f.write_str(" beside")?;
        }
        if self.done > 0 {
            write!(f, ", {} already done", self.done)?;
        }
        match self.to_train {
            0 if self.is_searching => match self.workers {
                None => {}
                Some(workers) => write!(f, ", {}", pluralize(workers, "worker"))?,
            },
            0 => f.write_str(", nothing left to train")?,
            number => match self.workers {
                None => write!(f, ", {number} to train")?,
                Some(workers) => write!(
                    f,
                    ", {number} to train on {}",
                    pluralize(workers.min(number), "worker")
                )?,
            },
        }
        let failed = self.planned - self.done - self.to_train;
        if failed > 0 {
            write!(
                f,
                "; {failed} failed before (--retry-failed trains them again)"
            )?;
        }
        if self.out_of_plan > 0 {
            write!(
                f,
                "; {} of earlier files or data stay in the database, out of the plan",
                pluralize(self.out_of_plan, "trial")
            )?;
        }
        Ok(())
    }
}

/// Does `work`, and gives the notice `waits` if it takes long.
pub fn with_notice<T>(observer: &dyn Observer, waits: &Notice, work: impl FnOnce() -> T) -> T {
    let (done, wait) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(NOTICE_AFTER) == Err(RecvTimeoutError::Timeout) {
                observer.notice(waits);
            }
        });
        let result = work();
        drop(done);
        result
    })
}
