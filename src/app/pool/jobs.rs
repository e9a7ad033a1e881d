//! The jobs of a pool: submitted, counted, cancelled.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::{Duration, Instant};

use sweep_core::awake;
use sweep_experiment::{Schedule, SlurmJobs};
use sweep_pool::PoolFolder;
use sweep_pool::slurm::{self, Jobs, SlurmError, Submission};

use super::PoolOptions;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::pool_notice::PoolNotice;
use crate::run::absolute;

/// Slurm is asked at most once in this time.
const ASK_INTERVAL: Duration = Duration::from_secs(30);

/// The tables of jobs of `schedule`, with the number of agents that the command gives.
pub fn tables(schedule: &Schedule, options: &PoolOptions) -> Result<Vec<SlurmJobs>, Error> {
    let mut tables = schedule.slurm.clone();
    if tables.is_empty() {
        tables.push(SlurmJobs::default());
    }
    match (&mut tables[..], options.agents) {
        ([only], Some(agents)) => only.agents = agents,
        (_, None) => {}
        (several, Some(_)) => {
            return Err(Error::input(
                format!(
                    "--agents is about one table [[schedule.slurm]], and the file has {}",
                    several.len()
                ),
                "set `agents` in each table",
            ));
        }
    }
    Ok(tables)
}

/// That Slurm can be used from here.
pub fn check_installed() -> Result<(), Error> {
    match slurm::is_installed() {
        true => Ok(()),
        false => Err(Error::environment(
            "there is no `sbatch` on this machine's PATH",
            "run this on a login node of the cluster; `sweep run` without --on slurm trains here",
        )),
    }
}

/// Submits the jobs of `tables` for the pool in `folder`.
pub fn submit(
    observer: &dyn Observer,
    name: &str,
    folder: &PoolFolder,
    tables: &[SlurmJobs],
    flags: &[String],
) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(|error| {
        Error::environment(format!("cannot find the path of this program: {error}"), "")
    })?;
    for (number, table) in tables.iter().enumerate() {
        let path = folder.script(number + 1);
        let mut agent = vec![text(&program), "agent".to_owned(), text(folder.path())];
        agent.extend(flags.iter().cloned());
        agent.extend(table.local_data.then(|| "--local-data".to_owned()));
        std::fs::write(&path, slurm::script(&table.before, &agent)).map_err(|error| {
            Error::environment(format!("cannot write {}: {error}", path.display()), "")
        })?;
        let submitted = slurm::submit(&Submission {
            name: &format!("sweep-{name}"),
            script: &path,
            logs: &absolute(&folder.logs())?,
            agents: table.agents,
            time: table.time,
            options: &table.options,
        });
        let arrays = submitted.map_err(|error| refused(&error))?;
        let recorded = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.jobs())
            .and_then(|mut file| {
                arrays
                    .iter()
                    .try_for_each(|array| writeln!(file, "{array}"))
            });
        if let Err(error) = recorded {
            // They find an empty pool, and end.
            let _ = slurm::cancel(&arrays, false);
            return Err(Error::environment(
                format!("cannot write {}: {error}", folder.jobs().display()),
                "",
            ));
        }
        observer.notice(&Notice::Pool(PoolNotice::JobsSubmitted {
            sweep: name.to_owned(),
            agents: table.agents,
            arrays,
        }));
    }
    Ok(())
}

fn text(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn refused(error: &SlurmError) -> Error {
    let help = match error {
        SlurmError::Failed { .. } => {
            "`options` of [[schedule.slurm]] go to sbatch as they are; `sweep doctor --on slurm` submits a probe"
        }
        SlurmError::Missing { .. } | SlurmError::TimedOut { .. } => {
            "run this where Slurm's commands work"
        }
    };
    Error::environment(error, help)
}

/// The arrays that were submitted for the pool in `folder`.
pub fn arrays(folder: &PoolFolder) -> Vec<String> {
    let text = std::fs::read_to_string(folder.jobs()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Counts of jobs, asked for seldom.
pub struct JobCounts {
    arrays: Vec<String>,
    asked: Option<Instant>,
    /// The last answer; `None` when Slurm did not answer.
    pub known: Option<Jobs>,
}

impl JobCounts {
    pub fn new(folder: &PoolFolder) -> JobCounts {
        JobCounts {
            arrays: arrays(folder),
            asked: None,
            known: None,
        }
    }

    /// Asks Slurm, unless that was done a moment ago; whether it was.
    pub fn refresh(&mut self) -> bool {
        // Of agents that others start, nothing is known.
        if self.arrays.is_empty() {
            return false;
        }
        let is_due = self.asked.is_none_or(|at| awake::since(at) >= ASK_INTERVAL);
        if is_due {
            self.asked = Some(awake::now());
            self.known = slurm::jobs(&self.arrays).ok();
        }
        is_due
    }

    /// Cancels those that have not begun, or all.
    pub fn cancel(&self, observer: &dyn Observer, pending_only: bool) {
        if let Err(error) = slurm::cancel(&self.arrays, pending_only) {
            observer.notice(&Notice::Pool(PoolNotice::SlurmFailed(error.to_string())));
        }
    }
}
