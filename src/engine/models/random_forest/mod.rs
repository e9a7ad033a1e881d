//! The random forest (Breiman 2001): bootstrapped histogram trees, split by Gini impurity or by variance; class
//! probabilities or numbers averaged over trees as scikit-learn's `RandomForestClassifier` and `RandomForestRegressor` do.
//!
//! Trees are functions of (job, number), grown in any order and added up in number order: the result is the same to
//! the bit on any number of threads. Called inside a rayon pool, trees grow on its threads; otherwise on the
//! caller's alone, since a worker owns one core.
//!
//! More trees never overfit, so nothing is picked by the objective: the whole forest is kept, and its best step is
//! its last.

mod bins;
mod criterion;
mod gini;
mod model;
mod sums;
mod tree;

#[cfg(test)]
mod tests;

pub use model::Forest;

use std::fs;
use std::path::Path;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::baseline::{self, Kept, Progress};
use super::model_kind::{LoadError, ModelKind, Names, Scores, TrainedModel, other_kind};
use crate::artifact;
use crate::score::{Errors, argmax};
use crate::{Backend, Callback, Control, EngineError, Epoch, Job, Outcome, weights};
use bins::Bins;
use model::{add_votes, means};
use sweep_core::awake;
use sweep_core::trial::models::{Loss, RandomForestSpec};
use sweep_core::trial::{Artifact, Kind, Task};
use sweep_data::{DatasetMeta, Inputs, Targets};
use tree::{Grown, Response, Rules, bag, grow};

/// About how often a forest reports.
const REPORTS: u32 = 20;

/// After how many of `trees` a forest reports what it has come to, and can be paused.
pub fn report_stride(trees: u32) -> u32 {
    trees.div_ceil(REPORTS)
}
/// Rows are counted in 32 bits, and squares of row counts in 64.
const MAX_ROWS: usize = i32::MAX as usize;
/// Classes of a sample are kept in 16 bits.
const MAX_CLASSES: usize = u16::MAX as usize;

const ARRAYS: &str = "model.safetensors";
const DESCRIPTION: &str = "model.json";

/// The kind, as the registry has it.
pub(super) struct RandomForestKind;

impl ModelKind for RandomForestKind {
    fn kind(&self) -> Kind {
        Kind::RANDOM_FOREST
    }

    fn train(
        &self,
        _: &mut dyn Backend,
        job: Job<'_>,
        checkpoint: Option<&[u8]>,
        callback: &mut dyn Callback,
    ) -> Result<Outcome, EngineError> {
        match RandomForestSpec::of(&job.spec.model) {
            Some(model) => train(job, &model, checkpoint, callback),
            None => Err(other_kind(job)),
        }
    }

    fn load(&self, folder: &Path) -> Result<Box<dyn TrainedModel>, LoadError> {
        Ok(Box::new(load(folder)?))
    }
}

