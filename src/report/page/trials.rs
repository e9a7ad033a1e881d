//! Sections on single trials: failures and the slowest.

use super::section::{Page, Section, table};
use crate::markup::{paragraph, row};
use sweep_analysis::labels;
use sweep_analysis::text;
use sweep_core::trial::Status;
use sweep_store::TrialRecord;

/// Failed trials that are shown at once; the others open on demand.
const OPEN_FAILURES: usize = 20;
/// Failed trials that are shown at all; the others are in `trials.csv`.
const MAX_FAILURES: usize = 500;
/// Slowest trials shown.
const SLOWEST: usize = 5;

/// Failed and diverged trials, and why.
pub(super) fn failures(page: &Page) -> Option<Section> {
    let labels = labels_of(page);
    let trials = page.input.experiment.trials.iter();
    let failed: Vec<&TrialRecord> = trials
        .filter(|trial| trial.in_plan)
        .filter(|trial| matches!(trial.status, Status::Failed | Status::Diverged))
        .collect();
    let rows: Vec<String> = (failed.iter().take(MAX_FAILURES))
        .map(|trial| {
            let attempts = page.input.attempts.iter().filter(|(id, _)| *id == trial.id);
            let cause = trial.cause.as_deref().unwrap_or(trial.status.name());
            let why = trial.message.as_deref().unwrap_or("no message recorded");
            let cells = [
                (trial.id.short().to_owned(), true),
                (
                    format!("{} {}", trial.kind.label(), labels[&trial.id]),
                    true,
                ),
                (trial.seed.to_string(), false),
                (cause.replace('_', " "), true),
                (attempts.count().to_string(), false),
                (text::cut(why, 200), true),
            ];
            let mut html = String::new();
            row(&mut html, "", &cells);
            html
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let columns = [
        ("Trial", true),
        ("Settings", true),
        ("Seed", false),
        ("Cause", true),
        ("Attempts", false),
        ("Message", true),
    ];
    let (first, rest) = rows.split_at(rows.len().min(OPEN_FAILURES));
    let mut html = table(&columns, &first.concat());
    if !rest.is_empty() {
        let more = text::with_thousands(rest.len() as u64);
        html.push_str(&format!("<details>\n<summary>{more} more</summary>\n"));
        html.push_str(&table(&columns, &rest.concat()));
        html.push_str("</details>\n");
    }
    let unseen = failed.len().saturating_sub(MAX_FAILURES);
    if unseen > 0 {
        let more = text::with_thousands(unseen as u64);
        paragraph(&mut html, "note", &format!("{more} more in trials.csv."));
    }
    paragraph(
        &mut html,
        "note",
        "`sweep show TRIAL` shows the details of a trial. `sweep resume --retry-failed` trains failed trials \
         again. A diverged trial counts as a result and is not retried.",
    );
    Section::new("failures", "Failed and diverged trials", html)
}

/// The trials that took longest.
pub(super) fn slowest(page: &Page) -> Option<Section> {
    let labels = labels_of(page);
    let mut trials: Vec<(f64, &TrialRecord)> = (page.input.experiment.trials.iter())
        .filter(|trial| trial.in_plan)
        .filter_map(|trial| Some((trial.seconds.filter(|seconds| seconds.is_finite())?, trial)))
        .collect();
    trials.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let all: f64 = trials.iter().map(|(seconds, _)| seconds).sum();
    let mut rows = String::new();
    for (seconds, trial) in trials.iter().take(SLOWEST) {
        let share = if all > 0.0 {
            100.0 * seconds / all
        } else {
            0.0
        };
        let cells = [
            (trial.id.short().to_owned(), true),
            (
                format!("{} {}", trial.kind.label(), labels[&trial.id]),
                true,
            ),
            (trial.seed.to_string(), false),
            (text::format_seconds(*seconds), false),
            (format!("{share:.1}%"), false),
            (
                trial
                    .steps
                    .map_or("–".to_owned(), |steps| text::with_thousands(steps.into())),
                false,
            ),
            (trial.best.map_or("–".to_owned(), text::score), false),
        ];
        row(&mut rows, "", &cells);
    }
    if rows.is_empty() {
        return None;
    }
    let columns = [
        ("Trial", true),
        ("Settings", true),
        ("Seed", false),
        ("Time", false),
        ("Share of training time", false),
        ("Steps", false),
        ("Best", false),
    ];
    Section::new("slowest", "Slowest trials", table(&columns, &rows))
}

fn labels_of(page: &Page) -> std::collections::HashMap<sweep_core::trial::TrialId, String> {
    let trials = page.input.experiment.trials.iter();
    let planned: Vec<&TrialRecord> = trials.filter(|trial| trial.in_plan).collect();
    labels(
        planned
            .iter()
            .map(|trial| (&trial.id, trial.kind, &trial.params)),
    )
}
