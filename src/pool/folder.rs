//! The layout of a pool. No other module spells the name of a file in it.

use std::io;
use std::path::{Path, PathBuf};

use sweep_core::atomic_fs;

const CLAIMS: &str = "claims";
const JOURNALS: &str = "journal";
const BEATS: &str = "beat";
const LOGS: &str = "log";

const JOURNAL: &str = ".jsonl";

/// The folder of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFolder(PathBuf);

impl PoolFolder {
    pub fn new(path: impl Into<PathBuf>) -> PoolFolder {
        PoolFolder(path.into())
    }

    /// Makes the folders of a new pool.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn create(&self) -> io::Result<()> {
        for name in [CLAIMS, JOURNALS, BEATS, LOGS] {
            atomic_fs::create_folder(&self.0.join(name))?;
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// All that there is to train. It is there, whole, from the moment at which agents may join.
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.jsonl")
    }

    /// The trials of one decision of a search. It is there whole, or not at all.
    pub fn decision(&self, number: u32) -> PathBuf {
        self.0.join(format!("plan.{number}.jsonl"))
    }

    /// The database as it was when the pool was made, for whoever decides.
    pub fn snapshot(&self) -> PathBuf {
        self.0.join("base.sqlite")
    }

    /// Whether searches have come to their end.
    pub fn has_decided(&self) -> bool {
        self.decided().exists()
    }

    /// Marks that searches have come to their end.
    ///
    /// # Errors
    /// When the mark cannot be written.
    pub fn end_decisions(&self) -> io::Result<()> {
        std::fs::write(self.decided(), "")
    }

    fn decided(&self) -> PathBuf {
        self.0.join("decided")
    }

    pub fn claims(&self) -> PathBuf {
        self.0.join(CLAIMS)
    }

    pub fn journals(&self) -> PathBuf {
        self.0.join(JOURNALS)
    }

    /// What the agent called `agent` has done.
    pub fn journal(&self, agent: &str) -> PathBuf {
        self.journals().join(format!("{agent}{JOURNAL}"))
    }

    /// The agents that have a journal, in the order of their names.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn agents(&self) -> io::Result<Vec<String>> {
        let mut agents = Vec::new();
        for entry in std::fs::read_dir(self.journals())? {
            let name = entry?.file_name();
            agents.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(JOURNAL))
                    .map(str::to_owned),
            );
        }
        agents.sort_unstable();
        Ok(agents)
    }

    /// A counter that the agent called `agent` raises while it lives.
    pub fn beat(&self, agent: &str) -> PathBuf {
        self.0.join(BEATS).join(agent)
    }

    /// The folder of the logs of jobs, agents and workers.
    pub fn logs(&self) -> PathBuf {
        self.0.join(LOGS)
    }

    /// The script of the jobs.
    pub fn script(&self, number: usize) -> PathBuf {
        self.0.join(format!("job-{number}.sh"))
    }

    /// The jobs that were submitted, a line each.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs.jsonl")
    }

    /// While this file is there, agents begin nothing more.
    pub fn stop(&self) -> PathBuf {
        self.0.join("stop")
    }

    /// Whether all that agents have done is in the database and the session has ended.
    pub fn is_closed(&self) -> bool {
        self.closed().exists()
    }

    /// Marks the pool as closed.
    ///
    /// # Errors
    /// When the mark cannot be written.
    pub fn close(&self) -> io::Result<()> {
        std::fs::write(self.closed(), "")
    }

    fn closed(&self) -> PathBuf {
        self.0.join("closed")
    }

    /// Whether agents were asked to stop. A folder that cannot be read says nothing.
    pub fn is_stopped(&self) -> bool {
        self.stop().exists()
    }

    /// Asks all agents, and those that are still to come, to stop.
    ///
    /// # Errors
    /// When the request cannot be written.
    pub fn request_stop(&self) -> io::Result<()> {
        std::fs::write(self.stop(), "")
    }
}
