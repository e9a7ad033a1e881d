//! Where rows are known, what is said is of rows and seeds, in the forms of what seeds alone say.

use super::*;
use crate::evidence::{Design, Entry, Units};
use crate::fixtures::{GENRES, add, empty, genres};
use sweep_core::random::{Purpose, Stream};
use sweep_core::trial::{Kind, Objective, Value};

const ROWS: usize = 400;

/// What rows say of `summary`, whose scores scatter by `noise` around the value of each run; seeds may all be one.
fn with_rows(summary: &Summary, noise: f64, one_seed: bool) -> Summary {
    let entries: Vec<Entry> = (summary.ranking.iter())
        .map(|config| Entry {
            kind: config.kind.index(),
            seeds: (config.runs.iter())
                .map(|run| run.seed)
                .take(if one_seed { 1 } else { usize::MAX })
                .collect(),
            is_deterministic: config.is_deterministic,
        })
        .collect();
    let stream = Stream::new(3, Purpose::Synthetic, 0, 0);
    let scores = |place: usize, trial: usize, out: &mut [f32]| {
        let own: Vec<f64> = (0..ROWS)
            .map(|row| noise * stream.normal((place * 10 + trial) as u32 * 1_000 + row as u32))
            .collect();
        let mean = own.iter().sum::<f64>() / ROWS as f64;
        for (score, own) in out.iter_mut().zip(own) {
            *score = (summary.ranking[place].runs[trial].value + own - mean) as f32;
        }
    };
    let units = Units::rows(ROWS);
    let design = Design {
        entries: &entries,
        units: &units,
        folds: None,
        goal: summary.objective.goal,
    };
    let evidence = Evidence::of(&design, &scores);
    summary.clone().with_evidence(Some(&evidence))
}

#[test]
fn losses_that_differ_are_not_compared() {
    let mut input = empty(&[]);
    input.experiment.objective = Objective::named("valid/loss").unwrap();
    for seed in 1..=3 {
        for (loss, score) in [("squared", 0.5), ("absolute", 0.9)] {
            let settings = [("loss", Value::Text(loss.to_owned()))];
            add(&mut input, Kind::MLP, &settings, seed, score, 2);
        }
    }
    let summary = Summary::of(&input.experiment);
    let found = Inference::of(&with_rows(&summary, 1e-4, false));
    assert_eq!(
        (found.verdict, found.candidates.len()),
        (Verdict::Incomparable, 2)
    );
    let comparison = found.comparisons[0];
    assert!(comparison.is_untested() && comparison.by.is_none() && comparison.sd.is_none());
    assert_eq!((found.optimism, found.rivals.len()), (None, 0));
    assert!(found.estimates[0].interval.is_some());
    // By another metric the same configurations are compared.
    input.experiment.objective = Objective::named("valid/mae").unwrap();
    let found = Inference::of(&Summary::of(&input.experiment));
    assert_ne!(found.verdict, Verdict::Incomparable);
    assert!(found.comparisons[0].p.is_some());
}

#[test]
fn where_rows_scatter_little_seeds_decide_and_where_they_scatter_much_nothing_is_significant() {
    let summary = Summary::of(&genres().experiment);
    let of_seeds = Inference::of(&summary);
    assert_eq!(of_seeds.coverage, Coverage::Seeds);
    let quiet = Inference::of(&with_rows(&summary, 1e-4, false));
    let loud = Inference::of(&with_rows(&summary, 1.0, false));
    let (rows, units) = (ROWS, ROWS);
    for found in [&quiet, &loud] {
        assert_eq!(found.coverage, Coverage::RowsAndSeeds { rows, units });
        assert_eq!(found.of_seeds.as_deref(), Some(&of_seeds));
        for (own, other) in found.comparisons.iter().zip(&of_seeds.comparisons) {
            assert!((own.by.unwrap() - other.by.unwrap()).abs() < 1e-6);
            assert_eq!(
                (own.over, own.won, own.lost),
                (other.over, other.won, other.lost)
            );
        }
        for (own, other) in found.estimates.iter().zip(&of_seeds.estimates) {
            assert_eq!((own.mean, own.seeds), (other.mean, other.seeds));
            let (low, high) = own.interval.unwrap();
            assert!(low <= own.mean && own.mean <= high && low >= 0.0 && high <= 1.0);
        }
    }
    assert!(quiet.candidates.len() < summary.ranking.len());
    assert_eq!(loud.candidates.len(), summary.ranking.len());
    assert!(matches!(loud.verdict, Verdict::NotSignificant { .. }));
    assert!(loud.comparisons[0].rows_needed > Some(ROWS));
    assert_eq!(of_seeds.comparisons[0].rows_needed, None);
    assert!(loud.optimism.unwrap().by > quiet.optimism.unwrap().by);
}

#[test]
fn of_single_seeds_nothing_is_claimed_of_others() {
    let summary = Summary::of(&genres().experiment);
    let found = Inference::of(&with_rows(&summary, 1e-4, true));
    let (rows, units) = (ROWS, ROWS);
    assert_eq!(found.coverage, Coverage::Rows { rows, units });
    assert!(matches!(found.verdict, Verdict::Winner { .. }));
}

#[test]
fn a_single_configuration_is_alone_whatever_its_rows_say() {
    let mut summary = Summary::of(&genres().experiment);
    summary.ranking.truncate(1);
    summary.ranks.truncate(1);
    let found = Inference::of(&with_rows(&summary, 0.1, false));
    assert_eq!(
        (found.verdict, found.coverage),
        (Verdict::Alone, Coverage::Seeds)
    );
}

/// Boosting without sampling, trained with so many seeds, beside a network that is lucky with the first of three.
fn beside_a_network(boosted: u64) -> Summary {
    let mut input = empty(&GENRES);
    for seed in 1..=boosted {
        add(&mut input, Kind::XGBOOST, &[], seed, 0.85, 5);
    }
    let first = input.experiment.trials[0].clone();
    for trial in &mut input.experiment.trials {
        (trial.best, trial.last) = (Some(0.85), first.last);
        trial.metrics = first.metrics.clone();
    }
    for (seed, score) in [(1, 0.9), (2, 0.8), (3, 0.82)] {
        add(&mut input, Kind::MLP, &[], seed, score, 5);
        let trial = input.experiment.trials.last_mut().unwrap();
        trial.best = Some(score);
    }
    Summary::of(&input.experiment)
}

#[test]
fn what_is_trained_once_because_the_seed_changes_nothing_is_ranked_and_judged_as_with_every_seed() {
    let (once, thrice) = (beside_a_network(1), beside_a_network(3));
    for summary in [&once, &thrice] {
        assert!(summary.ranking[0].is_deterministic);
        assert_eq!(summary.ranking[0].kind, Kind::XGBOOST);
    }
    assert_eq!(once.ranking[0].runs.len(), 1);
    let (once, thrice) = (Inference::of(&once), Inference::of(&thrice));
    assert_eq!(once, thrice);
    assert_eq!((once.comparisons[0].pairs, once.comparisons[0].won), (3, 2));
}

#[test]
fn a_single_run_of_a_model_that_draws_rows_is_not_called_deterministic() {
    let mut input = empty(&GENRES);
    let half = ("subsample", sweep_core::trial::Value::Float(0.5));
    add(&mut input, Kind::XGBOOST, &[half], 1, 0.85, 5);
    assert!(!Summary::of(&input.experiment).ranking[0].is_deterministic);
}
