//! Progress on standard error: bars on a terminal, now and then a line elsewhere.
//!
//! A pure [`Tally`] follows the events and a [`Face`] shows it; nothing here can end a sweep. What is
//! shown is worked out at most ten times a second, whatever the number of events, and an output that
//! cannot be written to is ignored.

use std::collections::{BTreeMap, HashMap};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{AttemptNo, Cause, Event, Observer, ObserverError, Slot};
use crate::trial::{Metric, Objective, TrialId, TrialResult};

/// Least time between two pictures of the bars.
const REDRAW: Duration = Duration::from_millis(100);
/// Least time between two lines of progress.
const LINE: Duration = Duration::from_secs(5);
/// Lines of a failed worker's log that are shown.
const LOG_LINES: usize = 3;
/// Longest line of a log that is shown, in characters.
const LOG_WIDTH: usize = 200;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bars that are drawn over.
    Bars,
    /// A line every few seconds.
    Lines,
    /// Failures and the last line only.
    Quiet,
}

impl Mode {
    /// Bars if standard error is a terminal, lines otherwise.
    pub fn for_stderr() -> Mode {
        match std::io::stderr().is_terminal() {
            true => Mode::Bars,
            false => Mode::Lines,
        }
    }
}

/// What a [`Console`] knows before anything has happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Trials of the plan.
    pub total: u64,
    /// Those of them that were over before.
    pub already_done: u64,
    /// The settings in which a trial differs from others, as a short text.
    pub describe: HashMap<TrialId, String>,
    /// Epochs or rounds that a trial will take at most.
    pub epochs: HashMap<TrialId, u32>,
    pub objective: Objective,
    /// The best trial of earlier sessions.
    pub best: Option<(TrialId, f64)>,
}

/// Shows what happens.
pub struct Console {
    tally: Tally,
    face: Face,
}

impl Console {
    /// On standard error.
    pub fn new(sweep: Sweep, mode: Mode) -> Console {
        let face = match mode {
            Mode::Bars => Face::bars(ProgressDrawTarget::stderr_with_hz(10)),
            Mode::Lines => Face::lines(Box::new(std::io::stderr())),
            Mode::Quiet => Face::Quiet(Box::new(std::io::stderr())),
        };
        Console {
            tally: Tally::new(sweep, Instant::now()),
            face,
        }
    }

    /// Takes the bars away and says how it ended. To be called once, after the last event.
    pub fn finish(&mut self) {
        self.finish_at(Instant::now());
    }

    fn observe_at(&mut self, event: &Event, now: Instant) {
        // Described first: a failure is told with the slot that the tally is about to forget.
        if let Some(notice) = self.tally.notice(event) {
            self.face.tell(&notice);
        }
        self.tally.follow(event);
        self.face.show(&self.tally, now);
    }

    fn finish_at(&mut self, now: Instant) {
        if let Face::Bars {
            all,
            overall,
            slots,
            ..
        } = &mut self.face
        {
            for bar in slots.values().chain([&*overall]) {
                bar.finish_and_clear();
            }
            let _ = all.clear();
        }
        self.face.tell(&self.tally.outcome(now));
    }
}

impl Observer for Console {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.observe_at(event, Instant::now());
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        self.face.show(&self.tally, Instant::now());
        Ok(())
    }
}

/// What has happened so far.
struct Tally {
    sweep: Sweep,
    began: Instant,
    finished: u64,
    diverged: u64,
    failed: u64,
    best: Option<(TrialId, f64)>,
    /// What each slot is at; `None` between two trials.
    slots: BTreeMap<Slot, Option<Running>>,
}

/// A trial under way.
struct Running {
    trial: TrialId,
    attempt: AttemptNo,
    step: u32,
    value: Option<f64>,
}

