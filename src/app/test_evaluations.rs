//! Evaluation on the held-out test set.
//!
//! Invariant: an evaluation is in the database before its scores are returned.

use std::path::Path;

use sweep_analysis::{Configuration, Summary};
use sweep_core::conformal::{Conformal, USUAL_COVERAGE};
use sweep_core::data_config::{DataSpec, Edition};
use sweep_core::trial::models::trained_loss;
use sweep_core::trial::{Kind, Status};
use sweep_data::{Dataset, DatasetMeta, HeldOutTest};
use sweep_engine::evaluate::{Candidate, CandidateEnsemble, CandidateRun};
use sweep_engine::predict::{
    CalibrationMethod, Calibrator, Decision, FittedRows, Predictions, Predictor, Wanted,
    WantedCalibration, conformal,
};
use sweep_experiment::Source;
use sweep_store::{DatasetRecord, EvaluationRecord, ExperimentRecord, FoldRecord, Store};

use crate::app::App;
use crate::ensemble::{self, Recorded};
use crate::error::Error;
use crate::fold_models;
use crate::loaded;
use crate::model;
use crate::observer::{Notice, Observer};
use crate::program;
use crate::valid_predictions;

/// Evaluates, for each kind of model, the configuration of `record` with the best validation
/// objective on the test rows, every finished seed of it; and `ensemble`, one of the sweep.
pub fn evaluate(
    app: &App,
    observer: &dyn Observer,
    record: &ExperimentRecord,
    ensemble: Option<&Recorded>,
) -> Result<EvaluationRecord, Error> {
    program::refuse(record, "there are no test rows")?;
    let tests = open(app, record)?;
    let summary = Summary::of(record);
    let chosen: Vec<&Configuration> = Kind::all()
        .filter_map(|kind| summary.best_of(kind))
        .collect();
    if chosen.is_empty() {
        let message = format!(
            "no trial of sweep {} has finished: there is no model to evaluate",
            record.name
        );
        let help = format!("`sweep resume {}` trains what is left", record.name);
        return Err(Error::input(message, &help));
    }
    let left = record.trials.iter().filter(|trial| trial.in_plan);
    let left = left.filter(|trial| !trial.status.is_final() && trial.status != Status::Failed);
    let left = left.count();
    if left > 0 {
        observer.notice(&Notice::TestedEarly {
            sweep: record.name.clone(),
            left,
        });
    }
    let candidates = chosen
        .into_iter()
        .map(|config| candidate(app, observer, record, config, &tests))
        .collect::<Result<Vec<_>, _>>()?;
    let ensemble = ensemble
        .map(|found| candidate_ensemble(app, observer, found, &tests))
        .transpose()?;
    let objective = &summary.objective;
    let evaluation = sweep_engine::evaluate::evaluate(&tests, objective, candidates, ensemble)
        .map_err(|error| Error::environment(error, ""))?;
    Ok(app.write(observer)?.record_evaluation(
        &record.name,
        env!("CARGO_PKG_VERSION"),
        &evaluation,
    )?)
}

/// The number of evaluations on the test rows of `record`, by any sweep and with any features.
///
/// An evaluation counts unless the experiment file of its sweep shows that its test rows were others.
pub fn count(store: &Store, record: &ExperimentRecord) -> Result<u64, Error> {
    let digest = &record.dataset.digest;
    let own = data_of(
        &record.file_path,
        &record.file_text,
        &record.flags,
        record.edition,
    );
    let evaluations = store.test_evaluations_like(digest)?;
    let counted = evaluations.iter().filter(|evaluation| {
        let file = evaluation
            .file
            .as_ref()
            .filter(|_| evaluation.data != *digest);
        let other =
            file.and_then(|file| data_of(&file.path, &file.text, &file.flags, file.edition).ok());
        match (&own, &other) {
            (Ok(own), Some(other)) => have_same_rows(own, other),
            _ => true,
        }
    });
    Ok(counted.count() as u64)
}

/// The data settings of an experiment.
pub fn data_of(
    path: &Path,
    text: &str,
    flags: &[String],
    edition: Edition,
) -> Result<DataSpec, Error> {
    let source = Source {
        path: path.to_path_buf(),
        text: text.to_owned(),
    };
    Ok(loaded::check(source, flags, edition)?.experiment.data)
}

/// Whether both split the rows of one file in the same way.
pub fn have_same_rows(one: &DataSpec, other: &DataSpec) -> bool {
    one.split == other.split
        && one.group == other.group
        && one.exclude == other.exclude
        && one.target == other.target
}

/// The test rows that belong to `record`, as each fold prepares them.
fn open(app: &App, record: &ExperimentRecord) -> Result<Vec<HeldOutTest>, Error> {
    if record.dataset.test_rows == 0 {
        let message = format!("the data of sweep {} have no test rows", record.name);
        let help =
            "set `split.test` to a fraction of the rows, or `test_path` to a file, under [data]";
        return Err(Error::input(message, help));
    }
    let open = |dataset: &DatasetRecord| {
        let path = app.run_dir().held_out_test(&dataset.digest);
        let test = HeldOutTest::open(&path).map_err(|error| model::unprepared(record, &error))?;
        if test.meta().digest != dataset.digest {
            let message = format!("{} holds the rows of another data set", path.display());
            return Err(Error::environment(
                message,
                "delete it and prepare the data again",
            ));
        }
        Ok(test)
    };
    record.datasets().into_iter().map(open).collect()
}

