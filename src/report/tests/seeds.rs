//! What a report says where configurations have finished different seeds, or seeds that differ in nothing.

use super::super::{make, narrative, plan_status};
use super::text_of;
use sweep_analysis::fixtures::{add, empty, stop};
use sweep_analysis::inference::Verdict;
use sweep_analysis::{Inference, Input, Summary, merged};
use sweep_core::trial::{Kind, Status, Value};

/// Networks at `rates`, each with the scores of seeds from 1 that have finished out of `planned`.
pub(super) fn partly(planned: u64, rates: &[(f64, &[f64])]) -> Input {
    let mut input = empty(&["no", "yes"]);
    input.experiment.name = "q".to_owned();
    for (rate, scores) in rates {
        for seed in 1..=planned {
            let settings = [("lr", Value::Float(*rate))];
            add(&mut input, Kind::MLP, &settings, seed, 0.5, 2);
            let trial = input.experiment.trials.last_mut().unwrap();
            match scores.get(seed as usize - 1) {
                Some(score) => trial.best = Some(*score),
                None => stop(trial, Status::Pending, ""),
            }
        }
    }
    input
}

#[test]
fn an_unfinished_sweep_is_ranked_by_the_seeds_that_have_finished_alike_and_says_so() {
    let input = partly(
        3,
        &[
            (0.1, &[0.4, 0.35, 0.5]),
            (0.01, &[0.6, 0.61]),
            (0.001, &[0.55]),
            (0.0001, &[]),
        ],
    );
    let summary = Summary::of(&input.experiment);
    let firsts: Vec<f64> = summary
        .ranking
        .iter()
        .map(|config| config.runs[0].value)
        .collect();
    assert_eq!(firsts, [0.6, 0.55, 0.4]);
    assert_eq!(
        plan_status::unfinished(&summary).unwrap(),
        "The sweep is unfinished: 6 of 12 trials remain, and the ranking may change; `sweep resume q` continues it."
    );
    // The best seed of what leads, though another command could find it elsewhere.
    assert_eq!(
        summary.best_trial.as_ref(),
        Some(&summary.ranking[0].runs[1].trial)
    );
    let report = make(&input).unwrap();
    let page = text_of(&report, "index.html");
    assert!(page.contains(
        "6 of 12 trials remain, and the ranking may change; <code>sweep resume q</code>"
    ));
    let comparisons = text_of(&report, "comparisons.csv");
    let leader = comparisons.lines().nth(1).unwrap();
    assert!(leader.contains("lr=0.01,2,"), "{comparisons}");
    let all_done = partly(2, &[(0.1, &[0.4, 0.3]), (0.01, &[0.6, 0.5])]);
    assert_eq!(
        plan_status::unfinished(&Summary::of(&all_done.experiment)),
        None
    );
}

#[test]
fn the_best_trial_is_a_seed_of_what_leads_and_not_the_luckiest_of_all() {
    let input = partly(2, &[(0.1, &[0.9, 0.3]), (0.01, &[0.71, 0.7])]);
    let summary = Summary::of(&input.experiment);
    assert_eq!(
        summary.best_trial,
        Some(input.experiment.trials[2].id.clone())
    );
}

#[test]
fn runs_of_one_result_are_not_several() {
    let mut input = partly(3, &[(0.1, &[0.7, 0.7, 0.7]), (0.01, &[0.5, 0.5, 0.5])]);
    let summary = Summary::of(&input.experiment);
    assert!(
        summary
            .ranking
            .iter()
            .all(|config| !config.is_deterministic)
    );
    for trial in &mut input.experiment.trials {
        trial.metrics = vec![
            ("valid/accuracy".to_owned(), trial.best.unwrap()),
            ("valid/loss".to_owned(), 0.4),
            ("seconds".to_owned(), trial.seed as f64),
        ];
        (trial.last, trial.steps) = (trial.best, Some(2));
    }
    let summary = Summary::of(&input.experiment);
    assert!(summary.ranking.iter().all(|config| config.is_deterministic));
    let inference = Inference::of(&summary);
    assert_eq!(inference.estimates[0].interval, None);
    assert_eq!(
        (inference.comparisons[0].pairs, inference.comparisons[0].p),
        (1, None)
    );
    let told = narrative::sentences(&inference, &summary).join("\n");
    assert!(
        told.contains("leads: 0.7000, deterministic (same result for all 3 seeds)."),
        "{told}"
    );
    assert!(told.contains("are deterministic: their runs"), "{told}");
    assert!(
        !told.contains("significant") && !told.contains("--seeds"),
        "{told}"
    );
    // A loss that differs in one run is what a seed did.
    input.experiment.trials[1].metrics[1].1 = 0.41;
    assert!(!Summary::of(&input.experiment).ranking[0].is_deterministic);
}

