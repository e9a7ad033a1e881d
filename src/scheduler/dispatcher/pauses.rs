//! Handles pauses of this process. While it is stopped, its workers stop themselves (`worker::pause`); here they are
//! continued. What time it stood still counts for no limit (`core::awake`).

use std::time::{Duration, Instant};

use super::state::Dispatcher;
use super::work::ScheduleError;
use sweep_core::awake;

/// How long workers are continued again and again after this process was: one may have seen it stopped a moment ago, and
/// stop itself only now.
const CONTINUE_WINDOW: Duration = Duration::from_secs(3);

impl Dispatcher<'_, '_> {
    /// This process was stopped and has been continued.
    pub(super) fn continued(&mut self) -> Result<(), ScheduleError> {
        self.continued_at = Some(awake::now());
        Ok(())
    }

    /// Continues workers that stopped with this process. At other times a worker that is stopped was stopped alone, and
    /// counts as hung.
    pub(super) fn continue_workers(&mut self, now: Instant) {
        let Some(at) = self.continued_at else {
            return;
        };
        if now.saturating_duration_since(at) > CONTINUE_WINDOW {
            self.continued_at = None;
        }
        for slot_state in &mut self.slots {
            if let Some(link) = &mut slot_state.link {
                link.unpause();
            }
        }
    }
}
