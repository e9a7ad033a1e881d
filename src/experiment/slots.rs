//! `slots` of `[schedule]`: which workers run, here and elsewhere, and that GPUs are set only where they can be used.

use super::carrier::{ABOUT_VIA, Carrier, carrier};
use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Entry, Node};
use super::slot_keys::{GPUS, SLOTS};
use super::table::{Table, must_be};

/// Maximum number of slots.
const MAX_SLOTS: i64 = 1024;

/// Which workers run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slots {
    /// What suits the machine.
    Auto,
    /// At least one, here or elsewhere.
    These {
        /// On this machine.
        cpu: usize,
        cuda: Cuda,
        /// Behind carriers, each with at least one slot and a name of its own.
        carried: Vec<CarriedSlots>,
    },
}

/// The slots behind a carrier; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedSlots {
    pub carrier: Carrier,
    pub cpu: usize,
    /// GPUs there, by their numbers, each once.
    pub gpus: Vec<u32>,
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
    let slots = table.get("slots").filter(|slots| slots.text().is_none());
    let has_gpus = |slots: &Node| slots.entry("cuda").is_some();
    if slots.is_some_and(|slots| !tables(slots).iter().any(has_gpus)) {
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

/// Reports a memory limit of the file if any worker runs elsewhere: it is held by measuring processes of this machine.
pub(super) fn refuse_memory_limit_elsewhere(table: Table<'_>, problems: &mut Problems) {
    let (Some(limit), Some(slots)) = (table.entry("memory_limit"), table.get("slots")) else {
        return;
    };
    let is_elsewhere = |slots: &Node| slots.entry("via").is_some();
    let is_limit = !matches!(limit.value.content, Content::Bool(false));
    if is_limit && tables(slots).iter().any(is_elsewhere) {
        problems.add(
            Diagnostic::new(
                &limit.key_place,
                "`memory_limit` holds on this machine alone, and `slots` has workers elsewhere",
            )
            .label("about this machine")
            .help("remove it, and limit memory there: with `srun --mem`, or the limits of the container"),
        );
    }
}

/// The tables of `slots`: those of a list, or the only one.
fn tables(slots: &Node) -> &[Node] {
    slots.items().unwrap_or(std::slice::from_ref(slots))
}

/// Reads `slots`.
pub(super) fn slots(schedule: Table<'_>, problems: &mut Problems) -> Option<Slots> {
    let node = schedule.get("slots")?;
    if node.text() == Some("auto") {
        return Some(Slots::Auto);
    }
    let items = tables(node);
    if items.is_empty() || items.iter().any(|item| item.entries().is_none()) {
        let wrong = items.iter().find(|item| item.entries().is_none());
        schedule.refuse("slots", wrong.unwrap_or(node), problems);
        return None;
    }
    let before = problems.len();
    let mut here = None;
    let mut carried: Vec<CarriedSlots> = Vec::new();
    let mut taken = Vec::new();
    let all: Vec<Option<Group>> = { items.iter() }
        .map(|item| group(schedule, item, &mut taken, problems))
        .collect();
    for (item, group) in items.iter().zip(all) {
        match group {
            Some(Group {
                carrier: Some(carrier),
                cpu,
                cuda: Cuda::These(gpus),
            }) => carried.push(CarriedSlots { carrier, cpu, gpus }),
            Some(group) if here.is_none() => here = Some((group.cpu, group.cuda)),
            Some(_) => problems.add(
                Diagnostic::new(
                    &item.place,
                    "one table of `slots` is about this machine, and this is another one",
                )
                .label("no `via`")
                .help("write all slots of this machine in one table; `via` names the command that starts workers elsewhere"),
            ),
            None => {}
        }
    }
    let (cpu, cuda) = here.unwrap_or((0, Cuda::These(Vec::new())));
    let count = |slots: &CarriedSlots| slots.cpu + slots.gpus.len();
    let total = cpu + carried.iter().map(count).sum::<usize>();
    if total > MAX_SLOTS as usize {
        problems.add(
            Diagnostic::new(
                &node.place,
                format!("`schedule.slots` must be 1 to {MAX_SLOTS} slots in all"),
            )
            .label(format!("these are {total}")),
        );
    }
    (problems.len() == before).then_some(Slots::These { cpu, cuda, carried })
}

/// What one table of `slots` says.
struct Group {
    carrier: Option<Carrier>,
    cpu: usize,
    /// Numbers alone if there is a carrier.
    cuda: Cuda,
}

/// Reads one table of `slots`; `taken` are the names of the carriers before it.
fn group(
    schedule: Table<'_>,
    item: &Node,
    taken: &mut Vec<String>,
    problems: &mut Problems,
) -> Option<Group> {
    let before = problems.len();
    let table = Table::open(item, "schedule.slots", SLOTS, problems)?;
    let cpu = table.read("cpu", problems, |node| match node.content {
        Content::Int(count) if (1..=MAX_SLOTS).contains(&count) => Ok(count as usize),
        _ => Err(node),
    });
    let cuda = cuda(schedule, table, problems);
    let is_elsewhere = table.get("via").is_some();
    let carrier = match is_elsewhere {
        true => carrier(table, taken, problems),
        false => {
            refuse_without_via(table, problems);
            None
        }
    };
    if item.entries().is_some_and(<[Entry]>::is_empty) {
        schedule.refuse("slots", item, problems);
    } else if is_elsewhere && table.get("cpu").is_none() && table.get("cuda").is_none() {
        problems.add(
            Diagnostic::new(
                &item.place,
                "slots with `via` need `cpu` or `cuda`: the cores of this machine say nothing of another one",
            )
            .label("how many?")
            .help("write `cpu = 8` for eight CPU slots there, or `cuda = [0]` for its first GPU"),
        );
    }
    if let Some(carrier) = &carrier {
        taken.push(carrier.name.clone());
    }
    (problems.len() == before).then(|| Group {
        carrier,
        cpu: cpu.unwrap_or(0),
        cuda: cuda.unwrap_or(Cuda::These(Vec::new())),
    })
}

/// Reads `cuda` of one table of slots.
fn cuda(schedule: Table<'_>, table: Table<'_>, problems: &mut Problems) -> Option<Cuda> {
    let entry = table.entry("cuda")?;
    let found = gpus(&entry.value);
    match (repeated(&entry.value), &found) {
        (Some(again), _) => problems.add(
            Diagnostic::new(
                &again.place,
                format!("`schedule.slots.cuda` must be {GPUS}"),
            )
            .label(format!("{} is repeated", again.found())),
        ),
        (None, None) => must_be("schedule.slots.cuda", GPUS, &entry.value, problems),
        (None, Some(Cuda::All)) if table.get("via").is_some() => problems.add(
            Diagnostic::new(
                &entry.value.place,
                "`schedule.slots.cuda` of slots with `via` must be a list of GPU numbers",
            )
            .label("nobody has counted the GPUs there")
            .help("write `cuda = [0]` for the first GPU of that host"),
        ),
        (None, Some(_)) => {}
    }
    refuse_without_torch(schedule, entry, problems);
    found
}

/// Reports keys that are about a carrier, in a table that names none.
fn refuse_without_via(table: Table<'_>, problems: &mut Problems) {
    for key in ABOUT_VIA {
        if let Some(entry) = table.entry(key) {
            problems.add(
                Diagnostic::new(
                    &entry.key_place,
                    format!("`{key}` is about workers elsewhere, and these slots have no `via`"),
                )
                .label("about `via`")
                .help(format!(
                    "add the command that starts workers there, such as `via = [\"ssh\", \"gpu1\"]`, or remove `{key}`"
                )),
            );
        }
    }
}

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