#[test]
fn advice_is_what_would_help() {
    let told = |input: &Input| {
        let summary = Summary::of(&input.experiment);
        narrative::sentences(&Inference::of(&summary), &summary).join("\n")
    };
    let single = told(&partly(1, &[(0.1, &[0.7]), (0.01, &[0.6])]));
    assert!(single.contains("`sweep run FILE --seeds 1..3`"), "{single}");
    let unfinished = told(&partly(3, &[(0.1, &[0.7]), (0.01, &[0.6])]));
    assert!(
        unfinished.contains("`sweep resume q` trains the remaining trials."),
        "{unfinished}"
    );
    assert!(!unfinished.contains("--seeds"), "{unfinished}");
    // Where no seed changes the first two, none would tell them apart.
    let mut repeats = partly(
        2,
        &[
            (0.1, &[0.7, 0.7]),
            (0.01, &[0.69, 0.69]),
            (0.001, &[0.6, 0.5]),
        ],
    );
    for trial in &mut repeats.experiment.trials {
        let loss = trial.best.unwrap() / 2.0;
        trial.metrics = vec![
            ("valid/accuracy".to_owned(), trial.best.unwrap()),
            ("valid/loss".to_owned(), loss),
        ];
        trial.last = trial.best;
    }
    let repeats = told(&repeats);
    assert!(
        repeats.contains("2 configurations, such as") && !repeats.contains("1000 seeds"),
        "{repeats}"
    );
    let mut failed = partly(2, &[(0.1, &[0.7]), (0.01, &[0.6])]);
    for place in [1, 3] {
        failed.experiment.trials[place].status = Status::Failed;
    }
    let failed = told(&failed);
    assert!(failed.contains("--retry-failed"), "{failed}");
}

#[test]
fn what_has_no_result_is_told_with_what_to_do() {
    let mut input = partly(2, &[(0.1, &[0.7, 0.7]), (0.01, &[]), (0.001, &[])]);
    let statuses = [Status::Diverged, Status::Failed];
    for trial in &mut input.experiment.trials {
        if trial.status != Status::Finished {
            trial.status = statuses[usize::from(trial.seed == 1)];
        }
    }
    let summary = input.summary();
    assert_eq!(
        plan_status::failures(&summary),
        [
            "2 trials diverged; this counts as a result and is not retried.",
            "2 trials failed; `sweep show q` shows why, `sweep resume q --retry-failed` retries.",
        ]
    );
    let told = narrative::sentences(&Inference::of(&summary), &summary).join("\n");
    assert!(
        told.contains("the 2 other configurations have no finished trial"),
        "{told}"
    );
    let input = partly(2, &[(0.1, &[0.7, 0.7]), (0.01, &[0.1, 0.1]), (0.001, &[])]);
    let summary = input.summary();
    let told = narrative::sentences(&Inference::of(&summary), &summary).join("\n");
    assert!(told.contains("(1 more has none)"), "{told}");
}

#[test]
fn a_sweep_that_a_process_is_at_is_not_to_be_resumed() {
    let mut input = partly(3, &[(0.1, &[0.7]), (0.01, &[0.6])]);
    input.running = vec!["q".to_owned()];
    let summary = input.summary();
    assert_eq!(
        plan_status::unfinished(&summary).unwrap(),
        "The sweep is running: 4 of 6 trials remain, and the ranking may change."
    );
    let page = text_of(&make(&input).unwrap(), "index.html").to_owned();
    assert!(page.contains("The sweep is running") && !page.contains("sweep resume"));
    assert!(page.contains("The remaining trials are running."));
}

#[test]
fn a_filtered_report_says_so_wherever_it_matters() {
    let mut input = partly(1, &[(0.1, &[0.7]), (0.01, &[0.6])]);
    input.query = Some("seed=1".to_owned());
    let page = text_of(&make(&input).unwrap(), "index.html").to_owned();
    for told in [
        "<title>q (filter: seed=1) · sweep report</title>",
        "<h1>q (filter: seed=1)</h1>",
        "restricted to trials that match <code>seed=1</code>",
        "sweep report q --query ",
        "without the query there may be more seeds",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!page.contains("--seeds 1..3"));
}

