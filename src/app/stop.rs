//! Stopping a sweep that another process runs: find it, send the request, wait until it has ended.

use std::time::Duration;

use sweep_core::awake;
use sweep_core::format::format_duration;
use sweep_core::trial::Status;
pub use sweep_store::StopMode;
use sweep_store::StopRequest;
use sweep_store::lock::{self, LockError, LockHolder, host_name};

use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::pool;

/// How long a sweep may take to end cleanly: longer than its workers may take for a checkpoint.
const TIMEOUT: Duration = Duration::from_secs(90);
/// How long it may take to end at once.
const IMMEDIATE_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the lock is read.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How often there is a notice of the waiting.
const NOTICE_INTERVAL: Duration = Duration::from_secs(5);
/// Pause between two signals, so that the second is not taken for an echo of the first.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(500);

/// Which sweep to stop, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The only one that is running, if left out.
    pub name: Option<String>,
    pub mode: StopMode,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to stop. The sweep, if one was named.
    NotRunning(Option<String>),
    Stopped(Stopped),
}

/// A sweep that was asked to stop and has ended, with its numbers of trials in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    pub sweep: String,
    /// Outcome of its session, as in the database; `None` if it ended before its session began.
    pub outcome: Option<String>,
    pub planned: usize,
    pub done: usize,
    pub failed: usize,
    pub interrupted: usize,
}

/// Asks a running sweep to stop and waits until it has.
///
/// # Errors
/// When there is no sweep of that name, several could be meant, the request cannot be sent, or the sweep does not end in
/// time.
pub fn stop(app: &App, observer: &dyn Observer, options: &Options) -> Result<Outcome, Error> {
    let Some(name) = choose(app, options.name.as_deref())? else {
        return Ok(Outcome::NotRunning(None));
    };
    let Some(holder) = holder(app, &name)? else {
        if pool::stop_pool(app, observer, &name, options.mode)? {
            return Ok(Outcome::Stopped(stopped(app, name, None)?));
        }
        // A misspelt name is an error, not a sweep that has stopped.
        app.experiment(Some(&name))?;
        return Ok(Outcome::NotRunning(Some(name)));
    };
    request(app, &name, &holder, options.mode)?;
    observer.notice(&Notice::StopRequested {
        sweep: name.clone(),
        pid: holder.pid,
        host: holder.host.clone(),
    });
    wait(app, observer, &name, &holder, options.mode)?;
    Ok(Outcome::Stopped(stopped(app, name, Some(&holder))?))
}

/// The sweep to stop: the one named, or the only one that is running; `None` if none is.
fn choose(app: &App, name: Option<&str>) -> Result<Option<String>, Error> {
    if let Some(name) = name {
        return Ok(Some(name.to_owned()));
    }
    let mut running = lock::running_experiments(app.runs());
    running.extend(app.names_of_open_pools());
    running.sort_unstable();
    running.dedup();
    match running.len() {
        0 | 1 => Ok(running.pop()),
        several => Err(Error::input(
            format!("{several} sweeps are running: {}", running.join(", ")),
            "name the one to stop",
        )),
    }
}

fn holder(app: &App, name: &str) -> Result<Option<LockHolder>, Error> {
    lock::holder_of(app.runs(), name).map_err(|error| match error {
        LockError::Name { .. } => Error::input(error, ""),
        _ => Error::environment(error, ""),
    })
}

/// Writes the request where the holder finds it; if that fails, sends a signal.
fn request(app: &App, name: &str, holder: &LockHolder, mode: StopMode) -> Result<(), Error> {
    let requests = StopRequest::to(app.runs(), name, holder.clone())
        .map_err(|error| Error::input(error, ""))?;
    let Err(error) = requests.send(mode) else {
        return Ok(());
    };
    let is_here = holder.host == host_name() && holder.has_locked(app.runs(), name);
    if is_here && signal(holder.pid, mode).is_ok() {
        return Ok(());
    }
    Err(Error::environment(
        format!("{name} cannot be asked to stop: {error}"),
        &format!(
            "stop it on {} with `kill -TERM {}`, as its owner",
            holder.host, holder.pid
        ),
    ))
}

/// Sends what Ctrl-C in its terminal would: once, or twice to end at once.
fn signal(pid: u32, mode: StopMode) -> std::io::Result<()> {
    let send = || {
        // SAFETY: kill takes plain numbers; the process was seen to hold the lock just now.
        match unsafe { libc::kill(pid as i32, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    send()?;
    if mode == StopMode::Immediate {
        std::thread::sleep(BETWEEN_SIGNALS);
        // It may have ended already.
        let _ = send();
    }
    Ok(())
}

/// Waits until `asked` has released the lock.
fn wait(
    app: &App,
    observer: &dyn Observer,
    name: &str,
    asked: &LockHolder,
    mode: StopMode,
) -> Result<(), Error> {
    let timeout = match mode {
        StopMode::Graceful => TIMEOUT,
        StopMode::Immediate => IMMEDIATE_TIMEOUT,
    };
    let begin = awake::now();
    let mut noticed = Duration::ZERO;
    while holder(app, name)?.as_ref() == Some(asked) {
        if asked.is_suspended() {
            return Err(suspended(name, asked));
        }
        let waited = awake::since(begin);
        if waited > timeout {
            let message = format!(
                "{name} is still running {} after the request to stop",
                format_duration(timeout)
            );
            let help = match mode {
                StopMode::Graceful => "`--now` ends its workers at once".to_owned(),
                StopMode::Immediate => format!(
                    "`kill -9 {}` on {} ends it in any case; recorded results are kept",
                    asked.pid, asked.host
                ),
            };
            return Err(Error::environment(message, &help));
        }
        if waited >= noticed + NOTICE_INTERVAL {
            noticed = waited;
            observer.notice(&Notice::StopPending { waited });
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

fn suspended(name: &str, asked: &LockHolder) -> Error {
    let pid = asked.pid;
    Error::environment(
        format!(
            "{name} is suspended (process {pid} was stopped by Ctrl-Z or SIGSTOP): it stops as requested once it is \
             continued"
        ),
        &format!("continue it with `fg` in its terminal, or with `kill -CONT {pid}`"),
    )
}

/// How the sweep stands now that `holder`, or its agents, have ended.
fn stopped(app: &App, name: String, holder: Option<&LockHolder>) -> Result<Stopped, Error> {
    let record = app.experiment(Some(&name))?;
    let planned: Vec<Status> = record
        .trials
        .iter()
        .filter(|trial| trial.in_plan)
        .map(|trial| trial.status)
        .collect();
    let count = |is: &dyn Fn(Status) -> bool| planned.iter().filter(|it| is(**it)).count();
    let session = record.sessions.iter().rev().find(|session| match holder {
        None => true,
        // Its lock is older than its session.
        Some(holder) => {
            session.pid == holder.pid
                && session.host == holder.host
                && session.started_ms >= holder.since_ms
        }
    });
    Ok(Stopped {
        outcome: session.map(|session| session.outcome.clone()),
        planned: planned.len(),
        done: count(&|status| status.is_final()),
        failed: count(&|status| status == Status::Failed),
        interrupted: count(&|status| status == Status::Interrupted),
        sweep: name,
    })
}
