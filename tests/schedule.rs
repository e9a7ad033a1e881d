//! The scheduler driven by made-up workers: no process, no training.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sweep_core::event::{Cause, Event, Observer, ObserverError, Slot, StopReason};
use sweep_core::protocol::{Checkpointing, FromWorker, PROTOCOL_VERSION, ToWorker, TrainRequest};
use sweep_core::trial::{DataDigest, Kind, Objective, TrialId, TrialResult, TrialSpec, Value};
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::{
    ClaimState, DatasetSize, Incoming, Launcher, ScheduleError, Sender, Settings, Summary, Work,
    WorkerHandle, WorkerId, WorkerOutput, channel, cpu_slots, dispatch, slots,
};

/// What a made-up worker does with the n-th attempt (from 0) at a trial (by its number).
#[derive(Clone, Copy)]
enum Act {
    Finish,
    Diverge,
    Crash,
    /// Says after a moment that it has made a step, and again, and then finishes.
    Dawdle,
    Refuse,
    Babble,
    /// Says nothing until told to stop, then gives the trial up.
    Hang,
    /// Says nothing, whatever it is told.
    Sleep,
}

/// Pause between two steps of a worker that dawdles.
const DAWDLE: Duration = Duration::from_millis(60);

type Script = Arc<dyn Fn(u64, usize) -> Act + Send + Sync>;

/// Trials by their name: their numbers.
type Numbers = Arc<BTreeMap<TrialId, u64>>;

struct FakeLauncher {
    script: Script,
    numbers: Numbers,
    attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    start: Start,
    capacity: u64,
    launched: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Start {
    Well,
    Never,
    WrongProtocol,
}

struct FakeWorker {
    script: Script,
    numbers: Numbers,
    attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    worker: WorkerId,
    sender: Sender,
    hanging: Vec<u64>,
}

impl Launcher for FakeLauncher {
    fn launch(
        &mut self,
        _slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>> {
        self.launched += 1;
        let protocol = match self.start {
            Start::Well => PROTOCOL_VERSION,
            Start::Never => return Err(io::Error::other("no such program")),
            Start::WrongProtocol => PROTOCOL_VERSION + 1,
        };
        let ready = FromWorker::Ready {
            protocol,
            engine: "fake".to_owned(),
            pid: 1,
            capacity: self.capacity,
        };
        sender
            .send(Incoming::Worker(worker, WorkerOutput::Message(ready)))
            .unwrap();
        Ok(Box::new(FakeWorker {
            script: Arc::clone(&self.script),
            numbers: Arc::clone(&self.numbers),
            attempts: Arc::clone(&self.attempts),
            worker,
            sender,
            hanging: Vec::new(),
        }))
    }
}

impl FakeWorker {
    fn say(&self, heard: WorkerOutput) {
        self.sender
            .send(Incoming::Worker(self.worker, heard))
            .unwrap();
    }

