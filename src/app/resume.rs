//! A sweep as it was last run, prepared again from what the database holds of it.
//!
//! Invariant: data or source weights that have changed are refused, unless the new data were asked for.

use sweep_core::data_config::Edition;
use sweep_core::trial::{Value, WEIGHTS};
use sweep_experiment::Source;
use sweep_store::ExperimentRecord;

use crate::app::App;
use crate::error::Error;
use crate::loaded;
use crate::observer::{Notice, Observer};
use crate::prepare::{self, PreparedSweep};
use crate::pretrained::PretrainedModel;

/// Which sweep, and whether changed data are accepted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The last sweep, if left out.
    pub name: Option<String>,
    pub accept_new_data: bool,
}

/// Prepares a sweep from the experiment file in the database, ready for [`crate::run::execute`].
pub fn prepare(
    app: &App,
    observer: &dyn Observer,
    options: &Options,
) -> Result<PreparedSweep, Error> {
    let record = app.experiment(options.name.as_deref())?;
    let on_disk = std::fs::read_to_string(&record.file_path);
    if on_disk.is_ok_and(|text| text != record.file_text) {
        observer.notice(&Notice::FileEdited(record.file_path.clone()));
    }
    // "SWEEP:best" may be another trial by now.
    let pinned = PretrainedModel::pinned(&record);
    let source = Source {
        path: record.file_path.clone(),
        text: record.file_text.clone(),
    };
    let loaded = loaded::check(source, &record.flags, record.edition)?;
    let prepared = prepare::prepare_from(app, observer, loaded, pinned.as_ref())?;
    check_weights(&record, &prepared)?;
    check_data(observer, &record, &prepared, options.accept_new_data)?;
    Ok(prepared)
}

/// Source weights that have changed are refused.
fn check_weights(record: &ExperimentRecord, prepared: &PreparedSweep) -> Result<(), Error> {
    let (Some(source), Some(old)) = (&prepared.source, planned_weights(record)) else {
        return Ok(());
    };
    if source.weights_sha256 == old {
        return Ok(());
    }
    Err(Error::input(
        format!(
            "the weights of the source {} have changed since {} began: their SHA-256 was {} and is \
             now {}",
            source.trial.short(),
            record.name,
            &old[..12.min(old.len())],
            &source.weights_sha256[..12],
        ),
        "restore the old file, or train everything with the new one with `sweep run`",
    ))
}

/// SHA-256 of the source's weights with which the trials of `record` were planned.
fn planned_weights(record: &ExperimentRecord) -> Option<&str> {
    let trials = record.trials.iter().filter(|trial| trial.in_plan);
    trials
        .flat_map(|trial| &trial.params)
        .find_map(|(key, value)| match value {
            Value::Text(sha256) if key == WEIGHTS => Some(sha256.as_str()),
            _ => None,
        })
}

/// Says, before `sweep run` trains, what makes trials new that would have been known when the sweep was last run:
/// other data, later defaults.
pub fn notice_changes(
    app: &App,
    observer: &dyn Observer,
    prepared: &PreparedSweep,
) -> Result<(), Error> {
    let name = &prepared.loaded.experiment.name;
    let Some(record) = app.read_if_any()?.map(|store| store.experiment(name)) else {
        return Ok(());
    };
    let Some(record) = record? else {
        return Ok(());
    };
    notice_later_defaults(observer, prepared, record.edition);
    if let Some(program) = &prepared.program {
        let facts = record
            .sessions
            .last()
            .map(|session| &session.environment[..]);
        if let Some(changes) = facts.and_then(|facts| program.changes(facts)) {
            observer.notice(&Notice::ProgramChanged {
                sweep: name.clone(),
                changes,
            });
        }
        return Ok(());
    }
    let recorded = record.dataset;
    let (old, new) = (&recorded.digest, &prepared.data().meta.digest);
    if old != new {
        observer.notice(&Notice::RunOnOtherData {
            sweep: name.clone(),
            path: prepared.data().summary.source.clone(),
            is_edited: recorded.source_sha256 != prepared.data().summary.source_sha256,
            has_earlier_defaults: record.edition.of_data() < Edition::default().of_data(),
            old: old.clone(),
            new: new.clone(),
        });
    }
    Ok(())
}

/// Says which settings, left out of the file, are others now than in the `edition` with which the sweep was last run.
fn notice_later_defaults(observer: &dyn Observer, prepared: &PreparedSweep, edition: Edition) {
    let (loaded, meta) = (&prepared.loaded, &prepared.data().meta);
    if edition >= loaded.experiment.data.format.edition {
        return;
    }
    let earlier = sweep_experiment::parse(&loaded.source, &loaded.flags, edition);
    let Ok(earlier) = earlier else {
        return;
    };
    let target = prepare::target(meta, &loaded.experiment.data);
    let context = target.context(&prepared.plan.objective);
    let mut changed: Vec<String> = Vec::new();
    for (old, new) in earlier.spaces().zip(loaded.experiment.spaces()) {
        let old = old.base.clone().resolved(&context);
        let new = new.base.clone().resolved(&context);
        for ((param, now), (_, before)) in new.iter().zip(old.iter()) {
            let kind = new.kind().name();
            let text = format!("`{}` of {kind} is {now} and was {before}", param.name);
            if now != before && !new.is_inactive(param.name) && !changed.contains(&text) {
                changed.push(text);
            }
        }
    }
    if !changed.is_empty() {
        observer.notice(&Notice::RunWithLaterDefaults {
            sweep: loaded.experiment.name.clone(),
            changed,
        });
    }
}

/// Data that have changed are refused, unless they are `accepted` as a new version of the data set.
fn check_data(
    observer: &dyn Observer,
    record: &ExperimentRecord,
    prepared: &PreparedSweep,
    accepted: bool,
) -> Result<(), Error> {
    let (name, path) = (&record.name, &record.dataset.source);
    let pairs = record.datasets().into_iter().zip(&prepared.folds);
    let mut pairs = pairs.map(|(old, new)| (&old.digest, &new.meta.digest));
    let changed = pairs.find(|(old, new)| old != new);
    let first = (&record.dataset.digest, &prepared.data().meta.digest);
    let (old, new) = changed.unwrap_or(first);
    match (changed.is_none(), accepted) {
        (true, false) => {}
        (true, true) => observer.notice(&Notice::DataUnchanged(path.clone())),
        (false, true) => observer.notice(&Notice::DataChanged {
            path: path.clone(),
            old: old.clone(),
            new: new.clone(),
        }),
        (false, false) => {
            let facts = record
                .sessions
                .last()
                .map(|session| &session.environment[..]);
            let changes = (prepared.program.as_ref().zip(facts))
                .and_then(|(program, facts)| program.changes(facts));
            if let Some(changes) = changes {
                return Err(Error::input(
                    format!("the program has changed since {name} began: {changes}"),
                    &format!(
                        "restore it, or accept the new version with `sweep resume {name} --accept-new-data`: every trial \
                         is run with it, and results of the old version stay in the database"
                    ),
                ));
            }
            return Err(Error::input(
                format!(
                    "{} has changed since {name} began: the digest of the prepared data was {} and is \
                     now {}",
                    path.display(),
                    old.short(),
                    new.short(),
                ),
                &format!(
                    "restore the old file, or accept the new one as a new version of the data set with \
                     `sweep resume {name} --accept-new-data`: every trial is trained on it, and results \
                     on the old version stay in the database"
                ),
            ));
        }
    }
    Ok(())
}
