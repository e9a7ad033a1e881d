//! `sweep run`: parse, check, plan, open the store, dispatch, say what came out.

mod flags;
mod record;
mod session;

use std::collections::HashMap;
use std::path::PathBuf;

use super::placement;
use super::prepare::{self, Ready};
use super::{Context, Exit, Failure, listing, more_seeds, terminal};
pub use flags::{Choice, GpuShares, How};
use record::{Before, begin, clear_checkpoints};
pub use record::{lock, statuses};
use session::{Recorded, train};
use sweep_core::event::StopReason;
use sweep_core::format::pluralize;
use sweep_core::sanitize::sanitize;
use sweep_core::trial::{ModelSpec, Status, TrialId};
use sweep_engine::models::xgboost;
use sweep_experiment::plan::{self, PlannedTrial};
use sweep_scheduler::Summary;
use sweep_store::ExperimentRecord;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The experiment file
    file: PathBuf,

    /// Set a key of the file for this run, as in `--set model.epochs=5`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Replicate seeds instead of the file's: 1..10, both ends included, or 1,2,5
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,

    /// Once all is trained: train the best configurations, and the best of each baseline, with N further seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=more_seeds::MOST))]
    more_seeds: Option<u64>,

    /// How many of the best configurations --more-seeds is for
    #[arg(long, value_name = "K", default_value_t = 3, requires = "more_seeds",
          value_parser = clap::value_parser!(u64).range(1..=more_seeds::MOST))]
    top: u64,

    #[command(flatten)]
    pub how: How,
}

/// `sweep run FILE`.
pub fn run(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut flags = arguments.set.clone();
    if let Some(seeds) = &arguments.seeds {
        let setting = more_seeds::setting(seeds)?;
        if let Some(other) = flags
            .iter()
            .find(|flag| sweep_experiment::is_of_key(flag, &setting))
        {
            return Err(Failure::input(
                format!("--seeds {seeds} and --set {other} both say with which seeds to train"),
                "give one of the two",
            ));
        }
        flags.push(setting);
    }
    let checked = prepare::read(&arguments.file, &flags)?;
    let mut ready = prepare::prepare(context, checked)?;
    if let Some(number) = arguments.more_seeds {
        more_seeds::spend(context, &mut ready, number as usize, arguments.top as usize)?;
    }
    go(context, &ready, &arguments.how)
}

/// Trains what `ready` asks for and the record does not have, and says what came out.
pub fn go(context: &Context, ready: &Ready, how: &How) -> Result<Exit, Failure> {
    let experiment = &ready.checked.experiment;
    let placement = placement::place(ready, &how.choice)?;
    let lock = lock(context, &experiment.name)?;
    let mut store = context.write()?;
    let begun = || begin(&mut store, ready);
    let session = terminal::with_patience(&context.waits(), begun)?;
    ready.hold.release();

    let statuses = statuses(&store, &ready.plan)?;
    let todo = plan::remaining(
        &ready.plan,
        |id| statuses.get(id).copied(),
        how.choice.retry.of(Some(&store))?,
    );
    let before = Before::of(ready, &todo, &statuses, &store)?;
    if !how.quiet {
        ready
            .data
            .summary
            .notes
            .iter()
            .for_each(|note| terminal::note(&sanitize(&note.to_string())));
        let slots = placement.slots.len();
        let line = announcement(ready, &todo, &statuses, (slots, before.out_of_plan));
        terminal::note(&line);
    }
    note_missing_library(context, &todo);
    clear_checkpoints(&statuses, &context.trials());
    let failed_before = before.failed;
    let record = Recorded {
        store: &store,
        session,
        lock: &lock,
    };
    let (summary, record) = train(context, ready, how, &todo, placement, record, before)?;
    Ok(conclude(
        context,
        &record,
        &summary,
        (failed_before, todo.is_empty()),
    ))
}

