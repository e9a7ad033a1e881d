//! Scores of the selected models on the held-out test set: `test.csv`, a section of the page, a table and
//! JSON. The database counts every evaluation on the test set.

use std::collections::BTreeSet;
use std::fmt::Write;
use sweep_analysis::{Losses, text};

use serde_json::{Value as Json, json};

use super::csv_table::CsvTable;
use super::markup::{IN_MEMORY, capital, escape, paragraph, row};
use sweep_core::trial::{Evaluated, TEST_HELD, TEST_SIZE, TestScore};
use sweep_store::EvaluationRecord;

/// Heads of [`table`].
pub fn columns(test: &EvaluationRecord, losses: &Losses) -> Vec<String> {
    let usual = ["Kind", "Config", "Seeds"].map(str::to_owned);
    let models = test.evaluation.models.iter();
    let most = models.max_by_key(|model| model.scores.len());
    let scores = most.into_iter().flat_map(shown);
    usual
        .into_iter()
        .chain(scores.map(|score| head(&score.metric, losses)))
        .collect()
}

/// Scores that have a column: the others are about sets and intervals, which have a section of their own.
fn shown(model: &Evaluated) -> impl Iterator<Item = &TestScore> {
    model.scores.iter().filter(has_column)
}

fn has_column(score: &&TestScore) -> bool {
    ![TEST_HELD, TEST_SIZE].contains(&score.metric.as_str())
}

/// `Accuracy` of `test/accuracy`.
fn head(metric: &str, losses: &Losses) -> String {
    if metric == "test/loss" {
        return capital(&losses.name());
    }
    let label = losses.label(metric.split_once('/').map_or(metric, |(_, name)| name));
    // Without the unit, which rows of a table have no room for.
    capital(label.split(" (").next().unwrap_or_default())
}

/// One row a configuration, metric and seed, with what is true of all seeds repeated in each.
pub(super) fn csv_table(test: Option<&EvaluationRecord>) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "kind", "config", "seed", "fold", "trial", "metric", "value", "mean", "sd", "low", "high",
        "rows", "groups",
    ]);
    let Some(test) = test else {
        return csv;
    };
    for model in &test.evaluation.models {
        for score in &model.scores {
            for run in &model.runs {
                let value = run.values.iter().find(|(name, _)| *name == score.metric);
                csv.push(&[
                    model.kind.name().to_owned(),
                    model.config.to_string(),
                    run.seed.to_string(),
                    run.fold.map_or(String::new(), |fold| fold.to_string()),
                    run.trial.to_string(),
                    score.metric.clone(),
                    value.map_or(String::new(), |(_, value)| text::exact(*value)),
                    text::exact(score.mean),
                    score.sd.map_or(String::new(), text::exact),
                    text::exact(score.low),
                    text::exact(score.high),
                    test.evaluation.rows.to_string(),
                    test.evaluation.groups.to_string(),
                ]);
            }
        }
    }
    let ensemble = test.evaluation.ensemble.iter();
    for score in ensemble.flat_map(|ensemble| &ensemble.scores) {
        let mut cells = vec![String::new(); 13];
        cells[0] = "ensemble".to_owned();
        cells[5].clone_from(&score.metric);
        cells[6] = text::exact(score.mean);
        cells[7] = text::exact(score.mean);
        cells[9] = text::exact(score.low);
        cells[10] = text::exact(score.high);
        cells[11] = test.evaluation.rows.to_string();
        cells[12] = test.evaluation.groups.to_string();
        csv.push(&cells);
    }
    csv
}

