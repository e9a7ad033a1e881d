//! The unbiased score: chosen models on the held-out test rows.
//!
//! Invariant: what is evaluated was chosen without these rows, by the caller; whoever calls this
//! records that the rows were looked at.

mod bootstrap;

use crate::predict::{PredictError, Predictor};
use crate::score::Confusion;
use sweep_core::trial::{
    ConfigId, Evaluated, EvaluatedRun, Evaluation, Kind, TEST_METRICS, TestScore, TrialId, log_loss,
};
use sweep_data::{HeldOutTest, Rows};

use bootstrap::{Scored, intervals};

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
    pub model: Predictor,
}

/// Scores every run of `candidates` on the rows of `test`, and each candidate over its runs.
///
/// Definitions are scikit-learn's (`accuracy_score`, `f1_score(average="macro")`, `log_loss`, which
/// clips probabilities at the machine epsilon). Intervals are percentiles of the mean over runs
/// when whole groups are drawn with replacement (Efron and Tibshirani, "An introduction to the
/// bootstrap", 1993); all candidates are judged on the same draws.
///
/// # Errors
/// When a model cannot be asked.
///
/// # Panics
/// When there are no test rows, or a candidate has no run.
pub fn evaluate(
    test: &HeldOutTest,
    candidates: Vec<Candidate>,
) -> Result<Evaluation, PredictError> {
    let meta = test.meta();
    let (features, classes) = (meta.features.len(), meta.classes.len());
    let rows = test.rows();
    assert!(!rows.y.is_empty(), "there are test rows");
    let groups = test.groups();
    let mut models = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        assert!(!candidate.runs.is_empty(), "a candidate has a run");
        let (mut runs, mut scored) = (Vec::new(), Vec::new());
        for mut run in candidate.runs {
            let one = ask(&mut run.model, rows, features, classes)?;
            runs.push(EvaluatedRun {
                trial: run.trial,
                seed: run.seed,
                values: named(scores(&one, rows.y, classes)),
            });
            scored.push(one);
        }
        let intervals = intervals(&scored, rows.y, groups, classes, REPLICATES);
        let over_runs = |place: usize| {
            let values: Vec<f64> = runs.iter().map(|run| run.values[place].1).collect();
            let (mean, sd) = spread(&values);
            let (low, high) = intervals[place];
            TestScore {
                metric: TEST_METRICS[place].to_owned(),
                mean,
                sd,
                low,
                high,
            }
        };
        models.push(Evaluated {
            kind: candidate.kind,
            config: candidate.config,
            scores: (0..TEST_METRICS.len()).map(over_runs).collect(),
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

/// Class and loss of each row.
fn ask(
    model: &mut Predictor,
    rows: Rows<'_>,
    features: usize,
    classes: usize,
) -> Result<Scored, PredictError> {
    let mut scored = Scored::default();
    let each = rows.inputs().chunks(CHUNK, features);
    for (inputs, y) in each.zip(rows.y.chunks(CHUNK)) {
        let predictions = model.predict(inputs)?;
        let by_row = predictions.probabilities.chunks_exact(classes);
        let losses = by_row
            .zip(y)
            .map(|(row, label)| log_loss(row[*label as usize]));
        scored.losses.extend(losses);
        scored.labels.extend(predictions.labels);
    }
    Ok(scored)
}

/// Accuracy, macro F1 and loss, as while training.
fn scores(scored: &Scored, y: &[u32], classes: usize) -> [f64; 3] {
    let mut confusion = Confusion::new(classes);
    for (actual, predicted) in y.iter().zip(&scored.labels) {
        confusion.add(*actual as usize, *predicted as usize);
    }
    let loss = scored.losses.iter().sum::<f64>() / y.len() as f64;
    [confusion.accuracy(), confusion.macro_f1(), loss]
}

fn named(values: [f64; 3]) -> Vec<(String, f64)> {
    let names = TEST_METRICS.into_iter().map(str::to_owned);
    names.zip(values).collect()
}

/// Mean and standard deviation with n - 1, if there are two values or more.
fn spread(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let sd = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
    (mean, sd)
}
