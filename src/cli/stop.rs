//! `sweep stop`: ask a running sweep to end cleanly, wait until it has, and say how it stands.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal;
use sweep_core::format::{format_duration, pluralize};
use sweep_core::trial::Status;
use sweep_store::lock::{self, LockError, LockHolder, host_name};
use sweep_store::{StopMode, StopRequest};

/// How long a sweep may take to end cleanly: longer than its workers may take for a checkpoint.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long it may take to end at once.
const PATIENCE_AT_ONCE: Duration = Duration::from_secs(30);
/// How often the lock is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often waiting is told.
const TELL: Duration = Duration::from_secs(5);
/// Pause between two signals: the second must not be taken for the first.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The sweep to stop; the one that is running if left out
    name: Option<String>,

    /// End its workers at once, without checkpoints of the running trials
    #[arg(long)]
    now: bool,
}

/// `sweep stop [NAME] [--now]`.
pub fn stop(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let Some(name) = chosen(context, arguments.name.as_deref())? else {
        return Ok(tell_idle(context, "no sweep is running", None));
    };
    let Some(holder) = holder(context, &name)? else {
        // A name that was misspelt is an error, not a sweep that has stopped.
        context.app.experiment(Some(&name))?;
        let said = format!("{name} is not running");
        return Ok(tell_idle(context, &said, Some(&name)));
    };
    let urgency = match arguments.now {
        true => StopMode::Immediate,
        false => StopMode::Graceful,
    };
    ask(context, &name, &holder, urgency)?;
    let process = format!("process {} on {}", holder.pid, holder.host);
    terminal::note(&format!("asked {name} to stop ({process})"));
    wait(context, &name, &holder, urgency)?;
    tell(context, &name, &holder)
}

/// The sweep to stop: the one named, or the only one that is running; `None` if none is.
fn chosen(context: &Context, name: Option<&str>) -> Result<Option<String>, Failure> {
    if let Some(name) = name {
        return Ok(Some(name.to_owned()));
    }
    let mut running = lock::running_experiments(context.app.runs());
    match running.len() {
        0 | 1 => Ok(running.pop()),
        several => Err(Failure::input(
            format!("{several} sweeps are running: {}", running.join(", ")),
            "name the one to stop",
        )),
    }
}

fn holder(context: &Context, name: &str) -> Result<Option<LockHolder>, Failure> {
    lock::holder_of(context.app.runs(), name).map_err(|error| match error {
        LockError::Name { .. } => Failure::input(error, ""),
        _ => Failure::environment(error, ""),
    })
}

/// Puts the request where the holder finds it; where that cannot be written, sends a signal.
fn ask(
    context: &Context,
    name: &str,
    holder: &LockHolder,
    urgency: StopMode,
) -> Result<(), Failure> {
    let requests = StopRequest::to(context.app.runs(), name, holder.clone())
        .map_err(|error| Failure::input(error, ""))?;
    let Err(error) = requests.send(urgency) else {
        return Ok(());
    };
    let is_here = holder.host == host_name() && holder.has_locked(context.app.runs(), name);
    if is_here && signal(holder.pid, urgency).is_ok() {
        return Ok(());
    }
    Err(Failure::environment(
        format!("{name} cannot be asked to stop: {error}"),
        &format!(
            "stop it on {} with `kill -TERM {}`, as its owner",
            holder.host, holder.pid
        ),
    ))
}

/// Sends what Ctrl-C in its terminal would: once, or twice to end at once.
fn signal(pid: u32, urgency: StopMode) -> std::io::Result<()> {
    let send = || {
        // SAFETY: kill takes plain numbers; the process was seen to hold the lock just now.
        match unsafe { libc::kill(pid as i32, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    send()?;
    if urgency == StopMode::Immediate {
        std::thread::sleep(BETWEEN_SIGNALS);
        // Gone already is as good.
        let _ = send();
    }
    Ok(())
}

/// Waits until `asked` has let go of the lock.
fn wait(
    context: &Context,
    name: &str,
    asked: &LockHolder,
    urgency: StopMode,
) -> Result<(), Failure> {
    let patience = match urgency {
        StopMode::Graceful => PATIENCE,
        StopMode::Immediate => PATIENCE_AT_ONCE,
    };
    let begin = Instant::now();
    let mut told = Duration::ZERO;
    while holder(context, name)?.as_ref() == Some(asked) {
        let waited = begin.elapsed();
        if waited > patience {
            let still = format!(
                "{name} still runs {} after it was asked",
                format_duration(patience)
            );
            let help = match urgency {
                StopMode::Graceful => "`--now` ends its workers at once".to_owned(),
                StopMode::Immediate => format!(
                    "`kill -9 {}` on {} ends it whatever it does; what was recorded is kept",
                    asked.pid, asked.host
                ),
            };
            return Err(Failure::environment(still, &help));
        }
        if waited >= told + TELL {
            told = waited;
            terminal::note(&format!(
                "waiting for its checkpoints for {} s",
                waited.as_secs()
            ));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Says how the sweep stands now.
fn tell(context: &Context, name: &str, holder: &LockHolder) -> Result<Exit, Failure> {
    let record = context.app.experiment(Some(name))?;
    let planned = || record.trials.iter().filter(|trial| trial.in_plan);
    let done = planned().filter(|trial| trial.status.is_final()).count();
    let with = |status| {
        planned()
            .filter(move |trial| trial.status == status)
            .count()
    };
    let (failed, interrupted) = (with(Status::Failed), with(Status::Interrupted));
    let session = record.sessions.iter().rev().find(|session| {
        // Held since before the session began.
        session.pid == holder.pid
            && session.host == holder.host
            && session.started_ms >= holder.since_ms
    });
    let outcome = session.map(|session| session.outcome.as_str());
    if context.json {
        let object = json!({
            "experiment": name,
            "was_running": true,
            "outcome": outcome,
            "done": done,
            "failed": failed,
            "interrupted": interrupted,
            "planned": planned().count(),
        });
        terminal::print(&object.to_string());
        return Ok(Exit::Success);
    }
    let mut said = match outcome {
        Some("finished" | "failed") => format!("{name} had come to its end"),
        _ => format!("{name} has stopped"),
    };
    said.push_str(&format!(
        ": {done} of {} done",
        pluralize(planned().count(), "trial")
    ));
    if interrupted > 0 {
        said.push_str(&format!(", {interrupted} interrupted"));
    }
    if failed > 0 {
        said.push_str(&format!(", {failed} failed"));
    }
    if done + failed < planned().count() {
        said.push_str(&format!("; `sweep resume {name}` goes on"));
    }
    terminal::print(&said);
    Ok(Exit::Success)
}

/// There is nothing to stop, which is what was asked for.
fn tell_idle(context: &Context, said: &str, name: Option<&str>) -> Exit {
    match context.json {
        true => terminal::print(&json!({ "experiment": name, "was_running": false }).to_string()),
        false => terminal::print(said),
    }
    Exit::Success
}
