//! Assigns trials to workers and turns their messages into events.
//!
//! `queue` decides what runs next and what a failure means (pure), `launcher` starts worker
//! processes, `dispatcher` is the loop between them. Nothing here depends on an engine, the store or
//! the console: engines run in worker processes, and the others observe events.

mod batches;
mod channel;
mod dispatcher;
mod launcher;
mod queue;
mod slots;

pub use batches::can_batch;
pub use channel::{Closed, Incoming, Receiver, Sender, WorkerId, WorkerOutput, channel};
pub use dispatcher::{
    ClaimState, ProgramWork, QueuedTrial, ScheduleError, Settings, Summary, Supply, SupplyError,
    TrialEnd, Work, dispatch,
};
pub use launcher::{
    CarriedWorkers, Launcher, LocalLauncher, ProgramSlots, SlotLauncher, TorchWorker, WorkerHandle,
    Workers,
};
pub use slots::{
    Gpus, MAX_SLOTS, SlotError, SlotRequest, carried_slots, carrier_of, cores, cpu_slots, gpu_of,
    parse_slots, slots, workers_on_device,
};
