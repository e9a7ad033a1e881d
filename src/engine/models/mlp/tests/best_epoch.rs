//! Which epoch is kept.

use super::super::Model;
use super::{Record, data, run, run_in, small, trial, value_of};
use crate::Outcome;
use crate::score::Confusion;
use sweep_core::trial::models::{EarlyStopping, MlpSpec};

#[test]
fn of_the_best_epochs_that_with_the_lowest_loss_is_kept_and_saved() {
    let data = data(9, 5);
    // Of a seed with which the lowest loss of the best epochs is not that of the first of them.
    let found = (1..20).find_map(|seed| {
        let model = MlpSpec {
            epochs: 25,
            ..small()
        };
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::default();
        let outcome = run_in(folder.path(), &trial(model, seed), &data, None, &mut record);
        let Ok(Outcome::Done(result)) = outcome else {
            panic!("no callback asked to stop");
        };
        let of = |metric: &str| -> Vec<f64> {
            let epochs = record.epochs.iter();
            epochs.map(|epoch| value_of(epoch, metric)).collect()
        };
        let (objective, loss) = (of("valid/accuracy"), of("valid/loss"));
        let best = objective.iter().copied().fold(f64::MIN, f64::max);
        let mut ties = (0..25).filter(|place| objective[*place] == best);
        let first = ties.clone().next()?;
        let kept = ties.by_ref().min_by(|a, b| loss[*a].total_cmp(&loss[*b]))?;
        (kept != first).then_some((folder, record, result, objective, best, kept))
    });
    let (folder, record, result, objective, best, kept) = found.unwrap();
    assert_eq!(result.best, Some(best));
    assert_eq!(result.best_step as usize, kept + 1);
    let measured = record.epochs[kept].values.as_slice();
    assert_eq!(&result.metrics[..measured.len()], measured);
    assert_eq!(result.last, objective.last().copied());
    assert_eq!(
        result.parameters,
        (9 * 20 + 60) + (20 * 12 + 36) + (12 * 5 + 5)
    );

    let mut model = Model::load(folder.path()).unwrap();
    let valid = data.valid();
    let mut confusion = Confusion::new(5);
    for (scores, label) in model
        .scores(valid.x)
        .chunks(5)
        .zip(valid.y.classes().unwrap())
    {
        confusion.add(*label as usize, crate::score::argmax(scores));
    }
    assert_eq!(confusion.rows(), result.confusion);
    assert_eq!(confusion.accuracy(), best);
    for artifact in &result.artifacts {
        let length = std::fs::metadata(folder.path().join(&artifact.path))
            .unwrap()
            .len();
        assert_eq!(length, artifact.bytes);
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        result.artifacts.len()
    );
}

/// Accuracy stays where it is while the loss falls: each epoch is kept, and none is an improvement.
#[test]
fn an_equal_objective_with_a_lower_loss_is_kept_and_does_not_extend_patience() {
    let model = MlpSpec {
        lr: 1e-5,
        epochs: 20,
        batch_norm: false,
        dropout: 0.0,
        early_stopping: Some(EarlyStopping {
            patience: 4,
            min_delta: 0.0,
        }),
        ..small()
    };
    let (epochs, result) = run(&trial(model, 1), &data(9, 5));
    let of =
        |metric: &str| -> Vec<f64> { epochs.iter().map(|epoch| value_of(epoch, metric)).collect() };
    let (accuracy, loss) = (of("valid/accuracy"), of("valid/loss"));
    assert!(
        accuracy.iter().all(|value| *value == accuracy[0]),
        "{accuracy:?}"
    );
    assert_eq!(result.steps, 5);
    let lowest = (0..loss.len()).min_by(|a, b| loss[*a].total_cmp(&loss[*b]));
    assert_eq!(result.best_step as usize, lowest.unwrap() + 1);
    assert!(result.best_step > 1, "{loss:?}");
}
