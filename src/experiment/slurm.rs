//! `[[schedule.slurm]]`: the jobs in which agents train the trials of a sweep on a Slurm cluster. Nothing here changes a
//! result.

use std::time::Duration;

use super::diagnostic::Problems;
use super::keys;
use super::node::{Content, Node};
use super::table::{Table, boolean, must_be, texts};
use super::units::duration;

/// Most agents of a table.
pub const MAX_AGENTS: i64 = 10_000;

/// The jobs of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlurmJobs {
    /// How many there are at a time.
    pub agents: usize,
    /// Time limit of a job; `None` is that of the partition.
    pub time: Option<Duration>,
    /// Options of `sbatch`, as they are.
    pub options: Vec<String>,
    /// Lines of the job's script before the agent is started.
    pub before: Vec<String>,
    /// Whether each agent copies the data set to the node's temporary folder.
    pub local_data: bool,
}

impl Default for SlurmJobs {
    fn default() -> SlurmJobs {
        SlurmJobs {
            agents: 1,
            time: None,
            options: Vec::new(),
            before: Vec::new(),
            local_data: false,
        }
    }
}

/// Reads `slurm` of `[schedule]`, which may be absent.
pub(super) fn slurm(schedule: Table<'_>, problems: &mut Problems) -> Vec<SlurmJobs> {
    let Some(node) = schedule.get("slurm") else {
        return Vec::new();
    };
    let tables = match &node.content {
        Content::List(items) if !items.is_empty() => items.as_slice(),
        Content::Table(_) => std::slice::from_ref(node),
        _ => {
            schedule.refuse("slurm", node, problems);
            &[]
        }
    };
    tables
        .iter()
        .filter_map(|node| jobs(node, problems))
        .collect()
}

fn jobs(node: &Node, problems: &mut Problems) -> Option<SlurmJobs> {
    let table = Table::open(node, "schedule.slurm", keys::SLURM, problems)?;
    let default = SlurmJobs::default();
    let options = table.get("options");
    let jobs = SlurmJobs {
        agents: table
            .read("agents", problems, |node| match node.content {
                Content::Int(count) if (1..=MAX_AGENTS).contains(&count) => Ok(count as usize),
                _ => Err(node),
            })
            .unwrap_or(default.agents),
        time: table.read("time", problems, |node| {
            node.text().and_then(duration).ok_or(node)
        }),
        options: table.read("options", problems, texts).unwrap_or_default(),
        before: table.read("before", problems, texts).unwrap_or_default(),
        local_data: table
            .read("local_data", problems, boolean)
            .unwrap_or(default.local_data),
    };
    for option in options.and_then(Node::items).unwrap_or_default() {
        let text = option.text().unwrap_or_default();
        if let Some(own) = OWN.iter().find(|own| is_option(text, own)) {
            let allowed = format!("options of sbatch other than {own}, which sweep sets itself");
            must_be("schedule.slurm.options", &allowed, option, problems);
        } else if !text.starts_with('-') {
            let allowed =
                "options of sbatch such as \"--partition=gpu\", each with its value in one text";
            must_be("schedule.slurm.options", allowed, option, problems);
        }
    }
    Some(jobs)
}

/// Options that would break what agents rely on.
const OWN: [&str; 8] = [
    "--array",
    "--output",
    "--error",
    "--open-mode",
    "--requeue",
    "--no-requeue",
    "--signal",
    "--wrap",
];

fn is_option(text: &str, name: &str) -> bool {
    let rest = text.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
