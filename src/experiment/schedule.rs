//! The `[schedule]` table: how trials are spread over slots. Nothing here changes a result,
//! but for the rounding that `tf32` allows.

use std::time::Duration;

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Entry, Node};
use super::table::{Table, must_be, unknown_key};
use super::upkeep::{self, Checkpoints};
use sweep_core::trial::Key;

/// Most slots an experiment may ask for.
const MAX_SLOTS: i64 = 1024;
/// Most workers that may share a GPU.
const MAX_SHARES: i64 = 16;
/// Most times a failed trial is tried again.
const MAX_RETRIES: i64 = 10;
/// Retries when the file says nothing.
const DEFAULT_RETRIES: u32 = 1;
/// Longest silence of a worker about its trial when the file says nothing.
const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Longest time limit: a year.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "slots",
        allowed: "\"auto\", or a table such as { cpu = 2 } with 1 to 1024 CPU slots, { cpu = 2, cuda = [0, 1] } or { cuda = \"all\" }",
        about: "worker processes; \"auto\" is one per CPU core, some of which serve GPUs if there are any",
    },
    Key {
        name: "trial_timeout",
        allowed: "false, or a duration above 0, such as \"500ms\", \"90s\", \"30m\" or \"1h30m\"",
        about: "time limit of one attempt at a trial",
    },
    Key {
        name: "stall_timeout",
        allowed: "false, or a duration above 0, such as \"500ms\", \"90s\", \"30m\" or \"1h30m\"",
        about: "time without progress, such as an epoch or a round, after which a worker counts as hung",
    },
    Key {
        name: "retries",
        allowed: "an integer from 0 to 10",
        about: "how often a trial is retried after its worker died",
    },
    Key {
        name: "memory_limit",
        allowed: upkeep::MEMORY,
        about: "limit on the private memory of a worker on a CPU slot; prepared data, which workers share, do not count",
    },
    Key {
        name: "checkpoint",
        allowed: "a table such as { every = \"5s\", cost = 0.02 }",
        about: "when a trial writes checkpoints",
    },
    Key {
        name: "engine",
        allowed: "\"auto\", \"native\" or \"torch\"",
        about: "engine that trains networks; \"auto\" is \"native\" on CPU slots and \"torch\" on GPUs",
    },
    Key {
        name: "gpu_shares",
        allowed: "\"auto\", or an integer from 1 to 16",
        about: "workers that share each GPU; \"auto\" is at most 4, with a core and 2 GB of free memory for each",
    },
    Key {
        name: "tf32",
        allowed: "true or false",
        about: "whether GPUs may round the factors of matrix products to 10 bits (TF32), which is faster and less exact",
    },
];

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
    /// Whether GPUs may multiply matrices in TF32.
    pub tf32: bool,
}

/// Which workers there are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slots {
    /// What the machine has.
    Auto,
    /// At least one.
    These { cpu: usize, cuda: Cuda },
}

/// GPUs that get a worker each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuda {
    All,
    /// By their numbers, each once.
    These(Vec<u32>),
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
            tf32: false,
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
        tf32: tf32(table, problems).unwrap_or(default.tf32),
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

/// What is said of GPUs, where none can be used, is refused.
fn refuse_without_gpus(table: Table<'_>, key: &str, problems: &mut Problems) {
    let Some(entry) = table.entry(key) else {
        return;
    };
    if refuse_without_torch(table, entry, problems) {
        return;
    }
    let slots = table.get("slots").and_then(Node::entries);
    if slots.is_some_and(|slots| slots.iter().all(|entry| entry.key != "cuda")) {
        problems.add(
            Diagnostic::new(
                &entry.key_place,
                format!("`{key}` is about GPUs, and `slots` has none"),
            )
            .label("about GPUs")
            .help(format!(
                "add `cuda = \"all\"` to `slots`, or remove `{key}`"
            )),
        );
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
    let (mut cpu, mut cuda) = (None, None);
    let mut sound = true;
    for entry in entries {
        match entry.key.as_str() {
            "cpu" => {
                cpu = match entry.value.content {
                    Content::Int(count) if (1..=MAX_SLOTS).contains(&count) => Some(count as usize),
                    _ => None,
                };
                if cpu.is_none() {
                    let allowed = "an integer from 1 to 1024";
                    must_be("schedule.slots.cpu", allowed, &entry.value, problems);
                }
                sound &= cpu.is_some();
            }
            "cuda" => {
                cuda = gpus(&entry.value);
                match repeated(&entry.value) {
                    Some(again) => problems.add(
                        Diagnostic::new(
                            &again.place,
                            format!("`schedule.slots.cuda` must be {GPUS}"),
                        )
                        .label(format!("{} is repeated", again.found())),
                    ),
                    None if cuda.is_none() => {
                        must_be("schedule.slots.cuda", GPUS, &entry.value, problems);
                    }
                    None => {}
                }
                sound &= cuda.is_some();
                refuse_without_torch(table, entry, problems);
            }
            _ => {
                unknown_key(
                    entry,
                    "schedule.slots",
                    ["cpu", "cuda"].into_iter(),
                    problems,
                );
                sound = false;
            }
        }
    }
    if entries.is_empty() {
        table.refuse("slots", node, problems);
        sound = false;
    }
    sound.then(|| Slots::These {
        cpu: cpu.unwrap_or(0),
        cuda: cuda.unwrap_or(Cuda::These(Vec::new())),
    })
}

const GPUS: &str = "\"all\", or a list of distinct GPU numbers from 0 to 1023, such as [0, 1]";

/// The GPUs that `node` names, at least one.
fn gpus(node: &Node) -> Option<Cuda> {
    if node.text() == Some("all") {
        return Some(Cuda::All);
    }
    let Content::List(items) = &node.content else {
        return None;
    };
    let mut numbers = Vec::with_capacity(items.len());
    for item in items {
        match item.content {
            Content::Int(number) if (0..MAX_SLOTS).contains(&number) => numbers.push(number as u32),
            _ => return None,
        }
    }
    let different = (1..numbers.len()).all(|place| !numbers[..place].contains(&numbers[place]));
    (different && !numbers.is_empty()).then_some(Cuda::These(numbers))
}

/// The first number of a list that stands in it before.
fn repeated(node: &Node) -> Option<&Node> {
    let items = node.items()?;
    let number = |item: &Node| match item.content {
        Content::Int(number) => Some(number),
        _ => None,
    };
    let again = (1..items.len()).find(|place| {
        let before = items[..*place].iter().filter_map(number);
        number(&items[*place]).is_some_and(|number| before.into_iter().any(|other| other == number))
    });
    again.map(|place| &items[place])
}

/// GPUs beside an engine that trains on CPUs alone contradict each other; whether they do here.
fn refuse_without_torch(table: Table<'_>, entry: &Entry, problems: &mut Problems) -> bool {
    let is_native = table.get("engine").and_then(Node::text) == Some("native");
    if is_native {
        problems.add(
            Diagnostic::new(&entry.key_place, "the native engine trains on CPUs only")
                .label("about GPUs")
                .help(format!(
                    "set `engine` to \"auto\" or \"torch\", or remove `{}`",
                    entry.key
                )),
        );
    }
    is_native
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

fn timeout(node: &Node) -> Result<Option<Duration>, &Node> {
    match &node.content {
        Content::Bool(false) => Ok(None),
        Content::Text(text) => duration(text).map(Some).ok_or(node),
        _ => Err(node),
    }
}

/// A time such as `1h30m`: whole numbers, each with a unit, the larger unit first; above 0, and at
/// most a year.
pub fn duration(text: &str) -> Option<Duration> {
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
