//! The timeline: attempts and slot events.

use serde_json::{Value as Json, json};
use sweep_analysis::{Input, text};

use super::numbers::short;
use sweep_store::AttemptRecord;

/// Attempts by session and slot, and what became of the slots; times in milliseconds from the session's
/// beginning. An attempt whose end was not recorded ends where the record of its session does.
pub(super) fn timeline(input: &Input) -> Json {
    let sessions = &input.experiment.sessions;
    let place = |id: i64| sessions.iter().position(|session| session.id == id);
    let last = |id: i64| {
        let seen = (input
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.session == id))
        .map(|(_, attempt)| attempt.ended_ms.unwrap_or(attempt.started_ms));
        let events = input.slot_events.iter().filter(|event| event.session == id);
        seen.chain(events.map(|event| event.at_ms)).max()
    };
    let ends: Vec<i64> = (sessions.iter())
        .map(|session| {
            session
                .ended_ms
                .or(last(session.id))
                .unwrap_or(session.started_ms)
        })
        .collect();
    let mut slots = Names::default();
    let mut outcomes = Names::default();
    let mut attempts = Vec::new();
    for (trial, attempt) in &input.attempts {
        let Some(session) = place(attempt.session) else {
            continue;
        };
        let begun = sessions[session].started_ms;
        attempts.push(json!([
            session,
            slots.place(&attempt.slot),
            attempt.started_ms - begun,
            attempt.ended_ms.unwrap_or(ends[session]) - attempt.started_ms,
            outcomes.place(&attempt.outcome),
            short(trial),
            said(attempt),
        ]));
    }
    let events: Vec<Json> = (input.slot_events.iter())
        .filter(|event| event.event != "worker_started")
        .filter_map(|event| {
            let session = place(event.session)?;
            let message = event
                .message
                .as_deref()
                .map(|message| text::cut(message, 200));
            let at = event.at_ms - sessions[session].started_ms;
            Some(json!([
                session,
                slots.place(&event.slot),
                at,
                text::sanitize(&event.event),
                message
            ]))
        })
        .collect();
    let lengths = sessions.iter().zip(&ends);
    json!({
        "sessions": lengths
            .map(|(session, end)| json!([text::utc(session.started_ms), end - session.started_ms]))
            .collect::<Json>(),
        "slots": slots.names,
        "outcomes": outcomes.names,
        "attempts": attempts,
        "events": events,
    })
}

/// Why an attempt gave no result.
fn said(attempt: &AttemptRecord) -> Option<String> {
    let message = attempt.message.as_deref()?;
    (attempt.outcome != "finished").then(|| text::cut(message, 160))
}

#[derive(Default)]
struct Names {
    names: Vec<String>,
}

impl Names {
    fn place(&mut self, name: &str) -> usize {
        let name = text::sanitize(name);
        let found = self.names.iter().position(|other| *other == name);
        found.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        })
    }
}
