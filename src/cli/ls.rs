//! `sweep ls`: all sweeps, or the trials of one.

use serde_json::Value as Json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filter::Filter;
use crate::listing;
use crate::terminal;
use sweep_analysis::{json, text};
use sweep_app::list::{self, Trials};
use sweep_app::pool;
use sweep_app::valid_predictions;
use sweep_core::format::{format_bytes, pluralize};
use sweep_core::sanitize::sanitize;
use sweep_core::trial::Status;
use sweep_report::{ensemble_text, table};
use sweep_store::TrialRecord;

/// Place of the column of folds, where there are any.
const FOLD: usize = 3;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// List the trials of this sweep
    name: Option<String>,

    #[command(flatten)]
    filter: Filter,
}

/// `sweep ls [NAME] [--query QUERY]`. A query without a name is about the last sweep.
pub fn ls(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    pool::collect_now(&context.app, context, arguments.name.as_slice())?;
    match arguments.name.is_some() || arguments.filter.is_given() {
        true => trials(context, arguments),
        false => sweeps(context),
    }
}

fn sweeps(context: &Context) -> Result<Exit, Failure> {
    let sweeps = list::sweeps(&context.app)?;
    if context.json {
        terminal::print_json(&json::experiments(&sweeps));
    } else if sweeps.is_empty() {
        let copied = context.app.perhaps_copied();
        let text = format!("no sweeps yet; start one with `sweep run FILE.toml`. {copied}");
        terminal::print(text.trim_end_matches(['.', ' ']));
    } else {
        terminal::print(&table::experiments(&sweeps, terminal::table_style()));
        let (trials, bytes) = valid_predictions::size(&context.app);
        if trials > 0 {
            terminal::note(&format!(
                "predictions for the validation rows are kept of {}: {}",
                pluralize(trials, "trial"),
                format_bytes(bytes)
            ));
        }
    }
    Ok(Exit::Success)
}

/// One line per trial: those in the plan first, in plan order.
fn trials(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let name = arguments.name.as_deref();
    let found = list::trials(&context.app, name, arguments.filter.query())?;
    let record = &found.record;
    if context.json {
        let trials = record.trials.iter();
        let list: Json = trials
            .map(|trial| json::trial_outline(&record.objective, trial))
            .collect();
        terminal::print_json(&list);
        return Ok(Exit::Success);
    }
    if name.is_none() {
        terminal::note(&format!("trials of {}, the last sweep", record.name));
    }
    let columns = [
        "trial", "kind", "seed", "status", "best", "settings", "tags",
    ];
    let mut columns = columns.map(str::to_owned).to_vec();
    if !record.folds.is_empty() {
        columns.insert(FOLD, "fold".to_owned());
    }
    let row = |trial| {
        let mut cells = row(&found, trial);
        if !record.folds.is_empty() {
            let fold = trial.fold.map_or(String::new(), |fold| fold.to_string());
            cells.insert(FOLD, fold);
        }
        cells
    };
    let rows: Vec<Vec<String>> = record.trials.iter().map(row).collect();
    terminal::print(&listing::plain(&columns, &rows));
    if let Some(ensemble) = &found.ensemble {
        let score = ensemble.value().map_or("–".to_owned(), text::score);
        terminal::note(&format!(
            "{}: {} {score}, {}",
            ensemble_text::about(ensemble),
            sanitize(&record.objective.metric),
            ensemble_text::remark(ensemble)
        ));
        let warning = ensemble_text::warning(ensemble, &record.name);
        warning.iter().for_each(|warning| terminal::note(warning));
    }
    if let Some(filtered) = &found.filtered {
        terminal::note(&sanitize(filtered));
    }
    Ok(Exit::Success)
}

fn row(found: &Trials, trial: &TrialRecord) -> Vec<String> {
    let status = match trial.in_plan {
        true => match (trial.status, trial.steps) {
            (Status::Pruned, Some(step)) => format!("pruned at {step}"),
            (status, _) => status.name().to_owned(),
        },
        false => format!("{}, out of plan", trial.status.name()),
    };
    vec![
        trial.id.short().to_owned(),
        trial.kind.name().to_owned(),
        trial.seed.to_string(),
        status,
        trial.best.map_or("–".to_owned(), text::score),
        sanitize(found.labels.get(&trial.id).map_or("", String::as_str)),
        trial.tags.join(" "),
    ]
}
