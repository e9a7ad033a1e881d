//! What the two tree baselines share: validation measures, where training stands, and encoded
//! checkpoints.
//!
//! A checkpoint is decoded only for the very trial that wrote it, and only undamaged; numbers are kept as bits, so
//! that what is measured after going on is what would have been measured without stopping.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::score::{Confusion, Measure, Outputs};
use crate::{EngineError, Job, version};
use sweep_core::trial::models::Loss;
use sweep_core::trial::{Goal, Metric, Objective, Score, TIE_BREAKER, Task, TrialResult};

/// Raised when the meaning of a checkpoint's bytes changes; others are refused.
const CHECKPOINT_FORMAT: u32 = 2;
const MAGIC: &[u8; 8] = b"swptrees";
/// Magic, format, SHA-256 of what follows, length of the header.
const PREFIX_BYTES: usize = 8 + 4 + 32 + 8;

/// Refuses a job that no tree can be grown on.
pub(super) fn check(job: Job<'_>) -> Result<(), EngineError> {
    let refuse = |message: &str| Err(EngineError::Unsupported(message.to_owned()));
    let meta = job.data.meta();
    if meta.features.is_empty() {
        return refuse("the data set has no features; name columns under [data]");
    }
    if meta.number.is_none() && meta.classes.len() < 2 {
        return refuse("the data set has fewer than two classes; there is nothing to learn");
    }
    if job.data.train().y.is_empty() || job.data.valid().y.is_empty() {
        return refuse("the data set lacks training or validation rows; change [data] split");
    }
    let width = meta.features.len();
    for (side, rows) in [
        ("training", job.data.train()),
        ("validation", job.data.valid()),
    ] {
        if let Some(place) = rows.x.iter().position(|value| !value.is_finite()) {
            return Err(EngineError::Unsupported(format!(
                "{side} row {}, column {}: {} is not a finite number; set a rule under [data] missing",
                place / width + 1,
                meta.features[place % width],
                rows.x[place],
            )));
        }
    }
    Ok(())
}

/// What a step scores on validation rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub values: Vec<(Metric, f64)>,
    /// Of no class where the target is a number.
    pub confusion: Confusion,
}

/// Scores `outputs` for the validation rows of `job`, row-major [rows, classes], or [rows] of numbers as they are
/// learned: the cheap metrics, and the objective. `loss` is what is trained of numbers, in those units.
///
/// The loss of classes is the mean over rows of [`sweep_core::trial::log_loss`].
pub(super) fn measure(job: Job<'_>, outputs: &[f32], loss: Loss) -> Measured {
    let meta = job.data.meta();
    let outputs: Vec<f64> = match meta.number {
        None => outputs.iter().map(|value| f64::from(*value)).collect(),
        Some(number) => {
            let learned = outputs.iter().map(|value| f64::from(*value));
            learned
                .map(|learned| number.transform.invert(learned))
                .collect()
        }
    };
    let outputs = match meta.task() {
        Task::Classification => Outputs::Probabilities(&outputs),
        Task::Regression => Outputs::Numbers(&outputs),
    };
    let (kind, groups) = (job.spec.model.kind(), job.data.valid_groups());
    let measure = Measure::new(meta, outputs, job.data.valid().y, loss).calibrated(kind, groups);
    Measured {
        values: measure.at_step(&job.spec.objective),
        confusion: measure.confusion().clone(),
    }
}

/// Which step is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The last one.
    Latest,
    /// The best by the objective.
    ByObjective,
    /// That with the lowest validation loss.
    ByLoss,
}

/// The step that is kept so far: the best by what [`Kept`] names, of equal ones that with the lowest validation loss, the
/// first of those.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Best {
    pub step: u32,
    pub objective: f64,
    pub values: Vec<(Metric, f64)>,
    pub confusion: Vec<Vec<u64>>,
}

/// Where training stands after a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Progress {
    /// Rounds or trees so far.
    pub step: u32,
    /// Seconds of all attempts up to `step`.
    pub seconds: f64,
    /// Objective at `step`.
    pub last: Option<f64>,
    pub best: Option<Best>,
    /// The last step that was better than all before it by what chooses the kept one; 0 before the first. An equal
    /// one with a lower loss is kept and is no improvement.
    pub improved: u32,
}

impl Progress {
    /// Takes in a step.
    ///
    /// # Errors
    /// When what the step is ranked by or `kept` by is not measured.
    pub fn record(
        &mut self,
        step: u32,
        seconds: f64,
        measured: &Measured,
        objective: &Objective,
        kept: Kept,
    ) -> Result<(), EngineError> {
        let score = value_of(&measured.values, &objective.metric)?;
        self.step = step;
        self.seconds += seconds;
        self.last = Some(score);
        let (is_improvement, is_kept) = match (&self.best, kept) {
            (None, _) => (true, true),
            (Some(best), Kept::ByLoss) => {
                let (old, new) = (
                    value_of(&best.values, TIE_BREAKER)?,
                    value_of(&measured.values, TIE_BREAKER)?,
                );
                let is_lower = Goal::Min.is_better(new, old);
                (is_lower, is_lower)
            }
            (Some(best), Kept::ByObjective | Kept::Latest) => {
                let (old, new) = (
                    Score::new(best.objective, &best.values),
                    Score::new(score, &measured.values),
                );
                (
                    objective.goal.is_better(new.value, old.value),
                    kept == Kept::Latest || objective.prefers(new, old),
                )
            }
        };
        if is_improvement {
            self.improved = step;
        }
        if is_kept {
            self.best = Some(Best {
                step,
                objective: score,
                values: measured.values.clone(),
                confusion: measured.confusion.rows(),
            });
        }
        Ok(())
    }

