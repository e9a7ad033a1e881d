//! What the libraries of gradient boosting share: the loop of rounds, the columns that they are given, what they predict,
//! and models that are read back.

mod columns;
mod outputs;

pub(super) use columns::Columns;
pub(super) use outputs::{Predicts, labels};

use super::baseline::{self, Kept, Measured, Progress};
use super::library::{Located, NotFound};
use super::model_kind::{Names, Scores, TrainedModel};
use crate::artifact;
use crate::{Callback, Control, EngineError, Epoch, Job, Keep, Outcome};
use sweep_core::awake;
use sweep_core::trial::models::StoppingMetric;
use sweep_data::Inputs;

/// When boosting ends, and which round is kept.
pub(super) struct Rules {
    pub rounds: u32,
    /// 0 is off.
    pub early_stopping_rounds: u32,
    pub metric: StoppingMetric,
}

/// An ensemble of trees with the rows that it learns from and is judged by.
pub(super) trait Ensemble {
    /// One round, counted from 0: validation measures and training loss after it.
    fn boost(&mut self, round: u32) -> Result<(Measured, f64), EngineError>;

    /// All that [`Ensemble::restore`] needs to go on with the same numbers, to the bit.
    fn snapshot(&self) -> Result<Vec<u8>, EngineError>;

    /// Goes back to where `snapshot` was made, after `rounds` rounds.
    fn restore(&mut self, rounds: u32, snapshot: &[u8]) -> Result<(), EngineError>;

    /// The first `rounds` rounds.
    fn kept(self, rounds: u32) -> Result<KeptModel, EngineError>;
}

/// The model that is kept.
pub(super) struct KeptModel {
    /// Total gain of each column, as shares.
    pub importance: Vec<(String, f64)>,
    pub leaves: u64,
    /// Its file.
    pub file: &'static str,
    pub bytes: Vec<u8>,
}

/// Boosts `job` by the ensemble that `new` makes; a step is a round.
///
/// Each round reports "train/loss", the cheap metrics of the validation rows, the objective and "seconds", those of the
/// round. The round that is best by `rules` is kept, of equal ones that with the lowest "valid/loss"; with early
/// stopping, boosting ends that many rounds after the last one that was better by it than all before. A job that asks for a
/// round ends with it and keeps it.
///
/// # Errors
/// When the data cannot be learnt from, the checkpoint is not this trial's, the ensemble reports an error, or the model
/// cannot be written.
pub(super) fn train<E: Ensemble>(
    job: Job<'_>,
    rules: &Rules,
    new: impl FnOnce() -> Result<E, EngineError>,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    baseline::check(job)?;
    let mut began = awake::now();
    let mut ensemble = new()?;
    let mut progress = Progress::default();
    if let Some(bytes) = checkpoint {
        let (found, snapshot) = baseline::decode(job, bytes)?;
        ensemble.restore(found.step, snapshot)?;
        progress = found;
        callback.resumed(progress.step);
    }
    let kept = match (job.keep, rules.metric) {
        (Keep::Step(_), _) => Kept::Latest,
        (Keep::Best, StoppingMetric::Loss) => Kept::ByLoss,
        (Keep::Best, StoppingMetric::Objective) => Kept::ByObjective,
    };
    let mut diverged = None;
    let rounds = job.keep.steps(rules.rounds);
    let may_stop = job.keep == Keep::Best;
    while progress.step < rounds && !(may_stop && is_stale(&progress, rules)) {
        let step = progress.step + 1;
        let (mut measured, train_loss) = ensemble.boost(progress.step)?;
        let seconds = awake::since(began).as_secs_f64();
        began = awake::now();
        measured
            .values
            .insert(0, ("train/loss".to_owned(), train_loss));
        measured.values.push(("seconds".to_owned(), seconds));
        let broken = measured.values.iter().find(|(_, value)| !value.is_finite());
        diverged = broken.map(|(name, value)| format!("{name} was {value} after round {step}"));
        if diverged.is_none() {
            progress.record(step, seconds, &measured, &job.spec.objective, kept)?;
        }
        let epoch = Epoch {
            step,
            values: measured.values,
        };
        if diverged.is_some() {
            // There is nothing to resume, so no checkpoint and no wish to stop matter any more.
            callback.epoch(&epoch, &mut || baseline::encode(job, &progress, &[]));
            (progress.step, progress.seconds) = (step, progress.seconds + seconds);
            break;
        }
        let mut failure = None;
        let control = callback.epoch(&epoch, &mut || {
            let snapshot = ensemble.snapshot().unwrap_or_else(|error| {
                failure = Some(error);
                Vec::new()
            });
            baseline::encode(job, &progress, &snapshot)
        });
        if let Some(error) = failure {
            return Err(error);
        }
        if control == Control::Stop {
            return Ok(Outcome::Stopped { step });
        }
    }
    finish(job, ensemble, progress, diverged, callback)
}

