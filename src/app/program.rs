//! The program of an experiment on this machine: the files that it is made of, and the names made from them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sweep_core::format::{hex, pluralize};
use sweep_core::program::{
    ConfigFile, DIGEST_FACT, INPUT_FACT, MetricSource, ProgramSpec, Selection, VARIABLE_FACT,
};
use sweep_core::trial::DataDigest;
use sweep_data::Prepared;
use sweep_experiment::plan::PlannedTrial;
use sweep_experiment::{Diagnostic, Experiment, ProgramTable};
use sweep_program::config_file::with_settings;
use sweep_program::inputs::{self, Input};
use sweep_store::ExperimentRecord;

use crate::error::Error;
use crate::loaded::LoadedExperiment;

/// The program of an experiment, and what its trials depend on.
pub struct PreparedProgram {
    pub inputs: Vec<Input>,
    /// Variables of the environment that names of trials depend on, with their values.
    pub variables: Vec<(String, Option<String>)>,
    /// Of the command line and of all that it depends on.
    pub digest: String,
}

/// Everything but settings and seed that decides what a trial does; its JSON is hashed.
#[derive(Serialize)]
struct Identity<'a> {
    command: &'a [String],
    shell: bool,
    args: &'a [String],
    config: &'a Option<ConfigFile>,
    env: &'a std::collections::BTreeMap<String, String>,
    directory: &'a str,
    metrics: &'a MetricSource,
    selection: Selection,
    variables: &'a [(String, Option<String>)],
    inputs: Vec<(&'a Path, &'a str)>,
}

impl PreparedProgram {
    /// Finds the inputs of the program of `loaded`, and says in its experiment which program its trials are.
    ///
    /// # Errors
    /// When a pattern names no file, or a file cannot be read.
    pub fn prepare(loaded: &mut LoadedExperiment) -> Result<Option<PreparedProgram>, Error> {
        let Some(table) = loaded.experiment.program.clone() else {
            return Ok(None);
        };
        let spec = &table.spec;
        let inputs = find_inputs(&table, loaded)?;
        let variable = |name: &String| (name.clone(), std::env::var(name).ok());
        let variables: Vec<_> = spec.depends_on_env.iter().map(variable).collect();
        let digest = digest(spec, &inputs, &variables);
        loaded.experiment.set_program(&digest);
        Ok(Some(PreparedProgram {
            inputs,
            variables,
            digest,
        }))
    }

    /// What stands for the data of its trials: named by the files that it is made of, so that edited ones are noticed as
    /// edited data are.
    pub fn data(&self) -> Prepared {
        let mut hash = Sha256::new();
        for Input { path, sha256 } in &self.inputs {
            hash.update(format!("{sha256} {}\n", path.display()));
        }
        for (name, value) in &self.variables {
            hash.update(format!("{name} {value:?}\n"));
        }
        let digest = DataDigest::of(hash);
        Prepared::without_table(digest, self.source())
    }

    /// The inputs, for people: the first of them.
    fn source(&self) -> PathBuf {
        match self.inputs.first() {
            Some(input) => input.path.clone(),
            None => PathBuf::new(),
        }
    }

    /// Facts about the session that runs it.
    pub fn facts(&self) -> Vec<(String, String)> {
        let inputs = self.inputs.iter().map(|input| {
            let name = format!("{INPUT_FACT}{}", input.path.display());
            (name, input.sha256.clone())
        });
        let variables = self.variables.iter().map(|(name, value)| {
            let name = format!("{VARIABLE_FACT}{name}");
            (name, value.clone().unwrap_or_default())
        });
        let digest = (DIGEST_FACT.to_owned(), self.digest.clone());
        inputs.chain(variables).chain([digest]).collect()
    }

    /// What is different from the `facts` of an earlier session, as a sentence fragment: `train.py was edited`; `None` if
    /// nothing is.
    pub fn changes(&self, facts: &[(String, String)]) -> Option<String> {
        let before = |name: &str| facts.iter().find(|(known, _)| known == name);
        let now = self.facts();
        let mut changes: Vec<String> = Vec::new();
        for (name, value) in now.iter().filter(|(name, _)| name != DIGEST_FACT) {
            let shown = shown(name);
            match before(name) {
                Some((_, old)) if old == value => {}
                Some(_) if name.starts_with(INPUT_FACT) => {
                    changes.push(format!("{shown} was edited"))
                }
                Some((_, old)) => changes.push(format!("{shown} was {old:?} and is {value:?}")),
                None => changes.push(format!("{shown} is new")),
            }
        }
        let is_gone = |(name, _): &&(String, String)| {
            [INPUT_FACT, VARIABLE_FACT]
                .iter()
                .any(|kind| name.starts_with(kind))
                && now.iter().all(|(known, _)| known != name)
        };
        changes.extend(
            facts
                .iter()
                .filter(is_gone)
                .map(|(name, _)| format!("{} is gone", shown(name))),
        );
        const MOST: usize = 5;
        if changes.len() > MOST {
            let more = changes.len() - MOST;
            changes.truncate(MOST);
            changes.push(format!("{} more", pluralize(more, "change")));
        }
        (!changes.is_empty()).then(|| changes.join(", "))
    }
}