impl Tally {
    fn new(sweep: Sweep, now: Instant) -> Tally {
        Tally {
            best: sweep.best.clone(),
            sweep,
            began: now,
            finished: 0,
            diverged: 0,
            failed: 0,
            slots: BTreeMap::new(),
        }
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::WorkerStarted { slot, .. } => {
                self.slots.entry(slot.clone()).or_insert(None);
            }
            Event::TrialStarted {
                trial,
                attempt,
                slot,
                ..
            } => {
                let running = Running {
                    trial: trial.clone(),
                    attempt: *attempt,
                    step: 0,
                    value: None,
                };
                self.slots.insert(slot.clone(), Some(running));
            }
            Event::TrialResumed { attempt, step, .. } => {
                if let Some(running) = self.running(*attempt) {
                    running.step = *step;
                }
            }
            Event::TrialProgressed {
                attempt,
                step,
                values,
                ..
            } => {
                self.progress(*attempt, *step, values);
            }
            Event::TrialFinished {
                trial,
                attempt,
                result,
            } => {
                self.end(*attempt);
                self.count(trial, result);
            }
            Event::TrialFailed {
                attempt,
                will_retry,
                ..
            } => {
                self.end(*attempt);
                self.failed += u64::from(!will_retry);
            }
            Event::TrialInterrupted { attempt, .. } => self.end(*attempt),
            Event::SlotRetired { slot, .. } => {
                self.slots.remove(slot);
            }
        }
    }

    fn running(&mut self, attempt: AttemptNo) -> Option<&mut Running> {
        self.slots
            .values_mut()
            .flatten()
            .find(|running| running.attempt == attempt)
    }

    fn progress(&mut self, attempt: AttemptNo, step: u32, values: &[(Metric, f64)]) {
        let metric = &self.sweep.objective.metric;
        let found = values.iter().find(|(name, _)| name == metric);
        let value = found.map(|(_, value)| *value);
        if let Some(running) = self.running(attempt) {
            running.step = step;
            running.value = value.or(running.value);
        }
    }

    fn end(&mut self, attempt: AttemptNo) {
        for running in self.slots.values_mut() {
            if running
                .as_ref()
                .is_some_and(|running| running.attempt == attempt)
            {
                *running = None;
            }
        }
    }

    fn count(&mut self, trial: &TrialId, result: &TrialResult) {
        if result.diverged.is_some() {
            self.diverged += 1;
            return;
        }
        self.finished += 1;
        let goal = self.sweep.objective.goal;
        if let Some(value) = result.best
            && self
                .best
                .as_ref()
                .is_none_or(|(_, best)| goal.is_better(value, *best))
        {
            self.best = Some((trial.clone(), value));
        }
    }

    /// Trials that are over, in this session and before.
    fn done(&self) -> u64 {
        self.sweep.already_done + self.finished + self.diverged
    }

    /// `12/44 trials, 1 failed, 3.2 trials/s, 00:00:10 left, best 0.6123 (2ce527b9 lr=0.01)`.
    fn overview(&self, now: Instant) -> String {
        let mut parts = vec![format!("{}/{} trials", self.done(), self.sweep.total)];
        if self.diverged > 0 {
            parts.push(format!("{} diverged", self.diverged));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        let over = self.finished + self.diverged + self.failed;
        let seconds = now.saturating_duration_since(self.began).as_secs_f64();
        if over > 0 && seconds > 0.0 {
            let a_second = over as f64 / seconds;
            parts.push(pace(a_second));
            let left = self.sweep.total.saturating_sub(self.done() + self.failed);
            // A sweep that would take centuries has no time left that could be written.
            let left = Duration::try_from_secs_f64((left as f64 / a_second).round());
            parts.extend(
                left.ok()
                    .map(|left| format!("{} left", FormattedDuration(left))),
            );
        }
        if let Some((trial, value)) = &self.best {
            parts.push(format!("best {value:.4} ({})", self.named(trial)));
        }
        parts.join(", ")
    }

    /// `2ce527b9 epoch 3/20 valid/accuracy 0.5123 lr=0.01`.
    fn slot_line(&self, running: &Running) -> String {
        let mut line = running.trial.short().to_owned();
        match self.sweep.epochs.get(&running.trial) {
            Some(epochs) => line.push_str(&format!(" step {}/{epochs}", running.step)),
            None => line.push_str(&format!(" step {}", running.step)),
        }
        if let Some(value) = running.value {
            line.push_str(&format!(" {} {value:.4}", self.sweep.objective.metric));
        }
        format!("{line} {}", self.description(&running.trial))
    }

    /// What deserves a line of its own.
    fn notice(&self, event: &Event) -> Option<String> {
        match event {
            Event::TrialFailed {
                trial,
                attempt,
                cause,
                log_tail,
                will_retry,
            } => {
                let slot = self.slots.iter().find(|(_, running)| {
                    running
                        .as_ref()
                        .is_some_and(|running| running.attempt == *attempt)
                });
                let place = slot.map_or(String::new(), |(slot, _)| format!(" on {slot}"));
                let fate = match (will_retry, cause) {
                    (true, _) => "it will be tried again",
                    (false, Cause::Refused { .. }) => {
                        "it is not tried again, since it would end the same way"
                    }
                    (false, _) => "it is given up for this session",
                };
                let name = self.named(trial);
                let cause = printable(&cause.to_string());
                let mut notice = format!("trial {name} failed{place}: {cause}; {fate}");
                for line in last_lines(log_tail) {
                    notice.push_str("\n    | ");
                    notice.push_str(&line);
                }
                Some(notice)
            }
            Event::SlotRetired { slot, reason } => Some(format!(
                "slot {slot} gets no more work: {}",
                printable(reason)
            )),
            _ => None,
        }
    }

    fn outcome(&self, now: Instant) -> String {
        let took = now.saturating_duration_since(self.began);
        let mut line = format!(
            "{} of {} trials done ({} now: {} finished, {} diverged), {} failed, in {}",
            self.done(),
            self.sweep.total,
            self.finished + self.diverged,
            self.finished,
            self.diverged,
            self.failed,
            FormattedDuration(took),
        );
        if let Some((trial, value)) = &self.best {
            let metric = &self.sweep.objective.metric;
            line.push_str(&format!(
                "; best {metric} {value:.4}: {}",
                self.named(trial)
            ));
        }
        line
    }

    /// Short name and settings of a trial.
    fn named(&self, trial: &TrialId) -> String {
        format!("{} {}", trial.short(), self.description(trial))
            .trim_end()
            .to_owned()
    }

    fn description(&self, trial: &TrialId) -> String {
        printable(self.sweep.describe.get(trial).map_or("", String::as_str))
    }
}

