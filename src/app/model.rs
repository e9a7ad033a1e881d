//! Which trained model a command means, and where its files are; shared by `predict`, `export` and
//! `report --test`.

use std::io;

use sweep_analysis::Summary;
use sweep_core::format::one_of;
use sweep_core::trial::{Kind, Status, TrialId};
use sweep_data::SavedPreprocessor;
use sweep_engine::EngineError;
use sweep_engine::models::library;
use sweep_engine::predict::{PredictError, Predicted, Predictor};
use sweep_store::{DatasetRecord, ExperimentRecord, Store, TrialRecord};

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::resolve::{self, Best};
use crate::search;

/// The word for the best seed of the best configuration.
const BEST: &str = "best";

/// From which models one is chosen.
#[derive(Debug, Clone, Default)]
pub struct ModelOptions {
    /// The sweep; the last one if left out.
    pub experiment: Option<String>,
    /// With `best`: the best configuration of this kind of model.
    pub kind: Option<Kind>,
    /// Whether it is trained once more on training and validation rows; `None` is as the experiment file says.
    pub refit: Option<bool>,
}

/// A finished trial with what it was trained on.
pub struct Chosen {
    pub trial: TrialRecord,
    /// Why it was chosen: among the trials of a configuration, if one was named, or among configurations that tie.
    pub why: Option<String>,
    /// An experiment that asks for it.
    pub experiment: ExperimentRecord,
    pub dataset: DatasetRecord,
    /// Whether it stands for its configuration, and was not named itself.
    stands_for_configuration: bool,
}

/// The finished trial that `what` names: `best`, a name, its first digits, or those of its configuration.
pub fn choose(app: &App, what: &str, options: &ModelOptions) -> Result<Chosen, Error> {
    let store = app.read()?;
    if what != BEST && options.kind.is_some() {
        let help = "leave it out, or use `best`";
        return Err(Error::input(
            "--kind is for `best`, not for the name of a trial",
            help,
        ));
    }
    let (Best { trial, why }, experiment) = match (what, &options.experiment) {
        (BEST, name) => {
            let experiment = app.experiment(name.as_deref())?;
            search::refuse_best_of_front(app, &store, &experiment)?;
            (best(&experiment, options.kind)?, experiment)
        }
        (prefix, Some(name)) => {
            let experiment = app.experiment(Some(name))?;
            let trial = resolve::best_within(app, &store, &experiment, prefix)?;
            (trial, experiment)
        }
        (prefix, None) => anywhere(app, &store, prefix)?,
    };
    if trial.kind == Kind::PROGRAM {
        let (short, folder) = (trial.id.short(), app.run_dir().trial(&trial.id));
        return Err(Error::input(
            format!("trial {short} is a run of a program, and leaves no model that `sweep` knows"),
            &format!(
                "`sweep show {short}` lists its artifacts, which are in {}",
                folder.display()
            ),
        ));
    }
    if trial.status != Status::Finished {
        let message = format!(
            "trial {} is {}: only a finished trial has a model",
            trial.id.short(),
            trial.status.name()
        );
        let help = format!(
            "`sweep resume {}` trains unfinished trials",
            experiment.name
        );
        return Err(Error::input(message, &help));
    }
    let mut chosen = Chosen {
        dataset: store.dataset_of(&trial.id)?,
        stands_for_configuration: what == BEST || why.is_some(),
        trial,
        why,
        experiment,
    };
    if chosen.stands_for_configuration && chosen.trial.fold.is_some() {
        chosen.choose_best_seed(&store)?;
    }
    Ok(chosen)
}

impl Chosen {
    /// Whether a configuration was asked for, and not this trial by its name.
    pub fn stands_for_configuration(&self) -> bool {
        self.stands_for_configuration
    }

    /// Gives notice of why it was chosen, if there was a choice.
    pub fn notice(&self, observer: &dyn Observer) {
        if let Some(why) = &self.why {
            observer.notice(&Notice::TrialChosen(why.clone()));
        }
    }

