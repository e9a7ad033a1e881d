//! Hands trials to workers and turns all that comes back into events.
//!
//! `queue` decides what runs next and what a failure means (pure), `launcher` starts worker
//! processes, `dispatcher` is the loop between them. Nothing here sees an engine, the store or the
//! console: the process is the wall to the first, observers are the door to the others.

mod dispatcher;
mod groups;
mod inbox;
mod launcher;
mod queue;
mod slots;

pub use dispatcher::{Elsewhere, ScheduleError, Settings, Summary, Work, dispatch};
pub use groups::{Extent, are_alike};
pub use inbox::{Arrivals, Closed, Inbox, inbox};
pub use launcher::{Heard, Incoming, Launcher, Link, ProcessLauncher, TorchWorker, WorkerId};
pub use slots::{
    Gpus, MAX_SLOTS, SlotError, Wanted, cores, cpu_slots, gpu_of, parse_slots, sharers, slots,
};
