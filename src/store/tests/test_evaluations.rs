//! Test-set evaluations: added, counted by rows, read back.

use super::{NewTrial, TestStore, dataset, execute, metrics, plan, query};
use sweep_core::trial::{Evaluated, EvaluatedRun, Evaluation, Kind, TestScore, TrialId};

/// The one configuration of `plan`, with `value` as the accuracy of each of its trials.
fn evaluation_of(plan: &[NewTrial], value: f64) -> Evaluation {
    let score = |metric: &str, sd| TestScore {
        metric: metric.to_owned(),
        mean: 0.5,
        sd,
        low: f64::NEG_INFINITY,
        high: 0.75,
    };
    let run = |(id, _, spec): &NewTrial| EvaluatedRun {
        trial: id.clone(),
        seed: spec.seed,
        fold: None,
        values: metrics(&[("test/accuracy", value), ("test/loss", 1.0)]),
    };
    Evaluation {
        ensemble: None,
        data: dataset().digest,
        rows: 20,
        groups: 18,
        replicates: 2_000,
        models: vec![Evaluated {
            kind: Kind::MLP,
            config: plan[0].1.clone(),
            runs: plan.iter().map(run).collect(),
            scores: vec![score("test/accuracy", Some(0.1)), score("test/loss", None)],
        }],
    }
}

#[test]
fn test_evaluations_are_added_counted_by_rows_and_read_back() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    lab.begin("songs", &plan);
    lab.begin("other", &plan);
    assert_eq!(lab.store.last_evaluation("songs").unwrap(), None);
    assert_eq!(
        lab.store.test_evaluation_count(&dataset().digest).unwrap(),
        0
    );

    let evaluation = |value| evaluation_of(&plan, value);
    let first = lab
        .store
        .record_evaluation("songs", "0.1.0", &evaluation(0.25))
        .unwrap();
    assert_eq!(
        (first.test_evaluations, &first.evaluation),
        (1, &evaluation(0.25))
    );
    let second = lab
        .store
        .record_evaluation("other", "0.1.0", &evaluation(0.5))
        .unwrap();
    assert_eq!(second.test_evaluations, 2, "by whatever experiment");
    let shown = lab.store.last_evaluation("songs").unwrap().unwrap();
    assert_eq!(
        (shown.test_evaluations, shown.evaluated_ms),
        (2, first.evaluated_ms)
    );
    assert_eq!(shown.evaluation, evaluation(0.25));
    assert_eq!(
        query::<i64>(&lab.path(), "SELECT count(*) FROM test_results"),
        8
    );

    // The same rows with other features are the same rows; those of another split are not.
    let others = [("e", 20), ("f", 21)].map(|(digit, test_rows)| {
        let digest = digit.repeat(64);
        execute(
            &lab.path(),
            &format!(
                "INSERT INTO datasets (digest, source, source_sha256, features, classes, train_rows, valid_rows,
                                       test_rows, notes)
                 SELECT '{digest}', source, source_sha256, '[]', classes, train_rows, valid_rows, {test_rows}, notes
                 FROM datasets LIMIT 1"
            ),
        );
        sweep_core::trial::DataDigest::from_hex(digest)
    });
    assert_eq!(lab.store.test_evaluation_count(&others[0]).unwrap(), 2);
    assert_eq!(lab.store.test_evaluation_count(&others[1]).unwrap(), 0);

    let error = lab
        .store
        .record_evaluation("nobody", "0.1.0", &evaluation(0.5))
        .unwrap_err();
    assert!(error.to_string().contains("experiment nobody"), "{error}");
    let mut strange = evaluation(0.5);
    strange.models[0].runs[0].trial = TrialId::from_hex("9".repeat(32));
    let error = lab
        .store
        .record_evaluation("songs", "0.1.0", &strange)
        .unwrap_err();
    assert!(error.to_string().contains("999"), "{error}");
    assert_eq!(
        lab.store.test_evaluation_count(&dataset().digest).unwrap(),
        2,
        "nothing was left half done"
    );
}
