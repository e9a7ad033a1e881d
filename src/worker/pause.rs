//! Stops this worker while its coordinator is stopped (Ctrl-Z, SIGSTOP): whoever stops a sweep wants the machine for
//! something else. The coordinator continues its workers when it is continued.

use std::os::unix::process::parent_id;
use std::thread;
use std::time::Duration;

use sweep_core::signals;

/// How often the state of the coordinator is read.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Watches the coordinator from now on.
///
/// # Errors
/// When no thread can be started.
pub(super) fn stop_with_coordinator() -> std::io::Result<()> {
    let coordinator = parent_id();
    let watch = move || {
        loop {
            thread::sleep(POLL_INTERVAL);
            if signals::is_stopped(coordinator) {
                signals::stop_own_group();
            }
        }
    };
    let thread = thread::Builder::new().name("pause".to_owned());
    thread.spawn(watch).map(drop)
}
