//! A console driven by made-up events and a made-up clock.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::progress::rate;
use super::*;
use sweep_core::event::{AttemptNo, Cause, StopReason};
use sweep_core::trial::{Objective, TrialResult};

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

fn sweep() -> Overview {
    let describe = |n: u64| (id(n), format!("lr={n}\x1b[31m layers=[64, 32]"));
    Overview {
        total: 40,
        already_done: 10,
        failed_before: 0,
        describe: (1..=30).map(describe).collect(),
        epochs: (1..=30).map(|n| (id(n), 20)).collect(),
        objective: Objective::default(),
        unranked: HashSet::new(),
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

fn console(display: Display, now: Instant) -> Console {
    Console {
        progress: Progress::new(sweep(), now),
        display,
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
    let mut console = console(Display::lines(Box::new(page.clone())), began);
    for (place, event) in story().iter().enumerate() {
        console.observe_at(event, began + Duration::from_secs(place as u64));
    }
    console.finish_at(began + Duration::from_secs(20));
    insta::assert_snapshot!(page.text());
}

#[test]
fn skipped_completed_elsewhere_and_stopped_trials_are_printed_and_counted() {
    let began = Instant::now();
    let page = Page::default();
    let mut console = console(Display::lines(Box::new(page.clone())), began);
    let limit = StopReason::TimeLimit(Duration::from_secs(5_400));
    let events = [
        started(1),
        finished(1, 0.6, false),
        failed(2, false),
        Event::TrialSkipped {
            trial: id(3),
            reason: "its configuration\nhas ended 2 workers".to_owned(),
        },
        Event::TrialCompletedElsewhere { trial: id(4) },
        started(5),
        Event::TrialWarning {
            trial: id(5),
            attempt: AttemptNo(5),
            message: "a checkpoint was damaged".to_owned(),
        },
        Event::StopRequested {
            reason: limit,
            at_once: false,
        },
        Event::StopRequested {
            reason: limit,
            at_once: true,
        },
    ];
    for event in events {
        console.observe_at(&event, began);
    }
    // Ten were done before, one is now, and one was by another session.
    let state = console.progress.overview(began + Duration::from_secs(60));
    assert!(
        state.starts_with("12/40 trials, 2 failed (1 skipped), stopping, 1 running, best 0.6"),
        "{state}"
    );
    console.finish_at(began + Duration::from_secs(60));
    let text = page.text();
    for line in [
        "trial 00000003 lr=3\u{fffd}[31m layers=[64, 32] skipped: its configuration has ended 2 workers\n",
        "trial 00000005 lr=5\u{fffd}[31m layers=[64, 32]: a checkpoint was damaged\n",
        "\nstopping: the time limit of 1h30m is reached; running trials write a checkpoint",
        "\nstopping at once: ending the remaining workers\n",
        "12 of 40 trials done (1 in this session: 1 finished, 0 diverged), 2 failed (1 skipped), in 00:01:00",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn a_quiet_console_prints_failures_and_the_end() {
    let began = Instant::now();
    let page = Page::default();
    let mut console = console(Display::Quiet(Box::new(page.clone())), began);
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
    let mut console = console(Display::bars(ProgressDrawTarget::hidden()), began);
    for (place, event) in story().iter().enumerate() {
        console.observe_at(event, began + Duration::from_secs(place as u64));
    }
    let Display::Bars { overall, slots, .. } = &console.display else {
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
    let mut console = console(Display::bars(ProgressDrawTarget::hidden()), began);
    console.observe_at(&started(1), began);
    let mut seen = Vec::new();
    for millisecond in 0..1_000 {
        let event = progressed(1, millisecond + 1, 0.5);
        console.observe_at(&event, began + Duration::from_millis(millisecond.into()));
        let Display::Bars { slots, .. } = &console.display else {
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
    let mut console = console(Display::lines(Box::new(Closed)), began);
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
    let mut progress = Progress::new(sweep, Instant::now());
    for event in [finished(1, 0.59, false), finished(2, 0.99, true)] {
        progress.follow(&event);
    }
    assert_eq!(progress.best, Some((id(30), 0.6)));
    progress.follow(&finished(3, 0.61, false));
    assert_eq!(progress.best, Some((id(3), 0.61)));
}

#[test]
fn the_last_line_names_what_the_database_calls_the_best() {
    let page = Page::default();
    let mut console = Console {
        progress: Progress::new(sweep(), Instant::now()),
        display: Display::lines(Box::new(page.clone())),
    };
    console.observe(&finished(1, 0.5456, false)).unwrap();
    console.learn_best(
        Some((id(2), 0.5423)),
        Some("tied with 2 other configurations".to_owned()),
    );
    console.finish();
    let text = page.text();
    let last = text.lines().last().unwrap();
    let best = format!("best valid/accuracy 0.5423: {}", id(2).short());
    assert!(last.contains(&best), "{last}");
    assert!(
        last.ends_with("(tied with 2 other configurations)"),
        "{last}"
    );
}

#[test]
fn a_pace_has_a_readable_unit() {
    assert_eq!(rate(12.34), "12.3 trials/s");
    assert_eq!(rate(0.5), "30.0 trials/min");
    assert_eq!(rate(0.001), "3.6 trials/h");
}
