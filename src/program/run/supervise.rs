//! The loop that follows a program from its start to its end.

use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use sweep_core::awake;
use sweep_core::format::{format_bytes, pluralize_irregular};
use sweep_core::process_memory;
use sweep_core::program::{ExitMeaning, MetricSource};
use sweep_core::protocol::ProgramFailure;
use sweep_core::trial::TrialResult;

use super::begin::{Scratch, begin};
use super::ending::{Exit, without_objective};
use super::gpu_memory::GpuMemory;
use super::output::Output;
use super::pipe::{self, Found};
use super::progress::Progress;
use super::sources::Sources;
use super::{Attempt, Ended, Watcher, artifacts};
use crate::tree::{self, Usage};

/// Longest that a request to stop goes unnoticed, and how often files are looked at.
const TURN: Duration = Duration::from_millis(50);
/// How often the memory of a program is measured: with a limit, and without one.
const MEMORY_TURNS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How often what has been reported and printed is passed on.
const FLUSH_TURN: Duration = Duration::from_millis(200);
/// How long output is waited for once all processes have ended.
const DRAIN: Duration = Duration::from_secs(1);
/// Metrics that are recorded of every trial: processor time of all its processes, and the most memory that they held.
const CPU_SECONDS: &str = "sweep/cpu_seconds";
const PEAK_MEMORY: &str = "sweep/peak_memory_bytes";
/// The same of the memory of GPUs, where it is known.
const PEAK_GPU_MEMORY: &str = "sweep/peak_gpu_memory_bytes";

/// Runs the program of `attempt` to its end.
pub fn run(attempt: &Attempt<'_>, scratch: &mut Scratch, watcher: &mut dyn Watcher) -> Ended {
    let failed = |failure| Ended::Failed {
        failure,
        log_tail: String::new(),
    };
    let mut begun = match begin(attempt, scratch) {
        Ok(begun) => begun,
        Err(failure) => {
            tidy(attempt, scratch);
            return failed(failure);
        }
    };
    let sources = match Sources::new(attempt, &mut begun, scratch) {
        Ok(sources) => sources,
        Err(failure) => {
            tree::kill_all(&mut Usage::default());
            return failed(failure);
        }
    };
    let began = awake::now();
    let mut running = Running {
        attempt,
        pid: begun.child.id() as i32,
        exited: exit_descriptor(begun.child.id()),
        sources,
        output: Output::new(attempt.folder),
        progress: Progress::new(attempt.objective, attempt.spec.selection, attempt.recorded)
            .resumed(begun.is_resumed),
        usage: Usage::default(),
        gpu_memory: GpuMemory::new(attempt.spec.resources.gpus > 0.0, began),
        oom_kills: process_memory::recent_oom_kills(),
        began,
        stopping: None,
    };
    let status = running.follow(watcher);
    let left = running.end_others(watcher);
    let ended = running.conclude(status, left, watcher);
    drop(begun);
    tidy(attempt, scratch);
    ended
}

/// Takes away what the attempt had for its time: what is left in the pipe, and folders in which there is nothing.
fn tidy(attempt: &Attempt<'_>, scratch: &mut Scratch) {
    let mut buffer = [0; 4096];
    while let Found::Bytes(_) = pipe::read(&mut scratch.metrics, &mut buffer) {}
    scratch.take_back(&attempt.folder.join(sweep_core::run_dir::CHECKPOINTS));
    let _ = std::fs::remove_dir(attempt.folder);
}

/// Why a program was asked to end.
#[derive(Debug, Clone, PartialEq)]
enum Stop {
    Requested,
    /// It has come to the step at which it was to pause.
    Paused(u32),
    /// It had run so long.
    TimedOut(Duration),
    /// Its processes held so many bytes.
    Memory(u64),
}

