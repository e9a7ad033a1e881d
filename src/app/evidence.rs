//! What rows and seeds say of the ranking of a sweep, from what its trials predicted for the validation rows.
//!
//! With cross-validation, a seed has a score for every row by the fold that did not train on it; where the folds are
//! repeated, the mean over the repeats.
//!
//! Invariants: test rows are never read. Either every ranked configuration speaks, and its scores have the mean that is
//! recorded, or there is no such evidence, and a sentence says why.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use sweep_analysis::evidence::{Design, Entry, Evidence, Folds, Units};
use sweep_analysis::{Configuration, Run, Summary};
use sweep_core::trial::TrialId;
use sweep_core::trial::models::trained_loss;
use sweep_data::Dataset;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::model;
use crate::program_rows;
use crate::row_scores::RowMetric;
use crate::valid_predictions;
use crate::valid_rows::{Fold, ValidRows};

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
    if record.is_of_programs() {
        return program_rows::evidence(app, record);
    }
    if summary.ranking.len() < 2 || summary.incomparable().is_some() {
        return Ok(None);
    }
    let rows = ValidRows::open(app, record)?;
    let drawn: Vec<Units> = (rows.folds.iter())
        .map(|fold| valid_predictions::units(&fold.data))
        .collect::<Result<_, String>>()?;
    let metrics: Vec<RowMetric> = (rows.folds.iter().zip(&drawn))
        .map(|(fold, drawn)| RowMetric::new(&summary.objective, &fold.data, drawn.clone()))
        .collect::<Result<_, String>>()?;
    let in_blocks =
        (drawn.iter().zip(&metrics)).any(|(drawn, metric)| metric.units().count() < drawn.count());
    if rows.repeats.len() > 1 && in_blocks {
        return Err(format!(
            "for {} with repeated folds there are no scores of single rows",
            summary.objective.metric
        ));
    }
    let units = rows.units_of(&metrics.iter().map(RowMetric::units).collect::<Vec<_>>());
    let entries: Vec<Entry> = (summary.ranking.iter())
        .map(|config| entry(config, &rows))
        .collect::<Result<_, String>>()?;
    let folds = folds(&rows, &units);
    let reader = Reader {
        app,
        asked: Cell::new(0),
        trouble: RefCell::new(None),
    };
    let read = |place: usize, trial: usize, out: &mut [f32]| {
        let config = &summary.ranking[place];
        let seed = entries[place].seeds[trial];
        let part = |fold: usize| {
            let number = rows.folds[fold].number;
            let is_of = |run: &&Run| (run.seed, run.fold) == (seed, number);
            let run = config.runs.iter().find(is_of)?;
            let scores = reader.read(config, run, &metrics[fold], &rows.folds[fold].data)?;
            Some((run.value, scores, &rows.folds[fold]))
        };
        let parts: Option<Vec<_>> = (rows.repeats.iter())
            .map(|folds| folds.clone().map(part).collect::<Option<Vec<_>>>())
            .collect();
        match parts {
            Some(repeats) => mean_of(&repeats, out),
            None => out.fill(f32::NAN),
        }
    };
    let design = Design {
        entries: &entries,
        units: &units,
        folds: folds.as_ref(),
        goal: summary.objective.goal,
    };
    let mut evidence = Evidence::of(&design, &read);
    // Blocks of rows are a matter of computation.
    evidence.units = drawn[rows.repeats[0].clone()]
        .iter()
        .map(Units::count)
        .sum();
    match reader.trouble.into_inner() {
        Some(why) => Err(why.sentence(app)),
        None => Ok(Some(evidence)),
    }
}

/// The seeds of `config` of which all folds have finished.
fn entry(config: &Configuration, rows: &ValidRows) -> Result<Entry, String> {
    let mut finished: BTreeMap<u64, usize> = BTreeMap::new();
    for run in &config.runs {
        *finished.entry(run.seed).or_default() += 1;
    }
    let is_whole = |(_, runs): &(u64, usize)| *runs == rows.folds.len();
    let seeds: Vec<u64> = (finished.into_iter())
        .filter(is_whole)
        .map(|(seed, _)| seed)
        .collect();
    if seeds.is_empty() {
        return Err(format!(
            "no seed of configuration {} has finished all folds",
            config.id.short()
        ));
    }
    Ok(Entry {
        kind: config.kind.index(),
        seeds,
        is_deterministic: config.is_deterministic,
    })
}

