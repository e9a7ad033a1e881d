//! The ensemble that is recorded of a sweep: whether it is still what a selection would be made from, and its models.

use sweep_analysis::Summary;
use sweep_analysis::ensemble::EnsembleSummary;
use sweep_core::trial::EnsembleTrial;
use sweep_core::trial::models::Loss;
use sweep_data::DatasetMeta;
use sweep_store::{EnsembleRecord, ExperimentRecord, Store, TrialRecord};

use super::candidates;
use super::predictions::Goal;
use crate::app::App;
use crate::error::Error;
use crate::fold_models::{self, FoldModels};
use crate::model::{self, ModelOptions};
use crate::observer::{Notice, Observer};

/// An ensemble with the sweep that it is of.
pub struct Recorded {
    pub experiment: ExperimentRecord,
    pub stored: EnsembleRecord,
    /// Why it should be selected again, if it should: a sentence without its end.
    pub stale: Option<String>,
}

impl Recorded {
    pub fn new(experiment: ExperimentRecord, stored: EnsembleRecord) -> Recorded {
        Recorded {
            stale: stale(&experiment, &stored),
            experiment,
            stored,
        }
    }

    /// What is shown of it.
    pub fn summary(&self) -> EnsembleSummary {
        EnsembleSummary::of(&self.experiment, self.stored.clone(), self.stale.clone())
    }

    /// Gives notice if it should be selected again.
    pub fn notice(&self, observer: &dyn Observer) {
        if let Some(why) = &self.stale {
            observer.notice(&Notice::EnsembleStale {
                sweep: self.experiment.name.clone(),
                why: why.clone(),
            });
        }
    }

    /// Its trials with their weights, those of the highest weight first, which are above 0.
    pub fn members(&self) -> impl Iterator<Item = (&TrialRecord, f64)> {
        let trial = |one: &EnsembleTrial| {
            let mut trials = self.experiment.trials.iter();
            Some((trials.find(|trial| trial.id == one.trial)?, one.weight))
        };
        self.stored.ensemble.members().filter_map(trial)
    }
}

/// The newest ensemble of `experiment`, if it has one.
pub fn find(store: &Store, experiment: &ExperimentRecord) -> Result<Option<Recorded>, Error> {
    let stored = store.ensemble(&experiment.name)?;
    Ok(stored.map(|stored| Recorded::new(experiment.clone(), stored)))
}

/// The newest ensemble of the sweep `name`, or of the last one.
///
/// # Errors
/// When it has none.
pub fn recorded(app: &App, name: Option<&str>) -> Result<Recorded, Error> {
    let experiment = app.experiment(name)?;
    let found = find(&app.read()?, &experiment)?;
    found.ok_or_else(|| {
        Error::input(
            format!("sweep {} has no ensemble", experiment.name),
            &format!("`sweep ensemble {}` selects one", experiment.name),
        )
    })
}

/// Refuses `options` that go with other models alone; `all_seeds` is whether all seeds of a configuration are asked for.
pub fn check(options: &ModelOptions, all_seeds: bool) -> Result<(), Error> {
    let refused = [
        (
            options.kind.is_some(),
            "--kind",
            "it has models of several kinds",
        ),
        (all_seeds, "--ensemble", "which seeds it has was selected"),
        (
            options.refit == Some(true),
            "--refit",
            "its weights were selected for the models that it has, and no rows would be left for others",
        ),
    ];
    match refused.into_iter().find(|(is_given, ..)| *is_given) {
        None => Ok(()),
        Some((_, flag, why)) => Err(Error::input(
            format!("{flag} does not go with `ensemble`: {why}"),
            "leave it out, or name `best` or a trial instead of `ensemble`",
        )),
    }
}

/// The models of `found`, by fold.
pub fn models(app: &App, found: &Recorded) -> Result<Vec<FoldModels>, Error> {
    let (known, all) = (
        found.members().count(),
        found.stored.ensemble.members().count(),
    );
    if known < all {
        let name = &found.experiment.name;
        return Err(Error::input(
            format!("sweep {name} has only {known} of the {all} trials of its ensemble any more"),
            &format!("`sweep ensemble {name}` selects another one"),
        ));
    }
    let experiment = &found.experiment;
    let preprocessor = |trial: &TrialRecord| {
        model::preprocessor(app, experiment, experiment.dataset_of(trial.fold))
    };
    let mut folds = fold_models::load(app, found.members(), preprocessor)?;
    folds.sort_by_key(|fold| fold.fold);
    Ok(folds)
}

/// The loss of numbers that `valid/loss` and `test/loss` of the ensemble are, as its selection had it.
pub fn loss(found: &Recorded, meta: &DatasetMeta) -> Loss {
    let candidates = candidates::finished(&found.experiment, &Summary::of(&found.experiment));
    let objective = &found.experiment.objective;
    match candidates.is_empty() {
        true => Loss::Squared,
        false => Goal::of(objective, &candidates, meta).loss(),
    }
}

fn stale(experiment: &ExperimentRecord, stored: &EnsembleRecord) -> Option<String> {
    let ensemble = &stored.ensemble;
    if ensemble.data != experiment.dataset.digest {
        return Some("it is of other data than the sweep has now".to_owned());
    }
    let now = candidates::finished(experiment, &Summary::of(experiment));
    if candidates::library(&now) == ensemble.library {
        return None;
    }
    let (then, now) = (ensemble.finished, now.len() as u64);
    Some(match then == now {
        true => "other trials have finished than when it was selected".to_owned(),
        false => format!("it was selected when {then} candidates had finished, and now {now} have"),
    })
}
