//! The database and the folder around it: what every function of this crate works on.

use std::path::{Path, PathBuf};

use sweep_core::run_dir::RunDir;
use sweep_store::lock::holder_of;
use sweep_store::{ExperimentRecord, Store, StoreError};

use crate::error::Error;
use crate::observer::{Notice, Observer, with_patience};

/// A database of sweeps, with the folder that holds it and all that trials leave behind.
#[derive(Debug, Clone)]
pub struct App {
    pub store: PathBuf,
}

impl App {
    /// The folder that holds the database and all that trials leave behind.
    pub fn runs(&self) -> &Path {
        match self.store.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// Likewise, with the layout of what is in it.
    pub fn run_dir(&self) -> RunDir {
        RunDir::of_database(&self.store)
    }

    /// Each trial has a folder of its own in here.
    pub fn trials(&self) -> PathBuf {
        self.run_dir().trials()
    }

    /// Opens the database for reading.
    pub fn read(&self) -> Result<Store, Error> {
        Ok(Store::open_existing(&self.store)?)
    }

    /// Opens the database for reading, if there is one: a process that was killed as it made the file has
    /// left none.
    pub fn read_if_any(&self) -> Result<Option<Store>, Error> {
        match Store::open_existing(&self.store) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the database for writing, and gives notice if it was brought up to date.
    pub fn write(&self, observer: &dyn Observer) -> Result<Store, Error> {
        let store = self.patiently(observer, || Store::open(&self.store))?;
        if let Some(upgrade) = store.upgraded() {
            observer.notice(&Notice::StoreUpgraded {
                path: self.store.clone(),
                from: upgrade.from,
                to: upgrade.to,
                backup: upgrade.backup.clone(),
            });
        }
        Ok(store)
    }

    /// Does `work` on the database, and gives notice if it takes long.
    pub fn patiently<T>(&self, observer: &dyn Observer, work: impl FnOnce() -> T) -> T {
        let waits = Notice::StoreBlocked {
            path: self.store.clone(),
        };
        with_patience(observer, &waits, work)
    }

    /// Whether a process runs the sweep called `name`. Where that cannot be told, the answer is yes.
    pub fn is_running(&self, name: &str) -> bool {
        !matches!(holder_of(self.runs(), name), Ok(None))
    }

    /// The sweep called `name`, or the last one.
    pub fn experiment(&self, name: Option<&str>) -> Result<ExperimentRecord, Error> {
        let store = self.read()?;
        let last = match name {
            Some(_) => None,
            None => store.last_experiment()?,
        };
        let Some(name) = name.or(last.as_deref()) else {
            let message = format!("{} holds no sweep yet", self.store.display());
            return Err(Error::input(
                message,
                "begin one with `sweep run FILE.toml`",
            ));
        };
        match store.experiment(name)? {
            Some(mut record) => {
                self.mark_stale_experiment(&store, &mut record)?;
                Ok(record)
            }
            None => {
                let known = store.experiments()?;
                let names: Vec<&str> = known.iter().map(|other| other.name.as_str()).collect();
                let message = format!("{} holds no sweep `{name}`", self.store.display());
                Err(Error::input(
                    message,
                    &format!("there are: {}", names.join(", ")),
                ))
            }
        }
    }
}
