//! The limits of a worker in `[schedule]`: memory, and time for checkpoints.

use std::time::Duration;

use super::diagnostic::Problems;
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, number};
use super::units::{duration, memory_size};

/// Time of training between two checkpoints when the file says nothing.
const DEFAULT_EVERY: Duration = Duration::from_secs(5);
/// Share of training time that checkpoints may take when the file says nothing.
const DEFAULT_COST: f64 = 0.02;

/// When a trial writes checkpoints.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Checkpoints {
    /// Least time of training between two.
    pub every: Duration,
    /// Share of training time that they may take, in (0, 1].
    pub cost: f64,
}

impl Default for Checkpoints {
    fn default() -> Checkpoints {
        Checkpoints {
            every: DEFAULT_EVERY,
            cost: DEFAULT_COST,
        }
    }
}

/// Reads `checkpoint` of `[schedule]`, which may be absent.
pub(super) fn checkpoints(table: Table<'_>, problems: &mut Problems) -> Checkpoints {
    let default = Checkpoints::default();
    let path = "schedule.checkpoint";
    let node = table.get("checkpoint");
    let Some(table) = node.and_then(|node| Table::open(node, path, keys::CHECKPOINT, problems))
    else {
        return default;
    };
    let every = |node: &'_ Node| node.text().and_then(duration);
    let is_fraction = |cost: &f64| *cost > 0.0 && *cost <= 1.0;
    Checkpoints {
        every: table
            .read("every", problems, |node| every(node).ok_or(node))
            .unwrap_or(default.every),
        cost: table
            .read("cost", problems, |node| {
                number(node).ok().filter(is_fraction).ok_or(node)
            })
            .unwrap_or(default.cost),
    }
}

/// Reads `memory_limit`, in bytes.
pub(super) fn memory(node: &Node) -> Result<Option<u64>, &Node> {
    match &node.content {
        Content::Bool(false) => Ok(None),
        Content::Text(text) => memory_size(text).map(Some).ok_or(node),
        _ => Err(node),
    }
}
