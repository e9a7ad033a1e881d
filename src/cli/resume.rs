//! `sweep resume`: run again what the record says was run, less what it has finished.

use super::source::SourceRun;
use super::{Context, Exit, Failure, prepare, run, terminal};
use crate::spec::Source;
use crate::store::ExperimentRecord;
use crate::trial::{Value, WEIGHTS};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep to go on with; the last one if left out
    name: Option<String>,

    #[command(flatten)]
    how: run::How,
}

/// SHA-256 of the source's weights with which the trials of `record` were planned.
fn recorded_weights(record: &ExperimentRecord) -> Option<String> {
    let trials = record.trials.iter().filter(|trial| trial.in_plan);
    trials
        .flat_map(|trial| &trial.params)
        .find_map(|(key, value)| match value {
            Value::Text(sha256) if key == WEIGHTS => Some(sha256.clone()),
            _ => None,
        })
}

/// `sweep resume [NAME]`.
pub fn resume(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let record = context.experiment(arguments.name.as_deref())?;
    let on_disk = std::fs::read_to_string(&record.file_path);
    if on_disk.is_ok_and(|text| text != record.file_text) {
        let path = record.file_path.display();
        terminal::note(&format!(
            "{path} was edited since; going on as recorded (`sweep run {path}` takes the new one)"
        ));
    }
    // "SWEEP:best" may be another trial by now.
    let pinned = SourceRun::pinned(&record);
    let weights = recorded_weights(&record);
    let source = Source {
        path: record.file_path,
        text: record.file_text,
    };
    let checked = prepare::check(source, &record.flags)?;
    let ready = prepare::prepare_from(context, checked, pinned.as_ref())?;
    if let (Some(source), Some(recorded)) = (&ready.source, weights)
        && source.weights_sha256 != recorded
    {
        return Err(Failure::input(
            format!(
                "the weights of the source {} have changed since {} began: their SHA-256 was {} \
                 and is now {}",
                source.trial.short(),
                record.name,
                &recorded[..12.min(recorded.len())],
                &source.weights_sha256[..12],
            ),
            "bring the old file back, or train everything with the new one with `sweep run`",
        ));
    }
    let digest = &ready.data.meta.digest;
    if *digest != record.dataset.digest {
        return Err(Failure::input(
            format!(
                "{} has changed since {} began: prepared, it was {} and is now {}",
                record.dataset.source.display(),
                record.name,
                &record.dataset.digest.short(),
                digest.short(),
            ),
            "bring the old file back, or train everything on the new one with `sweep run`",
        ));
    }
    run::go(context, &ready, &arguments.how)
}