/// Where a tally is shown.
enum Face {
    Bars {
        all: MultiProgress,
        overall: ProgressBar,
        slots: BTreeMap<Slot, ProgressBar>,
        drawn: Option<Instant>,
    },
    Lines {
        out: Box<dyn Write + Send>,
        written: Option<(Instant, String)>,
    },
    Quiet(Box<dyn Write + Send>),
}

impl Face {
    fn bars(target: ProgressDrawTarget) -> Face {
        let all = MultiProgress::with_draw_target(target);
        let overall = all.add(ProgressBar::new(0).with_style(style("[{bar:30}] {wide_msg}")));
        Face::Bars {
            all,
            overall,
            slots: BTreeMap::new(),
            drawn: None,
        }
    }

    fn lines(out: Box<dyn Write + Send>) -> Face {
        Face::Lines { out, written: None }
    }

    /// Prints a line of its own, above the bars if there are any.
    fn tell(&mut self, notice: &str) {
        // Whoever reads along may have gone; the record is what counts.
        let _ = match self {
            Face::Bars { all, .. } if all.is_hidden() => Ok(()),
            Face::Bars { all, .. } => all.println(notice),
            Face::Lines { out, .. } | Face::Quiet(out) => writeln!(out, "{notice}"),
        };
    }

    /// Shows where things stand, unless that was done a moment ago.
    fn show(&mut self, tally: &Tally, now: Instant) {
        match self {
            Face::Bars {
                all,
                overall,
                slots,
                drawn,
            } => {
                if !is_due(*drawn, now, REDRAW) {
                    return;
                }
                *drawn = Some(now);
                overall.set_length(tally.sweep.total);
                overall.set_position(tally.done());
                overall.set_message(tally.overview(now));
                draw_slots(all, slots, tally);
            }
            Face::Lines { out, written } => {
                let last = written.as_ref().map_or(tally.began, |(last, _)| *last);
                if !is_due(Some(last), now, LINE) {
                    return;
                }
                let line = tally.overview(now);
                // Time going by is no news; the number of trials that are over is.
                let news = format!("{} {} {}", tally.done(), tally.failed, tally.slots.len());
                if written.as_ref().is_none_or(|(_, told)| *told != news) {
                    let _ = writeln!(out, "{line}");
                }
                *written = Some((now, news));
            }
            Face::Quiet(_) => {}
        }
    }
}

