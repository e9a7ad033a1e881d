//! Ensembles across the trials of a sweep, of whatever kinds of models: selected from what finished trials predict for their
//! validation rows, recorded, and loaded to predict.
//!
//! Invariants: test rows are never read by a selection. What is recorded of an ensemble is measured with the models that it
//! has, so that these were there.

mod candidates;
mod export;
mod predictions;
mod recorded;
mod scores;

pub use export::export;
pub use recorded::{Recorded, check, find, loss, models, recorded};

use sweep_analysis::Summary;
use sweep_analysis::ensemble::{Library, Method, select};
use sweep_core::trial::{Ensemble, EnsembleMethod, EnsembleScore, EnsembleTrial};
use sweep_engine::predict::{Predictions, Predictor, Weighted};
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::program;
use crate::valid_predictions;
use crate::valid_rows::ValidRows;
use candidates::Candidate;
use predictions::{Goal, Said};
use scores::{Measured, Values};

/// The word for the ensemble of a sweep in the place of the name of a trial.
pub const ENSEMBLE: &str = "ensemble";
/// The metric that a selection of classes makes small.
const LOSS: &str = "valid/loss";

/// Selects an ensemble from the finished trials of the sweep `name`, or of the last one, and records it.
///
/// # Errors
/// When less than two candidates have finished or can be asked, or the prepared data are gone.
pub fn create(
    app: &App,
    observer: &dyn Observer,
    name: Option<&str>,
    method: EnsembleMethod,
) -> Result<Recorded, Error> {
    let record = app.experiment(name)?;
    program::refuse(&record, "there are no predictions to combine")?;
    let ensemble = selected(app, observer, &record, method)?;
    let version = env!("CARGO_PKG_VERSION");
    let mut store = app.write(observer)?;
    let stored = store.record_ensemble(&record.name, version, &ensemble)?;
    Ok(Recorded::new(record, stored))
}

fn selected(
    app: &App,
    observer: &dyn Observer,
    record: &ExperimentRecord,
    method: EnsembleMethod,
) -> Result<Ensemble, Error> {
    let summary = Summary::of(record);
    if let Some(why) = summary.incomparable() {
        let message = format!(
            "trials of sweep {} have different losses: {why}",
            record.name
        );
        let help = "rank the sweep by `valid/rmse` or another metric in units of the target";
        return Err(Error::input(message, help));
    }
    let all = candidates::finished(record, &summary);
    let (finished, library) = (all.len() as u64, candidates::library(&all));
    let rows = ValidRows::open(app, record).map_err(|why| {
        let help = format!("`sweep resume {}` prepares the data again", record.name);
        Error::environment(why, &help)
    })?;
    let pool = candidates::best_of_each_kind(all, method.top as usize);
    let (mut pool, mut said) = asked(app, observer, &pool, &rows);
    let (members, loss, measured) = loop {
        if pool.len() < 2 {
            return Err(too_few(record, pool.len(), finished));
        }
        let loss = Goal::of(&summary.objective, &pool, rows.folds[0].data.meta());
        let library = predictions::library(&pool, &said, &rows, loss.clone());
        let weights = select(&library, selection(method));
        let exact = Exact {
            app,
            pool: &pool,
            rows: &rows,
        };
        match exact.predict(&weights) {
            Ok(predicted) => {
                let measured = Measured {
                    rows: &rows,
                    objective: &summary.objective,
                    loss: loss.loss(),
                };
                let found = Selected {
                    library,
                    weights,
                    values: measured.of(&predicted),
                };
                break (exact.not_worse(found, measured), loss, measured);
            }
            Err(Lost { place, why }) => {
                left_out(observer, &pool[place], why);
                pool.remove(place);
                said.remove(place);
            }
        }
    };
    let units = rows.units().map_err(|why| Error::environment(why, ""))?;
    let halves = (selection(method), &units);
    let others = measured.cross_fitted(&members.library, &said, halves);
    let of = |values: Option<&Values>, metric: &str| {
        let found = values?.iter().find(|(name, _)| name == metric);
        found.map(|(_, value)| *value)
    };
    let scores = members.values.iter().map(|(metric, value)| EnsembleScore {
        metric: metric.clone(),
        value: *value,
        cross_fitted: of(others.as_ref().map(|found| &found.ensemble), metric),
        single: of(others.as_ref().map(|found| &found.single), metric),
    });
    Ok(Ensemble {
        data: record.dataset.digest.clone(),
        loss: loss.name,
        method,
        finished,
        library,
        trials: trials(&pool, &members.weights),
        scores: scores.collect(),
    })
}