#[test]
fn commands_that_added_seeds_are_part_of_reproducing_it() {
    let mut input = partly(1, &[(0.1, &[0.7])]);
    let mut second = input.experiment.sessions[0].clone();
    second.command = "sweep run q.toml --more-seeds 2 --top 1".to_owned();
    input.experiment.sessions.push(second);
    let page = text_of(&make(&input).unwrap(), "index.html").to_owned();
    let (_, reproduce) = page.split_once("id=\"reproduce\"").unwrap();
    let (commands, _) = reproduce.split_once("</pre>").unwrap();
    assert!(
        commands.contains("\nsweep run q.toml --more-seeds 2 --top 1\nsweep report q"),
        "{commands}"
    );
}

#[test]
fn a_sweep_that_has_just_begun_has_plain_facts() {
    let mut input = partly(1, &[(0.1, &[])]);
    input.experiment.trials[0].seconds = None;
    input.experiment.sessions[0].ended_ms = None;
    let page = text_of(&make(&input).unwrap(), "index.html").to_owned();
    assert!(page.contains("<dd>0.0 s</dd>") && !page.contains("-0.0 s"));
    assert!(page.contains("<dd>unknown: 1 session without a recorded end</dd>"));
}

#[test]
fn which_sweep_asked_is_no_setting_where_both_asked_for_every_configuration() {
    let one = partly(3, &[(0.1, &[0.5, 0.6, 0.6]), (0.01, &[0.4, 0.3, 0.2])]).experiment;
    let mut other = one.clone();
    other.name = "r".to_owned();
    // The second was trained with fewer seeds.
    other.trials.retain(|trial| trial.seed == 1);
    let summary = Summary::of(&merged::merge(&[one, other]).unwrap());
    let names: Vec<&str> = summary.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["lr"]);
    assert_eq!(summary.ranking[0].label, "lr=0.1");
}

#[test]
fn one_that_cannot_be_compared_keeps_no_winner_from_being_declared() {
    let input = partly(
        3,
        &[
            (0.1, &[0.90, 0.91, 0.92]),
            (0.01, &[0.5, 0.52, 0.51]),
            (0.001, &[0.4]),
        ],
    );
    let summary = Summary::of(&input.experiment);
    let inference = Inference::of(&summary);
    assert!(matches!(inference.verdict, Verdict::Winner { p } if p < 0.05));
    assert_eq!(
        (inference.untested(), &inference.candidates[..]),
        (1, &[0, 2][..])
    );
    let told = narrative::sentences(&inference, &summary);
    assert!(
        told[1]
            .starts_with("It is significantly better than the 1 other configuration: adjusted p")
            && told[1].ends_with("; 1 more cannot be compared (fewer than two seeds in common)."),
        "{told:?}"
    );
}

#[test]
fn intervals_of_shares_stay_between_none_and_all() {
    let input = partly(2, &[(0.1, &[0.5, 0.3]), (0.01, &[0.2, 0.3])]);
    let summary = Summary::of(&input.experiment);
    let inference = Inference::of(&summary);
    assert_eq!(inference.estimates[0].interval, Some((0.0, 1.0)));
    assert_eq!(inference.comparisons[0].interval, Some((-1.0, 1.0)));
    // Two seeds that tie are known to within a step, no better.
    let input = partly(2, &[(0.1, &[0.5, 0.5]), (0.01, &[0.4, 0.3])]);
    let summary = Summary::of(&input.experiment);
    let (low, high) = Inference::of(&summary).estimates[0].interval.unwrap();
    assert!(high - low > 0.3, "{low} {high}");
}

#[test]
fn sweeps_that_were_joined_tell_their_features_looks_and_commands() {
    let mut one = partly(3, &[(0.1, &[0.5, 0.6]), (0.01, &[0.4, 0.3, 0.2])]).experiment;
    let mut other = partly(3, &[(0.001, &[0.5, 0.6])]).experiment;
    (one.name, other.name) = ("a".to_owned(), "b".to_owned());
    other.dataset.digest = sweep_core::trial::DataDigest::from_hex("ef".repeat(32));
    other.dataset.features.push("words".to_owned());
    let records = [one, other];
    let mut input = empty(&["no", "yes"]);
    input.experiment = merged::merge(&records).unwrap();
    input.parts = records.iter().map(merged::Part::of).collect();
    input.test_evaluations = 3;
    let report = make(&input).unwrap();
    let page = text_of(&report, "index.html");
    assert!(page.contains("2 to 3 features"));
    assert!(page.contains("<dd>evaluated 3 times</dd>") && !page.contains("not evaluated yet"));
    assert!(page.contains("Features of b") && page.contains("sweep report a b"));
    assert!(page.contains("<code>sweep resume a</code>, <code>sweep resume b</code>"));
}
