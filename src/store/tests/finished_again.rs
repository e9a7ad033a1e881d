//! Trials with a result that are trained again: what is recorded stays.

use super::{finished, finished_lab, metrics, observe_all, plan, progressed, result, started};
use crate::{OTHER_RESULT, Outcome};
use sweep_core::event::{AttemptNo, Cause, Event};
use sweep_core::trial::TrialResult;

/// What the database has of the first trial after an attempt of a further session at it: whether that is what it had
/// before, and outcome and message of the attempt.
fn again(end: impl FnOnce(&sweep_core::trial::TrialId) -> Event) -> (bool, String, Option<String>) {
    let (mut lab, trials) = finished_lab(&[0.5, 0.6]);
    let trial = &trials[0];
    let recorded = |lab: &super::TestStore| {
        let experiment = lab.store.experiment("songs").unwrap().unwrap();
        let curves = lab.store.curves(trial).unwrap();
        (
            experiment.trials,
            curves,
            lab.store.artifacts(trial).unwrap(),
        )
    };
    let before = recorded(&lab);
    let session = lab.begin("songs", &plan(&[0.1, 0.01, 0.001]));
    let mut writer = lab.writer(session);
    let progress = progressed(trial, 1, 1, &[("valid/accuracy", 0.125)]);
    observe_all(&mut writer, [started(trial, 1), progress, end(trial)]);
    writer.finish(Outcome::Finished).unwrap();
    let attempt = lab.store.attempts(trial).unwrap().pop().unwrap();
    assert_eq!(attempt.session, session.get());
    (recorded(&lab) == before, attempt.outcome, attempt.message)
}

#[test]
fn the_same_result_ends_a_further_attempt_and_changes_nothing() {
    // Another time, as ever.
    let same = TrialResult {
        seconds: 99.0,
        ..result(0.5)
    };
    let (is_kept, outcome, message) = again(|trial| finished(trial, 1, same));
    assert_eq!(
        (is_kept, outcome.as_str(), message),
        (true, "finished", None)
    );
}

#[test]
fn a_metric_that_an_earlier_version_did_not_measure_makes_no_other_result() {
    let mut more = result(0.5);
    more.metrics
        .extend(metrics(&[("valid/calibrated_loss", 0.25)]));
    let (is_kept, outcome, message) = again(|trial| finished(trial, 1, more));
    assert_eq!(
        (is_kept, outcome.as_str(), message),
        (true, "finished", None)
    );
}

#[test]
fn another_result_is_told_and_not_recorded() {
    let loss = TrialResult {
        metrics: metrics(&[("valid/accuracy", 0.5), ("valid/loss", 0.25)]),
        ..result(0.5)
    };
    let diverged = TrialResult {
        diverged: Some("the loss is NaN".to_owned()),
        ..result(0.5)
    };
    let steps = TrialResult {
        steps: 3,
        ..result(0.5)
    };
    let cases = [
        (result(0.75), "best 0.75, was 0.5"),
        (loss, "valid/loss 0.25, was 0.5"),
        (diverged, "it is diverged, and was finished"),
        (steps, "steps 3, was 2"),
    ];
    for (other, expected) in cases {
        let (is_kept, outcome, message) = again(|trial| finished(trial, 1, other));
        let message = message.unwrap();
        assert!(is_kept, "{expected}");
        assert_eq!(outcome, "rejected");
        assert!(
            message.starts_with(OTHER_RESULT) && message.ends_with(expected),
            "{message}"
        );
    }
}

#[test]
fn a_failure_or_an_interruption_takes_no_result_away() {
    let (is_kept, outcome, _) = again(|trial| Event::TrialFailed {
        trial: trial.clone(),
        attempt: AttemptNo(1),
        cause: Cause::Crashed {
            exit_code: Some(1),
            signal: None,
        },
        log_tail: String::new(),
        will_retry: false,
    });
    assert_eq!((is_kept, outcome.as_str()), (true, "crashed"));
    let (is_kept, outcome, _) = again(|trial| Event::TrialInterrupted {
        trial: trial.clone(),
        attempt: AttemptNo(1),
        step: None,
    });
    assert_eq!((is_kept, outcome.as_str()), (true, "interrupted"));
}
