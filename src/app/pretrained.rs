//! The source of a transfer: a trained network, found in the database, and its weights file.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use sweep_core::data_config::DataSpec;
use sweep_core::run_dir::RunDir;
use sweep_core::trial::models::MlpSpec;
use sweep_core::trial::{FROM, Kind, ModelSpec, Status, TrialId, Value};
use sweep_data::SourceData;
use sweep_engine::models::mlp::WEIGHTS;
use sweep_experiment::Source;
use sweep_store::{
    DatasetRecord, ExperimentFile, ExperimentRecord, Store, StoreError, TrialRecord,
};

use crate::app::App;
use crate::error::Error;
use crate::loaded::LoadedExperiment;
use crate::model;

/// A finished network and the data it was trained on.
pub struct PretrainedModel {
    pub trial: TrialId,
    /// Its weights file.
    pub weights: PathBuf,
    /// SHA-256 of that file, hexadecimal.
    pub weights_sha256: String,
    pub network: MlpSpec,
    /// Of a source that is `SWEEP:best`: with which other networks it is tied, as a sentence.
    pub tie: Option<String>,
    /// The data that it was trained on.
    dataset: DatasetRecord,
    /// How they were prepared.
    data: DataSpec,
}

/// Why the source cannot be used, and what to do.
struct Refused {
    message: String,
    help: String,
}

fn refuse<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Refused> {
    Err(Refused {
        message: message.into(),
        help: help.into(),
    })
}

impl PretrainedModel {
    /// The source that `loaded` names, or `pinned`: a resumed sweep keeps its source. `None` without a transfer.
    pub fn find(
        app: &App,
        loaded: &LoadedExperiment,
        pinned: Option<&TrialId>,
    ) -> Result<Option<PretrainedModel>, Error> {
        let Some(transfer) = &loaded.experiment.transfer else {
            return Ok(None);
        };
        let diagnose = |refused: Refused| {
            let problem = loaded
                .experiment
                .diagnose("transfer.from", refused.message)
                .help(refused.help);
            loaded.rejected(vec![problem])
        };
        let store = match app.read_if_any()? {
            Some(store) => store,
            None => {
                let message = format!("{} does not exist yet", app.store.display());
                let help = "train the source first with `sweep run` on its experiment file";
                return Err(diagnose(Refused {
                    message,
                    help: help.to_owned(),
                }));
            }
        };
        let from = pinned.map_or(transfer.from.as_str(), TrialId::as_str);
        let found = find(app, &store, from).map_err(|error| match error {
            Problem::Refused(refused) => diagnose(refused),
            Problem::Failed(failure) => failure,
        })?;
        Ok(Some(found))
    }

    /// Its data, prepared in `run_dir`.
    pub fn data<'a>(&'a self, run_dir: &'a RunDir) -> SourceData<'a> {
        SourceData {
            spec: &self.data,
            sha256: &self.dataset.source_sha256,
            digest: &self.dataset.digest,
            run_dir,
        }
    }

    /// The source that the trials of `record` were planned with.
    pub fn pinned(record: &ExperimentRecord) -> Option<TrialId> {
        let trials = record.trials.iter().filter(|trial| trial.in_plan);
        trials
            .flat_map(|trial| &trial.params)
            .find_map(|(key, value)| match value {
                Value::Text(name) if key == FROM => Some(TrialId::from_hex(name)),
                _ => None,
            })
    }
}

enum Problem {
    Refused(Refused),
    Failed(Error),
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        Problem::Refused(refused)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::Failed(error.into())
    }
}

impl From<Error> for Problem {
    fn from(failure: Error) -> Problem {
        Problem::Failed(failure)
    }
}

fn find(app: &App, store: &Store, from: &str) -> Result<PretrainedModel, Problem> {
    let (origin, trial, tie) = match from.split_once(':') {
        Some((name, which)) => {
            let (experiment, trial, tie) = of_sweep(store, name, which)?;
            (Origin::of(experiment), trial, tie)
        }
        None => {
            let (origin, trial) = of_prefix(store, from)?;
            (origin, trial, None)
        }
    };
    let tie = tie.map(|tie| {
        let (config, trial) = (trial.config.short(), trial.id.short());
        format!("{from} is trial {trial} of configuration {config}: {tie}")
    });
    let network = network(&trial)?;
    let data = data_spec(&origin.file)?;
    let weights = app.trials().join(trial.id.as_str()).join(WEIGHTS);
    let weights_sha256 = weights_of(app, store, &trial, &weights)?;
    Ok(PretrainedModel {
        trial: trial.id,
        weights,
        weights_sha256,
        network,
        tie,
        dataset: origin.dataset,
        data,
    })
}

/// The experiment of a source.
struct Origin {
    file: ExperimentFile,
    /// The prepared data of that file.
    dataset: DatasetRecord,
}

impl Origin {
    fn of(experiment: ExperimentRecord) -> Origin {
        Origin {
            file: ExperimentFile {
                experiment: experiment.name,
                path: experiment.file_path,
                text: experiment.file_text,
                flags: experiment.flags,
                edition: experiment.edition,
            },
            dataset: experiment.dataset,
        }
    }
}

