//! Predictions of a trained model, or of several as one, for the rows of a table.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sweep_analysis::dummy::{ClassCounts, Dummy};
use sweep_core::data_config::TableFormat;
use sweep_core::format::pluralize;
use sweep_core::named::value_of;
use sweep_data::{SavedPreprocessor, Storage, Table, write_atomically};
use sweep_engine::predict::{
    self, Bundle, CalibrationMethod, Decision, EnsembleBundle, FittedRows, Layout, Member, Refit,
    Scores, TableSummary, TargetScores, VALIDATION, Wanted, WriteError,
};
use sweep_store::TrialRecord;

use crate::app::App;
use crate::bundle_error::bundle_error;
use crate::decide::decide;
use crate::ensemble;
use crate::error::Error;
use crate::fold_models::{self, FoldModels};
use crate::model::{self, Chosen, ModelOptions};
use crate::observer::{Notice, Observer};
use crate::refit;

/// Calibration is spoken of where it takes the validation loss down to this share of it.
const WORTH_TELLING: f64 = 0.99;

/// Where a model comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A trial of the database.
    Trial {
        /// `best`, `ensemble`, or the first digits of a trial or of a configuration.
        what: String,
        options: ModelOptions,
        /// All finished seeds of its configuration.
        ensemble: bool,
    },
    /// A folder that an export wrote.
    Folder(PathBuf),
}

/// One model or several.
pub struct Models {
    /// Names of their trials; of a refit, those of the runs that decided on its steps.
    pub trials: Vec<String>,
    /// If they were trained once more on training and validation rows.
    pub refit: Option<Refit>,
    /// By fold; at least one.
    parts: Vec<FoldModels>,
    decision: Decision,
    /// Validation losses of a single trial as trained and calibrated, where both were measured.
    losses: Option<[f64; 2]>,
}

/// What predicting one class for all rows scores; its log loss is that of the frequencies of the classes
/// as probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Always {
    pub class: String,
    pub scores: Scores,
}

/// Loads the model or models of `source`, with what is `wanted` of their predictions, which is fitted on the validation rows.
pub fn load(
    app: &App,
    observer: &dyn Observer,
    source: &Source,
    wanted: &Wanted,
) -> Result<Models, Error> {
    let (what, options, all_seeds) = match source {
        Source::Folder(folder) => return from_folder(folder, wanted),
        Source::Trial {
            what,
            options,
            ensemble,
        } => (what, options, *ensemble),
    };
    if what == ensemble::ENSEMBLE {
        ensemble::check(options, all_seeds)?;
        return of_ensemble(app, observer, options, wanted);
    }
    let chosen = model::choose(app, what, options)?;
    let trials = match all_seeds {
        true => chosen.seeds(),
        false => chosen.folds(),
    };
    if refit::is_wanted(&chosen, options.refit) {
        return refitted(app, observer, &chosen, &trials, wanted);
    }
    match all_seeds || trials.len() > 1 {
        true => observer.notice(&Notice::TrialChosen(members(&trials))),
        false => chosen.notice(observer),
    }
    let mut models = trained(app, &chosen, &trials)?;
    let methods = CalibrationMethod::of(chosen.trial.kind);
    models.decide(app, (&chosen.experiment.name, methods), wanted)?;
    Ok(models)
}

/// The newest ensemble of a sweep.
fn of_ensemble(
    app: &App,
    observer: &dyn Observer,
    options: &ModelOptions,
    wanted: &Wanted,
) -> Result<Models, Error> {
    let found = ensemble::recorded(app, options.experiment.as_deref())?;
    found.notice(observer);
    let mut models = Models {
        trials: (found.members())
            .map(|(trial, _)| trial.id.to_string())
            .collect(),
        refit: None,
        parts: ensemble::models(app, &found)?,
        decision: Decision::default(),
        losses: None,
    };
    let methods = &[CalibrationMethod::Temperature];
    models.decide(app, (&found.experiment.name, methods), wanted)?;
    Ok(models)
}

