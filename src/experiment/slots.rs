//! `slots` of `[schedule]`: which workers run, and that GPUs are set only where they can be used.

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Entry, Node};
use super::table::{Table, must_be, unknown_key};

/// Maximum number of slots.
const MAX_SLOTS: i64 = 1024;

/// Which workers run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slots {
    /// What suits the machine.
    Auto,
    /// At least one.
    These { cpu: usize, cuda: Cuda },
}

/// GPUs with a worker each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuda {
    All,
    /// By their numbers, each once.
    These(Vec<u32>),
}

/// Reports a key about GPUs if no GPU can be used.
pub(super) fn refuse_without_gpus(table: Table<'_>, key: &str, problems: &mut Problems) {
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

/// Reads `slots`.
pub(super) fn slots(table: Table<'_>, problems: &mut Problems) -> Option<Slots> {
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

/// The GPUs that `node` lists, at least one.
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

/// The first repeated number of a list.
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

/// Reports `entry`, which is about GPUs, if the engine trains on CPUs only. Returns whether it did.
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