struct Running<'a> {
    attempt: &'a Attempt<'a>,
    pid: i32,
    /// Readable when the first process has ended; `None` where the system has no such thing.
    exited: Option<OwnedFd>,
    sources: Sources,
    output: Output,
    progress: Progress<'a>,
    usage: Usage,
    gpu_memory: GpuMemory,
    /// The kernel's count of processes that it ended for want of memory when the program was started.
    oom_kills: Option<u64>,
    began: Instant,
    /// Why it was asked to end, and when.
    stopping: Option<(Stop, Instant)>,
}

impl Running<'_> {
    /// Follows the program until its first process has ended, and gives the status of that.
    fn follow(&mut self, watcher: &mut dyn Watcher) -> Option<i32> {
        let mut flushed = awake::now();
        let mut measured = awake::now();
        loop {
            self.sources.wait(self.exited.as_ref(), TURN);
            self.sources
                .read(&mut self.output, &mut self.progress, watcher);
            match tree::reap_any() {
                Ok(Some(reaped))
                    if (self.gpu_memory).has_ended(reaped.pid, reaped.status, awake::now()) => {}
                Ok(Some(reaped)) => {
                    self.usage.add(reaped.usage);
                    if reaped.pid == self.pid {
                        return Some(reaped.status);
                    }
                }
                Ok(None) => {}
                // Somebody else has waited for it.
                Err(_) => return None,
            }
            let now = awake::now();
            if now.duration_since(flushed) >= FLUSH_TURN {
                flushed = now;
                self.progress.flush(watcher);
                self.output.flush();
            }
            let (limited, unlimited) = MEMORY_TURNS;
            let limit = self.attempt.spec.resources.memory;
            let turn = if limit.is_some() { limited } else { unlimited };
            if now.duration_since(measured) >= turn {
                measured = now;
                let held = tree::memory(self.gpu_memory.pid());
                self.usage.peak_memory = self.usage.peak_memory.max(held);
                if limit.is_some_and(|limit| held > limit) {
                    self.stop(Stop::Memory(held), now);
                    tree::signal_all(libc::SIGKILL);
                }
            }
            self.gpu_memory.turn(now);
            self.enforce(watcher, now);
        }
    }

    /// Asks the program to end where there is a reason, and ends it when its time for that is over.
    fn enforce(&mut self, watcher: &mut dyn Watcher, now: Instant) {
        let spec = self.attempt.spec;
        if let Some((_, since)) = &self.stopping {
            if now.duration_since(*since) >= Duration::from_millis(spec.grace_ms) {
                tree::signal_all(libc::SIGKILL);
            }
            return;
        }
        let ran = now.duration_since(self.began);
        if watcher.is_stopped() {
            self.stop(Stop::Requested, now);
        } else if let Some(step) = self.attempt.pause_at
            && self.progress.has_come_to(step)
        {
            self.stop(Stop::Paused(step), now);
        } else if let Some(limit) = spec.timeout_ms
            && ran >= Duration::from_millis(limit)
        {
            self.stop(Stop::TimedOut(ran), now);
        }
    }

    fn stop(&mut self, why: Stop, now: Instant) {
        if self.stopping.is_none() {
            self.stopping = Some((why, now));
            tree::ask_to_end(self.pid);
        }
    }

    /// Ends what the first process has left behind, reads the rest of its output, and gives the number of processes left.
    fn end_others(&mut self, watcher: &mut dyn Watcher) -> usize {
        self.gpu_memory.end();
        let left = match tree::reap_any() {
            Err(_) => 0,
            Ok(_) => tree::descendants(std::process::id() as i32).len(),
        };
        if left > 0 {
            tree::kill_all(&mut self.usage);
        }
        let began = Instant::now();
        loop {
            let is_open = self
                .sources
                .read(&mut self.output, &mut self.progress, watcher);
            if !is_open || began.elapsed() > DRAIN {
                break;
            }
            self.sources.wait(None, Duration::from_millis(1));
        }
        self.sources.finish(&mut self.progress, watcher);
        self.output.flush();
        left
    }

    fn conclude(mut self, status: Option<i32>, left: usize, watcher: &mut dyn Watcher) -> Ended {
        let spec = self.attempt.spec;
        let exit = status.map_or(Exit::Signal(libc::SIGKILL), Exit::of);
        let result = self.progress.result(watcher);
        let failed = |failure, output: &mut Output| Ended::Failed {
            failure,
            log_tail: output.tail(),
        };
        match &self.stopping {
            Some((Stop::Paused(step), _)) => return Ended::Paused { step: *step },
            Some((Stop::Requested, _)) => {
                let checkpoints = self.attempt.folder.join(sweep_core::run_dir::CHECKPOINTS);
                let has_checkpoint =
                    std::fs::read_dir(checkpoints).is_ok_and(|mut all| all.next().is_some());
                let step = self.progress.last_step().filter(|_| has_checkpoint);
                return Ended::Interrupted { step };
            }
            Some((Stop::TimedOut(ran), _)) => {
                let after_ms = ran.as_millis() as u64;
                return failed(ProgramFailure::TimedOut { after_ms }, &mut self.output);
            }
            Some((Stop::Memory(held), _)) => {
                let limit = spec.resources.memory.unwrap_or_default();
                let message = format!(
                    "its processes held {} of memory, more than the {} of `resources`",
                    format_bytes(*held),
                    format_bytes(limit)
                );
                return failed(ProgramFailure::OutOfMemory { message }, &mut self.output);
            }
            None => {}
        }
        match exit.meaning(&spec.exit_codes) {
            Some(ExitMeaning::Finished) => {}
            Some(ExitMeaning::Diverged) => {
                let diverged = Some(format!("the program said so: {exit:?}"));
                let result = TrialResult {
                    diverged,
                    ..result.unwrap_or_default()
                };
                return self.finished(result, watcher);
            }
            meaning => {
                let was_oom = exit == Exit::Signal(libc::SIGKILL)
                    && self
                        .oom_kills
                        .is_some_and(|before| process_memory::oom_kills() > Some(before));
                let failure = match was_oom {
                    true => ProgramFailure::OutOfMemory {
                        message: "the kernel ended the program since the machine ran out of memory"
                            .to_owned(),
                    },
                    false => exit.failure(meaning, &self.output.tail()),
                };
                return failed(failure, &mut self.output);
            }
        }
        let Some(result) = result else {
            let names: Vec<&str> = self.progress.names().collect();
            let is_lines = spec.metrics == MetricSource::Lines;
            let objective = &self.attempt.objective.metric;
            let failure = without_objective(objective, &names, left, is_lines);
            return failed(failure, &mut self.output);
        };
        if left > 0 {
            watcher.warn(&format!(
                "{} still ran when the program had ended, and {} ended as well",
                pluralize_irregular(left as u64, "of its processes", "of its processes"),
                if left == 1 { "was" } else { "were" },
            ));
        }
        self.finished(result, watcher)
    }

    fn finished(self, mut result: TrialResult, watcher: &mut dyn Watcher) -> Ended {
        let Running { attempt, usage, .. } = self;
        let gpu_memory = self.gpu_memory.peak().map(|bytes| bytes as f64);
        let spec = attempt.spec;
        let (artifacts, warnings) =
            artifacts::collect(attempt.folder, &spec.artifacts, spec.artifact_limit);
        for warning in warnings {
            watcher.warn(&warning);
        }
        result.artifacts = artifacts;
        result.seconds = awake::since(self.began).as_secs_f64();
        let used = [
            (CPU_SECONDS, usage.cpu_seconds),
            (PEAK_MEMORY, usage.peak_memory as f64),
        ];
        let used = (used.into_iter()).chain(gpu_memory.map(|bytes| (PEAK_GPU_MEMORY, bytes)));
        (result.metrics).extend(used.map(|(name, value)| (name.to_owned(), value)));
        Ended::Finished(Box::new(result))
    }
}

/// A descriptor that is readable once the process has ended, where the system has such a thing.
fn exit_descriptor(pid: u32) -> Option<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: pidfd_open takes plain numbers and gives a descriptor that nobody else has.
        let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        (descriptor >= 0).then(|| unsafe { OwnedFd::from_raw_fd(descriptor as i32) })
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        None
    }
}
