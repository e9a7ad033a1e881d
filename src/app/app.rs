//! The database and the folder around it: what every function of this crate works on.

use std::path::{Path, PathBuf};

use sweep_core::atomic_fs;
use sweep_core::run_dir::RunDir;
use sweep_pool::PoolFolder;
use sweep_store::lock::holder_of;
use sweep_store::{COPY, ExperimentRecord, Store, StoreError};

use crate::error::Error;
use crate::observer::{Notice, Observer, with_notice};

/// A database of sweeps, and the folder around it.
#[derive(Debug, Clone)]
pub struct App {
    /// The database itself, never a link to it.
    pub store: PathBuf,
}

impl App {
    /// The database at `path`. Where that is a symbolic link, all else is beside the file that it leads to, so that
    /// both names mean the same locks, trials and data.
    pub fn new(path: &Path) -> App {
        App {
            store: atomic_fs::follow_links(path),
        }
    }

    /// The folder with the database and everything that trials write.
    pub fn runs(&self) -> &Path {
        atomic_fs::parent_dir(&self.store)
    }

    /// The same, with its layout.
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

    /// Opens the database for reading, if it exists.
    pub fn read_if_any(&self) -> Result<Option<Store>, Error> {
        match Store::open_existing(&self.store) {
            Ok(store) => Ok(Some(store)),
            Err(StoreError::Missing { .. } | StoreError::Empty { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the database for writing, and gives notice if its schema was upgraded.
    pub fn write(&self, observer: &dyn Observer) -> Result<Store, Error> {
        let store = self.with_notice(observer, || Store::open(&self.store))?;
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

    /// Of a database without a sweep: that trials lie beside it, if they do, and how to copy one with all of its rows.
    pub fn perhaps_copied(&self) -> String {
        let entries = std::fs::read_dir(self.trials()).into_iter().flatten();
        match entries.flatten().count() {
            0 => String::new(),
            number => format!(
                "{} holds the files of {}: this may be a copy without its write-ahead log {}-wal, in which the rows still \
                 were. {COPY}",
                self.trials().display(),
                sweep_core::format::pluralize(number as u64, "trial"),
                self.store.display(),
            ),
        }
    }

    /// Does `work` on the database, and gives notice if that takes long.
    pub fn with_notice<T>(&self, observer: &dyn Observer, work: impl FnOnce() -> T) -> T {
        let waits = Notice::StoreBlocked {
            path: self.store.clone(),
        };
        with_notice(observer, &waits, work)
    }

    /// Whether a process runs the sweep called `name`, or agents do; true if that cannot be determined.
    pub fn is_running(&self, name: &str) -> bool {
        !matches!(holder_of(self.runs(), name), Ok(None)) || !self.open_pools(name).is_empty()
    }

    /// The sweeps that have pools that were not closed.
    pub fn names_of_open_pools(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.run_dir().all_pools());
        let names = { entries.into_iter().flatten().flatten() }
            .filter_map(|entry| entry.file_name().into_string().ok());
        names
            .filter(|name| !self.open_pools(name).is_empty())
            .collect()
    }

    /// The pools of the sweep called `name` that were not closed: the keys of their sessions, in order, and their folders.
    pub fn open_pools(&self, name: &str) -> Vec<(i64, PoolFolder)> {
        let entries = std::fs::read_dir(self.run_dir().pools(name));
        let mut pools: Vec<(i64, PoolFolder)> = { entries.into_iter().flatten().flatten() }
            .filter_map(|entry| {
                let session = entry.file_name().to_str()?.parse().ok()?;
                Some((session, PoolFolder::new(entry.path())))
            })
            .filter(|(_, pool)| pool.plan().exists() && !pool.is_closed())
            .collect();
        pools.sort_unstable_by_key(|(session, _)| *session);
        pools
    }

    /// The sweep called `name`, or the last one.
    pub fn experiment(&self, name: Option<&str>) -> Result<ExperimentRecord, Error> {
        let store = self.read()?;
        let last = match name {
            Some(_) => None,
            None => store.last_experiment()?,
        };
        let Some(name) = name.or(last.as_deref()) else {
            let message = format!("there is no sweep in {}", self.store.display());
            let help = format!(
                "start one with `sweep run FILE.toml`. {}",
                self.perhaps_copied()
            );
            return Err(Error::input(message, help.trim_end()));
        };
        match store.experiment(name)? {
            Some(mut record) => {
                self.mark_stale_experiment(&store, &mut record)?;
                Ok(record)
            }
            None => {
                let known = store.experiments()?;
                let names: Vec<&str> = known.iter().map(|other| other.name.as_str()).collect();
                Err(Error::input(
                    format!("there is no sweep `{name}` in {}", self.store.display()),
                    &format!("existing sweeps: {}", names.join(", ")),
                ))
            }
        }
    }
}