fn selection(method: EnsembleMethod) -> Method {
    Method {
        rounds: method.rounds as usize,
        bags: method.bags as usize,
        seed: u64::from(method.seed),
    }
}

/// Those of `candidates` that can be asked, and what they say; notice is given of the others.
fn asked(
    app: &App,
    observer: &dyn Observer,
    candidates: &[Candidate],
    rows: &ValidRows,
) -> (Vec<Candidate>, Vec<Said>) {
    let (mut pool, mut all) = (Vec::new(), Vec::new());
    for candidate in candidates {
        match predictions::read(app, candidate, rows) {
            Ok(said) => {
                pool.push(candidate.clone());
                all.push(said);
            }
            Err(why) => left_out(observer, candidate, why),
        }
    }
    (pool, all)
}

fn left_out(observer: &dyn Observer, candidate: &Candidate, why: String) {
    observer.notice(&Notice::CandidateLeftOut {
        trial: candidate.trials[0].clone(),
        why,
    });
}

fn too_few(record: &ExperimentRecord, asked: usize, finished: u64) -> Error {
    let message = format!(
        "an ensemble is selected from two trials or more, and of sweep {} {}",
        record.name,
        match (asked, finished) {
            (_, 0 | 1) => format!("{finished} can be taken"),
            (asked, finished) => format!("{asked} of {finished} can be asked"),
        }
    );
    let help = format!(
        "with cross-validation, all folds of a seed have to be finished; `sweep resume {}` trains what is left",
        record.name
    );
    Error::input(message, &help)
}

/// The trials of `pool` in the order of their weights.
fn trials(pool: &[Candidate], weights: &[f64]) -> Vec<EnsembleTrial> {
    let mut order: Vec<usize> = (0..pool.len()).collect();
    order.sort_by(|one, other| weights[*other].total_cmp(&weights[*one]));
    let of = |place: usize| {
        let trials = pool[place].trials.iter();
        trials.map(move |trial| EnsembleTrial {
            trial: trial.clone(),
            weight: weights[place],
        })
    };
    order.into_iter().flat_map(of).collect()
}

/// What was selected from `library`, and its metrics on all rows.
struct Selected {
    library: Library,
    weights: Vec<f64>,
    values: Values,
}

/// What models say, in full precision.
struct Exact<'a> {
    app: &'a App,
    pool: &'a [Candidate],
    rows: &'a ValidRows,
}

/// A candidate whose model cannot be asked.
struct Lost {
    place: usize,
    why: String,
}

impl Exact<'_> {
    /// What candidates with these `weights` predict for the validation rows of each fold.
    fn predict(&self, weights: &[f64]) -> Result<Vec<Predictions>, Lost> {
        let members = || {
            weights
                .iter()
                .enumerate()
                .filter(|(_, weight)| **weight > 0.0)
        };
        let mut folds = Vec::with_capacity(self.rows.folds.len());
        for (fold, own) in self.rows.folds.iter().enumerate() {
            let meta = own.data.meta();
            let mut models = Weighted::default();
            for (place, weight) in members() {
                let candidate = &self.pool[place];
                let folder = self.app.trials().join(candidate.trials[fold].as_str());
                let model = Predictor::load(&folder, candidate.kind, &meta.features, meta.into());
                let model = model.map_err(|error| Lost {
                    place,
                    why: error.to_string(),
                })?;
                models.push(model, *weight);
            }
            let predicted = valid_predictions::of_models(&mut models, &own.data);
            folds.push(predicted.map_err(|error| Lost {
                place: members().next().map_or(0, |(place, _)| place),
                why: error.to_string(),
            })?);
        }
        Ok(folds)
    }

    /// `found` or, if its log loss is above the lowest that is recorded for a candidate, that candidate alone: what was kept of
    /// predictions is of half precision.
    fn not_worse(&self, mut found: Selected, measured: Measured<'_>) -> Selected {
        let own = found.values.iter().find(|(metric, _)| metric == LOSS);
        let recorded = self.pool.iter().map(|candidate| candidate.score.loss);
        let recorded = recorded.enumerate();
        let best = recorded
            .filter_map(|(place, loss)| Some((place, loss?)))
            .min_by(|one, other| one.1.total_cmp(&other.1));
        let is_number = self.rows.folds[0].data.meta().number.is_some();
        let (Some((_, own)), Some((best, lowest)), false) = (own, best, is_number) else {
            return found;
        };
        if *own <= lowest {
            return found;
        }
        let mut alone = vec![0.0; self.pool.len()];
        alone[best] = 1.0;
        if let Ok(predicted) = self.predict(&alone) {
            found.values = measured.of(&predicted);
            found.weights = alone;
        }
        found
    }
}