/// Checks that the settings of `trial` have a place in the configuration file of the experiment of `loaded`, if it has one.
///
/// # Errors
/// When one has not, or the file cannot be read.
pub fn check_config(loaded: &LoadedExperiment, trial: Option<&PlannedTrial>) -> Result<(), Error> {
    let program = loaded.experiment.program.as_ref();
    let config = program.and_then(|program| program.spec.config.as_ref());
    let (Some(config), Some(trial)) = (config, trial) else {
        return Ok(());
    };
    let shown = config.file.display();
    let text = std::fs::read_to_string(&config.file);
    let wrong = match text {
        Ok(text) => match with_settings(&text, config, &trial.spec.model.params()) {
            Ok(_) => return Ok(()),
            Err(error) => format!("{shown}: {error}"),
        },
        Err(error) => format!("cannot read {shown}: {error}"),
    };
    let problem = loaded.experiment.diagnose("program.config", wrong);
    Err(loaded.rejected(vec![problem.help(
        "`keys` of `config` says at which key of the file each setting is written",
    )]))
}

/// Refuses `what` for the sweep `record` if its trials are programs.
///
/// # Errors
/// When they are.
pub fn refuse(record: &ExperimentRecord, what: &str) -> Result<(), Error> {
    match record.is_of_programs() {
        false => Ok(()),
        true => Err(of_programs(&record.name, what)),
    }
}

/// The same for an experiment that is not in the database.
///
/// # Errors
/// When its trials are programs.
pub fn refuse_file(experiment: &Experiment, what: &str) -> Result<(), Error> {
    match &experiment.program {
        None => Ok(()),
        Some(_) => Err(of_programs(&experiment.name, what)),
    }
}

fn of_programs(name: &str, what: &str) -> Error {
    Error::input(
        format!("the trials of {name} are programs, which read their own data: {what}"),
        "an experiment file with [data] in place of [program] trains models that `sweep` knows",
    )
}

/// The name of a fact, for people.
fn shown(name: &str) -> &str {
    let bare = name.strip_prefix(INPUT_FACT);
    bare.or_else(|| name.strip_prefix(VARIABLE_FACT))
        .unwrap_or(name)
}

fn digest(spec: &ProgramSpec, inputs: &[Input], variables: &[(String, Option<String>)]) -> String {
    let identity = Identity {
        command: &spec.command,
        shell: spec.shell,
        args: &spec.args,
        config: &spec.config,
        env: &spec.env,
        directory: &spec.directory,
        metrics: &spec.metrics,
        selection: spec.selection,
        variables,
        inputs: inputs
            .iter()
            .map(|input| (input.path.as_path(), input.sha256.as_str()))
            .collect(),
    };
    let text = serde_json::to_vec(&identity).expect("it is plain data");
    hex(&Sha256::digest(text)[..16])
}

/// The files that `inputs` of [program] names, or that the command does where it is left out, and the configuration file.
fn find_inputs(table: &ProgramTable, loaded: &LoadedExperiment) -> Result<Vec<Input>, Error> {
    let spec = &table.spec;
    let directory = Path::new(&spec.directory);
    let named_by_command = || {
        let words: Vec<&str> = match spec.shell {
            true => spec
                .command
                .iter()
                .flat_map(|script| script.split_whitespace())
                .collect(),
            false => spec.command.iter().map(String::as_str).collect(),
        };
        let is_file = |word: &&str| !word.contains('{') && directory.join(word).is_file();
        let paths = words
            .into_iter()
            .filter(is_file)
            .map(|word| directory.join(word));
        paths.map(|path| path.strip_prefix(".").map(Path::to_owned).unwrap_or(path))
    };
    let mut patterns: Vec<(String, String)> = match &table.inputs {
        Some(inputs) => { inputs.iter().enumerate() }
            .map(|(at, pattern)| (pattern.clone(), format!("program.inputs[{at}]")))
            .collect(),
        None => named_by_command()
            .map(|path| {
                let pattern = glob::Pattern::escape(&path.to_string_lossy());
                (pattern, "program.command".to_owned())
            })
            .collect(),
    };
    if let Some(config) = &spec.config {
        let pattern = glob::Pattern::escape(&config.file.to_string_lossy());
        patterns.push((pattern, "program.config.file".to_owned()));
    }
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (pattern, key) in patterns {
        match inputs::find(&pattern) {
            Ok(files) => found.extend(files),
            Err(error) => {
                let problem: Diagnostic = loaded
                    .experiment
                    .diagnose(&key, format!("{pattern:?}: {error}"))
                    .help("paths and patterns are relative to the working directory");
                problems.push(problem);
            }
        }
    }
    if !problems.is_empty() {
        return Err(loaded.rejected(problems));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup();
    Ok(found)
}