/// The configuration of `chosen` trained once more with each seed of `trials`. What is `wanted` is fitted on what `trials`
/// say of the validation rows, which they have not seen.
fn refitted(
    app: &App,
    observer: &dyn Observer,
    chosen: &Chosen,
    trials: &[&TrialRecord],
    wanted: &Wanted,
) -> Result<Models, Error> {
    chosen.notice(observer);
    let decision = match wanted.is_nothing() {
        true => Decision::default(),
        false => {
            let mut models = trained(app, chosen, trials)?;
            let methods = CalibrationMethod::of(chosen.trial.kind);
            models.decide(app, (&chosen.experiment.name, methods), wanted)?;
            models.decision
        }
    };
    let seeds: BTreeSet<u64> = trials.iter().map(|trial| trial.seed).collect();
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let refits = refit::train(app, observer, chosen, &seeds)?;
    let runs = refits.about.runs.iter();
    Ok(Models {
        trials: runs.map(|run| run.trial.to_string()).collect(),
        parts: vec![FoldModels {
            fold: None,
            models: refits.load()?.into(),
            preprocessor: refits.preprocessor,
        }],
        decision,
        losses: None,
        refit: Some(refits.about),
    })
}

/// The models of `trials`, which are of the configuration of `chosen`.
fn trained(app: &App, chosen: &Chosen, trials: &[&TrialRecord]) -> Result<Models, Error> {
    let members = trials.iter().map(|trial| (*trial, 1.0));
    let parts = fold_models::load(app, members, |trial| chosen.preprocessor_of(app, trial))?;
    Ok(Models {
        trials: trials.iter().map(|trial| trial.id.to_string()).collect(),
        refit: None,
        parts,
        decision: Decision::default(),
        losses: match trials {
            [trial] => losses(|name| value_of(&trial.metrics, name).copied()),
            _ => None,
        },
    })
}

impl Models {
    /// Decides as is `wanted`, from what these models, taken together, predict for the validation rows of the sweep called
    /// `sweep`.
    fn decide(
        &mut self,
        app: &App,
        (sweep, methods): (&str, &[CalibrationMethod]),
        wanted: &Wanted,
    ) -> Result<(), Error> {
        if wanted.is_nothing() {
            return Ok(());
        }
        let mut rows = fold_models::out_of_fold(app, &mut self.parts, sweep)?;
        let said = std::mem::take(&mut rows.predictions);
        let fitted = FittedRows {
            methods,
            targets: rows.targets(),
            groups: rows.groups(),
        };
        self.decision = decide(wanted, (&rows.meta).into(), said, fitted)?;
        Ok(())
    }

    /// That of the first fold: what is read and predicted is the same in all.
    fn preprocessor(&self) -> &SavedPreprocessor {
        &self.parts[0].preprocessor
    }

    /// What was fitted on the validation rows.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Validation losses as trained and calibrated, if calibration is worth it and probabilities are not calibrated.
    pub fn uncalibrated(&self) -> Option<[f64; 2]> {
        let is_worth = |[trained, calibrated]: &[f64; 2]| *calibrated < WORTH_TELLING * trained;
        let losses = self.losses.filter(is_worth);
        losses.filter(|_| self.decision.calibrator.is_none())
    }

    /// Reads the table at `path` as the training data were read; every cell is kept as it stands.
    pub fn read_table(&self, path: &Path) -> Result<Table, Error> {
        read_table(path, &self.preprocessor().format())
    }

    /// Names of the columns that predictions add to `table`.
    pub fn columns(&self, table: &Table) -> Vec<String> {
        predict::columns(table, self.classes(), self.decision.conformal.is_some())
    }

    /// Names of the classes, in order.
    pub fn classes(&self) -> &[String] {
        &self.preprocessor().classes
    }

