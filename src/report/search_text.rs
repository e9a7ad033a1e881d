//! Searches in words, tables and CSV.

use super::csv_table::CsvTable;
use super::markup::{capital, paragraph, row as row_of_html};
use super::page::section::table;
use sweep_analysis::search::{SearchInsight, SearchSummary};
use sweep_analysis::text;
use sweep_core::trial::models::step_text;

/// What the numbers of [`rungs`] mean.
const NOTE: &str = "Trials pause at a step until the search prefers them to the others; those that it does not come back \
                    to are pruned, and are not ranked. Costs are predicted from settings, in average full trainings: the \
                    order of decisions depends on them, and not on measured times.";

/// Heads of [`rungs`].
const RUNGS: [&str; 7] = [
    "Step",
    "Trials",
    "Went on",
    "Failed or diverged",
    "Cost",
    "Share of the cost",
    "Best there",
];

/// `Search of network settings: 144 jobs at the cost of 10.0 trainings; ended, since the budget is spent.`
pub fn about(search: &SearchSummary) -> String {
    let kind = search.kind.map_or("model", |kind| kind.label());
    let mut sentence = format!(
        "search of {kind} settings: {} at the cost of {} average full trainings",
        text::pluralize(search.jobs.len() as u64, "job"),
        format_args!("{:.1}", search.spent()),
    );
    if search.known > 0 {
        let known = text::pluralize(search.known as u64, "result");
        sentence += &format!(", told of {known} of earlier sweeps");
    }
    if search.finish > 0 {
        let finish = text::pluralize(search.finish as u64, "job");
        sentence += &format!(", {finish} of them with further seeds at the end");
    }
    match &search.ended {
        Some(reason) => sentence += &format!("; it has ended: {}", text::sanitize(reason)),
        None => sentence += "; it has not ended, so that this is what is known so far",
    }
    sentence
}

/// A row for each step to which trials were trained.
fn rungs(search: &SearchSummary) -> Vec<Vec<String>> {
    let all: f64 = search.rungs.iter().map(|rung| rung.cost).sum();
    let row = |rung: &sweep_analysis::search::Rung| {
        vec![
            step_text(rung.step),
            rung.trials.to_string(),
            rung.promoted.to_string(),
            rung.failed.to_string(),
            format!("{:.1}", rung.cost),
            format!("{:.0}%", 100.0 * rung.cost / all.max(f64::MIN_POSITIVE)),
            rung.best.map_or("–".to_owned(), text::score),
        ]
    };
    search.rungs.iter().map(row).collect()
}

/// What the model of the search says of its settings.
fn model(insight: &SearchInsight) -> String {
    let mut html = String::new();
    if let Some(guess) = &insight.guess {
        let tried = match guess.is_tried {
            true => "which has been tried",
            false => "which has not been tried",
        };
        let sentence = format!(
            "The model of the search expects the best final value at {}, {tried}: {} (between {} and {}, two standard \
             deviations either way).",
            text::sanitize(&guess.settings),
            text::score(guess.value),
            text::score(guess.low),
            text::score(guess.high)
        );
        paragraph(&mut html, "", &sentence);
    }
    if !insight.importance.is_empty() {
        let shares = insight.importance.iter().map(|(name, share)| {
            let share = (100.0 * share).clamp(0.0, 100.0);
            format!("{} {share:.0}%", text::sanitize(name))
        });
        let sentence = format!(
            "Of the variance of the final values that the model predicts over the space, single settings explain: {}. The \
             rest is in how settings act together.",
            shares.collect::<Vec<_>>().join(", ")
        );
        paragraph(&mut html, "", &sentence);
    }
    html
}

/// The trials of a front, for a table: step, a value for each objective, trial, settings.
fn front(insight: &SearchInsight) -> String {
    let mut heads: Vec<(&str, bool)> = vec![("Trial", true), ("Trained to step", false)];
    heads.extend(
        insight
            .objectives
            .iter()
            .map(|metric| (metric.as_str(), false)),
    );
    heads.push(("Settings that are searched", true));
    let mut rows = String::new();
    for point in &insight.front {
        let mut cells = vec![
            (point.trial.short().to_owned(), true),
            (step_text(point.step), false),
        ];
        let metrics = insight.objectives.iter().enumerate();
        cells.extend(metrics.map(|(at, metric)| (point.shown(at, metric), false)));
        cells.push((text::sanitize(&point.settings), true));
        row_of_html(&mut rows, "", &cells);
    }
    table(&heads, &rows)
}

/// The text of the section of the page; empty without a search.
pub(super) fn section(searches: &[SearchSummary], insights: &[SearchInsight]) -> String {
    let mut html = String::new();
    for search in searches {
        paragraph(&mut html, "", &format!("{}.", capital(&about(search))));
        let mut rows = String::new();
        for cells in rungs(search) {
            let cells: Vec<(String, bool)> = cells.into_iter().map(|cell| (cell, false)).collect();
            row_of_html(&mut rows, "", &cells);
        }
        html.push_str(&table(&RUNGS.map(|head| (head, false)), &rows));
        let mut insights = insights.iter();
        let Some(insight) = insights.find(|insight| insight.path == search.path) else {
            continue;
        };
        html.push_str(&model(insight));
        if let Some(volume) = insight.hypervolume {
            let members = match insight.front.len() {
                1 => "1 trial, which is the best in every objective".to_owned(),
                many => {
                    format!("{many} trials of which none is better than another in every objective")
                }
            };
            let sentence = format!(
                "Pareto front: {members}. The hypervolume between the front and the worst values of all trials is \
                 {volume:.4}."
            );
            paragraph(&mut html, "", &sentence);
            html.push_str(&front(insight));
        }
    }
    if !html.is_empty() {
        paragraph(&mut html, "note", NOTE);
    }
    html
}

/// One row a job.
pub(super) fn csv_table(searches: &[SearchSummary]) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "search",
        "job",
        "trial",
        "from_step",
        "to_step",
        "reason",
        "value",
        "best_so_far",
        "spent",
    ]);
    let exact = |value: Option<f64>| value.map_or(String::new(), text::exact);
    for search in searches {
        for job in &search.jobs {
            csv.push(&[
                search.path.clone(),
                job.number.to_string(),
                job.trial.to_string(),
                job.from.to_string(),
                job.to.to_string(),
                job.reason.clone(),
                exact(job.value),
                exact(job.best),
                text::exact(job.spent),
            ]);
        }
    }
    csv
}
