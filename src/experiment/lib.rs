//! From the text of an experiment file to an [`Experiment`], with every error at once.
//!
//! What [`parse`] lets through is valid by construction: nothing that can be known without the
//! data file is checked again later. No I/O happens here.

mod adopt;
mod axis;
mod carrier;
mod columns;
mod data;
mod diagnostic;
mod draft;
mod encoders;
mod exclude;
mod features;
mod flags;
mod format;
mod head;
mod keys;
mod node;
pub mod plan;
mod program;
mod program_command;
mod program_keys;
mod program_needs;
mod range;
mod schedule;
pub mod search;
mod search_keys;
mod setting;
mod slot_keys;
mod slots;
mod slurm;
mod space;
mod spaces;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod transfer;
mod units;
mod upkeep;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use carrier::Carrier;
pub use diagnostic::{Diagnostic, MAX_DIAGNOSTICS, Origin, Place};

pub use flags::{is_of_key, overridden};
pub use head::is_name;
pub use keys::NAME_ALLOWED;
pub use program::ProgramTable;
pub use schedule::{Engine, Schedule};
pub use search::SearchSpec;
pub use slots::{CarriedSlots, Cuda, Slots};
pub use slurm::SlurmJobs;
pub use space::{Exclusion, Group, MAX_TRIALS, Space};
pub use transfer::TransferSpec;
pub use units::{duration, memory_size};
pub use upkeep::Checkpoints;

use diagnostic::Problems;
use draft::Draft;
use node::{Content, Node};
use sweep_core::data_config::{DataSpec, Edition};
use sweep_core::split_spec::Folds;
use sweep_core::trial::Objective;
use sweep_core::trial::models::ProgramModel;

/// Longest experiment file, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The tables of an experiment file.
const TABLES: [&str; 9] = [
    "experiment",
    "data",
    "model",
    "program",
    "grid",
    "search",
    "baseline",
    "transfer",
    "schedule",
];

/// The text of an experiment file and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// A checked experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Fit to name a folder.
    pub name: String,
    /// Replicate seeds in file order; at least one, each once.
    pub seeds: Vec<u64>,
    /// What trials are ranked by; `None` is what is usual for the task.
    pub objective: Option<Objective>,
    /// Fractions of the training rows that every configuration is trained on: 1 first, then those that
    /// a learning curve asks for, in file order.
    pub train_fractions: Vec<f64>,
    /// Whether the best configuration is trained once more, on training and validation rows, when its model is asked for.
    pub refit: bool,
    /// Names no file where trials are programs.
    pub data: DataSpec,
    /// What trials run, where they are programs.
    pub program: Option<ProgramTable>,
    /// Of networks, or of the settings of programs; `None` when the file has baselines alone.
    pub networks: Option<Space>,
    /// In file order.
    pub baselines: Vec<Space>,
    /// The searches: that of the networks first, then those of baselines in file order.
    pub searches: Vec<SearchSpec>,
    /// Whether the file has no table [model], [grid], [search] or [[baseline]]: it stands for one network and each kind of baseline.
    pub names_no_model: bool,
    /// What networks begin with, each beside the same network from scratch.
    pub transfer: Option<TransferSpec>,
    pub schedule: Schedule,
    tree: Node,
}

impl Source {
    /// Takes the bytes of the file at `path`; [`MAX_FILE_BYTES`] and one more are enough to read.
    ///
    /// # Errors
    /// When there are too many bytes or they are not UTF-8.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Source, Diagnostic> {
        let start = Place {
            origin: Origin::File,
            span: 0..0,
        };
        if bytes.len() > MAX_FILE_BYTES {
            return Err(too_long(&start));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source {
                path: path.to_owned(),
                text,
            }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let before = &error.as_bytes()[..valid];
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                let message = format!("{} is not UTF-8 text: line {line}", path.display());
                Err(Diagnostic::new(&start, message).help("save the file as UTF-8"))
            }
        }
    }
}