/// Grows the forest of `job`, reporting about twenty times; a step is a tree.
///
/// Each report has the cheap metrics of the validation rows, "seconds" since the last report, and with bootstrap
/// "oob/accuracy" or "oob/rmse": that of the training rows, each judged by the trees that did not see it.
///
/// Leaves `model.safetensors` and `model.json` in the job's folder.
///
/// # Errors
/// When the data cannot be learnt from, the checkpoint is not this trial's, or a file cannot be written.
pub fn train(
    job: Job<'_>,
    model: &RandomForestSpec,
    checkpoint: Option<&[u8]>,
    callback: &mut dyn Callback,
) -> Result<Outcome, EngineError> {
    baseline::check(job)?;
    let (train, meta) = (job.data.train(), job.data.meta());
    let (features, outputs) = (meta.features.len(), meta.outputs());
    if train.y.len() > MAX_ROWS || outputs > MAX_CLASSES {
        return Err(EngineError::Unsupported(format!(
            "a random forest takes at most {MAX_ROWS} training rows and {MAX_CLASSES} classes"
        )));
    }
    let mut began = awake::now();
    let bins = Bins::new(train.x, features, model.max_bin as usize);
    let weights = weights::of_rows(meta, train, &model.class_weight, 1.0);
    let rules = Rules {
        bins: &bins,
        // Rows that are drawn by their weights count alike then, as in scikit-learn.
        response: response(
            meta,
            train.y,
            weights.as_deref().filter(|_| !model.bootstrap),
        ),
        cumulative: weights.as_ref().filter(|_| model.bootstrap).map(|weights| {
            let mut sum = 0.0;
            let sums = weights.iter().map(|weight| {
                sum += f64::from(*weight);
                sum
            });
            sums.collect()
        }),
        outputs,
        seed: job.spec.seed,
        bootstrap: model.bootstrap,
        max_depth: if model.max_depth == 0 {
            u32::MAX
        } else {
            model.max_depth
        },
        min_leaf: model.min_leaf as usize,
        features: model.max_features.count(features, meta.task()),
    };
    let mut growth = Growth::new(job, &rules);
    let mut progress = Progress::default();
    if let Some(bytes) = checkpoint {
        progress = growth.restore(bytes)?;
        callback.resumed(progress.step);
    }
    let trees = job.keep.steps(model.trees);
    let stride = report_stride(trees);
    while progress.step < trees {
        // Reports stand at multiples of the stride, wherever an attempt began.
        let until = (progress.step / stride + 1)
            .saturating_mul(stride)
            .min(trees);
        for grown in grow_all(&rules, progress.step, until) {
            growth.add(grown);
        }
        let mut measured = baseline::measure(job, &growth.outputs_of_valid(), Loss::Squared);
        measured.values.extend(growth.oob_metric());
        let seconds = awake::since(began).as_secs_f64();
        began = awake::now();
        measured.values.push(("seconds".to_owned(), seconds));
        progress.record(until, seconds, &measured, &job.spec.objective, Kept::Latest)?;
        let epoch = Epoch {
            step: until,
            values: measured.values,
        };
        let control = callback.epoch(&epoch, &mut || growth.checkpoint(&progress));
        if control == Control::Stop {
            return Ok(Outcome::Stopped { step: until });
        }
    }
    let mut result = progress.into_result();
    result.parameters = growth.forest.leaves();
    result.importance = baseline::shares(&meta.features, &growth.importance);
    result.artifacts = save(job, &growth.forest, callback)?;
    Ok(Outcome::Done(Box::new(result)))
}

/// Reads the forest that [`train`] left in `folder`.
///
/// # Errors
/// When a file is missing, damaged or of another format.
pub fn load(folder: &Path) -> Result<Forest, EngineError> {
    let unreadable = |name: &str, why: &dyn std::fmt::Display| {
        let path = folder.join(name);
        EngineError::Unsupported(format!("cannot read the forest {}: {why}", path.display()))
    };
    let read = |name| fs::read(folder.join(name)).map_err(|error| unreadable(name, &error));
    let description: Description = serde_json::from_slice(&read(DESCRIPTION)?)
        .map_err(|error| unreadable(DESCRIPTION, &error))?;
    let mut forest = Forest::from_bytes(&read(ARRAYS)?, description.features.len())
        .map_err(|error| unreadable(ARRAYS, &error))?;
    forest.task = description.task;
    Ok(forest)
}

impl TrainedModel for Forest {
    fn features(&self) -> Names<'_> {
        Names::Counted(Forest::features(self))
    }

    fn classes(&self) -> Names<'_> {
        match self.task {
            Task::Classification => Names::Counted(Forest::classes(self)),
            Task::Regression => Names::Counted(0),
        }
    }

    fn predict(&mut self, inputs: Inputs<'_>) -> Result<Scores, EngineError> {
        let outputs = Forest::predict(self, inputs.x);
        Ok(match self.task {
            Task::Classification => Scores::Probabilities(outputs),
            Task::Regression => Scores::Numbers(outputs),
        })
    }
}

