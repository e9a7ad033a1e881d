//! What a session does besides where trials are programs: the names of their processes, what is left of earlier sessions, and
//! their times.

use std::time::Duration;

use sweep_core::program::ProgramSpec;
use sweep_core::protocol::RecordedProgress;
use sweep_core::trial::TrialId;
use sweep_program::{leftovers, tree};
use sweep_store::Store;

use super::paths::absolute;
use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::prepare::PreparedSweep;

/// Time that a worker has to end a trial of which the time is up, beyond what the program itself has.
const WORKER_SLACK: Duration = Duration::from_secs(20);

/// The name of the sweep `name` in the environment of its programs.
pub fn owner(app: &App, name: &str) -> Result<String, Error> {
    Ok(format!("{}:{name}", absolute(app.runs())?.display()))
}

/// Ends what an earlier session has left behind. This process holds the lock of the sweep: whoever else has the name of its
/// programs is of a session that is gone.
pub fn begin(observer: &dyn Observer, owner: &str) -> Result<(), Error> {
    let ended = leftovers::end(owner, |_| false);
    if ended > 0 {
        observer.notice(&Notice::LeftoversEnded(ended));
    }
    // What a worker leaves behind that is killed comes below this process, which ends it.
    tree::adopt_orphans()
        .map_err(|error| Error::environment(format!("cannot adopt processes: {error}"), ""))
}

/// Ends what may be left at the end of the session.
pub fn end(owner: &str) {
    leftovers::end(owner, |_| false);
}

/// What the database has of earlier attempts at `trial`.
pub fn recorded(
    store: &Store,
    prepared: &PreparedSweep,
    trial: &TrialId,
) -> Option<RecordedProgress> {
    // What cannot be read now costs a program its hint, not its trial.
    store
        .recorded_progress(trial, &prepared.plan.objective)
        .ok()
        .flatten()
}

/// When a worker that has not ended its program in time is ended itself.
pub fn backstop(spec: &ProgramSpec) -> Option<Duration> {
    let limit = spec.timeout_ms?;
    Some(Duration::from_millis(limit.saturating_add(spec.grace_ms)) + WORKER_SLACK)
}

/// How long a worker may take to stop its program.
pub fn stop_grace(spec: &ProgramSpec) -> Duration {
    Duration::from_millis(spec.grace_ms) + WORKER_SLACK
}
