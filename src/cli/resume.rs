//! `sweep resume`: run again what the record says was run, less what it has finished.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::RunFlags;
use crate::run;
use sweep_app::loaded;
use sweep_app::prepare;
use sweep_app::prepare::PreparedSweep;
use sweep_app::pretrained::PretrainedModel;
use sweep_core::trial::{Value, WEIGHTS};
use sweep_experiment::Source;
use sweep_store::{DatasetRecord, ExperimentRecord};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep to continue; the last one if left out
    name: Option<String>,

    /// Continue although the data file has changed: it becomes a new version of the data set, on which everything is
    /// trained; results on the old version stay in the database, out of the plan
    #[arg(long)]
    accept_new_data: bool,

    #[command(flatten)]
    pub flags: RunFlags,
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
    let record = context.app.experiment(arguments.name.as_deref())?;
    let on_disk = std::fs::read_to_string(&record.file_path);
    if on_disk.is_ok_and(|text| text != record.file_text) {
        let path = record.file_path.display();
        context.note(&format!(
            "{path} was edited since; going on as recorded (`sweep run {path}` takes the new one)"
        ));
    }
    // "SWEEP:best" may be another trial by now.
    let pinned = PretrainedModel::pinned(&record);
    let weights = recorded_weights(&record);
    let source = Source {
        path: record.file_path.clone(),
        text: record.file_text.clone(),
    };
    let loaded = loaded::check(source, &record.flags)?;
    let prepared = prepare::prepare_from(&context.app, context, loaded, pinned.as_ref())?;
    if let (Some(source), Some(recorded)) = (&prepared.source, weights)
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
    check_data(
        context,
        &record.name,
        &record.dataset,
        &prepared,
        arguments.accept_new_data,
    )?;
    run::execute(context, &prepared, &arguments.flags)
}

/// Data that have changed are refused, unless they are `accepted` as a new data set.
fn check_data(
    context: &Context,
    name: &str,
    recorded: &DatasetRecord,
    prepared: &PreparedSweep,
    accepted: bool,
) -> Result<(), Failure> {
    let (old, new) = (&recorded.digest, &prepared.data.meta.digest);
    let path = recorded.source.display();
    match (old == new, accepted) {
        (true, false) => {}
        (true, true) => context.note(&format!(
            "{path} gives the same data as before: there are no new data to accept"
        )),
        (false, true) => context.note(&format!(
            "{path} has changed, and is taken as a new data set: prepared, it was {} and is now {}; \
             what was trained on the old one stays in the record, out of the plan",
            old.short(),
            new.short(),
        )),
        (false, false) => {
            return Err(Failure::input(
                format!(
                    "{path} has changed since {name} began: prepared, it was {} and is now {}",
                    old.short(),
                    new.short(),
                ),
                &format!(
                    "bring the old file back, or take this one as a new data set with `sweep resume \
                     {name} --accept-new-data`: everything is trained on it, and what was trained on \
                     the old one stays in the record"
                ),
            ));
        }
    }
    Ok(())
}
