//! The scheduler driven by made-up workers: no process, no training.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sweep::event::{Cause, Event, Observer, ObserverError, Slot};
use sweep::plan::PlannedTrial;
use sweep::protocol::{Checkpointing, FromWorker, Order, PROTOCOL, ToWorker};
use sweep::schedule::{
    Heard, Inbox, Incoming, Launcher, Link, ScheduleError, Settings, Summary, Work, WorkerId,
    cpu_slots, dispatch, inbox,
};
use sweep::trial::{DataDigest, Kind, Objective, TrialResult, TrialSpec};

/// What a made-up worker does with the n-th attempt (from 0) at a trial (by its seed).
#[derive(Clone, Copy)]
enum Act {
    Finish,
    Diverge,
    Crash,
    Refuse,
    Babble,
    /// Says nothing until told to stop, then gives the trial up.
    Hang,
    /// Says nothing, whatever it is told.
    Sleep,
}

type Script = Arc<dyn Fn(u64, usize) -> Act + Send + Sync>;

struct FakeLauncher {
    script: Script,
    attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    start: Start,
    launched: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Start {
    Well,
    Never,
    WrongProtocol,
}

struct FakeLink {
    script: Script,
    attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    worker: WorkerId,
    inbox: Inbox,
    hanging: Option<u64>,
}

impl Launcher for FakeLauncher {
    fn launch(
        &mut self,
        _slot: &Slot,
        worker: WorkerId,
        inbox: Inbox,
    ) -> io::Result<Box<dyn Link>> {
        self.launched += 1;
        let protocol = match self.start {
            Start::Well => PROTOCOL,
            Start::Never => return Err(io::Error::other("no such program")),
            Start::WrongProtocol => PROTOCOL + 1,
        };
        let ready = FromWorker::Ready {
            protocol,
            engine: "fake".to_owned(),
            pid: 1,
            room: 0,
        };
        inbox
            .send(Incoming::Heard(worker, Heard::Said(ready)))
            .unwrap();
        Ok(Box::new(FakeLink {
            script: Arc::clone(&self.script),
            attempts: Arc::clone(&self.attempts),
            worker,
            inbox,
            hanging: None,
        }))
    }
}

impl FakeLink {
    fn say(&self, heard: Heard) {
        self.inbox
            .send(Incoming::Heard(self.worker, heard))
            .unwrap();
    }

    fn train(&mut self, order: &Order) {
        let seed = order.spec.seed;
        let before = {
            let mut attempts = self.attempts.lock().unwrap();
            let count = attempts.entry(seed).or_insert(0);
            *count += 1;
            *count - 1
        };
        let attempt = order.attempt;
        match (self.script)(seed, before) {
            act @ (Act::Finish | Act::Diverge) => {
                let values = vec![("valid/loss".to_owned(), 1.0)];
                self.say(Heard::Said(FromWorker::Progress {
                    attempt,
                    step: 1,
                    values,
                }));
                let diverged = matches!(act, Act::Diverge).then(|| "loss is NaN".to_owned());
                let result = Box::new(TrialResult {
                    diverged,
                    ..TrialResult::default()
                });
                self.say(Heard::Said(FromWorker::Finished { attempt, result }));
            }
            Act::Crash => self.say(Heard::Gone(Cause::Crashed {
                exit_code: None,
                signal: Some(11),
            })),
            Act::Refuse => {
                let message = "cannot".to_owned();
                self.say(Heard::Said(FromWorker::Refused { attempt, message }));
            }
            Act::Babble => self.say(Heard::Garbage("hello".to_owned())),
            Act::Hang => self.hanging = Some(attempt),
            Act::Sleep => {}
        }
    }
}

impl Link for FakeLink {
    fn send(&mut self, message: &ToWorker) -> io::Result<()> {
        match message {
            ToWorker::Train(order) => self.train(order),
            ToWorker::Stop => {
                if let Some(attempt) = self.hanging.take() {
                    let step = Some(4);
                    self.say(Heard::Said(FromWorker::Interrupted { attempt, step }));
                }
            }
        }
        Ok(())
    }

    fn kill(&mut self) {}

    fn log(&self) -> PathBuf {
        PathBuf::new()
    }

