//! Details of a trial and of a sweep: attempts, failures, sessions.
//!
//! Messages, notes and the last lines of logs are shown in full, sanitized so that none can move the cursor.

use std::path::{Path, PathBuf};
use sweep_analysis::{json, text};

use anstyle::{AnsiColor, Style};
use serde_json::{Value as Json, json};

use super::commit;
use super::table::{Side, TableStyle, TextTable, color};
use sweep_core::format::format_signal;
use sweep_core::trial::Status;
use sweep_store::{
    AttemptRecord, ExperimentRecord, Patch, SessionRecord, SlotEventRecord, TrialRecord,
    WorkingTree,
};

/// Failed trials that are listed for each cause.
const LISTED: usize = 5;
/// Sessions that are listed, the newest.
const SESSIONS: usize = 10;
/// The cause of a trial that an older version recorded as failed.
const UNKNOWN: &str = "unknown";

/// The experiments that have a trial in their plan, and where its files are.
#[derive(Debug)]
pub struct Details<'a> {
    /// Experiments that planned it, and whether it is still in their plan.
    pub asked_by: &'a [(String, bool)],
    /// Its folder.
    pub folder: &'a Path,
    /// Logs of the workers that trained it.
    pub logs: &'a [PathBuf],
}

impl Details<'_> {
    /// A line each.
    pub fn lines(&self) -> String {
        let mut lines = String::new();
        for (name, in_plan) in self.asked_by {
            let plan = match in_plan {
                true => "",
                false => " (no longer in its plan)",
            };
            lines.push_str(&format!("Experiment    {}{plan}\n", text::sanitize(name)));
        }
        let folder = text::sanitize(&self.folder.display().to_string());
        let state = match self.folder.is_dir() {
            true => "",
            false => " (missing)",
        };
        lines.push_str(&format!("Folder        {folder}{state}\n"));
        for log in self.logs {
            let log = text::sanitize(&log.display().to_string());
            lines.push_str(&format!("Log           {log}\n"));
        }
        lines
    }

    /// `{asked_by: [{experiment, in_plan}], folder, logs}`.
    pub fn json(&self) -> Json {
        let asked = self.asked_by.iter();
        json!({
            "asked_by": asked
                .map(|(name, in_plan)| json!({ "experiment": name, "in_plan": in_plan }))
                .collect::<Json>(),
            "folder": self.folder,
            "logs": self.logs,
        })
    }
}

/// One line per attempt, followed by the messages of each.
pub(super) fn attempts(attempts: &[AttemptRecord], table_style: TableStyle) -> String {
    let mut table = TextTable::new(&[
        ("Attempt", Side::Left),
        ("Slot", Side::Left),
        ("Engine", Side::Left),
        ("Started (UTC)", Side::Left),
        ("Time", Side::Right),
        ("From step", Side::Right),
        ("Outcome", Side::Left),
        ("Ended by", Side::Left),
    ])
    .with_optional(&["Time"]);
    let mut said = String::new();
    for attempt in attempts {
        let is_good = matches!(
            attempt.outcome.as_str(),
            "finished" | "running" | "interrupted"
        );
        let style = match is_good {
            true => Style::new(),
            false => color(AnsiColor::Red),
        };
        let time = attempt
            .ended_ms
            .map(|ended| ended.saturating_sub(attempt.started_ms) as f64 / 1e3);
        let cells = vec![
            place(attempt),
            attempt.slot.clone(),
            attempt.engine.clone(),
            text::utc(attempt.started_ms),
            time.map_or("–".to_owned(), text::format_seconds),
            attempt
                .resumed_from
                .map_or("–".to_owned(), |step| (step + 1).to_string()),
            attempt.outcome.clone(),
            ended_by(attempt),
        ];
        table.push(style, cells);
        said.push_str(&remarks(attempt));
    }
    let legend = "Attempts are numbered within sessions: session.attempt.\n";
    table.render(table_style) + legend + &said
}

/// `2.7`: attempt 7 of session 2.
fn place(attempt: &AttemptRecord) -> String {
    format!("{}.{}", attempt.session, attempt.number)
}

fn ended_by(attempt: &AttemptRecord) -> String {
    match (attempt.signal, attempt.exit_code) {
        (Some(number), _) => format!("signal {}", format_signal(number)),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "–".to_owned(),
    }
}

