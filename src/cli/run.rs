//! `sweep run`: parse, check, plan, open the store, dispatch, say what came out.

use std::path::PathBuf;

use sweep_app::prepare::{self, PreparedSweep};
use sweep_app::run::RunOutcome;
use sweep_app::{extra_seeds, loaded};
use sweep_core::event::StopReason;
use sweep_core::format::pluralize;
use sweep_core::sanitize::sanitize;
use sweep_scheduler::Summary;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::RunFlags;
use crate::listing;
use crate::terminal;

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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=extra_seeds::MOST))]
    more_seeds: Option<u64>,

    /// How many of the best configurations --more-seeds is for
    #[arg(long, value_name = "K", default_value_t = 3, requires = "more_seeds",
          value_parser = clap::value_parser!(u64).range(1..=extra_seeds::MOST))]
    top: u64,

    #[command(flatten)]
    pub flags: RunFlags,
}

/// `sweep run FILE`.
pub fn run(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut flags = arguments.set.clone();
    if let Some(seeds) = &arguments.seeds {
        let setting = extra_seeds::setting(seeds)?;
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
    let loaded = loaded::read(&arguments.file, &flags)?;
    let mut prepared = prepare::prepare(&context.app, context, loaded)?;
    if let Some(number) = arguments.more_seeds {
        extra_seeds::add(
            &context.app,
            context,
            &mut prepared,
            number as usize,
            arguments.top as usize,
        )?;
    }
    execute(context, &prepared, &arguments.flags)
}

/// Trains what `prepared` asks for and the database does not have, and says what came out.
pub fn execute(
    context: &Context,
    prepared: &PreparedSweep,
    flags: &RunFlags,
) -> Result<Exit, Failure> {
    let outcome = sweep_app::run::execute(&context.app, prepared, &flags.options(), context)?;
    Ok(conclude(context, &outcome))
}

/// Shows the best runs and what to do next.
fn conclude(context: &Context, outcome: &RunOutcome) -> Exit {
    let (record, summary) = (&outcome.record, &outcome.summary);
    let name = &record.name;
    if context.json {
        terminal::print_json(&listing::sweep_json(record));
    } else if !context.is_quiet {
        terminal::print_table(&listing::sweep(record, terminal::stdout_has_colour()));
    }
    let (exit, mut said) = verdict(name, summary, outcome.failed_before);
    if context.is_quiet && exit == Exit::Success {
        said = format!("{name}: nothing left to train");
    }
    // The console's last line is the last one where all went well.
    if !context.is_quiet || exit != Exit::Success || outcome.nothing_to_do {
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