    /// Acts on `order`; whether the worker is still there.
    fn train(&mut self, order: &TrainRequest) -> bool {
        let number = self.numbers[&order.trial];
        let before = {
            let mut attempts = self.attempts.lock().unwrap();
            let count = attempts.entry(number).or_insert(0);
            *count += 1;
            *count - 1
        };
        let attempt = order.attempt;
        let act = (self.script)(number, before);
        let lives = !matches!(act, Act::Crash);
        match act {
            act @ (Act::Finish | Act::Diverge) => {
                let values = vec![("valid/loss".to_owned(), 1.0)];
                self.say(WorkerOutput::Message(FromWorker::Progress {
                    attempt,
                    step: 1,
                    values,
                }));
                let diverged = matches!(act, Act::Diverge).then(|| "loss is NaN".to_owned());
                let result = Box::new(TrialResult {
                    diverged,
                    ..TrialResult::default()
                });
                self.say(WorkerOutput::Message(FromWorker::Finished {
                    attempt,
                    result,
                }));
            }
            Act::Crash => self.say(WorkerOutput::Exited(Cause::Crashed {
                exit_code: None,
                signal: Some(11),
            })),
            Act::Refuse => {
                let message = "cannot".to_owned();
                self.say(WorkerOutput::Message(FromWorker::Rejected {
                    attempt,
                    message,
                }));
            }
            Act::Babble => self.say(WorkerOutput::Malformed("hello".to_owned())),
            Act::Hang => self.hanging.push(attempt),
            Act::Sleep => {}
            Act::Dawdle => {
                let (worker, sender) = (self.worker, self.sender.clone());
                std::thread::spawn(move || {
                    for step in 1..=4 {
                        std::thread::sleep(DAWDLE);
                        let values = vec![("valid/loss".to_owned(), 1.0)];
                        let said = FromWorker::Progress {
                            attempt,
                            step,
                            values,
                        };
                        sender
                            .send(Incoming::Worker(worker, WorkerOutput::Message(said)))
                            .unwrap();
                    }
                    let result = Box::default();
                    let said = FromWorker::Finished { attempt, result };
                    sender
                        .send(Incoming::Worker(worker, WorkerOutput::Message(said)))
                        .unwrap();
                });
            }
        }
        lives
    }
}

impl WorkerHandle for FakeWorker {
    fn send(&mut self, message: &ToWorker) -> io::Result<()> {
        match message {
            ToWorker::Train(order) => {
                self.train(order);
            }
            ToWorker::TrainBatch { requests } => {
                assert!(requests.len() > 1);
                let _ = requests.iter().all(|request| self.train(request));
            }
            ToWorker::Stop => {
                for attempt in std::mem::take(&mut self.hanging) {
                    let step = Some(4);
                    self.say(WorkerOutput::Message(FromWorker::Interrupted {
                        attempt,
                        step,
                    }));
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
    sender: Option<Sender>,
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
                self.sender
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

/// `count` trials, in turn of `configs` configurations.
fn trials(count: u64, configs: u64) -> Vec<PlannedTrial> {
    let data = DataDigest::from_hex("0".repeat(64));
    (0..count)
        .map(|number| {
            let mut model = Kind::Mlp.default_model();
            let epochs = Value::Int(1 + (number % configs) as i64);
            model.set("epochs", &epochs).unwrap();
            let spec = TrialSpec::new(model, number / configs, Objective::default());
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
    /// Each trial has one of its own if this is as many as there are trials.
    configs: u64,
    settings: Settings,
    start: Start,
    /// What workers say that they have capacity for.
    capacity: u64,
    recorder: Recorder,
    /// Where the n-th trial stands elsewhere when it is asked for the m-th time (from 0).
    claim_state: fn(u64, usize) -> ClaimState,
}

impl Case {
    fn new(trials: u64, slots: usize) -> Case {
        let recorder = Recorder::default();
        Case {
            trials,
            configs: trials,
            settings: Settings {
                slots: cpu_slots(Some(slots)).unwrap(),
                trial_timeout: None,
                stall_timeout: None,
                retries: 2,
                checkpoint: Checkpointing {
                    every_ms: 5000,
                    cost: 0.02,
                },
                max_time: None,
                max_trials: None,
            },
            start: Start::Well,
            capacity: 0,
            recorder,
            claim_state: |_, _| ClaimState::Free,
        }
    }

    fn run(
        mut self,
        script: impl Fn(u64, usize) -> Act + Send + Sync + 'static,
    ) -> (Result<Summary, ScheduleError>, Recorder) {
        let planned = trials(self.trials, self.configs);
        let borrowed: Vec<&PlannedTrial> = planned.iter().collect();
        let ids = planned.iter().map(|trial| trial.id.clone());
        let numbers: Numbers = Arc::new(ids.zip(0..).collect());
        let asked = Mutex::new(BTreeMap::new());
        let elsewhere = |trial: &TrialId| {
            let mut asked = asked.lock().unwrap();
            let times = asked.entry(numbers[trial]).or_insert(0);
            *times += 1;
            (self.claim_state)(numbers[trial], *times - 1)
        };
        let work = Work {
            trials: &borrowed,
            data: PathBuf::new(),
            folder: PathBuf::new(),
            claim_state: &elsewhere,
            dataset_size: DatasetSize {
                rows: 100,
                features: 4,
                classes: 2,
            },
        };
        let mut launcher = FakeLauncher {
            script: Arc::new(script),
            numbers: Arc::clone(&numbers),
            attempts: Arc::default(),
            start: self.start,
            capacity: self.capacity,
            launched: 0,
        };
        let (sender, incoming) = channel();
        self.recorder.sender = Some(sender.clone());
        let result = dispatch(
            &work,
            &self.settings,
            &mut launcher,
            &mut [&mut self.recorder],
            (sender, incoming),
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

/// A case whose workers train as many trials together as there are.
fn together(trials: u64, slots: usize) -> Case {
    Case {
        capacity: u64::MAX,
        ..Case::new(trials, slots)
    }
}

impl Recorder {
    /// Most attempts that were under way at once.
    fn most_at_once(&self) -> usize {
        let (mut open, mut most) = (0usize, 0);
        for event in &self.events {
            match event {
                Event::TrialStarted { .. } => open += 1,
                Event::TrialFinished { .. }
                | Event::TrialFailed { .. }
                | Event::TrialInterrupted { .. } => open -= 1,
                _ => {}
            }
            most = most.max(open);
        }
        most
    }
}

#[test]
fn trials_that_are_alike_are_handed_out_together_and_end_one_by_one() {
    for (slots, most) in [(1, 9), (3, 9)] {
        let (summary, recorder) = together(9, slots).run(|number, _| match number {
            4 => Act::Refuse,
            _ => Act::Finish,
        });
        let expected = Summary {
            finished: 8,
            failed: 1,
            ..Summary::default()
        };
        assert_eq!(summary.unwrap(), expected);
        assert_eq!(recorder.starts(), 9);
        assert!((2..=most).contains(&recorder.most_at_once()));
        recorder.assert_attempts_are_closed();
    }
}

#[test]
fn a_group_whose_worker_dies_is_tried_again_one_by_one_so_that_one_alone_is_blamed() {
    let (summary, recorder) = together(6, 1).run(|number, _| match number {
        2 => Act::Crash,
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 5,
        failed: 1,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    // Six together, of which two ended; then four alone, one of them three times.
    assert_eq!(recorder.starts(), 6 + 3 + 3);
    recorder.assert_attempts_are_closed();
}

#[test]
fn groups_on_a_gpu_leave_something_to_slots_that_wait_and_on_cpus_to_all() {
    let sizes = |slots: Vec<Slot>, begun: usize| {
        let mut case = together(12, 2);
        case.settings.slots = slots.clone();
        case.recorder.interrupt_at = vec![begun];
        let (summary, recorder) = case.run(|_, _| Act::Hang);
        assert_eq!(summary.unwrap().interrupted, begun);
        let of = |slot: &Slot| {
            let started = recorder.events.iter().filter(
                |event| matches!(event, Event::TrialStarted { slot: on, .. } if on == slot),
            );
            started.count()
        };
        let mut sizes: Vec<usize> = slots.iter().map(of).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes(slots(0, (&[0], 2), 1).unwrap(), 12), [6, 6]);
    assert_eq!(sizes(cpu_slots(Some(2)).unwrap(), 9), [3, 6]);
}

#[test]
fn an_interrupt_reaches_every_trial_of_a_group() {
    let mut case = together(4, 1);
    case.recorder.interrupt_at = vec![4];
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let summary = summary.unwrap();
    assert_eq!((summary.interrupted, summary.left), (4, 0));
    recorder.assert_attempts_are_closed();
}

#[test]
fn no_larger_group_is_begun_than_may_end_in_the_session() {
    let mut case = together(9, 1);
    case.settings.max_trials = Some(3);
    let (summary, recorder) = case.run(|_, _| Act::Finish);
    let summary = summary.unwrap();
    assert_eq!((summary.finished, summary.left), (3, 6));
    assert_eq!(recorder.starts(), 3);
}

#[test]
fn a_crash_costs_one_attempt_and_the_trial_is_tried_again() {
    let (summary, recorder) = Case::new(3, 1).run(|number, attempt| match (number, attempt) {
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
    let (summary, recorder) = Case::new(6, 1).run(|number, _| match number {
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
    let (summary, recorder) = Case::new(3, 2).run(|number, _| match number {
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
    case.settings.trial_timeout = Some(Duration::from_millis(20));
    let (summary, recorder) = case.run(|number, _| match number {
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
    case.settings.retries = 0;
    let (summary, recorder) = case.run(|_, _| Act::Crash);
    let summary = summary.unwrap();
    assert_eq!(summary.failed, 6, "three on each slot");
    assert_eq!(summary.left, 44);
    assert_eq!(summary.retired.len(), 2);
    assert!(summary.retired[0].1.contains("signal 11 (SIGSEGV)"));
    assert_eq!(summary.stopped, None);
    let retired = |event: &&Event| matches!(event, Event::SlotRetired { .. });
    assert_eq!(recorder.events.iter().filter(retired).count(), 2);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_configuration_that_kills_its_worker_twice_is_set_aside_and_the_sweep_goes_on() {
    for slots in [1, 3] {
        // Four seeds of five configurations, the third of which is deadly.
        let mut case = Case::new(20, slots);
        case.configs = 5;
        case.settings.retries = 1;
        let (summary, recorder) = case.run(|number, _| match number % 5 {
            2 => Act::Crash,
            _ => Act::Finish,
        });
        let summary = summary.unwrap();
        let left = (summary.finished, summary.failed, summary.left);
        assert_eq!(left, (16, 4, 0));
        assert_eq!(summary.retired, []);
        recorder.assert_attempts_are_closed();
        let reasons: Vec<&str> = (recorder.events.iter())
            .filter_map(|event| match event {
                Event::TrialSkipped { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(reasons.len(), summary.skipped);
        // Seeds of it that other slots had begun by then may have failed as well.
        assert!(summary.skipped + slots >= 4, "{summary:?}");
        for reason in reasons {
            assert!(reason.contains("has ended 2 workers"), "{reason}");
            assert!(reason.contains("SIGSEGV"), "{reason}");
        }
    }
}

#[test]
fn a_neighbourhood_of_deadly_configurations_does_not_cost_the_slot() {
    let mut case = Case::new(12, 1);
    case.settings.retries = 1;
    let (summary, recorder) = case.run(|number, _| match number {
        0..4 => Act::Crash,
        _ => Act::Finish,
    });
    let summary = summary.unwrap();
    let ended = (summary.finished, summary.failed, summary.left);
    assert_eq!(ended, (8, 4, 0));
    assert_eq!(summary.retired, []);
    recorder.assert_attempts_are_closed();
}

#[test]
fn a_worker_that_falls_silent_is_ended_as_hung_and_one_that_is_only_slow_is_not() {
    let mut case = Case::new(2, 1);
    case.settings.retries = 0;
    // Shorter than the trial takes, longer than any of its steps.
    case.settings.stall_timeout = Some(DAWDLE * 3);
    let (summary, recorder) = case.run(|number, _| match number {
        0 => Act::Sleep,
        _ => Act::Dawdle,
    });
    let summary = summary.unwrap();
    assert_eq!((summary.finished, summary.failed), (1, 1));
    let causes = recorder.events.iter().filter_map(|event| match event {
        Event::TrialFailed { cause, .. } => Some(cause),
        _ => None,
    });
    let causes: Vec<&Cause> = causes.collect();
    assert!(
        matches!(causes[..], [Cause::Hung { after }] if *after > DAWDLE * 3),
        "{causes:?}"
    );
}

#[test]
fn no_more_trials_are_begun_than_may_end_in_the_session() {
    for slots in [1, 4] {
        let mut case = Case::new(20, slots);
        case.settings.max_trials = Some(6);
        let (summary, recorder) = case.run(|number, attempt| match (number, attempt) {
            (1, 0) => Act::Crash,
            (2, _) => Act::Refuse,
            (3, _) => Act::Diverge,
            _ => Act::Finish,
        });
        let summary = summary.unwrap();
        let ended = summary.finished + summary.diverged + summary.failed;
        assert_eq!((ended, summary.interrupted, summary.left), (6, 0, 14));
        assert_eq!(summary.stopped, Some(StopReason::TrialLimit(6)));
        recorder.assert_attempts_are_closed();
    }
    // A limit that is no limit.
    let mut case = Case::new(3, 2);
    case.settings.max_trials = Some(3);
    let (summary, _) = case.run(|_, _| Act::Finish);
    assert_eq!(summary.unwrap().stopped, None);
}

#[test]
fn the_time_limit_of_a_session_ends_it_as_an_interrupt_does() {
    let mut case = Case::new(9, 2);
    let limit = Duration::from_millis(50);
    case.settings.max_time = Some(limit);
    let (summary, recorder) = case.run(|_, _| Act::Hang);
    let expected = Summary {
        interrupted: 2,
        left: 7,
        stopped: Some(StopReason::TimeLimit(limit)),
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    recorder.assert_attempts_are_closed();
}

#[test]
fn trials_that_another_session_has_in_hand_are_left_to_it() {
    let mut case = Case::new(6, 2);
    case.claim_state = |number, times| match (number, times) {
        (1, _) => ClaimState::Done,
        // Finished there in the end, or given up.
        (3, 0) | (4, 0) => ClaimState::Running,
        (3, _) => ClaimState::Done,
        _ => ClaimState::Free,
    };
    let (summary, recorder) = case.run(|number, _| match number {
        1 | 3 => panic!("trained twice"),
        _ => Act::Finish,
    });
    let expected = Summary {
        finished: 4,
        completed_elsewhere: 2,
        ..Summary::default()
    };
    assert_eq!(summary.unwrap(), expected);
    assert_eq!(recorder.starts(), 4);
}

#[test]
fn workers_that_cannot_start_or_are_of_another_version_end_the_session() {
    for start in [Start::Never, Start::WrongProtocol] {
        let mut case = Case::new(5, 2);
        case.start = start;
        let (summary, recorder) = case.run(|_, _| Act::Finish);
        let summary = summary.unwrap();
        assert_eq!((summary.failed, summary.left), (0, 5));
        assert_eq!(summary.retired.len(), 2);
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
        stopped: Some(StopReason::Interrupt),
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
        stopped: Some(StopReason::Interrupt),
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
