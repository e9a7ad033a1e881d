//! The `[schedule]` table: how trials are spread over slots. Nothing here changes a result.

use std::time::Duration;

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Node};
use super::table::{Table, must_be, unknown_key};
use super::upkeep::{self, Checkpoints};
use crate::trial::Key;

/// Most slots an experiment may ask for.
const MAX_SLOTS: i64 = 4096;
/// Most times a failed trial is tried again.
const MAX_RETRIES: i64 = 10;
/// Retries when the file says nothing.
const DEFAULT_RETRIES: u32 = 2;
/// Longest time limit: a year.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "slots",
        allowed: "\"auto\", or a table such as { cpu = 2 } with an integer from 1 to 4096",
        about: "worker processes; \"auto\" is one for each CPU core",
    },
    Key {
        name: "trial_timeout",
        allowed: "false, or a time above 0 such as \"500ms\", \"90s\", \"30m\" or \"1h30m\"",
        about: "longest time of one attempt at a trial",
    },
    Key {
        name: "retries",
        allowed: "an integer from 0 to 10",
        about: "how often a trial that crashed is tried again",
    },
    Key {
        name: "memory_limit",
        allowed: upkeep::MEMORY,
        about: "most private memory of a worker; prepared data, which workers share, do not count",
    },
    Key {
        name: "checkpoint",
        allowed: "a table such as { every = \"5s\", cost = 0.02 }",
        about: "when a trial writes checkpoints",
    },
    Key {
        name: "engine",
        allowed: "\"auto\" or \"native\"",
        about: "what trains networks; \"auto\" is \"native\"",
    },
];

/// What `[schedule]` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub slots: Slots,
    /// Longest time of one attempt; `None` is no limit.
    pub trial_timeout: Option<Duration>,
    /// How often a trial that crashed is tried again.
    pub retries: u32,
    /// Most bytes of private memory of a worker; `None` is no limit.
    pub memory_limit: Option<u64>,
    pub checkpoint: Checkpoints,
    pub engine: Engine,
}

/// How many workers there are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// One for each CPU core.
    Auto,
    /// This many, on CPU.
    Cpu(usize),
}

/// What trains networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Auto,
    Native,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule {
            slots: Slots::Auto,
            trial_timeout: None,
            retries: DEFAULT_RETRIES,
            memory_limit: None,
            checkpoint: Checkpoints::default(),
            engine: Engine::Auto,
        }
    }
}

/// Reads `[schedule]`, which may be absent.
pub(super) fn read(node: Option<&Node>, problems: &mut Problems) -> Schedule {
    let default = Schedule::default();
    let Some(table) = node.and_then(|node| Table::open(node, "schedule", KEYS, problems)) else {
        return default;
    };
    Schedule {
        slots: slots(table, problems).unwrap_or(default.slots),
        trial_timeout: table
            .read("trial_timeout", problems, timeout)
            .unwrap_or(default.trial_timeout),
        retries: table
            .read("retries", problems, retries)
            .unwrap_or(default.retries),
        memory_limit: table
            .read("memory_limit", problems, upkeep::memory)
            .unwrap_or(default.memory_limit),
        checkpoint: upkeep::checkpoints(table, problems),
        engine: engine(table, problems).unwrap_or(default.engine),
    }
}

fn slots(table: Table<'_>, problems: &mut Problems) -> Option<Slots> {
    let node = table.get("slots")?;
    if node.text() == Some("auto") {
        return Some(Slots::Auto);
    }
    let Some(entries) = node.entries() else {
        table.refuse("slots", node, problems);
        return None;
    };
    let mut slots = None;
    for entry in entries {
        match (entry.key.as_str(), &entry.value.content) {
            ("cpu", Content::Int(count)) if (1..=MAX_SLOTS).contains(count) => {
                slots = Some(Slots::Cpu(*count as usize));
            }
            ("cpu", _) => must_be(
                "schedule.slots.cpu",
                "an integer from 1 to 4096",
                &entry.value,
                problems,
            ),
            ("cuda", _) => problems.add(
                Diagnostic::new(
                    &entry.key_place,
                    "GPU slots need the torch engine, which this build does not have",
                )
                .label("not available")
                .help("remove `cuda`; networks train on CPU slots: { cpu = 2 } or \"auto\""),
            ),
            _ => unknown_key(entry, "schedule.slots", ["cpu"].into_iter(), problems),
        }
    }
    if entries.is_empty() {
        table.refuse("slots", node, problems);
    }
    slots
}

fn engine(table: Table<'_>, problems: &mut Problems) -> Option<Engine> {
    let node = table.get("engine")?;
    match node.text() {
        Some("auto") => Some(Engine::Auto),
        Some("native") => Some(Engine::Native),
        Some("torch") => {
            problems.add(
                Diagnostic::new(&node.place, "this build does not have the torch engine")
                    .label("not available")
                    .help("set `engine` to \"native\" or \"auto\", or leave it out"),
            );
            None
        }
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

fn timeout(node: &Node) -> Result<Option<Duration>, &Node> {
    match &node.content {
        Content::Bool(false) => Ok(None),
        Content::Text(text) => duration(text).map(Some).ok_or(node),
        _ => Err(node),
    }
}

/// A time such as `1h30m`: whole numbers, each with a unit, the larger unit first.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total = 0u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (_, unit) = UNITS
            .into_iter()
            .find(|(name, _)| *name == &rest[..letters])?;
        rest = &rest[letters..];
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    let total = Duration::from_millis(total);
    (!total.is_zero() && total <= MAX_TIMEOUT).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("30m"), Some(1800.0));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("1m2s500ms"), Some(62.5));
        for bad in [
            "", "30", "m", "0s", "1.5h", "-1s", "30m1h", "1s1s", "9999999h", "1d", "٣s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(duration("99999999999999999999h"), None);
    }
}