    /// The zero line of `found`: always predicting the most frequent class of the scored rows. `None`
    /// without such rows, and where numbers are predicted.
    pub fn always(&self, found: &TargetScores) -> Option<Always> {
        let counts = ClassCounts {
            train: found.per_class.clone(),
            valid: found.per_class.clone(),
        };
        if self.preprocessor().number.is_some() {
            return None;
        }
        let dummy = Dummy::of_classes(self.classes(), &counts)?;
        let accuracy = dummy.score("valid/accuracy")?;
        Some(Always {
            class: accuracy.strategy.class()?.to_owned(),
            scores: Scores::Classes {
                accuracy: accuracy.value,
                loss: dummy.score("valid/loss")?.value,
                macro_f1: dummy.score("valid/macro_f1")?.value,
            },
        })
    }

    /// Whether numbers are predicted.
    pub fn predicts_numbers(&self) -> bool {
        self.preprocessor().number.is_some()
    }

    /// Writes `table` with predictions to the file at `path`, which appears when it is complete.
    pub fn write_file(&mut self, table: &Table, path: &Path) -> Result<TableSummary, Error> {
        let delimiter = match path.extension() {
            Some(_) => table.delimiter_for(path),
            None => table.delimiter,
        };
        let mut summary = TableSummary::default();
        let mut failed = None;
        let written = write_atomically(path, |out| match self.write_to(table, delimiter, out) {
            Ok(all) => {
                summary = all;
                Ok(())
            }
            Err(WriteFailure::Output(error)) => Err(error),
            Err(WriteFailure::Model(error)) => {
                failed = Some(error);
                // Any error keeps the unfinished file from appearing.
                Err(io::ErrorKind::Other.into())
            }
        });
        match (failed, written) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(Error::environment(&error, &error.help)),
            (None, Ok(())) => Ok(summary),
        }
    }

    /// Writes `table` with predictions to `out`, with the delimiter of the table.
    pub fn write(
        &mut self,
        table: &Table,
        out: &mut dyn Write,
    ) -> Result<TableSummary, WriteFailure> {
        self.write_to(table, table.delimiter, out)
    }

    fn write_to(
        &mut self,
        table: &Table,
        delimiter: u8,
        out: &mut dyn Write,
    ) -> Result<TableSummary, WriteFailure> {
        let Models {
            parts, decision, ..
        } = self;
        let mut members = Vec::with_capacity(parts.len());
        let mut first: Option<&SavedPreprocessor> = None;
        for part in parts {
            let preprocessor = &part.preprocessor;
            first.get_or_insert(preprocessor);
            members.push(Member {
                encoder: (preprocessor.on(table))
                    .map_err(|error| WriteFailure::Model(Error::Data(vec![error])))?,
                models: &mut part.models,
            });
        }
        let preprocessor = first.expect("there is a model");
        let target = preprocessor.target_of(table);
        let layout = Layout {
            classes: &preprocessor.classes,
            delimiter,
            decision,
        };
        let summary = predict::write(table, &mut members, target.as_ref(), layout, out)?;
        out.flush().map_err(WriteFailure::Output)?;
        Ok(summary)
    }
}

/// Why predictions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteFailure {
    /// Writing failed, for instance because the reader of a pipe has gone.
    #[error(transparent)]
    Output(io::Error),
    /// The table does not fit the model, or the model failed.
    #[error(transparent)]
    Model(Error),
}

impl From<WriteError> for WriteFailure {
    fn from(error: WriteError) -> WriteFailure {
        match error {
            WriteError::Output(error) => WriteFailure::Output(error),
            WriteError::Model(error) => WriteFailure::Model(Error::environment(error, "")),
            WriteError::Data(error) => WriteFailure::Model(Error::environment(&error, &error.help)),
        }
    }
}

/// Refuses a table at `path` that is not there: before a training, which may take long.
pub fn check_table(path: &Path) -> Result<(), Error> {
    match path.exists() {
        true => Ok(()),
        // It says how.
        false => read_table(path, &TableFormat::default()).map(drop),
    }
}

fn read_table(path: &Path, format: &TableFormat) -> Result<Table, Error> {
    let storage = Storage {
        all_text: true,
        ..Storage::default()
    };
    Table::read(&[path.to_path_buf()], format, &storage, "").map_err(Error::Data)
}