fn draw_slots(all: &MultiProgress, bars: &mut BTreeMap<Slot, ProgressBar>, tally: &Tally) {
    bars.retain(|slot, bar| {
        let is_kept = tally.slots.contains_key(slot);
        if !is_kept {
            all.remove(bar);
        }
        is_kept
    });
    for (slot, running) in &tally.slots {
        let bar = bars.entry(slot.clone()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(1));
            bar.set_style(style("  {prefix:8} [{bar:20}] {wide_msg}"));
            bar.set_prefix(slot.to_string());
            bar
        });
        let steps = running
            .as_ref()
            .and_then(|running| tally.sweep.epochs.get(&running.trial));
        bar.set_length(steps.copied().unwrap_or(1).into());
        bar.set_position(running.as_ref().map_or(0, |running| running.step.into()));
        bar.set_message(
            running
                .as_ref()
                .map_or("idle".to_owned(), |it| tally.slot_line(it)),
        );
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("a template written here is valid");
    style.progress_chars("=> ")
}

fn is_due(last: Option<Instant>, now: Instant, least: Duration) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= least)
}

/// Trials by the unit of time that gives a readable number.
fn pace(a_second: f64) -> String {
    match a_second {
        1.0.. => format!("{a_second:.1} trials/s"),
        _ if a_second * 60.0 >= 1.0 => format!("{:.1} trials/min", a_second * 60.0),
        _ => format!("{:.1} trials/h", a_second * 3_600.0),
    }
}

fn last_lines(log: &str) -> Vec<String> {
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines[from..]
        .iter()
        .map(|line| printable(line).chars().take(LOG_WIDTH).collect())
        .collect()
}