/// Says at once, and not when all else is trained, that what some of `todo` need is missing.
pub fn note_missing_library(context: &Context, todo: &[&PlannedTrial]) {
    let is_boost = |trial: &&&PlannedTrial| matches!(trial.spec.model, ModelSpec::Boost(_));
    let number = todo.iter().filter(is_boost).count();
    if number > 0
        && let Err(missing) = xgboost::locate()
    {
        context.note(&format!(
            "note: {} cannot be trained here: {missing}",
            pluralize(number, "XGBoost trial")
        ));
    }
}

/// One line before training starts.
fn announcement(
    ready: &Ready,
    todo: &[&PlannedTrial],
    statuses: &HashMap<TrialId, Status>,
    (slots, out_of_plan): (usize, usize),
) -> String {
    let name = &ready.checked.experiment.name;
    let total = ready.plan.trials.len();
    let number = |status: Status| statuses.values().filter(|other| **other == status).count();
    let done = number(Status::Finished) + number(Status::Diverged);
    let mut line = format!("{name}: {}", pluralize(total, "trial"));
    if done > 0 {
        line.push_str(&format!(", {done} done before"));
    }
    if todo.is_empty() {
        line.push_str(", nothing left to train");
    } else {
        let workers = pluralize(slots.min(todo.len()), "worker");
        line.push_str(&format!(", {} to train on {workers}", todo.len()));
    }
    let failed = total - done - todo.len();
    if failed > 0 {
        line.push_str(&format!(
            "; {failed} failed before (--retry-failed tries them again)"
        ));
    }
    if out_of_plan > 0 {
        let kept = pluralize(out_of_plan, "trial");
        line.push_str(&format!(
            "; {kept} of earlier files or data stay in the record, out of the plan"
        ));
    }
    line
}

/// Shows the best runs and what to do next.
fn conclude(
    context: &Context,
    record: &ExperimentRecord,
    summary: &Summary,
    (failed_before, nothing_to_do): (usize, bool),
) -> Exit {
    let name = &record.name;
    if context.json {
        terminal::print_json(&listing::sweep_json(record));
    } else if !context.is_quiet {
        terminal::print_table(&listing::sweep(record, terminal::stdout_has_colour()));
    }
    let (exit, mut said) = verdict(name, summary, failed_before);
    if context.is_quiet && exit == Exit::Success {
        said = format!("{name}: nothing left to train");
    }
    // The console's last line is the last one where all went well.
    if !context.is_quiet || exit != Exit::Success || nothing_to_do {
        terminal::note(&said);
    }
    exit
}

/// How a session ends, and what to do next.
fn verdict(name: &str, summary: &Summary, failed_before: usize) -> (Exit, String) {
    let goes_on = format!("`sweep resume {name}` goes on");
    let says_why = format!("`sweep show {name}` says why");
    let (failed, left) = (summary.failed, summary.left + summary.interrupted);
    match summary.stopped {
        Some(StopReason::Interrupt) => (Exit::Interrupted, format!("stopped; {goes_on}")),
        Some(reason) => (
            Exit::LimitReached,
            format!("{reason}: {} left; {goes_on}", pluralize(left, "trial")),
        ),
        None if summary.left > 0 => {
            let reasons: Vec<String> = (summary.retired.iter())
                .map(|(slot, reason)| format!("  {slot}: {}", sanitize(reason)))
                .collect();
            let said = format!(
                "no slot is left that works, and {} not begun; {failed} failed\n{}\n\
                 mend the cause, then {goes_on}; {says_why}",
                match summary.left {
                    1 => "1 trial was".to_owned(),
                    many => format!("{many} trials were"),
                },
                reasons.join("\n")
            );
            (Exit::TrialsFailed, said)
        }
        None if failed > 0 => (
            Exit::TrialsFailed,
            format!("{} failed; {says_why}", pluralize(failed, "trial")),
        ),
        None if failed_before > 0 => (
            Exit::TrialsFailed,
            format!(
                "{} failed before: {says_why}, --retry-failed tries them again",
                pluralize(failed_before, "trial")
            ),
        ),
        None => (Exit::Success, format!("next: sweep report {name}")),
    }
}
