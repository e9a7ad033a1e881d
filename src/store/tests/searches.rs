//! Searches: their decisions, outcomes and paused trials.

use super::{TestStore, begin, observe_all, plan, progressed, query, started};
use crate::{NewSearch, Outcome, SearchRecord};
use sweep_core::event::{AttemptNo, Event};
use sweep_core::search_job::{JobOutcome, SearchJob};
use sweep_core::trial::Status;

const SEARCH: NewSearch<'_> = NewSearch {
    path: "search",
    digest: "abc",
    known: "[]",
};

/// The decision numbered `number` of `search`: the trial of learning rate `lr` from step `from` to step `to`.
fn decided(search: i64, number: u32, lr: f64, (from, to): (u32, u32)) -> Event {
    let [(trial, config, spec), ..] = &plan(&[lr])[..] else {
        panic!("a trial");
    };
    let job = SearchJob {
        search,
        number,
        trial: trial.clone(),
        config: config.clone(),
        spec: spec.clone(),
        settings: format!("lr={lr}"),
        from,
        to,
        reason: "initial".to_owned(),
        decision: format!("{{\"number\":{number}}}"),
    };
    Event::SearchJobDecided { job: Box::new(job) }
}

fn trained(value: f64) -> JobOutcome {
    JobOutcome::Trained {
        objectives: vec![Some(value)],
        violations: Vec::new(),
        has_ended: false,
    }
}

fn ended(search: i64, number: u32, outcome: JobOutcome) -> Event {
    Event::SearchJobEnded {
        search,
        number,
        outcome,
    }
}

fn only(lab: &TestStore) -> SearchRecord {
    let mut searches = lab.store.searches("songs").unwrap();
    assert_eq!(searches.len(), 1);
    searches.remove(0)
}

#[test]
fn decisions_make_trials_and_are_read_back_with_their_outcomes() {
    let mut lab = TestStore::new();
    let session = begin(&mut lab.store, "songs", &[], true);
    let ids = lab.store.begin_searches("songs", &[SEARCH]).unwrap();
    let [search] = ids[..] else {
        panic!("one search")
    };
    let trial = plan(&[0.1])[0].0.clone();
    let mut writer = lab.writer(session);
    observe_all(
        &mut writer,
        [
            decided(search, 0, 0.1, (0, 1)),
            decided(search, 1, 0.2, (0, 1)),
            started(&trial, 1),
            progressed(&trial, 1, 1, &[("valid/accuracy", 0.5)]),
            Event::TrialPaused {
                trial: trial.clone(),
                attempt: AttemptNo(1),
                step: 1,
            },
            ended(search, 0, trained(0.5)),
            // What came of a job does not change.
            ended(search, 0, JobOutcome::Failed),
            decided(search, 2, 0.1, (1, 3)),
        ],
    );
    writer.finish(Outcome::Interrupted).unwrap();
    let record = only(&lab);
    assert_eq!(
        (record.path.as_str(), record.ended.as_deref()),
        ("search", None)
    );
    let jobs: Vec<(u32, u32, u32)> = record
        .jobs
        .iter()
        .map(|job| (job.number, job.from, job.to))
        .collect();
    assert_eq!(jobs, [(0, 0, 1), (1, 0, 1), (2, 1, 3)]);
    let outcomes: Vec<Option<JobOutcome>> =
        record.jobs.iter().map(|job| job.outcome.clone()).collect();
    assert_eq!(outcomes, [Some(trained(0.5)), None, None]);
    assert_eq!(record.jobs[0].trial, record.jobs[2].trial);
    let experiment = lab.store.experiment("songs").unwrap().unwrap();
    let statuses: Vec<(Status, Option<u32>)> = experiment
        .trials
        .iter()
        .map(|trial| (trial.status, trial.steps))
        .collect();
    assert_eq!(
        statuses,
        [(Status::Pruned, Some(1)), (Status::Pending, None)]
    );
    assert_eq!(experiment.searches, [record]);
    let history = "SELECT group_concat(number || ' ' || coalesce(objective, '-') || ' ' || status) FROM search_history";
    assert_eq!(
        query::<String>(&lab.path(), history),
        "0 0.5 pruned,1 - pending,2 - pruned"
    );
}

#[test]
fn a_search_keeps_what_it_was_told_and_falls_out_of_the_plan_when_it_is_edited() {
    let mut lab = TestStore::new();
    begin(&mut lab.store, "songs", &[], true);
    let first = lab.store.begin_searches("songs", &[SEARCH]).unwrap();
    let told = NewSearch {
        known: "[1]",
        path: "baseline[0].search",
        ..SEARCH
    };
    assert_eq!(lab.store.begin_searches("songs", &[told]).unwrap(), first);
    let record = only(&lab);
    assert_eq!(
        (record.known.as_str(), record.path.as_str()),
        ("[]", "baseline[0].search")
    );
    let other = NewSearch {
        digest: "def",
        ..SEARCH
    };
    lab.store.begin_searches("songs", &[other]).unwrap();
    let in_plan: Vec<bool> = lab
        .store
        .searches("songs")
        .unwrap()
        .iter()
        .map(|one| one.in_plan)
        .collect();
    assert_eq!(in_plan, [false, true]);
    assert!(lab.store.begin_searches("none", &[SEARCH]).is_err());
}

#[test]
fn jobs_are_forgotten_from_a_number_on_and_with_the_sweep() {
    let mut lab = TestStore::new();
    let session = begin(&mut lab.store, "songs", &[], true);
    let search = lab.store.begin_searches("songs", &[SEARCH]).unwrap()[0];
    let mut writer = lab.writer(session);
    let reason = "the budget is spent".to_owned();
    observe_all(
        &mut writer,
        [
            decided(search, 0, 0.1, (0, 1)),
            decided(search, 1, 0.2, (0, 1)),
            Event::SearchEnded {
                search,
                path: "search".to_owned(),
                reason,
                is_budget_spent: true,
            },
        ],
    );
    writer.finish(Outcome::Finished).unwrap();
    assert_eq!(only(&lab).ended.as_deref(), Some("the budget is spent"));
    // A trial that is removed alone stays in the history.
    lab.store.remove("songs", Some(&plan(&[0.1])[0].0)).unwrap();
    assert_eq!(only(&lab).jobs.len(), 2);
    lab.store.forget_search_jobs(search, 1).unwrap();
    let record = only(&lab);
    assert_eq!((record.jobs.len(), record.ended), (1, None));
    lab.store.remove("songs", None).unwrap();
    let rows = "SELECT (SELECT count(*) FROM searches) + (SELECT count(*) FROM search_jobs)";
    assert_eq!(query::<i64>(&lab.path(), rows), 0);
}

#[test]
fn a_copied_sweep_has_decided_what_the_first_one_did() {
    let mut lab = TestStore::new();
    let session = begin(&mut lab.store, "songs", &[], true);
    let search = lab.store.begin_searches("songs", &[SEARCH]).unwrap()[0];
    let mut writer = lab.writer(session);
    observe_all(
        &mut writer,
        [
            decided(search, 0, 0.1, (0, 1)),
            ended(search, 0, trained(0.5)),
        ],
    );
    writer.finish(Outcome::Finished).unwrap();
    lab.store.copy("songs", "more", &[]).unwrap();
    let copied = lab.store.searches("more").unwrap();
    assert_eq!(copied[0].jobs, only(&lab).jobs);
    assert_ne!(copied[0].id, search);
    // What the copy goes on with is its own.
    lab.store.forget_search_jobs(copied[0].id, 0).unwrap();
    assert_eq!(only(&lab).jobs.len(), 1);
}
