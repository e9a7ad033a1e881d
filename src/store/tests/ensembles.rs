//! Ensembles are read as they were recorded, the newest first, and go with their trials.

use super::{NewTrial, TestStore, begin, dataset, plan, query};
use crate::StoreError;
use sweep_core::trial::{Ensemble, EnsembleMethod, EnsembleScore, EnsembleTrial, TrialId};

fn ensemble(plan: &[NewTrial], weights: &[f64]) -> Ensemble {
    let trials = plan.iter().zip(weights);
    Ensemble {
        data: dataset().digest,
        loss: "log loss".to_owned(),
        method: EnsembleMethod {
            top: 25,
            rounds: 50,
            bags: 20,
            seed: u32::MAX,
        },
        finished: 3,
        library: "ab".repeat(32),
        trials: trials
            .map(|((trial, ..), weight)| EnsembleTrial {
                trial: trial.clone(),
                weight: *weight,
            })
            .collect(),
        scores: vec![
            EnsembleScore {
                metric: "valid/loss".to_owned(),
                value: 0.25,
                cross_fitted: Some(0.3),
                single: None,
            },
            EnsembleScore {
                metric: "valid/accuracy".to_owned(),
                value: 0.875,
                cross_fitted: None,
                single: Some(0.5),
            },
        ],
    }
}

#[test]
fn the_newest_ensemble_is_read_as_it_was_recorded() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2, 0.3]);
    begin(&mut lab.store, "songs", &plan, true);
    assert_eq!(lab.store.ensemble("songs").unwrap(), None);
    let (first, second) = (
        ensemble(&plan, &[0.5, 0.5, 0.0]),
        ensemble(&plan, &[1.0 / 3.0, 2.0 / 3.0, 0.0]),
    );
    let store = &mut lab.store;
    store.record_ensemble("songs", "0.1.0", &first).unwrap();
    let recorded = store.record_ensemble("songs", "0.1.0", &second).unwrap();
    assert_eq!(store.ensemble("songs").unwrap(), Some(recorded));
    let unknown = Ensemble {
        trials: vec![EnsembleTrial {
            trial: TrialId::from_hex("f".repeat(32)),
            weight: 1.0,
        }],
        ..first
    };
    let error = store.record_ensemble("songs", "0.1.0", &unknown);
    assert!(matches!(error, Err(StoreError::UnknownReference { .. })));
    assert_eq!(
        query::<i64>(&lab.path(), "SELECT count(*) FROM ensembles"),
        2
    );
}

#[test]
fn an_ensemble_goes_with_a_member_and_stays_without_a_candidate() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2, 0.3]);
    begin(&mut lab.store, "songs", &plan, true);
    let made = ensemble(&plan, &[0.5, 0.5, 0.0]);
    let store = &mut lab.store;
    store.record_ensemble("songs", "0.1.0", &made).unwrap();
    let removal = store.remove("songs", Some(&plan[2].0)).unwrap();
    assert!(removal.ensembles.is_empty());
    let left = store.ensemble("songs").unwrap().unwrap();
    assert_eq!(left.ensemble.trials, made.trials[..2]);
    let told = store.removal("songs", Some(&plan[0].0)).unwrap();
    assert_eq!(told.ensembles, ["songs"]);
    assert!(store.ensemble("songs").unwrap().is_some());
    store.remove("songs", Some(&plan[0].0)).unwrap();
    assert_eq!(store.ensemble("songs").unwrap(), None);
    // Likewise with the whole sweep.
    store
        .record_ensemble("songs", "0.1.0", &ensemble(&plan[1..2], &[1.0]))
        .unwrap();
    let removal = store.remove("songs", None).unwrap();
    assert_eq!(removal.ensembles, ["songs"]);
    let rows = "SELECT (SELECT count(*) FROM ensembles) + (SELECT count(*) FROM ensemble_trials)
                     + (SELECT count(*) FROM ensemble_scores)";
    assert_eq!(query::<i64>(&lab.path(), rows), 0);
}