/// Reads `source`, with `flags` (`model.epochs=5`) set on top of it. A sweep that began with an earlier
/// `edition` of the defaults keeps it.
///
/// # Errors
/// Everything that is wrong, by place: syntax errors alone when there are some.
pub fn parse(
    source: &Source,
    flags: &[String],
    edition: Edition,
) -> Result<Experiment, Vec<Diagnostic>> {
    let mut problems = Problems::default();
    let start = Place {
        origin: Origin::File,
        span: 0..0,
    };
    if source.text.len() > MAX_FILE_BYTES {
        return Err(vec![too_long(&start)]);
    }
    let root = with_flags(source, flags, &mut problems)?;

    let stem = source.path.file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy();
    let at = |name: &str| root.entry(name).map(|entry| &entry.value);
    let mut head = head::read(at("experiment"), &stem, &start, &mut problems);
    let given = ["model", "grid", "search", "baseline"].map(at);
    let (data, program, read) = match at("program") {
        None => {
            let data = data::read(&root, edition, &mut problems);
            let objective = head.objective.as_ref();
            let read = spaces::read(given, &start, (edition, objective), &mut problems);
            (data, None, read)
        }
        Some(node) => {
            program_needs::refuse_others(&root, &mut problems);
            let program = program::read(node, &mut problems);
            head.objective = program.as_ref().map(|program| program.objective.clone());
            let spaces = (node, program.as_ref());
            let read = spaces::of_program(spaces, given, edition, &mut problems);
            (Some(DataSpec::without_table(edition)), program, read)
        }
    };
    let spaces::Read {
        networks,
        baselines,
        searches,
    } = read;
    let has_program = at("program").is_some();
    let schedule = schedule::read(at("schedule"), has_program, &mut problems);
    let names_no_model = !has_program && given.iter().all(Option::is_none);
    let transfer = transfer::read(&root, networks.is_some(), &mut problems);
    let folds = data.as_ref().and_then(|data| data.split.folds);
    transfer::check(&root, folds.is_some(), head.refit, &mut problems);
    search::check(
        &root,
        &searches,
        head.train_fractions.len() > 1,
        folds.is_some(),
        &mut problems,
    );
    let is_bounded = spaces::within_bound(
        networks.iter().chain(&baselines),
        (
            head.seeds.len() * folds.map_or(1, least_folds),
            head.train_fractions.len(),
            transfer.as_ref().map_or(0, TransferSpec::ways),
        ),
        &mut problems,
    );
    let mut finish = |draft: Draft<'_>| draft.finish(&mut problems);
    let networks = networks.filter(|_| is_bounded).map(&mut finish);
    let baselines = baselines.into_iter().filter(|_| is_bounded);
    let baselines = baselines.map(finish).collect();
    let experiment = data.map(|data| Experiment {
        name: head.name,
        seeds: head.seeds,
        objective: head.objective,
        train_fractions: head.train_fractions,
        refit: head.refit,
        data,
        program,
        networks,
        baselines,
        searches,
        names_no_model,
        transfer,
        schedule,
        tree: root,
    });
    problems.or(experiment)
}

/// The tree of `source` with `flags` set on top of it; reports what is no table of an experiment.
fn with_flags(
    source: &Source,
    flags: &[String],
    problems: &mut Problems,
) -> Result<Node, Vec<Diagnostic>> {
    let mut root = node::parse_file(&source.text)?;
    for (index, flag) in flags.iter().enumerate() {
        if let Err(problem) = flags::apply(&mut root, index, flag) {
            problems.add(problem);
        }
    }
    unknown_tables(&root, problems);
    Ok(root)
}

/// How many folds there are at least.
fn least_folds(folds: Folds) -> usize {
    match folds {
        Folds::Number { folds, repeats } => folds as usize * repeats as usize,
        Folds::LeaveOneGroupOut | Folds::Column => 2,
    }
}

impl Experiment {
    /// Where `key` stands, a dotted path such as `data.numeric[2]` or `grid.lr`; the nearest table
    /// or list around it when the file does not have it.
    pub fn place_of(&self, key: &str) -> Option<Place> {
        let mut node = &self.tree;
        let mut place = None;
        let mut rest = key;
        while let Some((next, at, after)) = step(node, rest) {
            (node, place, rest) = (next, Some(at.clone()), after);
        }
        place
    }

    /// The bytes of the file where `key` stands, as [`Experiment::place_of`]; `None` when a flag
    /// sets it.
    pub fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.place_of(key)
            .filter(|place| place.origin == Origin::File)
            .map(|place| place.span)
    }

    /// A diagnostic for something found out later that `key` causes.
    pub fn diagnose(&self, key: &str, message: impl Into<String>) -> Diagnostic {
        let place = self.place_of(key).unwrap_or(Place {
            origin: Origin::File,
            span: 0..0,
        });
        Diagnostic::new(&place, message)
    }

    /// Says which program its trials are, by a digest of what it is made of.
    pub fn set_program(&mut self, digest: &str) {
        let networks = self.networks.iter_mut().map(|space| &mut space.base);
        let searches = self
            .searches
            .iter_mut()
            .map(|search| &mut search.space.grid.base);
        for base in networks.chain(searches) {
            if let Some(program) = base.program() {
                base.set_program(ProgramModel {
                    digest: digest.to_owned(),
                    ..program.clone()
                });
            }
        }
    }

    /// Networks first, then baselines in file order.
    pub fn spaces(&self) -> impl Iterator<Item = &Space> {
        self.networks.iter().chain(&self.baselines)
    }
}

/// One step of a dotted path: the node, its place, and the rest of the path.
fn step<'a, 'p>(node: &'a Node, path: &'p str) -> Option<(&'a Node, &'a Place, &'p str)> {
    match &node.content {
        // The longest key first: a column's name may have dots of its own.
        Content::Table(entries) => entries
            .iter()
            .filter_map(|entry| {
                let rest = path.strip_prefix(entry.key.as_str())?;
                let rest = match rest.strip_prefix('.') {
                    Some(rest) => rest,
                    None if rest.is_empty() || rest.starts_with('[') => rest,
                    None => return None,
                };
                Some((entry, rest))
            })
            .max_by_key(|(entry, _)| entry.key.len())
            .map(|(entry, rest)| (&entry.value, &entry.value.place, rest)),
        Content::List(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, &item.place, rest.strip_prefix('.').unwrap_or(rest)))
        }
        _ => None,
    }
}

fn too_long(start: &Place) -> Diagnostic {
    Diagnostic::new(
        start,
        format!("the file is longer than {MAX_FILE_BYTES} bytes"),
    )
    .help("write long axes as ranges: { log = [1e-4, 1e-2], steps = 5 }")
}

fn unknown_tables(root: &Node, problems: &mut Problems) {
    for entry in root.entries().unwrap_or_default() {
        if !TABLES.contains(&entry.key.as_str()) {
            table::unknown_key(entry, "", TABLES.into_iter(), problems);
        }
    }
}
