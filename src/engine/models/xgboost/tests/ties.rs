//! Rounds with the same value of the objective.

use super::*;

/// Of rounds with the best accuracy that with the lowest loss is kept, as the reported numbers have it; patience counts from the
/// first of them, also after a resume from a checkpoint between the two.
#[test]
fn a_round_of_equal_accuracy_and_lower_loss_is_kept_and_does_not_extend_patience() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = XgboostSpec {
        rounds: 500,
        eta: 0.02,
        early_stopping_rounds: 12,
        ..XgboostSpec::default()
    };
    let spec = spec(boost, "valid/accuracy", Goal::Max);
    let mut callback = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut callback));
    let (accuracy, loss) = (
        callback.column("valid/accuracy"),
        callback.column("valid/loss"),
    );
    let best = accuracy.iter().copied().fold(f64::MIN, f64::max);
    let ties: Vec<usize> = (0..accuracy.len())
        .filter(|place| accuracy[*place] == best)
        .collect();
    let kept = *(ties.iter())
        .min_by(|a, b| loss[**a].total_cmp(&loss[**b]))
        .unwrap();
    assert_ne!(
        kept, ties[0],
        "the settings are some for which the two differ"
    );
    assert_eq!(result.best_step as usize, kept + 1);
    assert_eq!(result.steps as usize, ties[0] + 1 + 12);
    let mut stopped = Remember {
        stop_at: Some(kept as u32 + 1),
        ..Remember::default()
    };
    run(&data, &spec, folder.path(), None, &mut stopped);
    let mut rest = Remember::default();
    let checkpoint = stopped.checkpoint.as_deref();
    let again = done(run(&data, &spec, folder.path(), checkpoint, &mut rest));
    assert_eq!(
        (again.best_step, again.steps),
        (result.best_step, result.steps)
    );
}

/// By the loss, the round with the lowest is kept whatever ranks trials, and patience counts from it, also after a resume.
#[test]
fn by_loss_the_round_with_the_lowest_is_kept_whatever_the_objective() {
    if !available() {
        return;
    }
    let (data, folder) = (fixture(24), tempfile::tempdir().unwrap());
    let boost = XgboostSpec {
        rounds: 500,
        early_stopping_rounds: 7,
        early_stopping_metric: StoppingMetric::Loss,
        ..XgboostSpec::default()
    };
    let spec = spec(boost, "valid/accuracy", Goal::Max);
    let mut callback = Remember::default();
    let result = done(run(&data, &spec, folder.path(), None, &mut callback));
    let (accuracy, loss) = (
        callback.column("valid/accuracy"),
        callback.column("valid/loss"),
    );
    let lowest = (0..loss.len()).min_by(|a, b| loss[*a].total_cmp(&loss[*b]));
    let lowest = lowest.unwrap();
    let best = accuracy.iter().copied().fold(f64::MIN, f64::max);
    let first = accuracy.iter().position(|value| *value == best).unwrap();
    assert_ne!(
        first, lowest,
        "the settings are some for which the two differ"
    );
    assert_eq!(result.best_step as usize, lowest + 1);
    assert_eq!(result.steps as usize, lowest + 1 + 7);
    assert_eq!(result.best, Some(accuracy[lowest]));
    let mut stopped = Remember {
        stop_at: Some(lowest as u32 + 3),
        ..Remember::default()
    };
    run(&data, &spec, folder.path(), None, &mut stopped);
    let checkpoint = stopped.checkpoint.as_deref();
    let mut rest = Remember::default();
    let again = done(run(&data, &spec, folder.path(), checkpoint, &mut rest));
    assert_eq!(again, result);
}
