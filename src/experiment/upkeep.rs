//! The keys of `[schedule]` that say what a worker may cost: memory, and time for checkpoints.

use std::time::Duration;

use super::diagnostic::Problems;
use super::node::{Content, Node};
use super::schedule;
use super::table::{Table, number};
use sweep_core::trial::Key;

/// Least memory that a worker can do with.
const LEAST_MEMORY: u64 = 64_000_000;
/// Time of training between two checkpoints when the file says nothing.
const DEFAULT_EVERY: Duration = Duration::from_secs(5);
/// Share of training time that checkpoints may take when the file says nothing.
const DEFAULT_COST: f64 = 0.02;

/// What `memory_limit` may be.
pub(super) const MEMORY: &str =
    "false, or a size of at least \"64MB\", such as \"512MB\" or \"2GB\"";

pub(crate) const CHECKPOINT_KEYS: &[Key] = &[
    Key {
        name: "every",
        allowed: "a duration above 0, such as \"500ms\", \"90s\" or \"30m\"",
        about: "minimum training time between two checkpoints",
    },
    Key {
        name: "cost",
        allowed: "a number in (0, 1]",
        about: "fraction of training time that writing them may take",
    },
];

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
    let Some(table) = node.and_then(|node| Table::open(node, path, CHECKPOINT_KEYS, problems))
    else {
        return default;
    };
    let every = |node: &'_ Node| node.text().and_then(schedule::duration);
    let share = |cost: &f64| *cost > 0.0 && *cost <= 1.0;
    Checkpoints {
        every: table
            .read("every", problems, |node| every(node).ok_or(node))
            .unwrap_or(default.every),
        cost: table
            .read("cost", problems, |node| {
                number(node).ok().filter(share).ok_or(node)
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

/// Bytes of a memory limit such as `2GB`: a whole number with a decimal (`MB`) or binary (`MiB`) unit,
/// enough for a worker.
pub fn memory_size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let bytes = count.parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes >= LEAST_MEMORY).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(memory_size("64MB"), Some(LEAST_MEMORY));
        assert_eq!(memory_size("2GB"), Some(2_000_000_000));
        assert_eq!(memory_size("3GiB"), Some(3 << 30));
        for bad in [
            "",
            "2",
            "GB",
            "2gb",
            "2 GB",
            "-1GB",
            "1.5GB",
            "63MB",
            "0TB",
            "1KB",
            "99999999999TB",
            "٣GB",
        ] {
            assert_eq!(memory_size(bad), None, "{bad}");
        }
    }
}
