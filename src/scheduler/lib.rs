//! Hands trials to workers and turns all that comes back into events.
//!
//! `queue` decides what runs next and what a failure means (pure), `launcher` starts worker
//! processes, `dispatcher` is the loop between them. Nothing here sees an engine, the store or the
//! console: the process is the wall to the first, observers are the door to the others.

mod channel;
mod dispatcher;
mod groups;
mod launcher;
mod queue;
mod slots;

pub use channel::{Closed, Receiver, Sender, channel};
pub use dispatcher::{ClaimState, ScheduleError, Settings, Summary, Work, dispatch};
pub use groups::{DatasetSize, can_batch};
pub use launcher::{
    Incoming, Launcher, LocalLauncher, TorchWorker, WorkerHandle, WorkerId, WorkerOutput,
};
pub use slots::{
    Gpus, MAX_SLOTS, SlotError, SlotRequest, cores, cpu_slots, gpu_of, parse_slots, slots,
    workers_on_device,
};
