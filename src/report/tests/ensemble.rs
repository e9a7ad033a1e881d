//! The ensemble of a sweep beside its configurations.

use crate::{ensemble_text, make, table};
use sweep_analysis::ensemble::EnsembleSummary;
use sweep_analysis::{Input, fixtures as samples, json};
use sweep_core::trial::{Ensemble, EnsembleMethod, EnsembleScore, EnsembleTrial, Status};
use sweep_store::EnsembleRecord;

/// An ensemble of the first three finished trials, the last of which has no weight.
fn with_ensemble(cross_fitted: Option<f64>, stale: Option<&str>) -> Input {
    let mut input = samples::genres();
    let trials = input.experiment.trials.iter();
    let finished = trials.filter(|trial| trial.status == Status::Finished && trial.in_plan);
    let members = finished.zip([0.75, 0.25, 0.0]);
    let ensemble = Ensemble {
        data: input.experiment.dataset.digest.clone(),
        loss: "log loss".to_owned(),
        method: EnsembleMethod {
            top: 25,
            rounds: 50,
            bags: 20,
            seed: 0,
        },
        finished: 40,
        library: "ab".repeat(32),
        trials: members
            .map(|(trial, weight)| EnsembleTrial {
                trial: trial.id.clone(),
                weight,
            })
            .collect(),
        scores: vec![EnsembleScore {
            metric: "valid/accuracy".to_owned(),
            value: 0.75,
            cross_fitted,
            single: cross_fitted.map(|value| value - 0.0625),
        }],
    };
    let stored = EnsembleRecord {
        id: 1,
        selected_ms: 1_772_323_200_000,
        version: "0.1.0".to_owned(),
        ensemble,
    };
    let stale = stale.map(str::to_owned);
    input.ensemble = Some(EnsembleSummary::of(&input.experiment, stored, stale));
    input
}

#[test]
fn an_ensemble_stands_where_its_cross_fitted_score_would_rank_and_is_marked_as_such() {
    for (value, line) in [(0.71875, 0), (0.001, usize::MAX)] {
        let input = with_ensemble(Some(value), None);
        let summary = input.summary();
        let text = table::leaderboard(&summary, 5, false);
        let rows: Vec<&str> = text.lines().skip(2).collect();
        let place = rows
            .iter()
            .position(|row| row.contains("ensemble"))
            .unwrap();
        match line {
            0 => assert_eq!(place, 0, "{text}"),
            _ => assert!(place >= 5, "{text}"),
        }
        assert!(
            rows[place].contains("0.7500 on the rows that chose it"),
            "{text}"
        );
    }
    // Without cross-fitted scores, it says of which rows the score is.
    let text = table::leaderboard(&with_ensemble(None, None).summary(), 5, false);
    assert!(text.contains("0.7500"), "{text}");
    assert!(!text.contains("cross-fitted"), "{text}");
}

#[test]
fn the_page_the_csv_and_json_have_members_weights_and_scores() {
    let input = with_ensemble(Some(0.71875), Some("3 trials have finished since"));
    let report = make(&input).unwrap();
    let file = |name: &str| {
        let found = report.files.iter().find(|(other, _)| other == name);
        String::from_utf8(found.unwrap().1.clone()).unwrap()
    };
    let page = file("index.html");
    assert!(page.contains("<section id=\"ensemble\">"));
    assert!(page.contains("is out of date: 3 trials have finished since"));
    assert!(page.contains("0.7188") && page.contains("0.6562"));
    assert!(page.contains("<tr class=\"ensemble\">"));
    let csv = file("ensemble.csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[0].ends_with(
        "metrics.valid/accuracy,metrics.valid/accuracy.cross_fitted,metrics.valid/accuracy.single"
    ));
    assert!(lines[1].starts_with("0.75,") && lines[1].ends_with("0.75,0.71875,0.65625"));
    let summary = input.summary();
    let value = json::leaderboard(&summary, 5);
    assert_eq!(value["ensemble"]["members"][1]["weight"], 0.25);
    assert_eq!(value["ensemble"]["candidates"], 3);
    let about = ensemble_text::about(summary.ensemble.as_ref().unwrap());
    assert!(
        about.starts_with("ensemble of 2 members (2 network) of 3 candidates"),
        "{about}"
    );

    let without = make(&samples::genres()).unwrap();
    assert!(without.files.iter().all(|(name, _)| name != "ensemble.csv"));
}
