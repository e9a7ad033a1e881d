//! What rows and seeds say of the ranking of a sweep, from what its trials predicted for the validation rows.
//!
//! Invariants: test rows are never read. Either every ranked trial speaks, and its scores have the mean that is recorded, or
//! there is no such evidence, and a sentence says why.

use std::cell::RefCell;

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
    let trouble = Trouble::default();
    let read = |place: usize, trial: usize, out: &mut [f32]| {
        out.fill(f32::NAN);
        if trouble.is_fatal() {
            return;
        }
        let config = &summary.ranking[place];
        let run = &config.runs[trial];
        let kept = valid_predictions::kept(app, &run.trial, &data);
        let scores = kept.and_then(|kept| metric.scores(&kept)).or_else(|| {
            trouble.ask_a_model()?;
            let said = valid_predictions::from_model(app, config.kind, &run.trial, &data).ok()?;
            metric.scores(&said)
        });
        match scores {
            None => trouble.is_without(&run.trial),
            Some(scores) if is_of(&scores, run.value) => out.copy_from_slice(&scores),
            Some(_) => trouble.add(&trouble.other),
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
    match trouble.sentence(app) {
        Some(why) => Err(why),
        None => Ok(Some(evidence)),
    }
}

/// Whether `scores` are those of a trial with this `value`.
fn is_of(scores: &[f32], value: f64) -> bool {
    let mean = scores.iter().map(|score| f64::from(*score)).sum::<f64>() / scores.len() as f64;
    (mean - value).abs() <= PRECISION * value.abs().max(PRECISION)
}

/// Trials that do not speak.
#[derive(Default)]
struct Trouble {
    asked: RefCell<usize>,
    /// The first trial with neither predictions nor a model.
    without: RefCell<Option<TrialId>>,
    other: RefCell<usize>,
}

impl Trouble {
    fn add(&self, of: &RefCell<usize>) {
        *of.borrow_mut() += 1;
    }

    /// `None` once too many were asked.
    fn ask_a_model(&self) -> Option<()> {
        self.add(&self.asked);
        (*self.asked.borrow() <= MODELS).then_some(())
    }

    fn is_without(&self, trial: &TrialId) {
        self.without
            .borrow_mut()
            .get_or_insert_with(|| trial.clone());
    }

    fn is_fatal(&self) -> bool {
        self.without.borrow().is_some() || *self.other.borrow() > 0
    }

    fn sentence(&self, app: &App) -> Option<String> {
        if *self.other.borrow() > 0 {
            return Some(
                "predictions of a trial do not have the mean that is recorded for it".to_owned(),
            );
        }
        if *self.asked.borrow() > MODELS {
            return Some(format!(
                "more than {MODELS} trials have no kept predictions; an earlier version trained them"
            ));
        }
        let without = self.without.borrow();
        let trial = without.as_ref()?;
        let command = model::train_again(app, trial);
        Some(format!(
            "trial {} has neither predictions nor a model, and others may lack them too; {command} trains models that \
             are lost again",
            trial.short()
        ))
    }
}
