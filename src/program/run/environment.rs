//! What a program finds in its environment, and what placeholders stand for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use sweep_core::trial::Value;

use super::Attempt;
use crate::template::Replacement;
use crate::values::to_text;

/// Variables that programs can rely on.
pub const TRIAL: &str = "SWEEP_TRIAL";
pub const SEED: &str = "SWEEP_SEED";
pub const PARAMS: &str = "SWEEP_PARAMS";
pub const METRICS: &str = "SWEEP_METRICS";
pub const TRIAL_DIR: &str = "SWEEP_TRIAL_DIR";
pub const CHECKPOINT_DIR: &str = "SWEEP_CHECKPOINT_DIR";
pub const RESUME_STEP: &str = "SWEEP_RESUME_STEP";
/// What the name of a setting follows in that of its variable.
pub const PARAM: &str = "SWEEP_PARAM_";
/// Set by the launcher for a worker alone.
const OF_WORKERS: [&str; 1] = ["OMP_WAIT_POLICY"];

/// Where the files of an attempt are.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    pub folder: &'a Path,
    pub checkpoints: &'a Path,
    /// The JSON file of settings.
    pub params: &'a Path,
    /// The named pipe of metrics.
    pub metrics: &'a Path,
    /// The copy of the configuration file.
    pub config: Option<&'a Path>,
}

/// What each placeholder stands for.
#[derive(Debug)]
pub struct Placeholders {
    settings: HashMap<String, Value>,
    /// Those that every program has.
    built_in: HashMap<&'static str, OsString>,
}

impl Placeholders {
    pub fn new(attempt: &Attempt<'_>, places: Places<'_>) -> Placeholders {
        let path = |path: &Path| path.as_os_str().to_owned();
        let mut built_in = HashMap::from([
            ("seed", OsString::from(attempt.seed.to_string())),
            ("trial", OsString::from(attempt.trial.as_str())),
            ("trial_dir", path(places.folder)),
            ("checkpoint_dir", path(places.checkpoints)),
            ("params", path(places.params)),
        ]);
        if let Some(config) = places.config {
            built_in.insert("config", path(config));
        }
        Placeholders {
            settings: attempt.settings.iter().cloned().collect(),
            built_in,
        }
    }

    /// What takes the place of `name`, if it is known.
    pub fn of(&self, name: &str) -> Option<Replacement<'_>> {
        let setting = self.settings.get(name).map(Replacement::Value);
        setting.or_else(|| {
            let text = self.built_in.get(name)?;
            Some(Replacement::Text(Cow::Borrowed(text.as_os_str())))
        })
    }
}

/// The variables that are set for the program, and those that are taken from what this process has.
pub fn variables(
    attempt: &Attempt<'_>,
    places: Places<'_>,
    resume_step: Option<u32>,
) -> (Vec<(String, String)>, Vec<&'static str>) {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut set = vec![
        (TRIAL.to_owned(), attempt.trial.as_str().to_owned()),
        (SEED.to_owned(), attempt.seed.to_string()),
        (PARAMS.to_owned(), text(places.params)),
        (METRICS.to_owned(), text(places.metrics)),
        (TRIAL_DIR.to_owned(), text(places.folder)),
        (CHECKPOINT_DIR.to_owned(), text(places.checkpoints)),
        (crate::leftovers::OWNER.to_owned(), attempt.owner.to_owned()),
    ];
    if let Some(step) = resume_step {
        set.push((RESUME_STEP.to_owned(), step.to_string()));
    }
    // Otherwise Python keeps what it prints for itself until it ends.
    if std::env::var_os("PYTHONUNBUFFERED").is_none() {
        set.push(("PYTHONUNBUFFERED".to_owned(), "1".to_owned()));
    }
    for (name, value) in attempt.settings {
        // No variable can hold a zero byte; the JSON file does.
        let value = to_text(value);
        if !value.contains('\0') {
            set.push((format!("{PARAM}{}", variable_name(name)), value));
        }
    }
    (set, OF_WORKERS.to_vec())
}

/// The name of a setting in the name of its variable: capital letters, digits and `_`.
pub fn variable_name(setting: &str) -> String {
    let replaced = setting.chars().map(|c| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    });
    replaced.collect()
}
