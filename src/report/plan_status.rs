//! Progress of a sweep and the commands that resume it, as sentences for the terminal and the page.

use sweep_analysis::{Summary, text};
use sweep_core::format::shell_word;
use sweep_core::trial::Status;

/// `The sweep is unfinished: 3 of 12 trials remain, and the ranking may change; `sweep resume q` continues it.`;
/// `None` if no trial remains.
pub fn unfinished(summary: &Summary) -> Option<String> {
    let planned: u64 = summary.counts.iter().map(|(_, number)| number).sum();
    if summary.unfinished.is_empty() {
        return None;
    }
    let running: Vec<String> = summary
        .running
        .iter()
        .map(|name| text::sanitize(name))
        .collect();
    let (how, goes_on) = match resume(summary) {
        None => ("is running", String::new()),
        Some(resume) if running.is_empty() => ("is unfinished", format!("; {resume} continues it")),
        Some(resume) => (
            "is unfinished",
            format!(
                "; {} is running, {resume} continues the rest",
                running.join(", ")
            ),
        ),
    };
    if summary.remaining() == 0 {
        return Some(format!(
            "The search of the sweep {how}, and the ranking may change{goes_on}."
        ));
    }
    let remain = if summary.remaining() == 1 {
        "remains"
    } else {
        "remain"
    };
    Some(format!(
        "The sweep {how}: {} of {} {remain}, and the ranking may change{goes_on}.",
        text::with_thousands(summary.remaining()),
        text::pluralize(planned, "trial"),
    ))
}

/// The commands that train remaining trials of sweeps that are not running; `None` if there are none.
pub fn resume(summary: &Summary) -> Option<String> {
    let idle = summary.unfinished.iter();
    commands(idle.filter(|name| !summary.running.contains(name)), "")
}

/// The commands that retry failed trials; `None` if none failed.
pub fn retry(summary: &Summary) -> Option<String> {
    commands(summary.with_failures.iter(), " --retry-failed")
}

/// That every trial that has ended diverged, and what to try; `None` where one has finished or none has diverged.
pub fn all_diverged(summary: &Summary) -> Option<String> {
    let diverged = summary.count(Status::Diverged);
    let others: u64 = [Status::Finished, Status::Failed]
        .map(|status| summary.count(status))
        .iter()
        .sum();
    if diverged == 0 || others > 0 {
        return None;
    }
    let which = match (diverged, summary.remaining()) {
        (1, 0) => "The only trial diverged".to_owned(),
        (2, 0) => "Both trials diverged".to_owned(),
        (all, 0) => format!("All {all} trials diverged"),
        (1, _) => "The only trial that has ended diverged".to_owned(),
        (all, _) => format!("All {all} trials that have ended diverged"),
    };
    Some(format!(
        "{which}: a loss was not finite, so there is no model and nothing to rank. Try lower learning rates (`lr`), \
         `clip_norm` or a warm-up, and look for extreme values in the data (`sweep describe`); `sweep show TRIAL` says in \
         which epoch and step it happened."
    ))
}

/// What stands where a ranking would, in a sweep of which no trial has finished.
pub fn no_result(summary: &Summary) -> String {
    all_diverged(summary).unwrap_or_else(|| "No trial of the plan has finished yet.".to_owned())
}

/// One sentence each on diverged and failed trials.
pub fn failures(summary: &Summary) -> Vec<String> {
    let trials = |status| text::pluralize(summary.count(status), "trial");
    let mut failures = Vec::new();
    if summary.count(Status::Diverged) > 0 {
        let trials = trials(Status::Diverged);
        failures.push(format!(
            "{trials} diverged; this counts as a result and is not retried."
        ));
    }
    if let Some(retry) = retry(summary) {
        let trials = trials(Status::Failed);
        let names: Vec<&String> = summary.with_failures.iter().collect();
        let show: Vec<String> = (names.into_iter())
            .map(|name| format!("`sweep show {}`", quoted_name(name)))
            .collect();
        let says = if show.len() == 1 { "shows" } else { "show" };
        failures.push(format!(
            "{trials} failed; {} {says} why, {retry} retries.",
            show.join(", ")
        ));
    }
    failures
}

/// `sweep resume NAME` for each of `names`, with `flag`.
fn commands<'a>(names: impl Iterator<Item = &'a String>, flag: &str) -> Option<String> {
    let commands: Vec<String> = names
        .map(|name| format!("`sweep resume {}{flag}`", quoted_name(name)))
        .collect();
    (!commands.is_empty()).then(|| commands.join(", "))
}

fn quoted_name(name: &str) -> String {
    shell_word(&text::sanitize(name))
}
