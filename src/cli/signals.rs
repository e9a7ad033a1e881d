//! Ctrl-C and termination signals: what has been written in part goes away, and the command ends; a sweep in training
//! is interrupted instead.

use std::sync::{Mutex, PoisonError};

use crate::exit::Exit;
use crate::failure::Failure;
use sweep_core::atomic_fs;

/// Asked at each signal; without one, the process ends.
type Listener = Box<dyn FnMut() + Send>;

static LISTENER: Mutex<Option<Listener>> = Mutex::new(None);

/// Listens for signals from now on.
///
/// # Errors
/// When the system does not let it.
pub fn listen() -> Result<(), Failure> {
    let handle = || {
        let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
        match listener.as_mut() {
            Some(listener) => listener(),
            None => end(),
        }
    };
    ctrlc::set_handler(handle)
        .map_err(|error| Failure::environment(format!("cannot listen for Ctrl-C: {error}"), ""))
}

/// Has `listener` asked at each signal, in place of ending the process.
pub fn interrupt(listener: impl FnMut() + Send + 'static) {
    let mut place = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    *place = Some(Box::new(listener));
}

/// Ends this process.
pub fn end() -> ! {
    atomic_fs::remove_partial_files();
    std::process::exit(Exit::Interrupted as i32)
}
