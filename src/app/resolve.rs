//! Which trial a name means: the first digits of a trial, or of a configuration, as rankings show them.

use sweep_analysis::text;
use sweep_core::trial::{ConfigId, Objective, Score, Status};
use sweep_store::{ExperimentRecord, Store, StoreError, TrialRecord};

use crate::app::App;
use crate::error::Error;

/// Trials that a message lists.
const LISTED: usize = 10;

/// What a name means.
pub enum Found {
    Trial(Box<TrialRecord>),
    /// Its trials, by seed; at least one.
    Configuration(Vec<TrialRecord>),
}

/// The trial, or else the configuration, whose name begins with `prefix`.
///
/// # Errors
/// When there is none, or more than one thing that it could mean.
pub fn find(store: &Store, prefix: &str) -> Result<Found, Error> {
    if prefix.is_empty() {
        return Err(Error::input(
            "the name of a trial is empty",
            "`sweep ls NAME` lists the trials of a sweep",
        ));
    }
    let configs = store.find_configs(prefix)?;
    match (store.find_trial(prefix), configs.as_slice()) {
        (Ok(trial), []) => Ok(Found::Trial(Box::new(trial))),
        // A complete name is never ambiguous.
        (Ok(trial), _) if trial.id.as_str().eq_ignore_ascii_case(prefix) => {
            Ok(Found::Trial(Box::new(trial)))
        }
        (Err(StoreError::NoSuchTrial { .. }), [config]) => {
            let trials = store.trials_of_config(config)?;
            Ok(Found::Configuration(trials))
        }
        (Err(StoreError::NoSuchTrial { .. }), []) => Err(unknown(store, prefix)?),
        (Ok(_) | Err(StoreError::NoSuchTrial { .. } | StoreError::Ambiguous { .. }), _) => {
            Err(ambiguous(store, prefix, &configs)?)
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// A trial, and why it was chosen.
pub struct Best {
    pub trial: TrialRecord,
    /// If it was chosen from a configuration: which of its trials it is, as a sentence.
    pub why: Option<String>,
}

impl From<TrialRecord> for Best {
    fn from(trial: TrialRecord) -> Best {
        Best { trial, why: None }
    }
}

/// The trial that `prefix` means: of a configuration, the finished one with the best objective, of equal ones that with the
/// lowest validation loss.
pub fn best(app: &App, store: &Store, prefix: &str) -> Result<Best, Error> {
    match find(store, prefix)? {
        Found::Trial(trial) => Ok((*trial).into()),
        Found::Configuration(trials) => best_of(app, store, trials),
    }
}

/// The trial that `prefix` means; of a configuration, the only one that it has.
pub fn single(store: &Store, prefix: &str) -> Result<TrialRecord, Error> {
    match find(store, prefix)? {
        Found::Trial(trial) => Ok(*trial),
        Found::Configuration(mut trials) if trials.len() == 1 => Ok(trials.remove(0)),
        Found::Configuration(trials) => Err(several(&trials)),
    }
}

/// Refuses to choose among `trials` of one configuration.
pub fn several(trials: &[TrialRecord]) -> Error {
    let config = trials.first().map_or("", |trial| trial.config.short());
    let message = format!(
        "configuration {config} has {} trials: {}",
        trials.len(),
        named(trials)
    );
    Error::input(message, "name one of them")
}

/// `3fa9c1d2 (seed 1, 0.5612), ...`
fn named(trials: &[TrialRecord]) -> String {
    let one = |trial: &TrialRecord| {
        let result = match trial.best {
            Some(best) => text::score(best),
            None => trial.status.name().to_owned(),
        };
        format!("{} (seed {}, {result})", trial.id.short(), trial.seed)
    };
    let mut names: Vec<String> = trials.iter().take(LISTED).map(one).collect();
    if trials.len() > names.len() {
        names.push("...".to_owned());
    }
    names.join(", ")
}

fn best_of(app: &App, store: &Store, trials: Vec<TrialRecord>) -> Result<Best, Error> {
    let names = match trials.first() {
        Some(first) => store.experiments_of(&first.id)?,
        None => Vec::new(),
    };
    let objective = match names.first() {
        Some(name) => app.experiment(Some(name))?.objective,
        None => Objective::default(),
    };
    let all = trials.len();
    let names = named(&trials);
    let finished = trials
        .into_iter()
        .filter(|trial| trial.status == Status::Finished);
    let scored: Vec<(Score, TrialRecord)> = finished
        .filter_map(|trial| Some((Score::new(trial.best?, &trial.metrics), trial)))
        .collect();
    let finished = scored.len();
    let best = scored
        .into_iter()
        .min_by(|(a, _), (b, _)| objective.order(*a, *b));
    let Some((_, best)) = best else {
        let message = format!("no trial of this configuration has finished: {names}");
        return Err(Error::input(message, "`sweep resume` trains them"));
    };
    let why = format!(
        "configuration {}: trial {}, seed {}, {}",
        best.config.short(),
        best.id.short(),
        best.seed,
        place(finished, all)
    );
    Ok(Best {
        trial: best,
        why: Some(why),
    })
}

/// How the best of `finished` trials was chosen among `all` of its configuration.
fn place(finished: usize, all: usize) -> String {
    match (finished, all) {
        (1, 1) => "its only trial".to_owned(),
        (1, all) => format!("the only finished one of {all}"),
        (finished, all) if finished == all => format!("the best of {all}"),
        (finished, all) => format!("the best of {finished} finished ones of {all}"),
    }
}

/// The same among the trials of `experiment`.
pub fn within(experiment: &ExperimentRecord, prefix: &str) -> Result<Found, Error> {
    let digits = prefix.to_ascii_lowercase();
    let begins = |name: &str| !digits.is_empty() && name.starts_with(&digits);
    let all = experiment.trials.iter();
    let trials: Vec<&TrialRecord> = all
        .clone()
        .filter(|trial| begins(trial.id.as_str()))
        .collect();
    let mut of_config: Vec<TrialRecord> = all
        .filter(|trial| begins(trial.config.as_str()))
        .cloned()
        .collect();
    of_config.sort_by_key(|trial| trial.seed);
    let is_one = of_config
        .iter()
        .all(|trial| trial.config == of_config[0].config);
    match (trials.as_slice(), of_config.is_empty()) {
        ([trial], true) => Ok(Found::Trial(Box::new((*trial).clone()))),
        ([trial], _) if trial.id.as_str() == digits => Ok(Found::Trial(Box::new((*trial).clone()))),
        ([], false) if is_one => Ok(Found::Configuration(of_config)),
        ([], true) => Err(Error::input(
            format!(
                "sweep {} has no trial and no configuration `{prefix}`",
                experiment.name
            ),
            &format!("`sweep ls {}` lists its trials", experiment.name),
        )),
        (trials, _) => {
            let trials: Vec<TrialRecord> = trials.iter().map(|trial| (*trial).clone()).collect();
            let configs = distinct(of_config.iter().map(|trial| &trial.config));
            let meanings = candidates(&trials, trials.len() as u64, &configs);
            Err(Error::input(
                format!(
                    "`{prefix}` is ambiguous in sweep {}: {meanings}",
                    experiment.name
                ),
                "give more digits",
            ))
        }
    }
}

/// The best trial that `prefix` means among those of `experiment`.
pub fn best_within(
    app: &App,
    store: &Store,
    experiment: &ExperimentRecord,
    prefix: &str,
) -> Result<Best, Error> {
    match within(experiment, prefix)? {
        Found::Trial(trial) => Ok((*trial).into()),
        Found::Configuration(trials) => best_of(app, store, trials),
    }
}

fn distinct<'a>(configs: impl Iterator<Item = &'a ConfigId>) -> Vec<ConfigId> {
    let mut configs: Vec<ConfigId> = configs.cloned().collect();
    configs.sort();
    configs.dedup();
    configs
}

fn candidates(trials: &[TrialRecord], number: u64, configs: &[ConfigId]) -> String {
    let mut parts = Vec::new();
    if number > 0 {
        let mut names: Vec<&str> = trials
            .iter()
            .take(LISTED)
            .map(|trial| trial.id.as_str())
            .collect();
        if number > names.len() as u64 {
            names.push("...");
        }
        let noun = if number == 1 { "trial" } else { "trials" };
        parts.push(format!("{noun} {}", names.join(", ")));
    }
    if !configs.is_empty() {
        let mut names: Vec<&str> = configs.iter().take(LISTED).map(ConfigId::as_str).collect();
        if configs.len() > names.len() {
            names.push("...");
        }
        let noun = match configs.len() {
            1 => "configuration",
            _ => "configurations",
        };
        parts.push(format!("{noun} {}", names.join(", ")));
    }
    parts.join("; ")
}

fn ambiguous(store: &Store, prefix: &str, configs: &[ConfigId]) -> Result<Error, Error> {
    let (trials, number) = match store.find_trial(prefix) {
        Ok(trial) => (vec![trial.id], 1),
        Err(StoreError::Ambiguous {
            candidates, count, ..
        }) => (candidates, count),
        Err(StoreError::NoSuchTrial { .. }) => (Vec::new(), 0),
        Err(error) => return Err(error.into()),
    };
    let mut records = Vec::new();
    for trial in &trials {
        records.push(store.find_trial(trial.as_str())?);
    }
    let meanings = candidates(&records, number, configs);
    Ok(Error::input(
        format!("`{prefix}` is ambiguous: {meanings}"),
        "give more digits",
    ))
}

fn unknown(store: &Store, prefix: &str) -> Result<Error, Error> {
    let known = store.experiments()?;
    let names: Vec<&str> = known.iter().map(|sweep| sweep.name.as_str()).collect();
    if names.contains(&prefix) {
        return Ok(Error::input(
            format!("`{prefix}` is a sweep, not a trial"),
            &format!("`sweep ls {prefix}` lists its trials"),
        ));
    }
    let help = match names.is_empty() {
        true => "start one with `sweep run FILE.toml`".to_owned(),
        false => format!(
            "existing sweeps: {}; `sweep ls NAME` lists the trials of one",
            names.join(", ")
        ),
    };
    Ok(Error::input(
        format!("there is no sweep, trial or configuration `{prefix}`"),
        &help,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_counted_among_the_finished() {
        assert_eq!(place(1, 1), "its only trial");
        assert_eq!(place(1, 2), "the only finished one of 2");
        assert_eq!(place(2, 3), "the best of 2 finished ones of 3");
        assert_eq!(place(3, 3), "the best of 3");
    }
}
