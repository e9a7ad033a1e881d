//! Experiment files, read and checked.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sweep_core::data_config::Edition;
use sweep_data::DataError;
use sweep_experiment::{Diagnostic, Experiment, MAX_FILE_BYTES, Source};

use crate::error::Error;

/// A checked experiment, with its text.
pub struct LoadedExperiment {
    pub source: Source,
    /// The absolute path of the file that was read; `None` if the text is that of the database.
    pub file: Option<PathBuf>,
    pub flags: Vec<String>,
    pub experiment: Experiment,
    /// Sweeps whose results its searches are told before their first decisions, beside those on the same data.
    pub told_from: Vec<String>,
}

/// Reads and checks the experiment file at `path`, with `flags` set on top of it.
pub fn read(path: &Path, flags: &[String]) -> Result<LoadedExperiment, Error> {
    if let Some((flag, later)) = sweep_experiment::overridden(flags) {
        return Err(Error::input(
            format!("--set {flag} has no effect beside --set {later}"),
            "leave out one of the two",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            let help = "give the path of an experiment file, such as experiments/quickstart.toml";
            Error::input(format!("cannot read {}: {error}", path.display()), help)
        })?;
    let source = Source::from_bytes(path, bytes)
        .map_err(|problem| Error::input(&problem, problem.help.as_deref().unwrap_or("")))?;
    let mut loaded = check(source, flags, Edition::default())?;
    loaded.file = std::path::absolute(path).ok();
    Ok(loaded)
}

/// Checks an experiment whose text is already read, with the defaults of `edition` for its data.
pub fn check(
    source: Source,
    flags: &[String],
    edition: Edition,
) -> Result<LoadedExperiment, Error> {
    match sweep_experiment::parse(&source, flags, edition) {
        Ok(experiment) => Ok(LoadedExperiment {
            source,
            file: None,
            flags: flags.to_vec(),
            experiment,
            told_from: Vec::new(),
        }),
        Err(problems) => Err(Error::Experiment {
            file: source,
            flags: flags.to_vec(),
            problems,
        }),
    }
}

impl LoadedExperiment {
    /// An error that points at keys of this experiment.
    pub fn rejected(&self, problems: Vec<Diagnostic>) -> Error {
        Error::Experiment {
            file: self.source.clone(),
            flags: self.flags.clone(),
            problems,
        }
    }

    /// Points at the keys of the experiment that cause errors in the data.
    pub fn diagnose(&self, errors: &[DataError]) -> Error {
        // No key causes a problem of the machine.
        if let Some(error) = errors.iter().find(|error| error.is_of_machine) {
            return Error::environment(error, &error.help);
        }
        let diagnosed = |error: &DataError| {
            let key = error.key.as_deref().unwrap_or("data.path");
            self.experiment
                .diagnose(key, error.to_string())
                .help(error.help.clone())
        };
        let problems: Vec<Diagnostic> = errors.iter().map(diagnosed).collect();
        self.rejected(problems)
    }
}