/// The section of the page; empty if the test set was never evaluated.
pub(super) fn section(test: Option<&EvaluationRecord>, losses: &Losses) -> String {
    let Some(test) = test else {
        return String::new();
    };
    let mut html = String::new();
    paragraph(&mut html, "", &about(test));
    html.push_str("<div class=\"wide\"><table>\n<thead><tr>");
    for (place, name) in columns(test, losses).iter().enumerate() {
        let class = if place < 2 { " class=\"text\"" } else { "" };
        write!(html, "<th{class}>{}</th>", escape(name)).expect(IN_MEMORY);
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for cells in table(test) {
        let cells: Vec<(String, bool)> = (cells.into_iter().enumerate())
            .map(|(place, cell)| (cell, place < 2))
            .collect();
        row(&mut html, "", &cells);
    }
    html.push_str("</tbody>\n</table></div>\n");
    paragraph(&mut html, "note", &evaluation_count(test));
    html
}

/// One row a configuration, for [`columns`].
pub fn table(test: &EvaluationRecord) -> Vec<Vec<String>> {
    let cells = |model: &Evaluated| {
        let mut cells = vec![
            model.kind.label().to_owned(),
            model.config.short().to_owned(),
            models(model),
        ];
        cells.extend(shown(model).map(score));
        cells
    };
    let mut rows: Vec<Vec<String>> = test.evaluation.models.iter().map(cells).collect();
    if let Some(ensemble) = &test.evaluation.ensemble {
        let own = ensemble.scores.iter();
        let mut cells = ["ensemble", "–", "–"].map(str::to_owned).to_vec();
        cells.extend(own.filter(has_column).map(score));
        rows.push(cells);
    }
    rows
}

/// `3`, or `3 x 5` where each seed has five folds.
fn models(model: &Evaluated) -> String {
    let seeds: BTreeSet<u64> = model.runs.iter().map(|run| run.seed).collect();
    let folds: BTreeSet<u32> = model.runs.iter().filter_map(|run| run.fold).collect();
    match folds.len() {
        0 => seeds.len().to_string(),
        folds => format!("{} x {folds}", seeds.len()),
    }
}

/// What the table shows, in a sentence or two.
pub fn about(test: &EvaluationRecord) -> String {
    let evaluation = &test.evaluation;
    let mut runs = evaluation.models.iter().flat_map(|model| &model.runs);
    let (_, seeds) = text::run_names(runs.any(|run| run.fold.is_some()));
    format!(
        "The configuration of each kind with the best validation objective, all its finished {seeds}{}, \
         evaluated on {} in {} at {} UTC. Mean ± sd over {seeds}; brackets give the 95% bootstrap \
         interval of the mean ({} resamples of whole groups).",
        match evaluation.ensemble {
            Some(_) => ", and the ensemble",
            None => "",
        },
        text::pluralize(evaluation.rows, "test row"),
        text::pluralize(evaluation.groups, "group"),
        text::utc(test.evaluated_ms),
        text::with_thousands(u64::from(evaluation.replicates)),
    )
}

/// How often this test set has been evaluated.
pub fn evaluation_count(test: &EvaluationRecord) -> String {
    match test.test_evaluations {
        0 | 1 => "This test set has been evaluated once so far.".to_owned(),
        many => format!(
            "This test set has been evaluated {} times so far, counting all sweeps and feature sets. Choices made after \
             the first evaluation bias these scores upwards.",
            text::with_thousands(many)
        ),
    }
}

/// `not evaluated yet`, `evaluated once`, `evaluated 3 times`.
pub(super) fn times(test_evaluations: u64) -> String {
    match test_evaluations {
        0 => "not evaluated yet".to_owned(),
        1 => "evaluated once".to_owned(),
        many => format!("evaluated {} times", text::with_thousands(many)),
    }
}

/// `{evaluated_ms, test_evaluations, data, rows, groups, replicates, models: [{kind, config, runs: [{trial, seed,
/// values}], scores: [{metric, mean, sd, low, high}]}]}`.
pub fn json(test: &EvaluationRecord) -> Json {
    let mut value = json!(test.evaluation);
    value["evaluated_ms"] = json!(test.evaluated_ms);
    value["test_evaluations"] = json!(test.test_evaluations);
    value
}

/// `0.5123 ± 0.0021 [0.5010, 0.5233]`.
fn score(score: &TestScore) -> String {
    let sd = score.sd.map_or(String::new(), |sd| {
        format!(" ± {}", text::difference(sd, score.mean))
    });
    format!(
        "{}{sd} [{}, {}]",
        text::score(score.mean),
        text::score(score.low),
        text::score(score.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::make;
    use sweep_analysis::fixtures as samples;
    use sweep_core::trial::{ConfigId, DataDigest, EvaluatedRun, Evaluation, Kind, TrialId};

    fn evaluated(test_evaluations: u64) -> EvaluationRecord {
        let score = |metric: &str, mean, sd| TestScore {
            metric: metric.to_owned(),
            mean,
            sd,
            low: mean - 0.0125,
            high: mean + 0.0125,
        };
        let run = EvaluatedRun {
            trial: TrialId::from_hex("1".repeat(32)),
            seed: 3,
            fold: None,
            values: vec![("test/accuracy".to_owned(), 0.5)],
        };
        EvaluationRecord {
            evaluated_ms: 1_772_323_200_000,
            test_evaluations,
            evaluation: Evaluation {
                ensemble: None,
                data: DataDigest::from_hex("d".repeat(64)),
                rows: 6_567,
                groups: 5_000,
                replicates: 2_000,
                models: vec![Evaluated {
                    kind: Kind::MLP,
                    config: ConfigId::from_hex("c".repeat(32)),
                    runs: vec![run],
                    scores: vec![
                        score("test/accuracy", 0.5, Some(0.01)),
                        score("test/macro_f1", 0.45, None),
                    ],
                }],
            },
        }
    }

    #[test]
    fn a_test_evaluation_is_in_the_csv_on_the_page_and_in_the_table_and_otherwise_nothing_is() {
        let mut input = samples::genres();
        let names = |input| -> Vec<String> {
            let files = make(input).unwrap().files;
            files.into_iter().map(|(name, _)| name).collect()
        };
        assert!(!names(&input).contains(&"test.csv".to_owned()));
        input.test = Some(evaluated(3));
        input.test_evaluations = 3;
        let report = make(&input).unwrap();
        let file = |name: &str| {
            let found = report.files.iter().find(|(other, _)| other == name);
            String::from_utf8(found.unwrap().1.clone()).unwrap()
        };
        let csv = file("test.csv");
        let lines: Vec<&str> = csv.lines().collect();
        assert!(
            lines[1].ends_with("test/accuracy,0.5,0.5,0.01,0.4875,0.5125,6567,5000"),
            "{csv}"
        );
        assert!(lines[2].contains("test/macro_f1,,0.45,,"), "{csv}");
        let page = file("index.html");
        assert!(page.contains("0.5000 ± 0.0100 [0.4875, 0.5125]"));
        assert!(page.contains("evaluated 3 times") && !page.contains("(held out)"));
        assert_eq!(
            table(&evaluated(1))[0][2..4],
            ["1", "0.5000 ± 0.0100 [0.4875, 0.5125]"]
        );
        assert!(evaluation_count(&evaluated(1)).contains("evaluated once so far"));
    }
}
