//! Tables on the terminal, line by line.

use std::path::PathBuf;

use super::*;
use sweep_analysis::fixtures as samples;
use sweep_core::trial::{DataDigest, TrialId};
use sweep_store::NoteRecord;

fn listed(name: &str) -> ExperimentSummary {
    ExperimentSummary {
        name: name.to_owned(),
        objective: Objective::default(),
        data: DataDigest::from_hex("ab"),
        created_ms: 0,
        updated_ms: 1_772_326_800_000,
        counts: vec![
            (Status::Finished, 41),
            (Status::Failed, 1),
            (Status::Pending, 1_000),
        ],
        out_of_plan: 0,
        best: Some(0.61234),
        best_trial: Some(TrialId::from_hex("0123456789abcdef")),
    }
}

#[test]
fn experiments_stand_one_a_line() {
    let mut new = listed("日本語\n\x1b[31m");
    new.counts = vec![(Status::Pending, 3)];
    (new.best, new.best_trial) = (None, None);
    insta::assert_snapshot!(experiments(&[listed("genres"), new], false));
    assert!(experiments(&[], true).contains("sweep run"));
}

#[test]
fn the_leaderboard_ends_with_the_best_of_each_baseline() {
    let summary = Summary::of(&samples::genres().experiment);
    insta::assert_snapshot!(leaderboard(&summary, 2, false));
}

#[test]
fn the_zero_line_stands_in_the_leaderboard_where_it_would_rank() {
    let input = samples::imbalanced();
    insta::assert_snapshot!(leaderboard(&input.summary(), 10, false));
    let narrow = TableStyle {
        is_colored: false,
        width: Some(60),
    };
    let board = leaderboard(&input.summary(), 1, narrow);
    let mut table = board
        .lines()
        .take_while(|line| !line.starts_with("validation"));
    assert!(table.all(|line| line.chars().count() <= 60), "{board}");
    assert!(board.contains("majority class"), "{board}");
    // Below all that are shown it is the last row, and above all of them the first.
    for (value, place) in [(0.0, 3), (1.0, 0)] {
        let mut summary = input.summary();
        summary.zero_line.as_mut().unwrap().score.value = value;
        let board = leaderboard(&summary, 10, false);
        let row = board
            .lines()
            .position(|line| line.contains("majority class"));
        assert_eq!(row, Some(2 + place), "{board}");
    }
}

#[test]
fn colour_changes_no_letter() {
    let summary = Summary::of(&samples::genres().experiment);
    let plain = leaderboard(&summary, 10, false);
    let colored = leaderboard(&summary, 10, true);
    assert!(!plain.contains('\x1b') && colored.contains('\x1b'));
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
}

#[test]
fn a_trial_shows_its_details() {
    let mut input = samples::genres();
    input.experiment.trials[0].notes = vec![NoteRecord {
        written_ms: 1_772_323_200_000,
        text: "odd at\nfirst".to_owned(),
    }];
    let record = &input.experiment.trials[0];
    let attempt = AttemptRecord {
        session: 1,
        number: 1,
        slot: "cpu:0".to_owned(),
        engine: "native".to_owned(),
        pid: 4_711,
        started_ms: 1_772_323_200_000,
        ended_ms: Some(1_772_323_204_250),
        outcome: "crashed".to_owned(),
        exit_code: None,
        signal: Some(9),
        message: Some("worker killed by signal 9".to_owned()),
        log_tail: Some("first line\n\x1b[2Jlast line\n".to_owned()),
        resumed_from: None,
        warnings: Vec::new(),
    };
    let second = AttemptRecord {
        number: 2,
        outcome: "finished".to_owned(),
        signal: None,
        message: None,
        log_tail: None,
        resumed_from: Some(7),
        ended_ms: None,
        ..attempt.clone()
    };
    let artifact = ArtifactRecord {
        kind: "weights".to_owned(),
        path: PathBuf::from("model.safetensors"),
        bytes: 13_080,
    };
    let objective = &input.experiment.objective;
    let curves = &input.curves[&record.id];
    let attempts = [attempt, second];
    insta::assert_snapshot!(trial(
        objective,
        record,
        &attempts,
        curves,
        &[artifact],
        false
    ));
    let failed = &input.experiment.trials[4];
    insta::assert_snapshot!(outline(objective, failed, false));
}
