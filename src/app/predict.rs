//! Predictions of a trained model, or of several as one, for the rows of a table.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sweep_analysis::dummy::{ClassCounts, Dummy};
use sweep_core::format::one_of;
use sweep_data::{Dataset, SavedPreprocessor, Storage, Table, write_atomically};
use sweep_engine::predict::{
    self, Bundle, BundleError, Decision, DecisionError, Layout, Predictor, Scores, TableSummary,
    TargetScores, Wanted, WriteError,
};
use sweep_store::TrialRecord;

use crate::app::App;
use crate::error::Error;
use crate::model::{self, ModelOptions};
use crate::observer::{Notice, Observer};
use crate::valid_predictions;

/// Where a model comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A trial of the database.
    Trial {
        /// `best`, or the first digits of a trial or of a configuration.
        what: String,
        options: ModelOptions,
        /// All finished seeds of its configuration.
        ensemble: bool,
    },
    /// A folder that an export wrote.
    Folder(PathBuf),
}

/// One model or several, and the preprocessing they share.
pub struct Models {
    /// Names of their trials.
    pub trials: Vec<String>,
    models: Vec<Predictor>,
    preprocessor: SavedPreprocessor,
    decision: Decision,
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
    let (what, options, ensemble) = match source {
        Source::Folder(_) if !wanted.is_nothing() => {
            return Err(Error::input(
                "--coverage, --calibrate and --threshold need validation rows, which an exported folder has not",
                "name a trial or `best` instead of --model",
            ));
        }
        Source::Folder(folder) => return from_folder(folder),
        Source::Trial {
            what,
            options,
            ensemble,
        } => (what, options, *ensemble),
    };
    let chosen = model::choose(app, what, options)?;
    let preprocessor = chosen.preprocessor(app)?;
    let trials = match ensemble {
        true => {
            let seeds = chosen.seeds();
            observer.notice(&Notice::TrialChosen(members(&seeds)));
            seeds
        }
        false => {
            chosen.notice(observer);
            vec![&chosen.trial]
        }
    };
    let models = trials
        .iter()
        .map(|trial| model::load(app, trial, &preprocessor.features, (&preprocessor).into()))
        .collect::<Result<_, _>>()?;
    let mut models = Models {
        trials: trials.iter().map(|trial| trial.id.to_string()).collect(),
        models,
        preprocessor,
        decision: Decision::default(),
    };
    if !wanted.is_nothing() {
        let path = app.run_dir().dataset(&chosen.dataset.digest);
        let data = Dataset::open(&path).map_err(|error| {
            let help = format!(
                "the prepared validation rows are needed; `sweep resume {}` prepares them again",
                chosen.experiment.name
            );
            Error::environment(error, &help)
        })?;
        models.decision = models.decide(&data, wanted)?;
    }
    Ok(models)
}

impl Models {
    /// What is `wanted`, from what these models, taken together, predict for the validation rows.
    fn decide(&mut self, data: &Dataset, wanted: &Wanted) -> Result<Decision, Error> {
        let (meta, rows) = (data.meta(), data.valid());
        let all = valid_predictions::of_models(&mut self.models, data)
            .map_err(|error| Error::environment(error, ""))?;
        Decision::fit(wanted, meta, all, rows.y).map_err(|error| match &error {
            DecisionError::TooFew(few) => {
                let most = few.rows as f64 / (few.rows as f64 + 1.0);
                let coverage = wanted.coverage.unwrap_or_default();
                let help = format!("ask for at most {:.3}", (most * 1e3).floor() / 1e3);
                Error::input(format!("--coverage {coverage}: {error}"), &help)
            }
            DecisionError::Number => Error::input(
                format!("--calibrate and --threshold are for classes: {error}"),
                "leave them out; `--coverage 0.9` gives intervals of numbers",
            ),
            DecisionError::Classes(_) => Error::input(
                format!("--threshold is for two classes: {error}"),
                "leave it out: the most probable class is predicted",
            ),
            DecisionError::Metric(_) => Error::input(
                format!("--threshold: {error}"),
                &format!(
                    "use a number between 0 and 1, accuracy, balanced_accuracy, macro_f1, weighted_f1, mcc, {}",
                    one_of(meta.classes.iter().map(|class| format!("f1@{class}")).collect())
                ),
            ),
        })
    }

    /// What was fitted on the validation rows.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Reads the table at `path` as the training data were read; every cell is kept as it stands.
    pub fn read_table(&self, path: &Path) -> Result<Table, Error> {
        let storage = Storage {
            all_text: true,
            ..Storage::default()
        };
        let paths = [path.to_path_buf()];
        Table::read(&paths, &self.preprocessor.format(), &storage, "").map_err(Error::Data)
    }

    /// Names of the columns that predictions add to `table`.
    pub fn columns(&self, table: &Table) -> Vec<String> {
        predict::columns(table, self.classes(), self.decision.conformal.is_some())
    }

    /// Names of the classes, in order.
    pub fn classes(&self) -> &[String] {
        &self.preprocessor.classes
    }

    /// The zero line of `found`: always predicting the most frequent class of the scored rows. `None`
    /// without such rows, and where numbers are predicted.
    pub fn always(&self, found: &TargetScores) -> Option<Always> {
        let counts = ClassCounts {
            train: found.per_class.clone(),
            valid: found.per_class.clone(),
        };
        if self.preprocessor.number.is_some() {
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
        self.preprocessor.number.is_some()
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
            models,
            preprocessor,
            decision,
            ..
        } = self;
        let encoder = preprocessor
            .on(table)
            .map_err(|error| WriteFailure::Model(Error::Data(vec![error])))?;
        let target = preprocessor.target_of(table);
        let layout = Layout {
            classes: &preprocessor.classes,
            delimiter,
            decision,
        };
        let summary = predict::write(table, &encoder, target.as_ref(), models, layout, out)?;
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

fn from_folder(folder: &Path) -> Result<Models, Error> {
    let bundle = Bundle::read(folder).map_err(|error| bundle_error(folder, &error))?;
    Ok(Models {
        trials: vec![bundle.card.trial.to_string()],
        models: vec![bundle.model],
        preprocessor: bundle.preprocessor,
        decision: Decision::default(),
    })
}

/// Which trials of a configuration, at least one, an ensemble has.
fn members(trials: &[&TrialRecord]) -> String {
    let config = trials.first().map_or("", |trial| trial.config.short());
    let seeds: Vec<String> = trials.iter().map(|trial| trial.seed.to_string()).collect();
    match seeds.as_slice() {
        [seed] => format!("configuration {config}: seed {seed} alone, no other has finished"),
        seeds => format!(
            "configuration {config}: the mean of {} trials, seeds {}",
            seeds.len(),
            seeds.join(", ")
        ),
    }
}

fn bundle_error(folder: &Path, error: &BundleError) -> Error {
    let help = match error {
        BundleError::Read { .. } => "name a complete folder that `sweep export` wrote",
        BundleError::Format { .. } | BundleError::Damaged { .. } => "",
        // The folder is intact; the message names what is missing elsewhere.
        BundleError::Preprocessor(error) if error.kind() == io::ErrorKind::Other => "",
        _ => "export the model again, or use an intact copy of the folder",
    };
    match error {
        BundleError::Read { .. } if !folder.is_dir() => {
            Error::input(format!("there is no folder {}", folder.display()), help)
        }
        _ => Error::environment(error, help),
    }
}
