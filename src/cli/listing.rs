//! What several commands print: plain tables, and one sweep with its trials.

use serde_json::{Value as Json, json};

use crate::terminal;
use sweep_analysis::search::SearchSummary;
use sweep_analysis::{Summary, json};
use sweep_core::format;
use sweep_core::trial::Status;
use sweep_report::table::{TableStyle, TextTable};
use sweep_report::{
    details, dummy_text, ensemble_text, losses_text, plan_status, search_text, table,
};
use sweep_store::ExperimentRecord;

/// Configurations of a leaderboard on the terminal, besides the best of each baseline.
pub const SHOWN: usize = 10;

/// A table without borders that fits the terminal, if there is one.
pub fn plain(columns: &[String], rows: &[Vec<String>]) -> String {
    TextTable::plain(columns, rows).render(TableStyle {
        is_colored: false,
        width: terminal::width(),
    })
}

/// The leaderboard, the warning about a winner at the zero line, failures, and how to see more.
pub fn sweep(record: &ExperimentRecord, summary: &Summary, has_colour: bool) -> String {
    let source = &record.dataset.source;
    let mut text = match source.as_os_str().is_empty() {
        true => format!("{}\n", record.name),
        false => format!("{} on {}\n", record.name, source.display()),
    };
    let counts: Vec<String> = Status::ALL
        .into_iter()
        .filter(|status| summary.count(*status) > 0)
        .map(|status| format!("{} {}", summary.count(status), status.name()))
        .collect();
    text.push_str(&format!("trials: {}\n", counts.join(", ")));
    let fallen = record.trials.iter().filter(|trial| !trial.in_plan).count();
    if fallen > 0 {
        text.push_str(&format!(
            "out of the plan: {} of earlier files or data\n",
            format::pluralize(fallen, "trial")
        ));
    }
    if let Some(unfinished) = plan_status::unfinished(summary) {
        text.push_str(&format!("{unfinished}\n"));
    }
    text.push('\n');
    let style = TableStyle {
        is_colored: has_colour,
        width: terminal::width(),
    };
    text.push_str(&table::leaderboard(summary, SHOWN, style));
    if let Some(warning) = losses_text::warning(summary) {
        text.push_str(&format!("warning: {warning}\n"));
    }
    if let Some(warning) = dummy_text::warning(summary) {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.push_str(&details::failed(record));
    if let Some(best) = &summary.best_trial {
        let first = summary.ranking.first();
        let tie = first.and_then(|first| summary.tie(first, None));
        let of = match tie {
            Some(tie) => format!("of a configuration {tie}"),
            None => "of the best configuration".to_owned(),
        };
        let best = best.short();
        text.push_str(&match (record.is_of_programs(), record.folds.is_empty()) {
            (true, _) => format!("best: {best}, the best seed {of}; `sweep show {best} --log` prints its output\n"),
            (false, has_no_folds) => format!(
                "best: {best}, the best seed {of}; use it with `sweep predict best DATA --experiment {}`{}\n",
                record.name,
                if has_no_folds { "" } else { ", the mean of its folds" },
            ),
        });
    }
    for line in searches(record)
        .into_iter()
        .chain(ensemble(record, summary))
    {
        text.push_str(&format!("{line}\n"));
    }
    text.push_str(&format!(
        "`sweep show CONFIG` lists the trials of a configuration, `sweep ls {}` all trials\n",
        record.name
    ));
    text
}

/// What the searches of `record` did, a line each.
pub fn searches(record: &ExperimentRecord) -> Vec<String> {
    let searches = SearchSummary::all(record);
    searches.iter().map(search_text::about).collect()
}

/// What there is to say of the ensemble of `record`, if it has one.
pub fn ensemble(record: &ExperimentRecord, summary: &Summary) -> Vec<String> {
    let Some(ensemble) = &summary.ensemble else {
        return Vec::new();
    };
    let mut lines = vec![format!(
        "{}; use it with `sweep predict ensemble DATA --experiment {}`",
        ensemble_text::about(ensemble),
        record.name
    )];
    lines.push(ensemble_text::NOTE.to_owned());
    let warning = ensemble_text::warning(ensemble, &record.name);
    lines.extend(warning.map(|warning| format!("warning: {warning}")));
    lines
}

/// The leaderboard as JSON, with every trial in plan order.
pub fn sweep_json(record: &ExperimentRecord, summary: &Summary) -> Json {
    let mut object = json::leaderboard(summary, usize::MAX);
    let trials = record.trials.iter();
    if summary.zero_line.is_some() {
        object["dummy"]["warning"] = json!(dummy_text::warning(summary));
    }
    if let Some(warning) = losses_text::warning(summary) {
        object["objective"]["warning"] = json!(warning);
    }
    object["name"] = json!(record.name);
    object["data"] = json!(record.dataset.digest);
    object["records"] = trials
        .map(|trial| json::trial_outline(&record.objective, trial))
        .collect();
    object
}
