//! What the writer and its thread know of each other: how far it is behind, what it waits for.
//!
//! Invariant: observers never block on a blocked writer. Events are then gathered in memory, and since
//! no new trials are started meanwhile, their number is bounded by what running trials still report.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::StoreError;
use sweep_core::awake;
use sweep_core::event::{Event, Readiness};

/// Events on their way; the dispatcher waits when the disk is that far behind.
const MAX_PENDING_EVENTS: u64 = 8_192;
/// How often a thread that is waited for is polled: it may have ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Shared by the writer and its thread.
#[derive(Default)]
pub(super) struct WriterState {
    state: Mutex<State>,
    changed: Condvar,
    failure: OnceLock<Arc<StoreError>>,
}

#[derive(Default)]
struct State {
    /// Entries given, and those of them that are written.
    given: u64,
    written: u64,
    /// Since when writing is held back.
    waiting: Option<Instant>,
    /// What there is to tell.
    events: VecDeque<Event>,
    /// When, in lived time, what is still held back is given up: nothing more will come.
    closing: Option<Instant>,
}

impl State {
    fn pending(&self) -> u64 {
        self.given - self.written
    }
}

/// The writer's side.
impl WriterState {
    /// Counts one entry more; waits first while the disk is far behind, unless `is_gone`.
    pub(super) fn wait_for_capacity(&self, is_gone: impl Fn() -> bool) {
        let mut state = self.lock();
        while state.pending() >= MAX_PENDING_EVENTS
            && state.waiting.is_none()
            && self.failure.get().is_none()
            && !is_gone()
        {
            let waited = self.changed.wait_timeout(state, POLL_INTERVAL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.given += 1;
    }

    pub(super) fn readiness(&self) -> Readiness {
        let state = self.lock();
        match (state.waiting, state.pending()) {
            (Some(_), _) => Readiness::Blocked,
            (None, 0) => Readiness::Idle,
            (None, _) => Readiness::Busy,
        }
    }

    /// Entries given, and those of them that are written.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.lock();
        (state.given, state.written)
    }

    pub(super) fn drain_events(&self) -> Vec<Event> {
        self.lock().events.drain(..).collect()
    }

    /// Says that nothing more comes, and that what is held back is given up at `deadline`.
    pub(super) fn close_by(&self, deadline: Instant) {
        self.lock().closing.get_or_insert(deadline);
        self.changed.notify_all();
    }

    pub(super) fn failure(&self) -> Option<Arc<StoreError>> {
        self.failure.get().cloned()
    }
}

/// The thread's side.
impl WriterState {
    pub(super) fn written(&self, entries: usize) {
        let mut state = self.lock();
        state.written = state.given.min(state.written + entries as u64);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn tell(&self, event: Event) {
        self.lock().events.push_back(event);
    }

    /// Waits for `pause`, having told the `reason` once; false when there is no more time to wait.
    pub(super) fn wait(&self, reason: String, pause: Duration) -> bool {
        let mut state = self.lock();
        if state.waiting.is_none() {
            state.waiting = Some(Instant::now());
            state.events.push_back(Event::StoreBlocked { reason });
            self.changed.notify_all();
        }
        let pause = match state.closing {
            Some(deadline) if awake::now() >= deadline => return false,
            // The last tries come quickly.
            Some(_) => POLL_INTERVAL,
            None => pause,
        };
        // Woken when the end comes; to be woken for nothing only means to try earlier.
        drop(self.changed.wait_timeout(state, pause));
        true
    }

    /// Says that writing is no longer held back, if it was.
    pub(super) fn unblock(&self) {
        let mut state = self.lock();
        if let Some(since) = state.waiting.take() {
            let after = since.elapsed();
            state.events.push_back(Event::StoreResumed { after });
        }
    }

    pub(super) fn fail(&self, error: StoreError) {
        self.failure.get_or_init(|| Arc::new(error));
        self.changed.notify_all();
    }
}

impl WriterState {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
