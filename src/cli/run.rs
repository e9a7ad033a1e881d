//! `sweep run`: prepare an experiment, train it, print the results.

use std::path::PathBuf;

use sweep_app::experiment_file::NameConflict;
use sweep_app::extra_seeds;
use sweep_app::loaded::{self, LoadedExperiment};
use sweep_app::options::RunOptions;
use sweep_app::prepare::{self, PreparedSweep};
use sweep_app::resume;
use sweep_app::run::RunOutcome;
use sweep_core::event::StopReason;
use sweep_core::format::pluralize;
use sweep_core::sanitize::sanitize;
use sweep_report::plan_status;
use sweep_scheduler::Summary as SessionSummary;

use crate::confirm;
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

    /// Seeds to use instead of the file's: 1..10 (both included) or 1,2,5
    #[arg(long, value_name = "SEEDS")]
    seeds: Option<String>,

    /// After the sweep has finished: train its best configurations of each kind of model with N more seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=extra_seeds::MAX))]
    more_seeds: Option<u64>,

    /// Number of best configurations of each kind of model that get more seeds
    #[arg(long, value_name = "K", default_value_t = 3, requires = "more_seeds",
          value_parser = clap::value_parser!(u64).range(1..=extra_seeds::MAX))]
    top: u64,

    /// Tell a search that has not begun the results of this sweep, too, although it is on other data; can be repeated
    #[arg(long = "from", value_name = "SWEEP")]
    from: Vec<String>,

    /// Let this file replace another one from which a sweep of the same name was run: trials of the other file stay in
    /// the database, out of the plan
    #[arg(long)]
    accept_new_file: bool,

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
                format!("--seeds {seeds} and --set {other} both set the seeds"),
                "use one of the two",
            ));
        }
        flags.push(setting);
    }
    let mut loaded = loaded::read(&arguments.file, &flags)?;
    loaded.told_from.clone_from(&arguments.from);
    let options = RunOptions {
        accept_new_file: accept_file(context, &loaded, arguments.accept_new_file)?,
        ..arguments.flags.options()?
    };
    let mut prepared = prepare::prepare(&context.app, context, loaded)?;
    resume::notice_changes(&context.app, context, &prepared)?;
    if let Some(number) = arguments.more_seeds {
        extra_seeds::add(
            &context.app,
            context,
            &mut prepared,
            number as usize,
            arguments.top as usize,
        )?;
    }
    execute(context, &mut prepared, &options)
}

/// Whether the file may replace another one from which a sweep of its name was run: if `accepted`, or if the user
/// confirms that at the terminal.
///
/// # Errors
/// When there is such a file, and it may not be replaced.
fn accept_file(
    context: &Context,
    loaded: &LoadedExperiment,
    accepted: bool,
) -> Result<bool, Failure> {
    let Some(conflict) = NameConflict::find(&context.app, loaded)?.filter(|_| !accepted) else {
        return Ok(accepted);
    };
    let question = || {
        let said = sanitize(&conflict.to_string());
        confirm::ask(&format!("{said}\nlet this file replace the other one?"))
    };
    match confirm::can_ask() && question()? {
        true => Ok(true),
        false => Err(conflict.refusal().into()),
    }
}

/// Trains what `prepared` asks for and the database does not have, and prints the results.
pub fn execute(
    context: &Context,
    prepared: &mut PreparedSweep,
    options: &RunOptions,
) -> Result<Exit, Failure> {
    let outcome = sweep_app::run::execute(&context.app, prepared, options, context)?;
    Ok(conclude(context, &outcome))
}

/// Prints the best runs and what to do next.
pub fn conclude(context: &Context, outcome: &RunOutcome) -> Exit {
    let (record, summary) = (&outcome.record, &outcome.summary);
    let name = &record.name;
    if outcome.is_detached {
        terminal::note(&format!(
            "{name}: {} left to its agents; `sweep watch {name}` follows them, `sweep report {name}` reports at any time, \
             `sweep stop {name}` ends them",
            pluralize(summary.left, "trial")
        ));
        return Exit::Success;
    }
    if context.json {
        terminal::print_json(&listing::sweep_json(record, &outcome.results));
    } else if !context.is_quiet {
        terminal::print_table(&listing::sweep(
            record,
            &outcome.results,
            terminal::stdout_has_colour(),
        ));
    }
    let (exit, mut message) = match outcome.lacks_agents {
        true => without_agents(context, name, summary),
        false => conclusion(name, summary, outcome.failed_before),
    };
    let all_diverged = plan_status::all_diverged(&outcome.results);
    if exit == Exit::Success
        && let Some(advice) = &all_diverged
    {
        message.clone_from(advice);
    } else if context.is_quiet && exit == Exit::Success {
        message = format!("{name}: nothing left to train");
    }
    // The console's last line is the last one where all went well.
    if !context.is_quiet || exit != Exit::Success || outcome.nothing_to_do || all_diverged.is_some()
    {
        terminal::note(&message);
    }
    exit
}

/// The same of a session whose agents have all ended.
fn without_agents(context: &Context, name: &str, summary: &SessionSummary) -> (Exit, String) {
    let message = format!(
        "no agent is left: {} not trained; their logs are in {}/*/log; continue with `sweep resume {name} --on slurm`",
        pluralize(summary.left, "trial"),
        context.app.run_dir().pools(name).display()
    );
    (Exit::TrialsFailed, message)
}

/// The exit code of a session, and what to do next.
fn conclusion(name: &str, summary: &SessionSummary, failed_before: usize) -> (Exit, String) {
    let resume = format!("continue with `sweep resume {name}`");
    let reasons = format!("`sweep show {name}` shows why");
    let (failed, left) = (summary.failed, summary.left + summary.interrupted);
    match summary.stopped {
        Some(StopReason::Interrupt) => (Exit::Interrupted, format!("stopped; {resume}")),
        Some(reason) => (
            Exit::LimitReached,
            format!("{reason}: {} left; {resume}", pluralize(left, "trial")),
        ),
        None if summary.left > 0 => {
            let slots: Vec<String> = (summary.retired.iter())
                .map(|(slot, reason)| format!("  {slot}: {}", sanitize(reason)))
                .collect();
            let message = format!(
                "all slots failed: {} not started, {failed} failed\n{}\nfix the cause, then {resume}; {reasons}",
                pluralize(summary.left, "trial"),
                slots.join("\n")
            );
            (Exit::TrialsFailed, message)
        }
        None if failed > 0 => (
            Exit::TrialsFailed,
            format!("{} failed; {reasons}", pluralize(failed, "trial")),
        ),
        None if failed_before > 0 => (
            Exit::TrialsFailed,
            format!(
                "{} failed before; {reasons}, --retry-failed trains them again",
                pluralize(failed_before, "trial")
            ),
        ),
        None => (Exit::Success, format!("next: `sweep report {name}`")),
    }
}