/// What trees learn of `targets`.
fn response<'a>(
    meta: &DatasetMeta,
    targets: Targets<'a>,
    weights: Option<&'a [f32]>,
) -> Response<'a> {
    match (targets, weights) {
        (Targets::Classes(labels), None) => Response::Classes(labels),
        (Targets::Classes(labels), Some(weights)) => Response::Weighted(labels, weights),
        (Targets::Numbers(numbers), weights) => {
            let number = meta.number.expect("numbers are told of");
            let learned = |value: &f32| number.transform.apply(f64::from(*value)) - number.mean;
            Response::Numbers {
                values: numbers.iter().map(|value| learned(value) as f32).collect(),
                mean: number.mean,
                weights,
            }
        }
    }
}

/// What `model.json` says beside the arrays.
#[derive(Serialize, Deserialize)]
struct Description {
    model: String,
    arrays: String,
    trees: usize,
    /// Names of the features, in the order of their indices.
    features: Vec<String>,
    /// Names of the classes, in the order of the columns of `leaves`; none of a target that is a number.
    classes: Vec<String>,
    #[serde(default)]
    task: Task,
}

fn save(
    job: Job<'_>,
    forest: &Forest,
    callback: &mut dyn Callback,
) -> Result<Vec<Artifact>, EngineError> {
    let meta = job.data.meta();
    let description = Description {
        model: "random_forest".to_owned(),
        arrays: ARRAYS.to_owned(),
        trees: forest.trees.len(),
        features: meta.features.clone(),
        classes: meta.classes.clone(),
        task: meta.task(),
    };
    let text = serde_json::to_vec_pretty(&description).expect("texts and numbers are always JSON");
    Ok(vec![
        artifact::write(job.folder, "weights", ARRAYS, &forest.to_bytes(), callback)?,
        artifact::write(job.folder, "model", DESCRIPTION, &text, callback)?,
    ])
}

/// Trees `from..until`, in number order.
fn grow_all(rules: &Rules<'_>, from: u32, until: u32) -> Vec<Grown> {
    let numbers = from..until;
    match rayon::current_thread_index() {
        Some(_) => numbers
            .into_par_iter()
            .map(|number| grow(rules, number))
            .collect(),
        None => numbers.map(|number| grow(rules, number)).collect(),
    }
}

/// The forest so far with all that is summed over its trees, always in number order.
struct Growth<'a> {
    job: Job<'a>,
    rules: &'a Rules<'a>,
    forest: Forest,
    importance: Vec<f64>,
    /// Row-major [validation rows, outputs].
    valid_votes: Vec<f64>,
    /// Row-major [training rows, outputs], by trees that did not draw the row; empty without bootstrap.
    oob_votes: Vec<f64>,
    /// How many such trees there are for each row.
    oob_trees: Vec<u32>,
}

