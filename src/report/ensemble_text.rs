//! The ensemble of a sweep in words, tables and CSV.

use super::csv_table::CsvTable;
use super::markup::{capital, paragraph, row as row_of_html};
use super::page::section::table;
use super::text_table::{Side, TableStyle, TextTable};
use anstyle::Style;
use sweep_analysis::ensemble::{EnsembleMember, EnsembleSummary};
use sweep_analysis::{Configuration, Summary, text};
use sweep_core::trial::EnsembleScore;

/// What scores mean that are shown beside those of single trials.
pub const NOTE: &str = "cross-fitted where it says so: halves of the validation rows choose the weights, or the best trial, for each other; scores on \
     the rows that chose are flattered";

/// `an ensemble of 7 trials (5 network, 2 XGBoost) of 27 candidates, selected by log loss at 2026-03-01 14:05 UTC`.
pub fn about(ensemble: &EnsembleSummary) -> String {
    let kinds: Vec<String> = (ensemble.kinds().into_iter())
        .map(|(kind, members)| format!("{members} {}", kind.label()))
        .collect();
    let folds = match ensemble
        .members
        .first()
        .map_or(1, |first| first.trials.len())
    {
        1 => String::new(),
        folds => format!(", each with {folds} folds"),
    };
    format!(
        "ensemble of {} ({}) of {}{folds}, selected by {} at {} UTC",
        text::pluralize(ensemble.members.len() as u64, "member"),
        kinds.join(", "),
        text::pluralize(ensemble.candidates as u64, "candidate"),
        ensemble.stored.ensemble.loss,
        text::utc(ensemble.stored.selected_ms),
    )
}

/// Why it should be selected again, if it should.
pub fn warning(ensemble: &EnsembleSummary, sweep: &str) -> Option<String> {
    let why = ensemble.stale.as_ref()?;
    Some(format!(
        "the ensemble is out of date: {why}; `sweep ensemble {sweep}` selects it again"
    ))
}

/// Heads of [`members`].
pub const MEMBERS: [&str; 6] = [
    "Weight",
    "Kind",
    "Trial",
    "Config",
    "Seed",
    "Settings that vary",
];

/// One row a member, the one with the highest weight first.
pub fn members(ensemble: &EnsembleSummary) -> Vec<Vec<String>> {
    let row = |member: &EnsembleMember| {
        vec![
            format!("{:.4}", member.weight),
            member.kind.label().to_owned(),
            member.trials[0].short().to_owned(),
            member.config.short().to_owned(),
            member.seed.to_string(),
            text::sanitize(&member.label),
        ]
    };
    ensemble.members.iter().map(row).collect()
}

/// Heads of [`scores`].
pub const SCORES: [&str; 4] = [
    "Metric",
    "Selected rows",
    "Cross-fitted",
    "Best trial, cross-fitted",
];

/// One row a metric.
pub fn scores(ensemble: &EnsembleSummary) -> Vec<Vec<String>> {
    let shown = |value: Option<f64>| value.map_or("–".to_owned(), text::score);
    let row = |score: &EnsembleScore| {
        vec![
            text::sanitize(&score.metric),
            text::score(score.value),
            shown(score.cross_fitted),
            shown(score.single),
        ]
    };
    ensemble.stored.ensemble.scores.iter().map(row).collect()
}

/// Members and scores for the terminal.
pub fn tables(ensemble: &EnsembleSummary, style: impl Into<TableStyle> + Copy) -> String {
    let sides = [
        Side::Right,
        Side::Left,
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Left,
    ];
    let mut table = TextTable::new(&std::array::from_fn::<_, 6, _>(|at| {
        (MEMBERS[at], sides[at])
    }));
    for row in members(ensemble) {
        table.push(Style::new(), row);
    }
    let sides = [Side::Left, Side::Right, Side::Right, Side::Right];
    let mut metrics = TextTable::new(&std::array::from_fn::<_, 4, _>(|at| {
        (SCORES[at], sides[at])
    }));
    for row in scores(ensemble) {
        metrics.push(Style::new(), row);
    }
    format!("{}\n{}{NOTE}\n", table.render(style), metrics.render(style))
}