    /// The result, less what only the model knows.
    pub fn into_result(self) -> TrialResult {
        let mut result = TrialResult {
            last: self.last,
            steps: self.step,
            seconds: self.seconds,
            ..TrialResult::default()
        };
        if let Some(best) = self.best {
            result.best = Some(best.objective);
            result.best_step = best.step;
            result.metrics = best.values;
            result.confusion = best.confusion;
        }
        result
    }
}

/// The value of `metric` among what a step measured.
fn value_of(values: &[(Metric, f64)], metric: &str) -> Result<f64, EngineError> {
    let found = values.iter().find(|(name, _)| name == metric);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        EngineError::Unsupported(format!(
            "the objective \"{metric}\" is not measured on these validation rows; what is measured: {}",
            names.join(", ")
        ))
    })
}

/// Everything of a checkpoint but the model; floats as bits, since JSON has no exact ones.
#[derive(Serialize, Deserialize)]
struct Header {
    /// The version of the program that wrote it.
    program: String,
    trial: String,
    step: u32,
    seconds: u64,
    last: Option<u64>,
    best: Option<BestBits>,
    /// Not there in what was written when the first of equal steps was kept: then it is that of `best`.
    improved: Option<u32>,
}

/// What the header of every version can be asked for.
#[derive(Deserialize)]
struct Origin {
    program: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct BestBits {
    step: u32,
    objective: u64,
    values: Vec<(Metric, u64)>,
    confusion: Vec<Vec<u64>>,
}

/// A checkpoint of `job` at `progress`; `body` is the model in its own format.
pub(super) fn encode(job: Job<'_>, progress: &Progress, body: &[u8]) -> Vec<u8> {
    let header = Header {
        program: version::PROGRAM.to_owned(),
        trial: trial_of(job),
        step: progress.step,
        seconds: progress.seconds.to_bits(),
        last: progress.last.map(f64::to_bits),
        best: progress.best.as_ref().map(|best| BestBits {
            step: best.step,
            objective: best.objective.to_bits(),
            values: best
                .values
                .iter()
                .map(|(name, value)| (name.clone(), value.to_bits()))
                .collect(),
            confusion: best.confusion.clone(),
        }),
        improved: Some(progress.improved),
    };
    let header = serde_json::to_vec(&header).expect("integers and texts are always JSON");
    let mut tail = Vec::with_capacity(8 + header.len() + body.len());
    tail.extend_from_slice(&(header.len() as u64).to_le_bytes());
    tail.extend_from_slice(&header);
    tail.extend_from_slice(body);
    let mut bytes = Vec::with_capacity(PREFIX_BYTES + tail.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&CHECKPOINT_FORMAT.to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(&tail));
    bytes.extend_from_slice(&tail);
    bytes
}

/// Opens what [`encode`] made.
pub(super) fn decode<'a>(
    job: Job<'_>,
    bytes: &'a [u8],
) -> Result<(Progress, &'a [u8]), EngineError> {
    let refuse = |message: String| EngineError::Checkpoint(message);
    if bytes.len() < PREFIX_BYTES || &bytes[..8] != MAGIC {
        return Err(refuse("it is not a checkpoint of a tree model".to_owned()));
    }
    let format = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
    let length = u64::from_le_bytes(bytes[44..52].try_into().expect("eight bytes"));
    let tail = &bytes[PREFIX_BYTES..];
    let split = usize::try_from(length)
        .ok()
        .and_then(|length| tail.split_at_checked(length));
    if Sha256::digest(&bytes[44..])[..] != bytes[12..44] {
        return Err(refuse("its checksum does not fit its content".to_owned()));
    }
    let origin = split.and_then(|(header, _)| serde_json::from_slice::<Origin>(header).ok());
    let program = origin.and_then(|origin| origin.program);
    version::check((format, program.as_deref()), CHECKPOINT_FORMAT)?;
    let (header, body) =
        split.ok_or_else(|| refuse("its header is longer than the file".to_owned()))?;
    let header: Header =
        serde_json::from_slice(header).map_err(|error| refuse(error.to_string()))?;
    if header.trial != trial_of(job) {
        return Err(refuse(format!("it was written by trial {}", header.trial)));
    }
    let best_step = header.best.as_ref().map_or(0, |best| best.step);
    let progress = Progress {
        improved: header.improved.unwrap_or(best_step),
        step: header.step,
        seconds: f64::from_bits(header.seconds),
        last: header.last.map(f64::from_bits),
        best: header.best.map(|best| Best {
            step: best.step,
            objective: f64::from_bits(best.objective),
            values: best
                .values
                .into_iter()
                .map(|(name, bits)| (name, f64::from_bits(bits)))
                .collect(),
            confusion: best.confusion,
        }),
    };
    Ok((progress, body))
}

fn trial_of(job: Job<'_>) -> String {
    job.spec.id(&job.data.meta().digest).to_string()
}

/// `amounts` by name as shares that add up to 1; all 0 when there was not one split.
pub(super) fn shares(names: &[String], amounts: &[f64]) -> Vec<(String, f64)> {
    let total: f64 = amounts.iter().sum();
    let share = |amount: f64| if total > 0.0 { amount / total } else { 0.0 };
    names
        .iter()
        .zip(amounts)
        .map(|(name, amount)| (name.clone(), share(*amount)))
        .collect()
}

#[cfg(test)]
mod tests;