impl<'a> Growth<'a> {
    fn new(job: Job<'a>, rules: &'a Rules<'a>) -> Growth<'a> {
        let oob_rows = if rules.bootstrap {
            rules.bins.rows()
        } else {
            0
        };
        Growth {
            job,
            rules,
            forest: Forest {
                task: job.data.meta().task(),
                features: rules.bins.features(),
                classes: rules.outputs,
                trees: Vec::new(),
            },
            importance: vec![0.0; rules.bins.features()],
            valid_votes: vec![0.0; job.data.valid().y.len() * rules.outputs],
            oob_votes: vec![0.0; oob_rows * rules.outputs],
            oob_trees: vec![0; oob_rows],
        }
    }

    fn add(&mut self, grown: Grown) {
        for (sum, share) in self.importance.iter_mut().zip(&grown.importance) {
            *sum += share;
        }
        let (width, classes) = (self.forest.features, self.rules.outputs);
        let valid = self.job.data.valid().x;
        add_votes(&grown.tree, valid, width, &mut self.valid_votes, classes);
        if self.rules.bootstrap {
            let weights = bag(self.rules, self.forest.trees.len() as u32);
            let rows = self.job.data.train().x.chunks_exact(width);
            let votes = self.oob_votes.chunks_exact_mut(classes);
            let rows = rows.zip(votes).zip(&mut self.oob_trees).zip(weights);
            for (((row, votes), trees), _) in rows.filter(|(_, weight)| *weight == 0) {
                *trees += 1;
                for (vote, probability) in votes.iter_mut().zip(grown.tree.leaf(row, classes)) {
                    *vote += f64::from(*probability);
                }
            }
        }
        self.forest.trees.push(grown.tree);
    }

    /// Row-major [validation rows, outputs].
    fn outputs_of_valid(&self) -> Vec<f32> {
        means(&self.valid_votes, self.forest.trees.len())
    }

    /// Accuracy or root of the mean squared error; `None` without bootstrap, or while every row has been in every bag.
    fn oob_metric(&self) -> Option<(String, f64)> {
        match self.job.data.train().y {
            Targets::Classes(labels) => {
                let (mut right, mut judged) = (0u64, 0u64);
                for (votes, &label) in self.oob_votes.chunks_exact(self.rules.outputs).zip(labels) {
                    let votes: Vec<f32> = votes.iter().map(|vote| *vote as f32).collect();
                    if votes.iter().any(|vote| *vote > 0.0) {
                        judged += 1;
                        right += u64::from(argmax(&votes) == label as usize);
                    }
                }
                let accuracy = right as f64 / judged as f64;
                (judged > 0).then(|| ("oob/accuracy".to_owned(), accuracy))
            }
            Targets::Numbers(numbers) => {
                let target = self.job.data.meta().number?;
                let mut errors = Errors::new(numbers.len());
                let rows = self.oob_votes.iter().zip(&self.oob_trees).zip(numbers);
                for ((sum, trees), number) in rows.filter(|((_, trees), _)| **trees > 0) {
                    let predicted = target.transform.invert(sum / f64::from(*trees));
                    errors.add(f64::from(*number), predicted);
                }
                (errors.rows() > 0).then(|| ("oob/rmse".to_owned(), errors.rmse()))
            }
        }
    }

    /// The sums of importance as bits, then the trees; votes are counted again on the way back, which is
    /// faster than growing and smaller than keeping.
    fn checkpoint(&self, progress: &Progress) -> Vec<u8> {
        let mut body: Vec<u8> = self
            .importance
            .iter()
            .flat_map(|sum| sum.to_le_bytes())
            .collect();
        body.extend(self.forest.to_bytes());
        baseline::encode(self.job, progress, &body)
    }

    fn restore(&mut self, checkpoint: &[u8]) -> Result<Progress, EngineError> {
        let (progress, body) = baseline::decode(self.job, checkpoint)?;
        let features = self.forest.features;
        let (sums, trees) = body
            .split_at_checked(features * size_of::<f64>())
            .ok_or_else(|| EngineError::Checkpoint("it ends early".to_owned()))?;
        let saved = Forest::from_bytes(trees, features).map_err(EngineError::Checkpoint)?;
        if saved.trees.len() != progress.step as usize || saved.classes != self.rules.outputs {
            return Err(EngineError::Checkpoint(format!(
                "it holds {} trees of {} classes at tree {}",
                saved.trees.len(),
                saved.classes,
                progress.step
            )));
        }
        for tree in saved.trees {
            let importance = vec![0.0; features];
            self.add(Grown { tree, importance });
        }
        let (sums, _) = sums.as_chunks::<8>();
        self.importance = sums.iter().map(|bits| f64::from_le_bytes(*bits)).collect();
        Ok(progress)
    }
}
