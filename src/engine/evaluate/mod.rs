//! The unbiased score: chosen models on the held-out test rows.
//!
//! Invariant: what is evaluated was chosen without these rows, by the caller; whoever calls this
//! records that the rows were looked at.

mod bootstrap;
mod regions;

use crate::predict::{Calibrator, PredictError, Predictor};
use sweep_core::conformal::Conformal;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{
    ConfigId, Evaluated, EvaluatedRun, Evaluation, Kind, Metric, Objective, TEST_HELD, TEST_SIZE,
    TestScore, TrialId, test_metrics,
};
use sweep_data::{DatasetMeta, HeldOutTest, Rows, Targets};

use bootstrap::{Asked, Sample, intervals};
use regions::Regions;

/// Bootstrap replicates behind an interval.
const REPLICATES: u32 = 2000;
/// Rows predicted at a time.
const CHUNK: usize = 4096;

/// A configuration to be evaluated.
pub struct Candidate {
    pub kind: Kind,
    pub config: ConfigId,
    pub runs: Vec<CandidateRun>,
}

/// One of its trained models.
pub struct CandidateRun {
    pub trial: TrialId,
    pub seed: u64,
    /// From 1; `None` without cross-validation.
    pub fold: Option<u32>,
    /// Which of the preparations of the test rows it takes.
    pub test: usize,
    pub model: Predictor,
    /// What it was trained to make small, if the target is a number; in units of the transformed target.
    pub loss: Loss,
    /// The limit of its sets or intervals from the validation rows, where these are known.
    pub conformal: Option<Conformal>,
    /// Its calibration by the validation rows, where these are known.
    pub calibrator: Option<Calibrator>,
}

/// Scores every run of `candidates`, which were chosen by `objective`, on the test rows, and each candidate over its
/// runs. The rows are the same in all of `tests`: each fold of a cross-validation prepares them in its own way.
///
/// Intervals are percentiles of the mean over runs when whole groups are drawn with replacement (Efron and Tibshirani, "An
/// introduction to the bootstrap", 1993); all candidates are judged on the same draws.
///
/// # Errors
/// When a model cannot be asked.
///
/// # Panics
/// When there are no test rows, or a candidate has no run.
pub fn evaluate(
    tests: &[HeldOutTest],
    objective: &Objective,
    candidates: Vec<Candidate>,
) -> Result<Evaluation, PredictError> {
    let test = &tests[0];
    let (meta, rows) = (test.meta(), test.rows());
    assert!(!rows.y.is_empty(), "there are test rows");
    let groups = test.groups();
    let mut metrics = test_metrics(meta.task(), objective);
    metrics.extend([TEST_HELD, TEST_SIZE].map(str::to_owned));
    let mut models = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        assert!(!candidate.runs.is_empty(), "a candidate has a run");
        let (mut runs, mut asked) = (Vec::new(), Vec::new());
        for mut run in candidate.runs {
            let own = &tests[run.test];
            assert_eq!(
                own.source(),
                test.source(),
                "test rows are the same in all folds"
            );
            let outputs = ask(&mut run.model, own.rows(), own.meta())?;
            let regions =
                (run.conformal).map(|found| Regions::of(&found, &outputs, own.meta(), rows.y));
            let calibrated = match (&run.calibrator, rows.y) {
                (Some(calibrator), Targets::Classes(labels)) => {
                    Some(calibrator.losses(&outputs, labels))
                }
                _ => None,
            };
            let one = Asked {
                outputs,
                calibrated,
                loss: run.loss,
                regions,
            };
            runs.push(EvaluatedRun {
                trial: run.trial,
                seed: run.seed,
                fold: run.fold,
                values: one.values(own.meta(), rows.y, &metrics, None),
            });
            asked.push(one);
        }
        let sample = Sample {
            meta,
            targets: rows.y,
            groups,
            metrics: &metrics,
        };
        let intervals = intervals(&asked, sample, REPLICATES);
        let over_runs = |(place, metric): (usize, &Metric)| {
            let values = runs.iter().flat_map(|run| &run.values);
            let values = values.filter(|(name, _)| name == metric);
            let values: Vec<f64> = values.map(|(_, value)| *value).collect();
            let (mean, sd) = spread(&values);
            let (low, high) = intervals[place]?;
            (!values.is_empty()).then(|| TestScore {
                metric: metric.clone(),
                mean,
                sd,
                low,
                high,
            })
        };
        models.push(Evaluated {
            kind: candidate.kind,
            config: candidate.config,
            scores: metrics.iter().enumerate().filter_map(over_runs).collect(),
            runs,
        });
    }
    Ok(Evaluation {
        data: meta.digest.clone(),
        rows: rows.y.len() as u64,
        groups: bootstrap::number_of(groups) as u64,
        replicates: REPLICATES,
        models,
    })
}

/// Probabilities of classes, row-major [rows, classes], or numbers [rows].
fn ask(
    model: &mut Predictor,
    rows: Rows<'_>,
    meta: &DatasetMeta,
) -> Result<Vec<f64>, PredictError> {
    let mut outputs = Vec::with_capacity(rows.y.len() * meta.outputs());
    for inputs in rows.inputs().chunks(CHUNK, meta.features.len()) {
        let predictions = model.predict(inputs)?;
        outputs.extend(predictions.probabilities);
        outputs.extend(predictions.numbers);
    }
    Ok(outputs)
}

/// Mean and standard deviation with n - 1, if there are two values or more.
fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let sd = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
    (mean, sd)
}
