//! What a report says where configurations have the same mean on the same seeds.

use super::super::{comparisons, make, narrative, table};
use super::seeds::partly;
use super::text_of;
use sweep_analysis::inference::Verdict;
use sweep_analysis::{Inference, Input, Summary, json};

/// Gives each trial of `input` a validation loss, by configuration in plan order.
fn with_losses(input: &mut Input, seeds: usize, losses: &[f64]) {
    for (place, trial) in input.experiment.trials.iter_mut().enumerate() {
        // The loss hangs on the seed, so that the configurations are not deterministic.
        let loss = losses[place / seeds] + 0.001 * trial.seed as f64;
        trial.metrics = vec![
            ("valid/accuracy".to_owned(), trial.best.unwrap()),
            ("valid/loss".to_owned(), loss),
        ];
    }
}

fn told(input: &Input) -> String {
    let summary = Summary::of(&input.experiment);
    narrative::sentences(&Inference::of(&summary), &summary).join("\n")
}

/// The column `rank` of a CSV file.
fn ranks(csv: &str) -> Vec<&str> {
    let mut lines = csv.lines();
    let heads = lines.next().unwrap().split(',');
    let place = heads.into_iter().position(|head| head == "rank").unwrap();
    lines
        .map(|line| line.split(',').nth(place).unwrap())
        .collect()
}

#[test]
fn equal_configurations_share_a_rank_everywhere_and_none_leads() {
    let mut input = partly(
        2,
        &[
            (0.1, &[0.5, 0.7]),
            (0.01, &[0.7, 0.5]),
            (0.001, &[0.2, 0.3]),
            (0.0001, &[0.6, 0.6]),
        ],
    );
    with_losses(&mut input, 2, &[1.3, 1.1, 1.0, 1.2]);
    let summary = Summary::of(&input.experiment);
    assert_eq!(summary.ranks, [1, 1, 1, 4]);
    let labels: Vec<&str> = summary
        .ranking
        .iter()
        .map(|config| config.label.as_str())
        .collect();
    assert_eq!(
        labels,
        ["lr=0.01", "lr=1e-4", "lr=0.1", "lr=0.001"],
        "by loss"
    );

    let board = table::leaderboard(&summary, 10, false);
    assert_eq!(board.matches("1=").count(), 3, "{board}");
    assert!(
        board.contains("=: the same mean on the same seeds"),
        "{board}"
    );
    let report = make(&input).unwrap();
    for file in ["best.csv", "comparisons.csv"] {
        assert_eq!(
            ranks(text_of(&report, file)),
            ["1", "1", "1", "4"],
            "{file}"
        );
    }
    let page = text_of(&report, "index.html");
    assert!(page.contains("Tied: none leads"), "{page}");
    assert!(
        page.contains("<td>1=</td>") || page.contains(">1=<"),
        "{page}"
    );
    assert!(page.contains("\"rank\":[1,1,1,4]"));
    let inference = Inference::of(&summary);
    assert_eq!((inference.verdict, inference.tied), (Verdict::Tied, 3));
    let told_json = comparisons::json(&inference, &summary);
    assert_eq!(told_json["verdict"], "tied");
    assert_eq!(told_json["tied"].as_array().unwrap().len(), 3);
    let listed = json::leaderboard(&summary, 10).to_string();
    assert_eq!(listed.matches("\"rank\":1,").count(), 3, "{listed}");
    assert_eq!(listed.matches("\"tied_with\":2,").count(), 3, "{listed}");

    let told = told(&input);
    assert!(!told.contains("lr=0.01 leads"), "{told}");
    assert!(
        told.contains("from the 1 other configuration is not significant"),
        "{told}"
    );
    assert!(
        told.starts_with("No configuration leads: 0.6000, over 2 seeds, is the mean of each of 3 configurations: network lr=0.01; "),
        "{told}"
    );
    let best = &summary.ranking[0];
    let chosen = format!(
        "`best` is network lr=0.01 ({}): tied with 2 other configurations, chosen for the lowest mean validation loss.",
        best.id.short()
    );
    assert!(told.contains(&chosen), "{told}");
    assert!(
        told.contains("Lead of the first of them over the runner-up (network lr=0.001): "),
        "{told}"
    );
    // Of its seeds the better one, though it is not the one with the lower loss.
    assert_eq!(summary.best_trial.as_ref(), Some(&best.runs[0].trial));
    assert_eq!(best.runs[0].value, 0.7);
}

#[test]
fn a_tie_of_all_is_said_and_a_tie_behind_the_winner_leaves_it_the_lead() {
    let mut all = partly(3, &[(0.1, &[0.3; 3]), (0.01, &[0.3; 3])]);
    with_losses(&mut all, 3, &[1.0, 1.0]);
    let said = told(&all);
    assert!(said.starts_with("No configuration leads: 0.3000"), "{said}");
    assert!(
        said.contains("tied with 1 other configuration, chosen as the first of them in the plan."),
        "{said}"
    );
    assert!(!said.contains("Lead"), "{said}");
    let behind = partly(
        2,
        &[
            (0.1, &[0.9, 0.9]),
            (0.01, &[0.3, 0.3]),
            (0.001, &[0.3, 0.3]),
        ],
    );
    let summary = Summary::of(&behind.experiment);
    assert_eq!(summary.ranks, [1, 2, 2]);
    let said = told(&behind);
    assert!(said.contains("network lr=0.1 leads: 0.9000"), "{said}");
    // With one seed there is a tie, and seeds to be had.
    let single = told(&partly(
        1,
        &[(0.1, &[0.7]), (0.01, &[0.7]), (0.001, &[0.6])],
    ));
    assert!(
        single.contains("cannot be tested: fewer than two seeds in common"),
        "{single}"
    );
    assert!(single.contains("`sweep run FILE --seeds 1..3`"), "{single}");
}

#[test]
fn of_equal_seeds_of_the_best_configuration_that_with_the_lowest_loss_is_best() {
    let mut input = partly(3, &[(0.1, &[0.7, 0.8, 0.8]), (0.01, &[0.1; 3])]);
    with_losses(&mut input, 3, &[1.0, 1.0]);
    let best = |input: &Input| Summary::of(&input.experiment).best_trial.unwrap();
    assert_eq!(
        best(&input),
        input.experiment.trials[1].id,
        "the first of equals"
    );
    input.experiment.trials[2].metrics[1].1 = 0.5;
    assert_eq!(best(&input), input.experiment.trials[2].id);
}

#[test]
fn one_that_diverged_with_a_seed_does_not_tie_with_one_that_did_not() {
    let mut input = partly(
        2,
        &[
            (0.1, &[0.5, 0.5]),
            (0.01, &[0.5, 0.5]),
            (0.001, &[0.5, 0.5]),
        ],
    );
    let mut lost = input.experiment.trials[0].clone();
    lost.id = sweep_core::trial::TrialId::from_hex("ab".repeat(16));
    lost.seed = 3;
    lost.status = sweep_core::trial::Status::Diverged;
    input.experiment.trials.push(lost);
    let summary = Summary::of(&input.experiment);
    assert_eq!(summary.ranks, [1, 1, 3]);
    assert_eq!(Inference::of(&summary).tied, 2);
}