    /// Of a cross-validated configuration, the seed that is best over all folds: single folds have different rows.
    fn choose_best_seed(&mut self, store: &Store) -> Result<(), Error> {
        let summary = Summary::of(&self.experiment);
        let config = (summary.ranking.iter()).find(|config| config.id == self.trial.config);
        let best = config.map(|config| config.best_run(&summary.objective).trial.clone());
        let trials = &self.experiment.trials;
        if let Some(trial) = trials.iter().find(|trial| Some(&trial.id) == best.as_ref()) {
            self.dataset = store.dataset_of(&trial.id)?;
            self.trial = trial.clone();
        }
        Ok(())
    }

    /// The trials that it means: itself, or all folds of its seed where it stands for a cross-validated configuration.
    pub fn folds(&self) -> Vec<&TrialRecord> {
        match self.stands_for_configuration && self.trial.fold.is_some() {
            true => self.finished(|trial| trial.seed == self.trial.seed),
            false => vec![&self.trial],
        }
    }

    /// All finished trials of its configuration, itself among them, by seed and fold.
    pub fn seeds(&self) -> Vec<&TrialRecord> {
        self.finished(|_| true)
    }

    fn finished(&self, is_meant: impl Fn(&TrialRecord) -> bool) -> Vec<&TrialRecord> {
        let others = |trial: &&TrialRecord| {
            trial.config == self.trial.config
                && trial.status == Status::Finished
                && trial.id != self.trial.id
                && is_meant(trial)
        };
        let mut trials: Vec<&TrialRecord> = self.experiment.trials.iter().filter(others).collect();
        trials.push(&self.trial);
        trials.sort_by_key(|trial| (trial.seed, trial.fold));
        trials
    }

    /// How its features are computed.
    pub fn preprocessor(&self, app: &App) -> Result<SavedPreprocessor, Error> {
        self.preprocessor_of(app, &self.trial)
    }

    /// How the features of `trial`, one of its configuration, are computed.
    pub fn preprocessor_of(
        &self,
        app: &App,
        trial: &TrialRecord,
    ) -> Result<SavedPreprocessor, Error> {
        let dataset = match trial.id == self.trial.id {
            true => &self.dataset,
            false => self.experiment.dataset_of(trial.fold),
        };
        preprocessor(app, &self.experiment, dataset)
    }

    /// A failure to read prepared data, with how to prepare them again.
    pub fn data_failure(&self, error: &io::Error) -> Error {
        unprepared(&self.experiment, error)
    }
}

/// How the features of `dataset`, one of `experiment`, are computed.
pub fn preprocessor(
    app: &App,
    experiment: &ExperimentRecord,
    dataset: &DatasetRecord,
) -> Result<SavedPreprocessor, Error> {
    SavedPreprocessor::read(&app.run_dir().preprocessor(&dataset.digest))
        .map_err(|error| unprepared(experiment, &error))
}

/// A failure to read the prepared data of `experiment`, with how to prepare them again.
pub fn unprepared(experiment: &ExperimentRecord, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::Other {
        // A sentence encoder was moved: preparing again would not help.
        return Error::environment(error, "");
    }
    let file = experiment.file_path.display();
    let flags: String = experiment
        .flags
        .iter()
        .map(|flag| format!(" --set '{flag}'"))
        .collect();
    Error::environment(
        error,
        &format!(
            "`sweep data check {file}{flags}` prepares the data again, to the same bytes unless \
             the source file has changed"
        ),
    )
}

/// The model of `trial`, which takes `features` and gives what is `predicted`.
pub fn load(
    app: &App,
    trial: &TrialRecord,
    features: &[String],
    predicted: Predicted<'_>,
) -> Result<Predictor, Error> {
    let folder = app.trials().join(trial.id.as_str());
    Predictor::load(&folder, trial.kind, features, predicted).map_err(|error| match error {
        // The message says what to do.
        error if lacks_library(&error) => Error::environment(error, ""),
        error => model_failure(app, &trial.id, error),
    })
}

/// Whether a model was not read because its library is missing, which says nothing of the model.
pub fn lacks_library(error: &PredictError) -> bool {
    matches!(error, PredictError::Engine(EngineError::Library { .. }))
        && Kind::all().any(|kind| matches!(library(kind), Some(Err(_))))
}

