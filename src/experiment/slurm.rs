//! `[[schedule.slurm]]`: the jobs in which agents train the trials of a sweep on a Slurm cluster. Nothing here changes a
//! result.

use std::time::Duration;

use super::diagnostic::{Diagnostic, Problems};
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
pub(super) fn slurm(
    schedule: Table<'_>,
    is_of_programs: bool,
    problems: &mut Problems,
) -> Vec<SlurmJobs> {
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
        .filter_map(|node| jobs(node, is_of_programs, problems))
        .collect()
}

fn jobs(node: &Node, is_of_programs: bool, problems: &mut Problems) -> Option<SlurmJobs> {
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
    if let Some(entry) = table.entry("local_data").filter(|_| is_of_programs) {
        problems.add(
            Diagnostic::new(
                &entry.key_place,
                "`local_data` is about the data of models, and trials here are programs",
            )
            .label("no data set")
            .help("remove it; `before` may copy what the program reads"),
        );
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, parse};
    use sweep_core::data_config::Edition;

    fn read(tables: &str) -> Result<Vec<SlurmJobs>, String> {
        let text = format!(
            "[experiment]\nname = \"x\"\n[data]\npath = \"a.csv\"\ntarget = \"y\"\n[model]\n{tables}"
        );
        let source = Source {
            path: "x.toml".into(),
            text,
        };
        match parse(&source, &[], Edition::default()) {
            Ok(experiment) => Ok(experiment.schedule.slurm),
            Err(problems) => Err(problems.iter().map(|one| format!("{one}\n")).collect()),
        }
    }

    #[test]
    fn several_tables_are_jobs_of_several_partitions() {
        let jobs = read(
            "[[schedule.slurm]]\nagents = 16\ntime = \"4h\"\noptions = [\"--partition=gpu\", \"--gres=gpu:1\"]\n\
             before = [\"module load cuda\"]\nlocal_data = true\n[[schedule.slurm]]\n",
        );
        let first = SlurmJobs {
            agents: 16,
            time: Some(Duration::from_secs(4 * 3600)),
            options: vec!["--partition=gpu".to_owned(), "--gres=gpu:1".to_owned()],
            before: vec!["module load cuda".to_owned()],
            local_data: true,
        };
        assert_eq!(jobs.unwrap(), [first, SlurmJobs::default()]);
        assert_eq!(read("[schedule.slurm]\nagents = 2").unwrap()[0].agents, 2);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn what_sweep_sets_itself_and_what_is_no_option_is_refused() {
        let refused = |line: &str| read(&format!("[[schedule.slurm]]\n{line}")).unwrap_err();
        for (line, why) in [
            ("agents = 0", "1 to 10000"),
            ("time = \"4 hours\"", "duration"),
            ("options = [\"--array=0-9\"]", "--array"),
            ("options = [\"--signal\", \"B:TERM@60\"]", "--signal"),
            (
                "options = [\"-p\", \"gpu\"]",
                "each with its value in one text",
            ),
            ("options = \"--partition=gpu\"", "a list of options"),
            ("node = 1", "unknown key"),
        ] {
            let said = refused(line);
            assert!(said.contains(why), "{line}: {said}");
        }
        let said = read("[schedule]\nslurm = 3").unwrap_err();
        assert!(said.contains("[[schedule.slurm]]"), "{said}");
    }
}
