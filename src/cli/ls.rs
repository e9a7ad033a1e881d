//! `sweep ls`: all sweeps, or the trials of one.

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing;
use crate::terminal;
use sweep_analysis::json;
use sweep_app::model;
use sweep_core::sanitize::sanitize;
use sweep_core::trial::Status;
use sweep_report::table;
use sweep_store::{ExperimentRecord, ExperimentSummary, TrialRecord};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// List the trials of this sweep instead
    name: Option<String>,

    #[command(flatten)]
    filter: Filter,
}

/// `sweep ls [NAME] [--query QUERY]`. A query without a name is about the last sweep.
pub fn ls(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    match arguments.name.is_some() || arguments.filter.is_given() {
        true => trials(context, arguments),
        false => sweeps(context),
    }
}

fn sweeps(context: &Context) -> Result<Exit, Failure> {
    let store = context.app.read()?;
    let mut experiments = store.experiments()?;
    for experiment in &mut experiments {
        let Some(mut record) = store.experiment(&experiment.name)? else {
            continue;
        };
        context.app.mark_stale_experiment(&store, &mut record)?;
        let best = model::best_trial(&record, None);
        experiment.best = best.and_then(|trial| trial.best);
        experiment.best_trial = best.map(|trial| trial.id.clone());
        recount(experiment, &record);
    }
    if context.json {
        terminal::print_json(&json::experiments(&experiments));
    } else if experiments.is_empty() {
        terminal::print("no sweeps yet; begin one with `sweep run FILE.toml`");
    } else {
        terminal::print(&table::experiments(&experiments, terminal::look()));
    }
    Ok(Exit::Success)
}

/// Counts trials that a session left running when it was killed as what they are in `record`.
fn recount(experiment: &mut ExperimentSummary, record: &ExperimentRecord) {
    let is_running = |(status, number): &(Status, u64)| *status == Status::Running && *number > 0;
    if !experiment.counts.iter().any(is_running) {
        return;
    }
    let count = |status: Status| {
        let of = |trial: &&TrialRecord| trial.in_plan && trial.status == status;
        record.trials.iter().filter(of).count() as u64
    };
    let counts = Status::ALL.map(|status| (status, count(status)));
    experiment.counts = counts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .collect();
}

/// One line a trial: those in the plan first, in its order.
fn trials(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut record = context.app.experiment(arguments.name.as_deref())?;
    let labels = sweep_analysis::labels(
        record
            .trials
            .iter()
            .map(|trial| (&trial.id, trial.kind, &trial.params)),
    );
    let told = arguments.filter.apply(&mut record)?;
    if arguments.name.is_none() && !context.json {
        terminal::note(&format!("trials of {}, the last sweep", record.name));
    }
    if context.json {
        let trials = record.trials.iter();
        let list: Json = trials
            .map(|trial| json::trial_outline(&record.objective, trial))
            .collect();
        terminal::print(&list.to_string());
        return Ok(Exit::Success);
    }
    let columns = [
        "trial", "kind", "seed", "status", "best", "settings", "tags",
    ]
    .map(str::to_owned);
    let row = |trial: &TrialRecord| {
        let status = match trial.in_plan {
            true => trial.status.name().to_owned(),
            false => format!("{}, out of plan", trial.status.name()),
        };
        vec![
            trial.id.short().to_owned(),
            trial.kind.name().to_owned(),
            trial.seed.to_string(),
            status,
            trial
                .best
                .map_or("–".to_owned(), sweep_analysis::text::score),
            sanitize(labels.get(&trial.id).map_or("", String::as_str)),
            trial.tags.join(" "),
        ]
    };
    let rows: Vec<Vec<String>> = record.trials.iter().map(row).collect();
    terminal::print(&listing::plain(&columns, &rows));
    if let Some(told) = told {
        terminal::note(&sanitize(&told));
    }
    Ok(Exit::Success)
}
