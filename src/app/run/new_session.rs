//! The start of a session: the lock of its experiment, and the record of it with the whole plan.

use std::path::Path;

use sweep_core::trial::Kind;
use sweep_store::lock::{LockError, host_name};
use sweep_store::{
    DatasetRecord, NewSession, NewTrial, SessionId, Store, SweepLock, WorkingTree, file_fact,
};

use crate::app::App;
use crate::environment::environment;
use crate::error::Error;
use crate::git;
use crate::prepare::PreparedSweep;
use crate::program::PreparedProgram;
use crate::python_packages;

/// Takes the lock of `experiment`, which no agents may train.
///
/// # Errors
/// When another process has it, or agents train its trials.
pub fn lock_idle(app: &App, experiment: &str) -> Result<SweepLock, Error> {
    let lock = lock(app, experiment)?;
    match app.open_pools(experiment).is_empty() {
        true => Ok(lock),
        false => Err(Error::busy(
            format!("agents train {experiment}"),
            &format!(
                "`sweep watch {experiment}` follows them, `sweep stop {experiment}` ends them"
            ),
        )),
    }
}

/// Takes the lock of `experiment`; the error names the process that holds it.
pub fn lock(app: &App, experiment: &str) -> Result<SweepLock, Error> {
    SweepLock::acquire(app.runs(), experiment).map_err(|error| match error {
        LockError::Held { .. } => Error::busy(error, ""),
        LockError::Name { .. } => Error::input(error, ""),
        LockError::Io { .. } => Error::environment(
            error,
            "choose a writable folder with --store, or free some space",
        ),
    })
}

/// Records that a session begins, with the whole plan.
pub fn begin(app: &App, store: &mut Store, prepared: &PreparedSweep) -> Result<SessionId, Error> {
    let experiment = &prepared.loaded.experiment;
    let trials = prepared.trials();
    let planned: Vec<NewTrial<'_>> = trials
        .iter()
        .map(|trial| NewTrial {
            id: &trial.id,
            config: &trial.config,
            spec: &trial.spec,
            fold: trial.fold,
        })
        .collect();
    let datasets: Vec<DatasetRecord> = prepared.folds.iter().map(dataset_record).collect();
    let (commit, working_tree) = git::state(Path::new("."), app.runs()).unzip();
    let is_planned = |kind: &Kind| {
        let of_searches = prepared.searches.iter().map(|search| search.problem.kind());
        let mut kinds = trials
            .iter()
            .map(|trial| trial.spec.model.kind())
            .chain(of_searches);
        kinds.any(|one| one == *kind)
    };
    let kinds: Vec<Kind> = Kind::all().filter(is_planned).collect();
    let command: Vec<String> = std::env::args().collect();
    let mut environment = environment(&kinds);
    environment.extend(prepared.loaded.file.as_deref().and_then(file_fact));
    environment.extend(prepared.program.iter().flat_map(PreparedProgram::facts));
    let spec = experiment.program.as_ref().map(|program| &program.spec);
    environment.extend(spec.into_iter().flat_map(python_packages::facts));
    environment.extend(working_tree.flatten().iter().flat_map(WorkingTree::facts));
    let begin = NewSession {
        experiment: &experiment.name,
        file_path: &prepared.loaded.source.path,
        file_text: &prepared.loaded.source.text,
        flags: &prepared.loaded.flags,
        edition: experiment.data.format.edition,
        objective: &prepared.plan.objective,
        datasets: &datasets,
        command: &command.join(" "),
        host: &host_name(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION"),
        git_commit: commit.as_deref(),
        environment: &environment,
        trials: &planned,
        holds_lock: true,
    };
    Ok(store.begin(&begin)?)
}

fn dataset_record(prepared: &sweep_data::Prepared) -> DatasetRecord {
    let (meta, summary) = (&prepared.meta, &prepared.summary);
    DatasetRecord {
        digest: meta.digest.clone(),
        source: summary.source.clone(),
        source_sha256: summary.source_sha256.clone(),
        features: meta.features.clone(),
        classes: meta.classes.clone(),
        train_rows: meta.train_rows as u64,
        valid_rows: meta.valid_rows as u64,
        test_rows: meta.test_rows as u64,
        notes: summary.notes.iter().map(ToString::to_string).collect(),
    }
}