/// The row of the leaderboard: rank, kind, mean, sd, seeds, time, configuration, settings.
pub fn row(ensemble: &EnsembleSummary) -> Vec<String> {
    let none = || "–".to_owned();
    vec![
        none(),
        "ensemble".to_owned(),
        ensemble.value().map_or_else(none, text::score),
        none(),
        ensemble.members.len().to_string(),
        none(),
        none(),
        remark(ensemble),
    ]
}

/// How many of `configs`, which are in the order of their ranking, stand before the ensemble.
pub(super) fn place(
    summary: &Summary,
    ensemble: &EnsembleSummary,
    configs: &[&Configuration],
) -> usize {
    let means = configs.iter().map(|config| config.stats.mean);
    ensemble.place(&summary.objective, means)
}

/// What kind of score the row has.
pub fn remark(ensemble: &EnsembleSummary) -> String {
    let score = ensemble.objective.as_ref();
    match score.and_then(|score| Some((score.cross_fitted?, score.value))) {
        Some((_, value)) => format!(
            "cross-fitted; {} on the rows that chose it",
            text::score(value)
        ),
        None => "on the rows that chose it".to_owned(),
    }
}

/// One row a member, with what is true of the ensemble repeated in each.
pub(super) fn csv_table(ensemble: Option<&EnsembleSummary>) -> CsvTable {
    let metrics = ensemble.map_or(&[][..], |ensemble| &ensemble.stored.ensemble.scores);
    let mut names: Vec<String> = ["weight", "kind", "config", "seed", "trial"]
        .map(str::to_owned)
        .to_vec();
    for score in metrics {
        let name = text::metric_column(&score.metric);
        names.extend([
            name.clone(),
            format!("{name}.cross_fitted"),
            format!("{name}.single"),
        ]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut csv = CsvTable::new(&names);
    let exact = |value: Option<f64>| value.map_or(String::new(), text::exact);
    for member in ensemble.into_iter().flat_map(|ensemble| &ensemble.members) {
        for trial in &member.trials {
            let mut cells = vec![
                text::exact(member.weight),
                member.kind.name().to_owned(),
                member.config.to_string(),
                member.seed.to_string(),
                trial.to_string(),
            ];
            for score in metrics {
                cells.extend([
                    text::exact(score.value),
                    exact(score.cross_fitted),
                    exact(score.single),
                ]);
            }
            csv.push(&cells);
        }
    }
    csv
}

/// The section of the page; empty without an ensemble.
pub(super) fn section(ensemble: Option<&EnsembleSummary>, sweep: &str) -> String {
    let Some(ensemble) = ensemble else {
        return String::new();
    };
    let mut html = String::new();
    paragraph(&mut html, "", &format!("{}.", capital(&about(ensemble))));
    if let Some(warning) = warning(ensemble, sweep) {
        paragraph(&mut html, "unfinished", &format!("{}.", capital(&warning)));
    }
    let is_text = [false, true, true, true, false, true];
    html.push_str(&of_rows(&MEMBERS, &is_text, members(ensemble)));
    let is_text = [true, false, false, false];
    html.push_str(&of_rows(&SCORES, &is_text, scores(ensemble)));
    paragraph(&mut html, "note", &format!("{}.", capital(NOTE)));
    html
}

fn of_rows(heads: &[&str], is_text: &[bool], rows: Vec<Vec<String>>) -> String {
    let mut html = String::new();
    for cells in rows {
        let cells: Vec<(String, bool)> = cells.into_iter().zip(is_text.iter().copied()).collect();
        row_of_html(&mut html, "", &cells);
    }
    let columns: Vec<(&str, bool)> = heads.iter().copied().zip(is_text.iter().copied()).collect();
    table(&columns, &html)
}