    fn log_tail(&self) -> String {
        "last words".to_owned()
    }
}

/// Keeps all events; sends interrupts after as many trials have started as asked for.
#[derive(Default)]
struct Recorder {
    events: Vec<Event>,
    interrupt_at: Vec<usize>,
    started: usize,
    inbox: Option<Inbox>,
    fail_at: Option<usize>,
}

impl Observer for Recorder {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.events.push(event.clone());
        if self.fail_at == Some(self.events.len()) {
            return Err(ObserverError("disk full".into()));
        }
        if let Event::TrialStarted { .. } = event {
            self.started += 1;
            for _ in self.interrupt_at.iter().filter(|at| **at == self.started) {
                self.inbox
                    .as_ref()
                    .unwrap()
                    .send(Incoming::Interrupt)
                    .unwrap();
            }
        }
        Ok(())
    }
}

impl Recorder {
    fn starts(&self) -> usize {
        self.events
            .iter()
            .filter(|event| matches!(event, Event::TrialStarted { .. }))
            .count()
    }

    /// Every attempt that started must have ended exactly once.
    fn assert_attempts_are_closed(&self) {
        let mut open = BTreeMap::new();
        for event in &self.events {
            match event {
                Event::TrialStarted { attempt, .. } => {
                    assert!(
                        open.insert(*attempt, false).is_none(),
                        "{attempt:?} started twice"
                    );
                }
                Event::TrialFinished { attempt, .. }
                | Event::TrialFailed { attempt, .. }
                | Event::TrialInterrupted { attempt, .. } => {
                    let closed = open.get_mut(attempt).expect("ended before it started");
                    assert!(!*closed, "{attempt:?} ended twice");
                    *closed = true;
                }
                _ => {}
            }
        }
        assert!(
            open.values().all(|closed| *closed),
            "an attempt was left open"
        );
    }
}

fn trials(count: u64) -> Vec<PlannedTrial> {
    let data = DataDigest::from_hex("0".repeat(64));
    (0..count)
        .map(|seed| {
            let spec = TrialSpec::new(Kind::Mlp.default_model(), seed, Objective::default());
            PlannedTrial {
                id: spec.id(&data),
                config: spec.config_id(&data),
                spec,
            }
        })
        .collect()
}

struct Case {
    trials: u64,
    slots: usize,
    retries: u32,
    timeout: Option<Duration>,
    start: Start,
    recorder: Recorder,
}

impl Case {
    fn new(trials: u64, slots: usize) -> Case {
        let recorder = Recorder::default();
        Case {
            trials,
            slots,
            retries: 2,
            timeout: None,
            start: Start::Well,
            recorder,
        }
    }

    fn run(
        mut self,
        script: impl Fn(u64, usize) -> Act + Send + Sync + 'static,
    ) -> (Result<Summary, ScheduleError>, Recorder) {
        let planned = trials(self.trials);
        let borrowed: Vec<&PlannedTrial> = planned.iter().collect();
        let work = Work {
            trials: &borrowed,
            data: PathBuf::new(),
            folder: PathBuf::new(),
        };
        let settings = Settings {
            slots: cpu_slots(Some(self.slots)).unwrap(),
            trial_timeout: self.timeout,
            retries: self.retries,
            checkpoint: Checkpointing {
                every_ms: 5000,
                cost: 0.02,
            },
        };
        let mut launcher = FakeLauncher {
            script: Arc::new(script),
            attempts: Arc::default(),
            start: self.start,
            launched: 0,
        };
        let (inbox, incoming) = inbox();
        self.recorder.inbox = Some(inbox.clone());
        let result = dispatch(
            &work,
            &settings,
            &mut launcher,
            &mut [&mut self.recorder],
            (inbox, incoming),
        );
        assert!(launcher.launched >= 1);
        (result, self.recorder)
    }
}

#[test]
fn every_trial_runs_once_whatever_the_number_of_slots() {
    for slots in [1, 2, 7] {
        let (summary, recorder) = Case::new(20, slots).run(|_, _| Act::Finish);
        let expected = Summary {
            finished: 20,
            ..Summary::default()
        };
        assert_eq!(summary.unwrap(), expected);
        assert_eq!(recorder.starts(), 20);
        recorder.assert_attempts_are_closed();
    }
}