/// A failure to read the model of `trial`.
pub fn model_failure(app: &App, trial: &TrialId, error: impl std::fmt::Display) -> Error {
    let help = format!(
        "the files of the model belong in {}; restore them from a copy, train it again with {}, or choose another trial",
        app.run_dir().trial(trial).display(),
        train_again(app, trial)
    );
    Error::environment(error, &help)
}

/// The command that trains the model of `trial` again.
pub fn train_again(app: &App, trial: &TrialId) -> String {
    let names = app
        .read()
        .and_then(|store| Ok(store.experiments_of(trial)?));
    let name = names.ok().and_then(|names| names.into_iter().next());
    format!(
        "`sweep resume {} --missing-models`",
        name.as_deref().unwrap_or("NAME")
    )
}

/// The best seed of the configuration that ranks first, as in a report; of `kind`, if one is given.
fn best(experiment: &ExperimentRecord, kind: Option<Kind>) -> Result<Best, Error> {
    match best_trial(experiment, kind) {
        Some((trial, tie)) => {
            let why = tie.map(|tie| {
                let (config, trial) = (trial.config.short(), trial.id.short());
                format!("configuration {config}, trial {trial}: {tie}")
            });
            let trial = trial.clone();
            Ok(Best { trial, why })
        }
        None => {
            let of = kind.map_or(String::new(), |kind| format!(" of kind {}", kind.name()));
            let message = format!("no trial{of} of sweep {} has finished", experiment.name);
            let help = format!("`sweep show {}` shows its trials", experiment.name);
            Err(Error::input(message, &help))
        }
    }
}

/// What `best` means in every command: of the configuration with the best rank, of `kind` if one is given, the seed with
/// the best score. Decided by configurations first, since the best of all runs is the luckiest. Of equal ones, it is the one
/// with the lowest validation loss; the text says so where configurations tie.
pub fn best_trial(
    experiment: &ExperimentRecord,
    kind: Option<Kind>,
) -> Option<(&TrialRecord, Option<String>)> {
    let summary = Summary::of(experiment);
    let first = match kind {
        Some(kind) => summary.best_of(kind),
        None => summary.ranking.first(),
    };
    let best = first?.best_run(&summary.objective);
    let trial = (experiment.trials.iter()).find(|trial| trial.id == best.trial)?;
    Some((trial, summary.tie(first?, kind)))
}

/// The trial that `prefix` means, of whatever experiment.
fn anywhere(app: &App, store: &Store, prefix: &str) -> Result<(Best, ExperimentRecord), Error> {
    let best = resolve::best(app, store, prefix)?;
    let names = store.experiments_of(&best.trial.id)?;
    let name = names.first().map(String::as_str);
    Ok((best, app.experiment(name)?))
}

/// The kind that `name` means: as files and queries spell it, or as tables print it.
pub fn kind(name: &str) -> Result<Kind, String> {
    let plain = |name: &str| name.to_ascii_lowercase().replace([' ', '-'], "_");
    let is_meant = |kind: &Kind| {
        let names = [kind.name(), kind.label()];
        names.iter().any(|known| plain(known) == plain(name))
    };
    Kind::all().find(is_meant).ok_or_else(|| {
        let names = Kind::all().map(|kind| match plain(kind.label()) == plain(kind.name()) {
            true => kind.name().to_owned(),
            false => format!("{} (or {})", kind.name(), kind.label()),
        });
        format!("must be {}", one_of(names.collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_in_files_and_as_in_tables() {
        for name in ["mlp", "network", "Network"] {
            assert_eq!(kind(name), Ok(Kind::MLP), "{name}");
        }
        for name in ["random_forest", "random forest", "random-forest"] {
            assert_eq!(kind(name), Ok(Kind::RANDOM_FOREST), "{name}");
        }
        assert_eq!(kind("XGBoost"), Ok(Kind::XGBOOST));
        let refused = kind("cnn").unwrap_err();
        assert!(
            refused.starts_with("must be mlp (or network), xgboost"),
            "{refused}"
        );
    }
}