/// `SWEEP:best`, with what it is tied with, or `SWEEP:TRIAL`.
fn of_sweep(
    store: &Store,
    name: &str,
    which: &str,
) -> Result<(ExperimentRecord, TrialRecord, Option<String>), Problem> {
    let Some(experiment) = store.experiment(name)? else {
        let known = store.experiments()?;
        let names: Vec<&str> = known.iter().map(|other| other.name.as_str()).collect();
        return Ok(refuse(
            format!("there is no sweep `{name}`"),
            match names.is_empty() {
                true => "train the source first with `sweep run` on its experiment file".to_owned(),
                false => format!("existing sweeps: {}", names.join(", ")),
            },
        )?);
    };
    let in_plan = || experiment.trials.iter().filter(|trial| trial.in_plan);
    if which == "best" {
        let best = model::best_trial(&experiment, Some(Kind::MLP));
        let best = best.map(|(trial, tie)| (trial.clone(), tie));
        return match best {
            Some((trial, tie)) => Ok((experiment, trial, tie)),
            None => Ok(refuse(
                format!("no network of `{name}` has finished yet"),
                format!("`sweep run` its experiment file, or `sweep resume {name}`"),
            )?),
        };
    }
    let wanted = which.to_ascii_lowercase();
    let found: Vec<&TrialRecord> = in_plan()
        .filter(|trial| !wanted.is_empty() && trial.id.as_str().starts_with(&wanted))
        .collect();
    match found.as_slice() {
        [trial] => {
            let trial = (*trial).clone();
            Ok((experiment, trial, None))
        }
        [] => Ok(refuse(
            format!("`{name}` has no trial `{which}`"),
            format!("`sweep show {name}` lists them; \"{name}:best\" is its best network"),
        )?),
        many => Ok(refuse(
            format!("{} trials of `{name}` begin with `{which}`", many.len()),
            "give more digits",
        )?),
    }
}

/// A trial by the first digits of its name, with the experiment file it was trained with, whether a sweep still plans it
/// or not.
fn of_prefix(store: &Store, prefix: &str) -> Result<(Origin, TrialRecord), Problem> {
    let trial = match store.find_trial(prefix) {
        Ok(trial) => trial,
        Err(error) => {
            return Ok(refuse(
                error.to_string(),
                "write \"SWEEP:best\", \"SWEEP:TRIAL\" or \"TRIAL\": `sweep ls` lists the sweeps, \
                 `sweep show SWEEP` their trials",
            )?);
        }
    };
    let Some(file) = store.file_of(&trial.id)? else {
        // The better message, if it is not finished.
        network(&trial)?;
        return Ok(refuse(
            format!(
                "the database does not contain the experiment file of trial {}",
                trial.id.short()
            ),
            "use another trial",
        )?);
    };
    let dataset = store.dataset_of(&trial.id)?;
    Ok((Origin { file, dataset }, trial))
}

/// The settings of a finished network.
fn network(trial: &TrialRecord) -> Result<MlpSpec, Refused> {
    let short = trial.id.short();
    if trial.kind != Kind::MLP {
        return refuse(
            format!("trial {short} is a {}, not a network", trial.kind.name()),
            "layers can only be copied from networks",
        );
    }
    if trial.status != Status::Finished {
        return refuse(
            format!("trial {short} is {}, not finished", trial.status.name()),
            "finish it, or use another trial",
        );
    }
    let mut model = ModelSpec::new(Kind::MLP);
    for (key, value) in &trial.params {
        if Kind::MLP.param(key).is_some() && model.set(key, value).is_err() {
            return refuse(
                format!("trial {short} is recorded with `{key}` = {value}, which is not valid"),
                "it was written by another version: train the source again",
            );
        }
    }
    Ok(MlpSpec::of(&model).expect("made as a network above"))
}

/// The data settings of the experiment file of the source.
fn data_spec(file: &ExperimentFile) -> Result<DataSpec, Refused> {
    let source = Source {
        path: file.path.clone(),
        text: file.text.clone(),
    };
    match sweep_experiment::parse(&source, &file.flags, file.edition) {
        Ok(parsed) => Ok(parsed.data),
        Err(problems) => {
            let first = problems.first().map_or("", |problem| &problem.message);
            refuse(
                format!(
                    "the recorded experiment file of `{}` can no longer be read: {first}",
                    file.experiment
                ),
                "run the sweep of the source again with this version",
            )
        }
    }
}

/// SHA-256 of the weights file, whose length must be the recorded one.
fn weights_of(
    app: &App,
    store: &Store,
    trial: &TrialRecord,
    weights: &std::path::Path,
) -> Result<String, Problem> {
    let short = trial.id.short();
    let help = format!(
        "restore the file from a copy, train it again with {}, or train another network as the source",
        model::train_again(app, &trial.id)
    );
    let bytes = match std::fs::read(weights) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Ok(refuse(
                format!(
                    "the weights of trial {short} cannot be read: {}: {error}",
                    weights.display()
                ),
                help,
            )?);
        }
    };
    let recorded = store.artifacts(&trial.id)?;
    let recorded = recorded
        .iter()
        .find(|artifact| artifact.path == std::path::Path::new(WEIGHTS));
    if let Some(artifact) = recorded.filter(|artifact| artifact.bytes != bytes.len() as u64) {
        return Ok(refuse(
            format!(
                "the weights of trial {short} have changed: {} has {} bytes instead of {}",
                weights.display(),
                bytes.len(),
                artifact.bytes
            ),
            help,
        )?);
    }
    let digest = Sha256::digest(&bytes);
    Ok(sweep_core::format::hex(&digest))
}