fn candidate(
    app: &App,
    observer: &dyn Observer,
    record: &ExperimentRecord,
    config: &Configuration,
    tests: &[HeldOutTest],
) -> Result<Candidate, Error> {
    let mut runs = Vec::with_capacity(config.runs.len());
    for run in &config.runs {
        let trial = record.trials.iter().find(|trial| trial.id == run.trial);
        let Some(trial) = trial else {
            continue;
        };
        let place = (record.folds.iter()).position(|fold| Some(fold.fold) == run.fold);
        let test = place.unwrap_or(0);
        let meta = tests[test].meta();
        let mut model = model::load(app, trial, &meta.features, meta.into())?;
        let fitted = on_valid_rows(app, &mut model, trial.kind, meta);
        runs.push(CandidateRun {
            trial: run.trial.clone(),
            seed: run.seed,
            fold: run.fold,
            test,
            conformal: fitted.as_ref().and_then(|(limit, _)| *limit),
            calibrator: fitted.and_then(|(_, calibrator)| calibrator),
            model,
            loss: trained_loss(trial.kind, &trial.params, meta.target_scale()),
        });
    }
    observer.notice(&Notice::Testing {
        kind: config.kind,
        config: config.id.clone(),
        seeds: config.seeds(),
    });
    Ok(Candidate {
        kind: config.kind,
        config: config.id.clone(),
        runs,
    })
}

/// The limit of sets or intervals of `model`, which is of `kind`, and the calibration of its probabilities, from the validation
/// rows of the data of `meta`; `None` where these are gone, or what there is not for them.
fn on_valid_rows(
    app: &App,
    model: &mut Predictor,
    kind: Kind,
    meta: &DatasetMeta,
) -> Option<(Option<Conformal>, Option<Calibrator>)> {
    let data = Dataset::open(&app.run_dir().dataset(&meta.digest)).ok()?;
    let said = valid_predictions::of_model(model, &data).ok()?;
    let rows = FittedRows {
        methods: CalibrationMethod::of(kind),
        targets: data.valid().y,
        groups: data.valid_groups(),
    };
    Some(fitted(meta, said, rows))
}

/// The same from what was `said` of these validation `rows`.
fn fitted(
    meta: &DatasetMeta,
    said: Predictions,
    rows: FittedRows<'_>,
) -> (Option<Conformal>, Option<Calibrator>) {
    // Sets are of probabilities as trained.
    let limit = conformal(USUAL_COVERAGE, meta.into(), &said, rows.targets).ok();
    let wanted = Wanted {
        calibration: Some(WantedCalibration::Best),
        ..Wanted::default()
    };
    let calibrated = Decision::fit(&wanted, meta.into(), said, rows);
    (limit, calibrated.ok().and_then(|found| found.calibrator))
}

/// The ensemble `found`, which is used as it is recorded.
fn candidate_ensemble(
    app: &App,
    observer: &dyn Observer,
    found: &Recorded,
    tests: &[HeldOutTest],
) -> Result<CandidateEnsemble, Error> {
    found.notice(observer);
    let experiment = &found.experiment;
    let mut folds = ensemble::models(app, found)?;
    let rows = fold_models::out_of_fold(app, &mut folds, &experiment.name).ok();
    let found_on_valid = rows.map(|mut rows| {
        let said = std::mem::take(&mut rows.predictions);
        let own = FittedRows {
            methods: &[CalibrationMethod::Temperature],
            targets: rows.targets(),
            groups: rows.groups(),
        };
        fitted(&rows.meta, said, own)
    });
    let (conformal, calibrator) = found_on_valid.unwrap_or_default();
    let loss = ensemble::loss(found, tests[0].meta());
    observer.notice(&Notice::TestingEnsemble {
        members: found.members().count() / folds.len().max(1),
    });
    let parts = folds.into_iter().map(|fold| {
        let own = |other: &FoldRecord| Some(other.fold) == fold.fold;
        let place = experiment.folds.iter().position(own);
        (place.unwrap_or(0), fold.models)
    });
    Ok(CandidateEnsemble {
        id: found.stored.id,
        parts: parts.collect(),
        loss,
        conformal,
        calibrator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_change_no_rows_and_the_split_does() {
        let data = |more: &str, seed: u64| {
            let text = format!(
                "[data]\npath = \"t.csv\"\ntarget = \"y\"\n{more}split = {{ valid = 0.2, test = 0.2, seed = {seed} }}\n\
                 [model]\nepochs = 1\n"
            );
            data_of(Path::new("t.toml"), &text, &[], Edition::default())
                .ok()
                .unwrap()
        };
        let first = data("", 1);
        assert!(have_same_rows(&first, &data("numeric = [\"a\"]\n", 1)));
        assert!(!have_same_rows(&first, &data("", 2)));
        assert!(!have_same_rows(&first, &data("group = \"id\"\n", 1)));
    }
}