/// Whether early stopping ends boosting here.
fn is_stale(progress: &Progress, rules: &Rules) -> bool {
    let stalled = progress.step - progress.improved;
    rules.early_stopping_rounds > 0 && stalled >= rules.early_stopping_rounds
}

/// Leaves the rounds up to the best one in the job's folder.
fn finish(
    job: Job<'_>,
    ensemble: impl Ensemble,
    progress: Progress,
    diverged: Option<String>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    let mut result = progress.into_result();
    result.diverged = diverged;
    if result.best.is_some() {
        let kept = ensemble.kept(result.best_step)?;
        let artifact = artifact::write(job.folder, "model", kept.file, &kept.bytes, callback)?;
        result.artifacts.push(artifact);
        (result.importance, result.parameters) = (kept.importance, kept.leaves);
    }
    Ok(Outcome::Done(Box::new(result)))
}

/// What a loaded library makes of columns.
pub(super) trait Predictor {
    /// What it predicts of whole rows, in full: probabilities of all classes [rows, classes], or numbers as they were
    /// learned [rows].
    fn predict(
        &mut self,
        inputs: Inputs<'_>,
        columns: &Columns,
        predicts: Predicts,
    ) -> Result<Vec<f32>, EngineError>;
}

/// A model of one of the libraries, read back.
pub struct Boosted {
    pub(super) predictor: Box<dyn Predictor>,
    pub(super) columns: Columns,
    pub(super) predicts: Predicts,
}

impl Boosted {
    /// Number of inputs.
    pub fn features(&self) -> usize {
        self.columns.features()
    }

    /// Number of classes; 0 of a model that predicts a number.
    pub fn classes(&self) -> usize {
        self.predicts.classes()
    }

    /// Class probabilities, row-major [rows, classes], or numbers as they were learned [rows].
    ///
    /// # Errors
    /// When the library reports one.
    ///
    /// # Panics
    /// When the inputs are not whole rows.
    pub fn predict(&mut self, inputs: Inputs<'_>) -> Result<Vec<f32>, EngineError> {
        self.predictor.predict(inputs, &self.columns, self.predicts)
    }
}

impl TrainedModel for Boosted {
    fn features(&self) -> Names<'_> {
        Names::Counted(Boosted::features(self))
    }

    fn classes(&self) -> Names<'_> {
        Names::Counted(Boosted::classes(self))
    }

    fn predict(&mut self, inputs: Inputs<'_>) -> Result<Scores, EngineError> {
        let outputs = Boosted::predict(self, inputs)?;
        Ok(match self.predicts {
            Predicts::Number => Scores::Numbers(outputs),
            Predicts::SecondOfTwo | Predicts::Classes(_) => Scores::Probabilities(outputs),
        })
    }
}

/// Where a library is that may have been found.
pub(super) fn located(found: Result<&Located, &NotFound>) -> Result<Located, NotFound> {
    found.cloned().map_err(Clone::clone)
}