/// `text` without what could move the cursor, change colours or turn the reading direction.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_whitespace() => ' ',
            c if c.is_control() => '\u{fffd}',
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// An output that a test can read.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// An output whose reader has gone.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }

    fn id(number: u64) -> TrialId {
        TrialId::from_hex(format!("{number:08x}{number:024x}"))
    }

    fn slot(name: &str) -> Slot {
        Slot(name.to_owned())
    }

    fn sweep() -> Sweep {
        let describe = |n: u64| (id(n), format!("lr={n}\x1b[31m layers=[64, 32]"));
        Sweep {
            total: 40,
            already_done: 10,
            describe: (1..=30).map(describe).collect(),
            epochs: (1..=30).map(|n| (id(n), 20)).collect(),
            objective: Objective::default(),
            best: None,
        }
    }

    fn started(number: u64) -> Event {
        Event::TrialStarted {
            trial: id(number),
            attempt: AttemptNo(number),
            slot: slot(&format!("cpu:{}", number % 2)),
            engine: "native".to_owned(),
            pid: 1,
        }
    }

    fn progressed(number: u64, step: u32, value: f64) -> Event {
        Event::TrialProgressed {
            trial: id(number),
            attempt: AttemptNo(number),
            step,
            values: vec![
                ("train/loss".to_owned(), 1.0),
                ("valid/accuracy".to_owned(), value),
            ],
        }
    }

    fn finished(number: u64, best: f64, diverged: bool) -> Event {
        Event::TrialFinished {
            trial: id(number),
            attempt: AttemptNo(number),
            result: Box::new(TrialResult {
                best: Some(best),
                diverged: diverged.then(|| "loss was not finite at epoch 2".to_owned()),
                ..TrialResult::default()
            }),
        }
    }

    fn failed(number: u64, will_retry: bool) -> Event {
        Event::TrialFailed {
            trial: id(number),
            attempt: AttemptNo(number),
            cause: Cause::Crashed {
                exit_code: None,
                signal: Some(9),
            },
            log_tail: "one\ntwo\n\nthree\x1b[2J\nfour\n".to_owned(),
            will_retry,
        }
    }

    fn console(face: Face, now: Instant) -> Console {
        Console {
            tally: Tally::new(sweep(), now),
            face,
        }
    }

    fn story() -> Vec<Event> {
        vec![
            Event::WorkerStarted {
                slot: slot("cpu:1"),
                pid: 1,
                engine: "native".to_owned(),
                log: PathBuf::from("log"),
            },
            started(1),
            started(2),
            progressed(1, 1, 0.4),
            finished(1, 0.61, false),
            started(3),
            failed(2, true),
            finished(3, 0.9, true),
            started(5),
            progressed(5, 7, 0.5),
            started(4),
            failed(4, false),
            started(6),
            finished(6, 0.58, false),
            Event::SlotRetired {
                slot: slot("cpu:0"),
                reason: "3 failures\nin a row".to_owned(),
            },
        ]
    }

    #[test]
    fn lines_come_every_few_seconds_and_failures_at_once() {
        let began = Instant::now();
        let page = Page::default();
        let mut console = console(Face::lines(Box::new(page.clone())), began);
        for (place, event) in story().iter().enumerate() {
            console.observe_at(event, began + Duration::from_secs(place as u64));
        }
        console.finish_at(began + Duration::from_secs(20));
        insta::assert_snapshot!(page.text());
    }

    #[test]
    fn a_quiet_console_tells_failures_and_the_end() {
        let began = Instant::now();
        let page = Page::default();
        let mut console = console(Face::Quiet(Box::new(page.clone())), began);
        for event in [started(1), progressed(1, 1, 0.4), failed(1, false)] {
            console.observe_at(&event, began + Duration::from_secs(60));
        }
        console.finish_at(began + Duration::from_secs(61));
        let first: Vec<String> = page
            .text()
            .lines()
            .map(|line| line.chars().take(12).collect())
            .collect();
        let expected = [
            "trial 000000",
            "    | two",
            "    | three\u{fffd}",
            "    | four",
            "10 of 40 tri",
        ];
        assert_eq!(first, expected);
    }

    #[test]
    fn bars_show_each_slot_and_forget_a_retired_one() {
        let began = Instant::now();
        let mut console = console(Face::bars(ProgressDrawTarget::hidden()), began);
        for (place, event) in story().iter().enumerate() {
            console.observe_at(event, began + Duration::from_secs(place as u64));
        }
        let Face::Bars { overall, slots, .. } = &console.face else {
            unreachable!("bars were asked for");
        };
        assert_eq!((overall.position(), overall.length()), (13, Some(40)));
        assert_eq!(
            slots.keys().map(Slot::to_string).collect::<Vec<_>>(),
            ["cpu:1"]
        );
        let bar = &slots[&slot("cpu:1")];
        assert_eq!((bar.position(), bar.length()), (7, Some(20)));
        assert_eq!(
            bar.message(),
            "00000005 step 7/20 valid/accuracy 0.5000 lr=5\u{fffd}[31m layers=[64, 32]"
        );
    }

    #[test]
    fn a_crowd_of_events_is_drawn_ten_times_a_second() {
        let began = Instant::now();
        let mut console = console(Face::bars(ProgressDrawTarget::hidden()), began);
        console.observe_at(&started(1), began);
        let mut seen = Vec::new();
        for millisecond in 0..1_000 {
            let event = progressed(1, millisecond + 1, 0.5);
            console.observe_at(&event, began + Duration::from_millis(millisecond.into()));
            let Face::Bars { slots, .. } = &console.face else {
                unreachable!("bars were asked for");
            };
            seen.extend(slots.values().map(ProgressBar::position));
        }
        seen.dedup();
        assert!((8..=11).contains(&seen.len()), "{seen:?}");
    }

    #[test]
    fn an_output_that_cannot_be_written_ends_nothing() {
        let began = Instant::now();
        let mut console = console(Face::lines(Box::new(Closed)), began);
        for event in story() {
            console.observe_at(&event, began + Duration::from_secs(9));
            console.observe(&event).unwrap();
        }
        console.idle().unwrap();
        console.finish();
    }

    #[test]
    fn the_best_of_earlier_sessions_counts_and_the_diverged_do_not() {
        let mut sweep = sweep();
        sweep.best = Some((id(30), 0.6));
        let mut tally = Tally::new(sweep, Instant::now());
        for event in [finished(1, 0.59, false), finished(2, 0.99, true)] {
            tally.follow(&event);
        }
        assert_eq!(tally.best, Some((id(30), 0.6)));
        tally.follow(&finished(3, 0.61, false));
        assert_eq!(tally.best, Some((id(3), 0.61)));
    }

    #[test]
    fn a_pace_has_a_readable_unit() {
        assert_eq!(pace(12.34), "12.3 trials/s");
        assert_eq!(pace(0.5), "30.0 trials/min");
        assert_eq!(pace(0.001), "3.6 trials/h");
    }
}