/// Why an attempt ended, the warnings of its worker, and the last lines of its log.
fn remarks(attempt: &AttemptRecord) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(attempt.message.as_deref().map(text::sanitize));
    lines.extend(
        attempt
            .warnings
            .iter()
            .map(|warning| format!("warning: {}", text::sanitize(warning))),
    );
    let tail = attempt.log_tail.as_deref().unwrap_or_default();
    let tail = tail.lines().filter(|line| !line.trim().is_empty());
    lines.extend(tail.map(|line| format!("log | {}", text::sanitize(line))));
    let mut said = String::new();
    if !lines.is_empty() {
        said.push_str(&format!("\nAttempt {}:\n", place(attempt)));
    }
    for line in lines {
        said.push_str(&format!("  {line}\n"));
    }
    said
}

/// Failed and diverged trials of the plan by cause, the most frequent first.
fn failures(record: &ExperimentRecord) -> Vec<(&str, Vec<&TrialRecord>)> {
    let mut causes: Vec<(&str, Vec<&TrialRecord>)> = Vec::new();
    for trial in record.trials.iter().filter(|trial| trial.in_plan) {
        let cause = match trial.status {
            Status::Failed => trial.cause.as_deref().unwrap_or(UNKNOWN),
            Status::Diverged => Status::Diverged.name(),
            _ => continue,
        };
        match causes.iter_mut().find(|(other, _)| *other == cause) {
            Some((_, trials)) => trials.push(trial),
            None => causes.push((cause, vec![trial])),
        }
    }
    causes.sort_by_key(|(_, trials)| std::cmp::Reverse(trials.len()));
    causes
}

/// Failed trials, one paragraph per cause; empty if none failed.
pub fn failed(record: &ExperimentRecord) -> String {
    let mut said = String::new();
    for (cause, trials) in failures(record) {
        let number = text::pluralize(trials.len() as u64, "trial");
        said.push_str(&format!("{}: {number}\n", text::sanitize(cause)));
        for trial in trials.iter().take(LISTED) {
            let reason = trial.message.as_deref().unwrap_or("no message recorded");
            said.push_str(&format!(
                "  {} {}\n",
                trial.id.short(),
                text::sanitize(reason)
            ));
        }
        if trials.len() > LISTED {
            said.push_str(&format!("  ... and {} more\n", trials.len() - LISTED));
        }
    }
    said
}

/// The newest sessions and the slots retired in them.
pub fn sessions(
    sessions: &[SessionRecord],
    events: &[SlotEventRecord],
    table_style: impl Into<TableStyle>,
) -> String {
    let shown = &sessions[sessions.len().saturating_sub(SESSIONS)..];
    let mut table = TextTable::new(&[
        ("Session", Side::Right),
        ("Started (UTC)", Side::Left),
        ("Time", Side::Right),
        ("Outcome", Side::Left),
        ("Host", Side::Left),
        ("Command", Side::Left),
    ])
    .with_optional(&["Time"]);
    for session in shown {
        let time = session
            .ended_ms
            .map(|ended| ended.saturating_sub(session.started_ms) as f64 / 1e3);
        let cells = vec![
            session.id.to_string(),
            text::utc(session.started_ms),
            time.map_or("–".to_owned(), text::format_seconds),
            session.outcome.clone(),
            session.host.clone(),
            session.command.clone(),
        ];
        table.push(Style::new(), cells);
    }
    let mut said = table.render(table_style);
    if shown.len() < sessions.len() {
        let hidden = (sessions.len() - shown.len()) as u64;
        said.push_str(&format!(
            "... and {} earlier\n",
            text::pluralize(hidden, "session")
        ));
    }
    let last = shown
        .last()
        .and_then(|session| commit::describe(session, commit::SHORT));
    if let Some(commit) = last {
        said.push_str(&format!("commit {commit}\n"));
    }
    let first = shown.first().map_or(0, |session| session.id);
    for event in events.iter().filter(|event| event.event == "retired") {
        if event.session < first {
            continue;
        }
        let reason = text::sanitize(event.message.as_deref().unwrap_or("no message recorded"));
        let (slot, at) = (text::sanitize(&event.slot), text::utc(event.at_ms));
        let session = event.session;
        said.push_str(&format!(
            "session {session}: slot {slot} retired at {at}: {reason}\n"
        ));
    }
    said
}

