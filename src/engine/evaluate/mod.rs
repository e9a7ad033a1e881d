//! The unbiased score: chosen models on the held-out test rows.
//!
//! Invariant: what is evaluated was chosen without these rows, by the caller; whoever calls this
//! records that the rows were looked at.

mod bootstrap;
mod regions;

use crate::predict::{Calibrator, PredictError, Predictions, Predictor, Weighted};
use sweep_core::conformal::Conformal;
use sweep_core::trial::models::Loss;
use sweep_core::trial::{
    ConfigId, Evaluated, EvaluatedEnsemble, EvaluatedRun, Evaluation, Kind, Metric, Objective,
    TEST_HELD, TEST_SIZE, TestScore, TrialId, test_metrics,
};
use sweep_data::{HeldOutTest, Inputs, Targets};

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

/// An ensemble to be evaluated.
pub struct CandidateEnsemble {
    /// Its key in the database.
    pub id: i64,
    /// The models of each fold, or of all rows, and which of the preparations of the test rows they take; at least one.
    pub parts: Vec<(usize, Weighted)>,
    /// What it was selected by, if the target is a number.
    pub loss: Loss,
    /// The limit of its sets or intervals from the validation rows, where these are known.
    pub conformal: Option<Conformal>,
    /// Its calibration by the validation rows, where these are known.
    pub calibrator: Option<Calibrator>,
}

/// Scores every run of `candidates`, which were chosen by `objective`, on the test rows, and each candidate over its
/// runs; and what the models of `ensemble` predict together. The rows are the same in all of `tests`: each fold of a
/// cross-validation prepares them in its own way.
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
    ensemble: Option<CandidateEnsemble>,
) -> Result<Evaluation, PredictError> {
    let test = &tests[0];
    let (meta, rows) = (test.meta(), test.rows());
    assert!(!rows.y.is_empty(), "there are test rows");
    let groups = test.groups();
    let mut metrics = test_metrics(meta.task(), objective);
    metrics.extend([TEST_HELD, TEST_SIZE].map(str::to_owned));
    let sample = Sample {
        meta,
        targets: rows.y,
        groups,
        metrics: &metrics,
    };
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
            let outputs = ask(own, |inputs| run.model.predict(inputs))?;
            let regions =
                (run.conformal).map(|found| Regions::of(&found, &outputs, own.meta(), rows.y));
            let calibrated = calibrated(run.calibrator.as_ref(), &outputs, rows.y);
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
        let intervals = intervals(&asked, sample, REPLICATES);
        let each: Vec<&[(Metric, f64)]> = runs.iter().map(|run| &run.values[..]).collect();
        let scores = scores(&metrics, &each, &intervals);
        models.push(Evaluated {
            kind: candidate.kind,
            config: candidate.config,
            scores,
            runs,
        });
    }
    let ensemble = ensemble
        .map(|ensemble| of_ensemble(tests, sample, ensemble))
        .transpose()?;
    Ok(Evaluation {
        data: meta.digest.clone(),
        rows: rows.y.len() as u64,
        groups: bootstrap::number_of(groups) as u64,
        replicates: REPLICATES,
        models,
        ensemble,
    })
}

/// What an ensemble scores: with cross-validation, the mean of what the models of the folds predict.
fn of_ensemble(
    tests: &[HeldOutTest],
    sample: Sample<'_>,
    ensemble: CandidateEnsemble,
) -> Result<EvaluatedEnsemble, PredictError> {
    let parts = ensemble.parts.len() as f64;
    let mut outputs: Vec<f64> = Vec::new();
    for (test, mut models) in ensemble.parts {
        let own = ask(&tests[test], |inputs| models.predict(inputs))?;
        outputs.resize(own.len(), 0.0);
        (outputs.iter_mut().zip(own)).for_each(|(sum, value)| *sum += value / parts);
    }
    let regions = ensemble.conformal;
    let asked = Asked {
        calibrated: calibrated(ensemble.calibrator.as_ref(), &outputs, sample.targets),
        regions: regions.map(|found| Regions::of(&found, &outputs, sample.meta, sample.targets)),
        outputs,
        loss: ensemble.loss,
    };
    let values = asked.values(sample.meta, sample.targets, sample.metrics, None);
    let intervals = intervals(&[asked], sample, REPLICATES);
    Ok(EvaluatedEnsemble {
        id: ensemble.id,
        scores: scores(sample.metrics, &[&values], &intervals),
    })
}

/// Log losses of the rows [rows] once probabilities are calibrated; `None` without a calibration, and of numbers.
fn calibrated(
    calibrator: Option<&Calibrator>,
    outputs: &[f64],
    targets: Targets<'_>,
) -> Option<Vec<f64>> {
    match (calibrator, targets) {
        (Some(calibrator), Targets::Classes(labels)) => Some(calibrator.losses(outputs, labels)),
        _ => None,
    }
}

/// Each of `metrics` over runs that have these `values` [runs], with its interval.
fn scores(
    metrics: &[Metric],
    values: &[&[(Metric, f64)]],
    intervals: &[Option<(f64, f64)>],
) -> Vec<TestScore> {
    let over_runs = |(metric, interval): (&Metric, &Option<(f64, f64)>)| {
        let values = values.iter().copied().flatten();
        let values = values.filter(|(name, _)| name == metric);
        let values: Vec<f64> = values.map(|(_, value)| *value).collect();
        let (mean, sd) = spread(&values);
        let (low, high) = (*interval)?;
        (!values.is_empty()).then(|| TestScore {
            metric: metric.clone(),
            mean,
            sd,
            low,
            high,
        })
    };
    metrics
        .iter()
        .zip(intervals)
        .filter_map(over_runs)
        .collect()
}

/// Probabilities of classes, row-major [rows, classes], or numbers [rows].
fn ask(
    test: &HeldOutTest,
    mut predict: impl FnMut(Inputs<'_>) -> Result<Predictions, PredictError>,
) -> Result<Vec<f64>, PredictError> {
    let (rows, meta) = (test.rows(), test.meta());
    let mut outputs = Vec::with_capacity(rows.y.len() * meta.outputs());
    for inputs in rows.inputs().chunks(CHUNK, meta.features.len()) {
        let predictions = predict(inputs)?;
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