/// The folds of the first repeat; `None` without cross-validation.
fn folds(rows: &ValidRows, units: &Units) -> Option<Folds> {
    rows.folds[0].number?;
    let mut of_rows = vec![0u16; rows.rows];
    for (number, fold) in rows.repeats[0].clone().enumerate() {
        for place in &rows.folds[fold].places {
            of_rows[*place as usize] = number as u16;
        }
    }
    Some(Folds::same(&of_rows, units))
}

/// Writes the mean over `repeats` of the folds that [`put_together`] takes.
fn mean_of(repeats: &[Vec<Part>], out: &mut [f32]) {
    let (first, others) = repeats.split_first().expect("rows are validated once");
    put_together(first, out);
    if others.is_empty() {
        return;
    }
    let mut more = vec![0.0; out.len()];
    for repeat in others {
        put_together(repeat, &mut more);
        (out.iter_mut().zip(&more)).for_each(|(sum, score)| *sum += score);
    }
    (out.iter_mut()).for_each(|sum| *sum /= repeats.len() as f32);
}

/// Value of a fold, scores of its rows, its rows.
type Part<'a> = (f64, Vec<f32>, &'a Fold);

/// Writes the scores of the folds in `parts` to their places in `out`, so that their mean is the mean of the folds, of
/// whatever size these are.
fn put_together(parts: &[Part], out: &mut [f32]) {
    if let [(_, scores, fold)] = parts
        && fold.number.is_none()
    {
        out.copy_from_slice(scores);
        return;
    }
    let rows: usize = parts.iter().map(|(_, scores, _)| scores.len()).sum();
    let (rows, folds) = (rows as f64, parts.len() as f64);
    let mean = parts.iter().map(|(value, ..)| value).sum::<f64>() / folds;
    let by_rows = |(value, scores, _): &Part| value * scores.len() as f64 / rows;
    let shift = mean - parts.iter().map(by_rows).sum::<f64>();
    for (value, scores, fold) in parts {
        let weight = rows / (folds * scores.len() as f64);
        for (score, place) in scores.iter().zip(&fold.places) {
            let own = value + weight * (f64::from(*score) - value) + shift;
            out[*place as usize] = own as f32;
        }
    }
}

/// Reads scores of rows, until that fails once.
struct Reader<'a> {
    app: &'a App,
    /// Models that were asked.
    asked: Cell<usize>,
    trouble: RefCell<Option<Trouble>>,
}

impl Reader<'_> {
    /// The scores of the rows of `data` by `run` of `config`, if these are what was recorded.
    fn read(
        &self,
        config: &Configuration,
        run: &Run,
        metric: &RowMetric,
        data: &Dataset,
    ) -> Option<Vec<f32>> {
        if self.trouble.borrow().is_some() {
            return None;
        }
        let loss = trained_loss(config.kind, &config.params, data.meta().target_scale());
        let kept = valid_predictions::kept(self.app, &run.trial, data)
            .and_then(|kept| metric.scores(config.kind, &kept, loss))
            .filter(|scores| is_of(scores, run.value));
        // Half precision may be too little for a metric of the transformed target.
        let from_model = || {
            self.asked.set(self.asked.get() + 1);
            if self.asked.get() > MODELS {
                return Err(Trouble::TooManyModels);
            }
            let said = valid_predictions::from_model(self.app, config.kind, &run.trial, data);
            let scores = said
                .ok()
                .and_then(|said| metric.scores(config.kind, &said, loss));
            let scores = scores.ok_or_else(|| Trouble::Without(run.trial.clone()))?;
            match is_of(&scores, run.value) {
                true => Ok(scores),
                false => Err(Trouble::OtherMean),
            }
        };
        kept.map_or_else(from_model, Ok)
            .map_err(|why| *self.trouble.borrow_mut() = Some(why))
            .ok()
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
