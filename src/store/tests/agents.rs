//! What is collected from the journals of agents.

use super::{TestStore, finished, plan, progressed, query, result, started};
use crate::{AgentRow, CollectedEvents, Outcome, SessionId};
use sweep_core::event::{AttemptNo, Event};
use sweep_core::trial::TrialId;

fn agent(number: u32, place: u64) -> AgentRow {
    AgentRow {
        number,
        name: format!("12_{number}.0.n{number}.77.1"),
        host: format!("n{number}"),
        pid: 77,
        job: Some(format!("12_{number}")),
        slots: 2,
        version: "0.1.0".to_owned(),
        environment: vec![("cores".to_owned(), "2".to_owned())],
        began_ms: 1_000,
        place,
        ended_ms: None,
        ended: None,
    }
}

/// Collects `events`, each with its time, from the agent `number`.
fn collect(
    lab: &TestStore,
    session: SessionId,
    (number, place): (u32, u64),
    events: &[(Event, i64)],
) {
    let writer = lab.writer(session);
    let collected = CollectedEvents {
        agent: agent(number, place),
        events: events.to_vec(),
    };
    writer.collect(collected).unwrap();
    drop(writer);
}

fn interrupted(trial: &TrialId, attempt: u64) -> Event {
    Event::TrialInterrupted {
        trial: trial.clone(),
        attempt: AttemptNo(attempt),
        step: Some(1),
    }
}

#[test]
fn attempts_of_agents_are_numbered_within_the_session_whoever_collects_them() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1, 0.2]);
    let session = lab.begin("songs", &plan);
    let (one, two) = (&plan[0].0, &plan[1].0);
    collect(&lab, session, (1, 10), &[(started(one, 1), 2_000)]);
    collect(&lab, session, (2, 10), &[(started(two, 1), 2_000)]);
    // Each time by a writer that knows nothing of the others.
    collect(
        &lab,
        session,
        (1, 20),
        &[
            (progressed(one, 1, 1, &[("loss", 2.0)]), 3_000),
            (finished(one, 1, result(0.9)), 4_000),
        ],
    );
    collect(
        &lab,
        session,
        (2, 20),
        &[(finished(two, 1, result(0.8)), 4_000)],
    );
    let attempts = query::<String>(
        &lab.path(),
        "SELECT group_concat(number || ':' || agent || ':' || agent_attempt || ':' || outcome || ':' || started_ms)
         FROM attempts",
    );
    assert_eq!(attempts, "1:1:1:finished:2000,2:2:1:finished:2000");
    let agents = lab.store.agents(session).unwrap();
    assert_eq!(agents, [agent(1, 20), agent(2, 20)]);
    let open = lab.store.open_session(session.get()).unwrap().unwrap();
    assert_eq!(open.id, session);
    lab.writer(session).finish(Outcome::Finished).unwrap();
    assert_eq!(lab.store.open_session(session.get()).unwrap(), None);
}

#[test]
fn what_a_lost_agent_says_late_changes_nothing_of_a_trial_that_another_one_has_taken_over() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let loss = |step, value| progressed(trial, 1, step, &[("loss", value)]);
    collect(
        &lab,
        session,
        (1, 10),
        &[(started(trial, 1), 2_000), (loss(1, 2.0), 2_100)],
    );
    collect(
        &lab,
        session,
        (2, 10),
        &[(started(trial, 1), 9_000), (loss(1, 2.0), 9_100)],
    );
    collect(
        &lab,
        session,
        (1, 20),
        &[(loss(2, 77.0), 9_200), (interrupted(trial, 1), 9_300)],
    );
    let status = |lab: &TestStore| {
        query::<String>(
            &lab.path(),
            "SELECT group_concat(status) FROM (SELECT DISTINCT status FROM trials t
             WHERE EXISTS (SELECT 1 FROM attempts a WHERE a.trial = t.id))",
        )
    };
    assert_eq!(status(&lab), "running");
    let curve = "SELECT group_concat(step || ':' || value) FROM metrics";
    assert_eq!(query::<String>(&lab.path(), curve), "1:2.0");
    collect(
        &lab,
        session,
        (2, 20),
        &[
            (loss(2, 1.0), 9_400),
            (finished(trial, 1, result(0.9)), 9_500),
        ],
    );
    assert_eq!(status(&lab), "finished");
    let losses = "SELECT group_concat(m.step || ':' || m.value) FROM metrics m
        JOIN metric_names n ON n.id = m.metric WHERE n.name = 'loss'";
    assert_eq!(query::<String>(&lab.path(), losses), "1:2.0,2:1.0");
    // It comes back with a result of its own, which is another one.
    collect(
        &lab,
        session,
        (1, 30),
        &[(finished(trial, 1, result(0.1)), 9_900)],
    );
    let late = "SELECT outcome || ': ' || message FROM attempts WHERE agent = 1";
    let late = query::<String>(&lab.path(), late);
    assert!(
        late.starts_with("rejected: ") && late.contains("0.1"),
        "{late}"
    );
    assert_eq!(
        query::<f64>(
            &lab.path(),
            "SELECT best FROM trials WHERE status = 'finished'"
        ),
        0.9
    );
}

#[test]
fn an_event_of_an_attempt_that_is_not_known_is_refused_with_its_whole_piece() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let writer = lab.writer(session);
    let collected = CollectedEvents {
        agent: agent(1, 10),
        events: vec![
            (started(trial, 1), 2_000),
            (finished(trial, 2, result(0.9)), 3_000),
        ],
    };
    writer.collect(collected).unwrap();
    let error = writer.finish(Outcome::Finished).unwrap_err().to_string();
    assert!(error.contains("attempt 2 of agent 1"), "{error}");
    assert_eq!(
        query::<i64>(&lab.path(), "SELECT count(*) FROM attempts"),
        0
    );
    assert_eq!(lab.store.agents(session).unwrap(), []);
}

#[test]
fn agents_go_with_their_experiment() {
    let mut lab = TestStore::new();
    let plan = plan(&[0.1]);
    let session = lab.begin("songs", &plan);
    let trial = &plan[0].0;
    let events = [
        (started(trial, 1), 2_000),
        (finished(trial, 1, result(0.9)), 3_000),
    ];
    collect(&lab, session, (1, 10), &events);
    lab.writer(session).finish(Outcome::Finished).unwrap();
    lab.store.remove("songs", None).unwrap();
    assert_eq!(query::<i64>(&lab.path(), "SELECT count(*) FROM agents"), 0);
}
