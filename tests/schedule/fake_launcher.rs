//! A launcher whose workers follow a script, and the session that it runs in.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sweep_core::event::{Cause, Event, Observer, ObserverError, Slot};
use sweep_core::protocol::{Checkpointing, FromWorker, PROTOCOL_VERSION, ToWorker, TrainRequest};
use sweep_core::trial::models::DatasetSize;
use sweep_core::trial::{
    DataDigest, Kind, ModelSpec, Objective, TrialId, TrialResult, TrialSpec, Value,
};
use sweep_experiment::plan::PlannedTrial;
use sweep_scheduler::{
    ClaimState, Incoming, Launcher, ScheduleError, Sender, Settings, Summary, Work, WorkerHandle,
    WorkerId, WorkerOutput, channel, cpu_slots, dispatch,
};

/// What a made-up worker does with the n-th attempt (from 0) at a trial (by its number).
#[derive(Clone, Copy)]
pub enum Act {
    Finish,
    Diverge,
    Crash,
    /// Is killed by somebody.
    Killed,
    /// Says every moment that it has made a step, until another trial has failed; then finishes.
    Slow,
    Refuse,
    Babble,
    /// Says nothing until told to stop, then gives the trial up.
    Hang,
    /// Says nothing, whatever it is told.
    Sleep,
}

/// Pause between two steps of a slow worker.
const STEP: Duration = Duration::from_millis(5);

pub type Script = Arc<dyn Fn(u64, usize) -> Act + Send + Sync>;

/// Trials by their name: their numbers.
pub type Numbers = Arc<BTreeMap<TrialId, u64>>;

/// That a trial has failed, for those who wait for it.
#[derive(Default)]
pub struct Failure {
    has_come: Mutex<bool>,
    came: Condvar,
}

impl Failure {
    fn come(&self) {
        *self.has_come.lock().unwrap() = true;
        self.came.notify_all();
    }

    fn comes_within(&self, timeout: Duration) -> bool {
        let has_come = self.has_come.lock().unwrap();
        let waited = self
            .came
            .wait_timeout_while(has_come, timeout, |has_come| !*has_come);
        *waited.unwrap().0
    }
}

pub struct FakeLauncher {
    pub script: Script,
    pub numbers: Numbers,
    pub attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    pub failure: Arc<Failure>,
    pub start: Start,
    pub capacity: u64,
    pub launched: usize,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Start {
    Well,
    Never,
    WrongProtocol,
}

pub struct FakeWorker {
    pub script: Script,
    pub numbers: Numbers,
    pub attempts: Arc<Mutex<BTreeMap<u64, usize>>>,
    pub failure: Arc<Failure>,
    pub worker: WorkerId,
    pub sender: Sender,
    pub hanging: Vec<u64>,
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
            failure: Arc::clone(&self.failure),
            worker,
            sender,
            hanging: Vec::new(),
        }))
    }
}

impl FakeWorker {
    pub fn say(&self, heard: WorkerOutput) {
        self.sender
            .send(Incoming::Worker(self.worker, heard))
            .unwrap();
    }

    /// Acts on `order`; whether the worker is still there.
    pub fn train(&mut self, order: &TrainRequest) -> bool {
        let number = self.numbers[&order.trial];
        let before = {
            let mut attempts = self.attempts.lock().unwrap();
            let count = attempts.entry(number).or_insert(0);
            *count += 1;
            *count - 1
        };
        let attempt = order.attempt;
        let act = (self.script)(number, before);
        let lives = !matches!(act, Act::Crash | Act::Killed);
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
            Act::Crash | Act::Killed => self.say(WorkerOutput::Exited(Cause::Crashed {
                exit_code: None,
                signal: Some(if matches!(act, Act::Crash) { 11 } else { 9 }),
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
            Act::Slow => {
                let (worker, sender) = (self.worker, self.sender.clone());
                let failure = Arc::clone(&self.failure);
                std::thread::spawn(move || {
                    for step in 1.. {
                        if failure.comes_within(STEP) {
                            break;
                        }
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
            ToWorker::Ping => {}
        }
        Ok(())
    }

    fn unpause(&mut self) {}

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
pub struct Recorder {
    pub events: Vec<Event>,
    pub interrupt_at: Vec<usize>,
    pub started: usize,
    pub sender: Option<Sender>,
    pub fail_at: Option<usize>,
    pub failure: Arc<Failure>,
}

impl Observer for Recorder {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.events.push(event.clone());
        if self.fail_at == Some(self.events.len()) {
            return Err(ObserverError("disk full".into()));
        }
        if let Event::TrialFailed { .. } = event {
            self.failure.come();
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
    pub fn starts(&self) -> usize {
        self.events
            .iter()
            .filter(|event| matches!(event, Event::TrialStarted { .. }))
            .count()
    }

    /// Every attempt that started must have ended exactly once.
    pub fn assert_attempts_are_closed(&self) {
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
pub fn trials(count: u64, configs: u64) -> Vec<PlannedTrial> {
    let data = DataDigest::from_hex("0".repeat(64));
    (0..count)
        .map(|number| {
            let mut model = ModelSpec::new(Kind::MLP);
            let epochs = Value::Int(1 + (number % configs) as i64);
            model.set("epochs", &epochs).unwrap();
            let spec = TrialSpec::new(model, number / configs, Objective::default());
            PlannedTrial {
                id: spec.id(&data),
                config: spec.config_id(&data),
                spec,
                fold: None,
            }
        })
        .collect()
}

pub struct Case {
    pub trials: u64,
    /// Each trial has one of its own if this is as many as there are trials.
    pub configs: u64,
    pub settings: Settings,
    pub start: Start,
    /// What workers say that they have capacity for.
    pub capacity: u64,
    pub recorder: Recorder,
    /// Where the n-th trial stands elsewhere when it is asked for the m-th time (from 0).
    pub claim_state: fn(u64, usize) -> ClaimState,
}

impl Case {
    pub fn new(trials: u64, slots: usize) -> Case {
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
                stop_grace: Duration::from_secs(60),
            },
            start: Start::Well,
            capacity: 0,
            recorder,
            claim_state: |_, _| ClaimState::Free,
        }
    }

    pub fn run(
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
            data: vec![PathBuf::new()],
            folder: PathBuf::new(),
            claim_state: &elsewhere,
            dataset_size: DatasetSize {
                rows: 100,
                features: 4,
                classes: 2,
                ..DatasetSize::default()
            },
            program: None,
        };
        let mut launcher = FakeLauncher {
            script: Arc::new(script),
            numbers: Arc::clone(&numbers),
            attempts: Arc::default(),
            failure: Arc::clone(&self.recorder.failure),
            start: self.start,
            capacity: self.capacity,
            launched: 0,
        };
        let (sender, incoming) = channel();
        self.recorder.sender = Some(sender.clone());
        let result = dispatch(
            &work,
            None,
            &self.settings,
            &mut launcher,
            &mut [&mut self.recorder],
            (sender, incoming),
        );
        assert!(launcher.launched >= 1);
        (result, self.recorder)
    }
}

/// A case whose workers train as many trials together as there are.
pub fn batched(trials: u64, slots: usize) -> Case {
    Case {
        capacity: u64::MAX,
        ..Case::new(trials, slots)
    }
}

impl Recorder {
    /// Most attempts that were under way at once.
    pub fn most_at_once(&self) -> usize {
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
