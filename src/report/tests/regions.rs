//! Sets and intervals of the best models in every part of a report.

use super::{bytes_of, drawn, text_of};
use crate::regions::{json, sentence};
use sweep_analysis::fixtures::{genres, prices};
use sweep_core::trial::{
    ConfigId, DataDigest, Evaluated, Evaluation, Kind, TEST_HELD, TEST_SIZE, TestScore,
};
use sweep_store::EvaluationRecord;

fn evaluated(config: &ConfigId) -> EvaluationRecord {
    let score = |metric: &str, mean: f64| TestScore {
        metric: metric.to_owned(),
        mean,
        sd: None,
        low: mean - 0.02,
        high: mean + 0.02,
    };
    EvaluationRecord {
        evaluated_ms: 1_772_323_200_000,
        test_evaluations: 1,
        evaluation: Evaluation {
            ensemble: None,
            data: DataDigest::from_hex("d".repeat(64)),
            rows: 6_567,
            groups: 6_567,
            replicates: 2_000,
            models: vec![Evaluated {
                kind: Kind::MLP,
                config: config.clone(),
                runs: Vec::new(),
                scores: vec![
                    score("test/accuracy", 0.5),
                    score(TEST_HELD, 0.887),
                    score(TEST_SIZE, 1.5),
                ],
            }],
        },
    }
}

#[test]
fn sets_of_classes_have_a_section_a_file_and_a_sentence() {
    let mut input = genres();
    let report = drawn("genres", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains("Sets of classes (conformal prediction)"));
    assert!(page.contains("3 or more") && page.contains("Least held"));
    assert!(!page.contains("Test rows"));
    let summary = input.summary();
    insta::assert_snapshot!(sentence(&input, &summary).unwrap());
    let told = json(&input);
    assert_eq!(told.as_array().unwrap().len(), 3);
    let level = &told[0]["levels"][1];
    let rows = level["set_rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|rows| rows.as_u64().unwrap()).sum::<u64>(),
        600
    );
    assert_eq!(level["held"]["by_class"].as_array().unwrap().len(), 6);
    // Three models, three probabilities, six sizes.
    let csv = text_of(&report, "conformal.csv");
    assert_eq!(csv.lines().count(), 1 + 3 * 3 * 6);

    // What test rows say has a column here, and none beside the scores.
    let config = input.regions[0].model.config.clone();
    input.test = Some(evaluated(&config));
    let report = drawn("genres_tested", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains("Test rows") && page.contains("88.7% [86.7%, 90.7%]"));
    assert_eq!(page.matches("88.7%").count(), 1);
    assert_eq!(json(&input)[0]["test_held"]["mean"], 0.887);
    let csv = text_of(&report, "conformal.csv");
    assert_eq!(csv.matches(",0.887,").count(), 6);
    let mut none = input.clone();
    none.regions.clear();
    assert!(!bytes_of(&drawn("untold", &none), "index.html").is_empty());
    assert_eq!(sentence(&none, &none.summary()), None);
}

#[test]
fn intervals_of_a_learned_logarithm_are_factors() {
    let input = prices();
    let report = drawn("prices", &input);
    let page = text_of(&report, "index.html");
    assert!(page.contains("Intervals (conformal prediction)") && page.contains("× or ÷ "));
    assert!(!page.contains("Least held"));
    assert!(page.contains("squared error of the logarithm of the target"));
    assert!(page.contains("Rows count by their weights in the training loss"));
    insta::assert_snapshot!(sentence(&input, &input.summary()).unwrap());
    assert_eq!(text_of(&report, "conformal.csv").lines().count(), 1 + 9);
}