#[test]
fn a_crash_costs_one_attempt_and_the_trial_is_tried_again() {
    let (summary, recorder) = Case::new(3, 1).run(|seed, attempt| match (seed, attempt) {
        (1, 0) => Act::Crash,
        (2, 0) => Act::Babble,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 3,
            ..Summary::default()
        }
    );
    assert_eq!(recorder.starts(), 5);
    recorder.assert_attempts_are_closed();
    let tails = recorder.events.iter().filter_map(|event| match event {
        Event::TrialFailed {
            log_tail,
            will_retry,
            ..
        } => Some((log_tail.as_str(), *will_retry)),
        _ => None,
    });
    assert_eq!(tails.collect::<Vec<_>>(), [("last words", true); 2]);
}

#[test]
fn a_trial_that_always_kills_its_worker_is_given_up_and_the_others_go_on() {
    let (summary, recorder) = Case::new(6, 1).run(|seed, _| match seed {
        2 => Act::Crash,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 5,
            failed: 1,
            ..Summary::default()
        }
    );
    assert_eq!(recorder.starts(), 5 + 3);
    recorder.assert_attempts_are_closed();
}

#[test]
fn what_an_engine_refuses_and_what_diverges_is_not_tried_again() {
    let (summary, recorder) = Case::new(3, 2).run(|seed, _| match seed {
        0 => Act::Refuse,
        1 => Act::Diverge,
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 1,
        diverged: 1,
        failed: 1,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    assert_eq!(recorder.starts(), 3);
}

#[test]
fn a_trial_that_takes_too_long_is_ended_and_the_others_go_on() {
    let mut case = Case::new(3, 1);
    case.timeout = Some(Duration::from_millis(20));
    let (summary, recorder) = case.run(|seed, _| match seed {
        0 => Act::Sleep,
        _ => Act::Finish,
    });
    assert_eq!(
        summary.unwrap(),
        Summary {
            finished: 2,
            failed: 1,
            ..Summary::default()
        }
    );
    recorder.assert_attempts_are_closed();
}

#[test]
fn slots_that_fail_everything_are_retired_and_the_work_is_kept() {
    let mut case = Case::new(50, 2);
    case.retries = 0;
    let (summary, recorder) = case.run(|_, _| Act::Crash);
    let summary = summary.unwrap();
    assert_eq!(summary.failed, 6, "three on each slot");
    assert_eq!(summary.left, 44);
    let retired = |event: &&Event| matches!(event, Event::SlotRetired { .. });
    assert_eq!(recorder.events.iter().filter(retired).count(), 2);
    recorder.assert_attempts_are_closed();
}

#[test]
fn workers_that_cannot_start_or_are_of_another_version_end_the_session() {
    for start in [Start::Never, Start::WrongProtocol] {
        let mut case = Case::new(5, 2);
        case.start = start;
        let (summary, recorder) = case.run(|_, _| Act::Finish);
        assert_eq!(
            summary.unwrap(),
            Summary {
                left: 5,
                ..Summary::default()
            }
        );
        assert_eq!(recorder.starts(), 0);
        let reasons = recorder.events.iter().filter_map(|event| match event {
            Event::SlotRetired { reason, .. } => Some(reason.as_str()),
            _ => None,
        });
        let word = if start == Start::Never {
            "no such program"
        } else {
            "protocol"
        };
        assert_eq!(reasons.filter(|reason| reason.contains(word)).count(), 2);
    }
}

#[test]
fn the_first_interrupt_lets_workers_checkpoint_and_starts_nothing_more() {
    let mut case = Case::new(9, 2);
    case.recorder.interrupt_at = vec![2];
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: true,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    let steps = recorder.events.iter().filter_map(|event| match event {
        Event::TrialInterrupted { step, .. } => Some(*step),
        _ => None,
    });
    assert_eq!(steps.collect::<Vec<_>>(), [Some(4); 2]);
    recorder.assert_attempts_are_closed();
}

#[test]
fn the_second_interrupt_does_not_wait_for_workers() {
    let mut case = Case::new(9, 2);
    case.recorder.interrupt_at = vec![2, 2];
    let (summary, recorder) = case.run(|_, _| Act::Sleep);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: true,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_record_that_cannot_be_written_ends_the_session_with_its_reason() {
    let mut case = Case::new(9, 1);
    case.recorder.fail_at = Some(5);
    let (summary, _) = case.run(|_, _| Act::Finish);
    assert_eq!(summary.unwrap_err().to_string(), "disk full");
}