/// `{sessions: [...], slots_retired: [...], failures: {cause: [trial]}}`; times in milliseconds since
/// 1970, UTC.
pub fn json(record: &ExperimentRecord, events: &[SlotEventRecord]) -> Json {
    let session = |session: &SessionRecord| {
        json!({
            "session": session.id,
            "started_ms": session.started_ms,
            "ended_ms": session.ended_ms,
            "outcome": session.outcome,
            "command": session.command,
            "host": session.host,
            "pid": session.pid,
            "version": session.version,
            "git_commit": session.git_commit,
            "uncommitted_changes": session.working_tree.as_ref().map(WorkingTree::is_changed),
            "untracked_files": session.working_tree.as_ref().map(|tree| &tree.untracked),
            "file": session.file,
        })
    };
    let retired = |event: &SlotEventRecord| {
        json!({
            "session": event.session,
            "slot": event.slot,
            "at_ms": event.at_ms,
            "message": event.message,
        })
    };
    let retired_slots = events.iter().filter(|event| event.event == "retired");
    let causes = failures(record).into_iter().map(|(cause, trials)| {
        let ids: Json = trials.iter().map(|trial| json!(trial.id)).collect();
        (cause, ids)
    });
    json!({
        "sessions": record.sessions.iter().map(session).collect::<Json>(),
        "slots_retired": retired_slots.map(retired).collect::<Json>(),
        "failures": json::object(causes),
    })
}

/// `{session, git_commit, patch, bytes, sha256, untracked_files}` of a session that began with `tree`; `patch` is null if
/// it was too long to be stored or is not UTF-8.
pub fn patch_json(session: &SessionRecord, tree: &WorkingTree) -> Json {
    let (patch, bytes, sha256) = match &tree.patch {
        Patch::Empty => (Some(""), 0, None),
        Patch::Kept(patch) => (std::str::from_utf8(patch).ok(), patch.len() as u64, None),
        Patch::TooLong { bytes, sha256 } => (None, *bytes, Some(sha256)),
    };
    json!({
        "session": session.id,
        "git_commit": session.git_commit,
        "patch": patch,
        "bytes": bytes,
        "sha256": sha256,
        "untracked_files": tree.untracked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures as samples;

    #[test]
    fn failures_are_grouped_by_cause() {
        let mut input = samples::genres();
        let trials = &mut input.experiment.trials;
        for trial in &mut trials[12..19] {
            trial.status = Status::Failed;
            trial.cause = Some("skipped".to_owned());
            trial.message = Some("its configuration\nhas ended 2 workers".to_owned());
        }
        trials[4].cause = Some("crashed".to_owned());
        insta::assert_snapshot!(failed(&input.experiment));
        let json = json(&input.experiment, &[]);
        assert_eq!(json["failures"]["skipped"].as_array().unwrap().len(), 7);
        assert_eq!(json["failures"]["crashed"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn sessions_are_listed_with_the_slots_they_lost() {
        let first = samples::genres().experiment.sessions.remove(0);
        let all: Vec<SessionRecord> = (1..=11)
            .map(|id| SessionRecord {
                id,
                ended_ms: first.ended_ms.filter(|_| id != 3),
                ..first.clone()
            })
            .collect();
        let event = |session, what: &str| SlotEventRecord {
            session,
            slot: "cpu:1".to_owned(),
            at_ms: 1_772_323_260_000,
            event: what.to_owned(),
            engine: None,
            pid: None,
            message: Some("its worker failed\x1b[2J".to_owned()),
        };
        let events = [
            event(1, "retired"),
            event(2, "worker_started"),
            event(2, "retired"),
        ];
        insta::assert_snapshot!(sessions(&all, &events, false));
    }

    #[test]
    fn a_trial_says_who_wants_it_and_where_its_files_are() {
        let asked_by = [("genres".to_owned(), true), ("old".to_owned(), false)];
        let details = Details {
            asked_by: &asked_by,
            folder: Path::new("runs/trials/none"),
            logs: &[PathBuf::from("runs/logs/genres/cpu-0.log")],
        };
        insta::assert_snapshot!(details.lines());
        assert_eq!(details.json()["asked_by"][1]["in_plan"], false);
    }
}
