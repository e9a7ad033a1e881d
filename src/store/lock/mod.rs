//! Locks of experiments and of data, and requests to the process that holds one.

mod data_lock;
mod holder;
mod stop_request;
mod sweep_lock;

pub use data_lock::DataLock;
pub use holder::{LockError, LockHolder, holder_of, host_name, running_experiments};
pub use stop_request::{StopMode, StopRequest};
pub use sweep_lock::SweepLock;