fn from_folder(folder: &Path, wanted: &Wanted) -> Result<Models, Error> {
    if EnsembleBundle::is_in(folder) {
        return from_ensemble_folder(folder, wanted);
    }
    let bundle = Bundle::read(folder).map_err(|error| bundle_error(folder, &error))?;
    let decision = match bundle.validation {
        _ if wanted.is_nothing() => Decision::default(),
        Some(known) => {
            let predicted = (&bundle.preprocessor).into();
            let rows = FittedRows {
                methods: CalibrationMethod::of(bundle.card.kind),
                targets: known.targets(),
                groups: known.groups.as_deref(),
            };
            decide(wanted, predicted, known.said.clone(), rows)?
        }
        None if bundle.card.refit.is_some() => {
            return Err(Error::input(
                "--coverage, --calibrate and --threshold need rows that the model has not seen, and a refit has seen all",
                "name `best` with --refit instead of --model: the models that it was chosen by are asked",
            ));
        }
        None => return Err(without_validation(folder)),
    };
    let losses = losses(|name| bundle.card.metrics.get(name)?.as_f64());
    Ok(Models {
        trials: match &bundle.card.refit {
            None => vec![bundle.card.trial.to_string()],
            Some(refit) => (refit.runs.iter())
                .map(|run| run.trial.to_string())
                .collect(),
        },
        refit: bundle.card.refit,
        parts: vec![FoldModels {
            fold: None,
            models: vec![bundle.model].into(),
            preprocessor: bundle.preprocessor,
        }],
        decision,
        losses,
    })
}

fn from_ensemble_folder(folder: &Path, wanted: &Wanted) -> Result<Models, Error> {
    let bundle = EnsembleBundle::read(folder).map_err(|error| bundle_error(folder, &error))?;
    let part = |(fold, models, preprocessor)| FoldModels {
        fold,
        models,
        preprocessor,
    };
    let mut models = Models {
        trials: (bundle.card.members.iter())
            .map(|member| member.trial.to_string())
            .collect(),
        refit: None,
        parts: bundle.folds.into_iter().map(part).collect(),
        decision: Decision::default(),
        losses: None,
    };
    if !wanted.is_nothing() {
        let known = bundle
            .validation
            .ok_or_else(|| without_validation(folder))?;
        let predicted = models.preprocessor().into();
        let rows = FittedRows {
            methods: &[CalibrationMethod::Temperature],
            targets: known.targets(),
            groups: known.groups.as_deref(),
        };
        models.decision = decide(wanted, predicted, known.said.clone(), rows)?;
    }
    Ok(models)
}

fn without_validation(folder: &Path) -> Error {
    Error::input(
        format!(
            "--coverage, --calibrate and --threshold need what the model predicts for its validation rows, and {} \
             has no {VALIDATION}: it was exported by an earlier version, or where the prepared data were gone",
            folder.display()
        ),
        "export the model again with `sweep export`, or name a trial or `best` instead of --model",
    )
}

/// Validation losses as trained and calibrated, if `metric` knows both.
fn losses(metric: impl Fn(&str) -> Option<f64>) -> Option<[f64; 2]> {
    Some([metric("valid/loss")?, metric("valid/calibrated_loss")?])
}

/// Which trials of a configuration, at least one, an ensemble has.
fn members(trials: &[&TrialRecord]) -> String {
    let config = trials.first().map_or("", |trial| trial.config.short());
    let seeds: BTreeSet<u64> = trials.iter().map(|trial| trial.seed).collect();
    let folds: BTreeSet<u32> = trials.iter().filter_map(|trial| trial.fold).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let of_seeds = match seeds.as_slice() {
        [seed] if folds.is_empty() => {
            return format!("configuration {config}: seed {seed} alone, no other has finished");
        }
        [seed] => format!("seed {seed}"),
        seeds => format!("seeds {}", seeds.join(", ")),
    };
    let of_folds = match folds.len() {
        0 => String::new(),
        folds => format!(", {}", pluralize(folds, "fold")),
    };
    format!(
        "configuration {config}: the mean of {} trials, {of_seeds}{of_folds}",
        trials.len()
    )
}
