//! Starts each worker with the launcher of its slot: here, or through a carrier.

use std::io;
use std::path::PathBuf;

use sweep_core::event::Slot;

use super::carried::{CarriedLauncher, CarriedWorkers};
use super::local::LocalLauncher;
use super::{Launcher, WorkerHandle};
use crate::channel::{Sender, WorkerId};
use crate::slots::carrier_of;

/// Starts workers of this machine, and those behind carriers if there are any.
#[derive(Debug)]
pub struct SlotLauncher {
    local: LocalLauncher,
    carried: Option<CarriedLauncher>,
}

impl SlotLauncher {
    /// `logs` is the absolute path of the folder of logs, which all hosts see.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(
        local: LocalLauncher,
        carried: Vec<CarriedWorkers>,
        logs: PathBuf,
    ) -> io::Result<SlotLauncher> {
        let family = local.family().clone();
        let carried = match carried.is_empty() {
            true => None,
            false => Some(CarriedLauncher::new(carried, logs, family)?),
        };
        Ok(SlotLauncher { local, carried })
    }
}

impl Launcher for SlotLauncher {
    fn launch(
        &mut self,
        slot: &Slot,
        worker: WorkerId,
        sender: Sender,
    ) -> io::Result<Box<dyn WorkerHandle>> {
        match (&mut self.carried, carrier_of(slot)) {
            (Some(carried), Some(_)) => carried.launch(slot, worker, sender),
            _ => self.local.launch(slot, worker, sender),
        }
    }

    fn wait(&mut self) {
        if let Some(carried) = &mut self.carried {
            carried.wait();
        }
    }
}
