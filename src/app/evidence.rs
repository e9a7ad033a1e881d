//! What rows and seeds say of the ranking of a sweep, from what its trials predicted for the validation rows.
//!
//! Invariants: test rows are never read. Either every ranked trial speaks, and its scores have the mean that is recorded, or
//! there is no such evidence, and a sentence says why.

use std::cell::{Cell, RefCell};

use sweep_analysis::Summary;
use sweep_analysis::evidence::{Design, Entry, Evidence, Units};
use sweep_core::trial::TrialId;
use sweep_data::Dataset;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::model;
use crate::row_scores::RowMetric;
use crate::valid_predictions;

/// Models that are asked, at most, where predictions were not kept.
const MODELS: usize = 200;
/// How far the mean of scores in half precision may be from the recorded value, as a share of it.
const PRECISION: f64 = 2e-3;

/// Of the ranking of `record`; `Ok(None)` where there is nothing to compare.
///
/// # Errors
/// With a sentence on why scores of single rows are not known.
pub fn evidence(app: &App, record: &ExperimentRecord) -> Result<Option<Evidence>, String> {
    let summary = Summary::of(record);
    if summary.ranking.len() < 2 {
        return Ok(None);
    }
    let path = app.run_dir().dataset(&record.dataset.digest);
    let data = Dataset::open(&path).map_err(|error| error.to_string())?;
    if data.has_groups() && data.valid_groups().is_none() {
        return Err(
            "the data were prepared before groups of validation rows were kept; `sweep data check` \
             or `sweep resume` prepares them again"
                .to_owned(),
        );
    }
    let units = match data.valid_groups() {
        None => Units::rows(data.valid().y.len()),
        Some(groups) => {
            Units::groups(&groups.iter().map(|one| u64::from(*one)).collect::<Vec<_>>())
        }
    };
    let drawn = units.count();
    let metric = RowMetric::new(&summary.objective, &data, units)?;
    let entries: Vec<Entry> = (summary.ranking.iter())
        .map(|config| Entry {
            kind: config.kind.index(),
            seeds: config.runs.iter().map(|run| run.seed).collect(),
            is_deterministic: config.is_deterministic,
        })
        .collect();
    let (asked, trouble) = (Cell::new(0), RefCell::new(None));
    let read = |place: usize, trial: usize, out: &mut [f32]| {
        out.fill(f32::NAN);
        if trouble.borrow().is_some() {
            return;
        }
        let config = &summary.ranking[place];
        let run = &config.runs[trial];
        let kept = valid_predictions::kept(app, &run.trial, &data);
        let from_model = || {
            asked.set(asked.get() + 1);
            if asked.get() > MODELS {
                return Err(Trouble::TooManyModels);
            }
            let said = valid_predictions::from_model(app, config.kind, &run.trial, &data);
            let scores = said.ok().and_then(|said| metric.scores(&said));
            scores.ok_or_else(|| Trouble::Without(run.trial.clone()))
        };
        match kept
            .and_then(|kept| metric.scores(&kept))
            .map_or_else(from_model, Ok)
        {
            Err(why) => *trouble.borrow_mut() = Some(why),
            Ok(scores) if is_of(&scores, run.value) => out.copy_from_slice(&scores),
            Ok(_) => *trouble.borrow_mut() = Some(Trouble::OtherMean),
        }
    };
    let design = Design {
        entries: &entries,
        units: metric.units(),
        folds: None,
        goal: summary.objective.goal,
    };
    let mut evidence = Evidence::of(&design, &read);
    // Blocks of rows are a matter of computation.
    evidence.units = drawn;
    match trouble.into_inner() {
        Some(why) => Err(why.sentence(app)),
        None => Ok(Some(evidence)),
    }
}

/// Whether `scores` are those of a trial with this `value`.
fn is_of(scores: &[f32], value: f64) -> bool {
    let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / scores.len() as f64;
    (mean - value).abs() <= PRECISION * value.abs().max(PRECISION)
}

/// Why the ranked trials do not all speak.
enum Trouble {
    /// This one has neither predictions nor a model.
    Without(TrialId),
    OtherMean,
    TooManyModels,
}

impl Trouble {
    fn sentence(&self, app: &App) -> String {
        match self {
            Trouble::OtherMean => {
                "predictions of a trial do not have the mean that is recorded for it".to_owned()
            }
            Trouble::TooManyModels => format!(
                "more than {MODELS} trials have no kept predictions, and as many models are asked at most"
            ),
            Trouble::Without(trial) => format!(
                "trial {} has neither predictions nor a model, and others may lack them too; {} trains models that \
                 are lost again",
                trial.short(),
                model::train_again(app, trial)
            ),
        }
    }
}
