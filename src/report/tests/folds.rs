//! What a report says of a cross-validation.

use super::super::make;
use super::{drawn, text_of};
use sweep_analysis::Summary;
use sweep_analysis::fixtures::genres;
use sweep_store::FoldRecord;

/// The seeds of [`genres`] as folds of one seed.
fn cross_validated() -> sweep_analysis::Input {
    let mut input = genres();
    let dataset = &input.experiment.dataset;
    let seeds = input.experiment.trials.iter().map(|trial| trial.seed);
    let folds = seeds.max().unwrap() as u32;
    let fold = |fold| FoldRecord {
        fold,
        dataset: dataset.clone(),
    };
    input.experiment.folds = (1..=folds).map(fold).collect();
    for trial in &mut input.experiment.trials {
        trial.fold = Some(trial.seed as u32);
        trial.seed = 1;
    }
    input
}

#[test]
fn runs_are_named_by_seed_and_fold_and_means_are_those_of_the_same_values() {
    let input = cross_validated();
    let folds = input.experiment.folds.len();
    let report = drawn("folds", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains(&format!(
        "by cross-validation with {folds} folds of 6,566 rows"
    )));
    assert!(page.contains(&format!("1 seed x {folds} folds")));
    let drawn = text_of(&report, "best_trials.svg");
    assert!(drawn.contains("network, one fold"), "marks are folds");
    assert!(drawn.contains("mean over seeds and folds"));
    let (seeds, folded) = (
        Summary::of(&genres().experiment),
        Summary::of(&input.experiment),
    );
    let order = |summary: &Summary| -> Vec<_> {
        let configs = summary.ranking.iter();
        configs.map(|config| config.id.clone()).collect()
    };
    assert_eq!(order(&seeds), order(&folded));
    for (one, other) in seeds.ranking.iter().zip(&folded.ranking) {
        assert!((one.stats.mean - other.stats.mean).abs() < 1e-12);
        assert_eq!((other.stats.n, other.planned), (1, 1));
        assert_eq!(other.stats.sd, None, "one seed says nothing of others");
    }
    let trials = text_of(&report, "trials.csv");
    assert!(
        trials.starts_with("trial,config,kind,seed,fold,"),
        "{}",
        &trials[..60]
    );
    assert!(make(&input).is_ok());
}

#[test]
fn configurations_with_unfinished_folds_are_compared_on_the_folds_that_both_have() {
    let mut input = cross_validated();
    let best = Summary::of(&input.experiment).ranking[0].clone();
    let (id, fold) = (best.id.clone(), best.runs[0].fold);
    // Its worst fold has not finished: its mean is then better than it was, its rank the same.
    let worst = |trial: &&mut sweep_store::TrialRecord| trial.config == id && trial.fold == fold;
    let trial = input.experiment.trials.iter_mut().find(worst).unwrap();
    trial.status = sweep_core::trial::Status::Pending;
    trial.best = None;
    let summary = Summary::of(&input.experiment);
    let partly = summary
        .ranking
        .iter()
        .find(|config| config.id == id)
        .unwrap();
    assert!(!partly.is_complete());
    assert!(partly.seeds().contains(" of "), "{}", partly.seeds());
    assert_eq!(partly.runs.len() + 1, best.runs.len());
}
