//! The `[schedule]` table: how trials are spread over slots. Nothing here changes a result, except
//! for the rounding that `tf32` allows.

use std::time::Duration;

use super::diagnostic::Problems;
use super::keys;
use super::node::{Content, Node};
use super::slots::{Slots, refuse_memory_limit_elsewhere, refuse_without_gpus, slots};
use super::slurm::{SlurmJobs, slurm};
use super::table::Table;
use super::units::duration;
use super::upkeep::{self, Checkpoints};

/// Most workers that may share a GPU.
const MAX_SHARES: i64 = 16;
/// Most times a failed trial is tried again.
const MAX_RETRIES: i64 = 10;
/// Retries when the file says nothing.
const DEFAULT_RETRIES: u32 = 1;
/// Trials of each kind of model that keep their probabilities when the file says nothing.
const DEFAULT_KEPT: usize = 200;
/// Most of them.
const MAX_KEPT: i64 = 1_000_000;
/// Longest silence of a worker about its trial when the file says nothing.
const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What `[schedule]` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub slots: Slots,
    /// Longest time of one attempt; `None` is no limit.
    pub trial_timeout: Option<Duration>,
    /// Longest time without a word of a trial; `None` is no limit.
    pub stall_timeout: Option<Duration>,
    /// How often a trial whose worker died is tried again.
    pub retries: u32,
    /// Most bytes of private memory of a worker; `None` is no limit.
    pub memory_limit: Option<u64>,
    pub checkpoint: Checkpoints,
    pub engine: Engine,
    /// Workers that share each GPU; `None` is what suits the machine.
    pub gpu_shares: Option<usize>,
    /// Trials of each kind of model, the best ones, that keep the probabilities of all classes for the validation rows.
    pub keep_predictions: usize,
    /// Whether GPUs may multiply matrices in TF32.
    pub tf32: bool,
    /// The jobs of agents on a Slurm cluster.
    pub slurm: Vec<SlurmJobs>,
}

/// What trains networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Auto,
    Native,
    Torch,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            slots: Slots::Auto,
            trial_timeout: None,
            stall_timeout: Some(DEFAULT_STALL_TIMEOUT),
            retries: DEFAULT_RETRIES,
            memory_limit: None,
            checkpoint: Checkpoints::default(),
            engine: Engine::Auto,
            gpu_shares: None,
            keep_predictions: DEFAULT_KEPT,
            tf32: false,
            slurm: Vec::new(),
        }
    }
}

/// Reads `[schedule]`, which may be absent. Programs may be silent for as long as they like, unless it says otherwise.
pub(super) fn read(node: Option<&Node>, is_of_programs: bool, problems: &mut Problems) -> Schedule {
    let mut default = Schedule::default();
    if is_of_programs {
        default.stall_timeout = None;
    }
    let Some(table) = node.and_then(|node| Table::open(node, "schedule", keys::SCHEDULE, problems))
    else {
        return default;
    };
    refuse_memory_limit_elsewhere(table, problems);
    Schedule {
        slots: slots(table, problems).unwrap_or(default.slots),
        trial_timeout: table
            .read("trial_timeout", problems, timeout)
            .unwrap_or(default.trial_timeout),
        stall_timeout: table
            .read("stall_timeout", problems, timeout)
            .unwrap_or(default.stall_timeout),
        retries: table
            .read("retries", problems, retries)
            .unwrap_or(default.retries),
        memory_limit: table
            .read("memory_limit", problems, upkeep::memory)
            .unwrap_or(default.memory_limit),
        checkpoint: upkeep::checkpoints(table, problems),
        engine: engine(table, problems).unwrap_or(default.engine),
        gpu_shares: gpu_shares(table, problems).unwrap_or(default.gpu_shares),
        keep_predictions: table
            .read("keep_predictions", problems, |node| match node.content {
                Content::Int(count) if (0..=MAX_KEPT).contains(&count) => Ok(count as usize),
                _ => Err(node),
            })
            .unwrap_or(default.keep_predictions),
        tf32: tf32(table, problems).unwrap_or(default.tf32),
        slurm: slurm(table, is_of_programs, problems),
    }
}

fn gpu_shares(table: Table<'_>, problems: &mut Problems) -> Option<Option<usize>> {
    refuse_without_gpus(table, "gpu_shares", problems);
    table.read("gpu_shares", problems, |node| match &node.content {
        Content::Text(text) if text == "auto" => Ok(None),
        Content::Int(count) if (1..=MAX_SHARES).contains(count) => Ok(Some(*count as usize)),
        _ => Err(node),
    })
}

fn tf32(table: Table<'_>, problems: &mut Problems) -> Option<bool> {
    let asked = table.read("tf32", problems, |node| match node.content {
        Content::Bool(asked) => Ok(asked),
        _ => Err(node),
    });
    if asked == Some(true) {
        refuse_without_gpus(table, "tf32", problems);
    }
    asked
}

fn engine(table: Table<'_>, problems: &mut Problems) -> Option<Engine> {
    let node = table.get("engine")?;
    match node.text() {
        Some("auto") => Some(Engine::Auto),
        Some("native") => Some(Engine::Native),
        Some("torch") => Some(Engine::Torch),
        _ => {
            table.refuse("engine", node, problems);
            None
        }
    }
}

fn retries(node: &Node) -> Result<u32, &Node> {
    match node.content {
        Content::Int(count) if (0..=MAX_RETRIES).contains(&count) => Ok(count as u32),
        _ => Err(node),
    }
}

/// A duration, or `false` for no limit.
pub(super) fn timeout(node: &Node) -> Result<Option<Duration>, &Node> {
    match &node.content {
        Content::Bool(false) => Ok(None),
        Content::Text(text) => duration(text).map(Some).ok_or(node),
        _ => Err(node),
    }
}
