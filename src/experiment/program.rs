//! `[program]`: a program of the user's as a trial.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::diagnostic::{Diagnostic, Problems, listed};
use super::node::{Entry, Node};
use super::program_command::{self, BUILT_IN};
use super::program_keys as keys;
use super::program_needs;
use super::schedule::timeout;
use super::table::{Table, boolean, must_be, text, texts};
use super::units::{duration, size};
use sweep_core::program::{ConfigFile, ConfigFormat, MetricSource, ProgramSpec, Selection};
use sweep_core::trial::models::ProgramModel;
use sweep_core::trial::{Goal, Objective};
use sweep_program::run::variable_name;

/// From SIGTERM to SIGKILL when the file says nothing.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// Most bytes of a trial's artifacts when the file says nothing.
const DEFAULT_ARTIFACT_LIMIT: u64 = 10_000_000_000;
/// What `[program]` says.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramTable {
    pub spec: ProgramSpec,
    /// Files, or patterns for their names, whose content is part of the names of trials; `None` is those that the command
    /// names.
    pub inputs: Option<Vec<String>>,
    pub objective: Objective,
}

/// Reads `[program]`; `None` when something in it was reported.
pub(super) fn read(node: &Node, problems: &mut Problems) -> Option<ProgramTable> {
    let before = problems.len();
    let table = Table::open(node, "program", keys::PROGRAM, problems)?;
    for key in ["command", "objective"] {
        if table.get(key).is_none() {
            let known = keys::PROGRAM.iter().find(|known| known.name == key)?;
            problems.add(
                Diagnostic::new(table.place(), format!("`program.{key}` is missing"))
                    .help(format!("add `{key} = ...`: {}", known.allowed)),
            );
        }
    }
    let shell = table.read("shell", problems, boolean).unwrap_or(false);
    let command = program_command::command(table, shell, problems);
    let objective = table
        .get("objective")
        .and_then(|at| objective(at, "program.objective", problems));
    let (objective, selection) = objective.unzip();
    let spec = ProgramSpec {
        command,
        shell,
        args: program_command::args(table, shell, problems),
        config: table.get("config").and_then(|at| config(at, problems)),
        env: env(table, problems),
        depends_on_env: table
            .read("depends_on_env", problems, texts)
            .unwrap_or_default(),
        directory: table
            .read("directory", problems, text)
            .unwrap_or_else(|| ".".to_owned()),
        metrics: table
            .get("metrics")
            .and_then(|at| metrics(table, at, problems))
            .unwrap_or(MetricSource::Lines),
        selection: selection.unwrap_or(Selection::Last),
        steps: table.read("steps", problems, text),
        artifacts: table.read("artifacts", problems, texts).unwrap_or_default(),
        artifact_limit: table
            .read("artifact_limit", problems, |node| {
                node.text().and_then(size).ok_or(node)
            })
            .unwrap_or(DEFAULT_ARTIFACT_LIMIT),
        resources: table
            .get("resources")
            .map(|at| program_needs::resources(at, problems))
            .unwrap_or(program_needs::NO_RESOURCES),
        timeout_ms: table
            .read("timeout", problems, timeout)
            .flatten()
            .map(millis),
        grace_ms: millis(
            table
                .read("grace", problems, |node| {
                    node.text().and_then(duration).ok_or(node)
                })
                .unwrap_or(DEFAULT_GRACE),
        ),
        exit_codes: program_needs::exit_codes(table, problems),
    };
    let inputs = table.read("inputs", problems, texts);
    (problems.len() == before).then_some(())?;
    Some(ProgramTable {
        spec,
        inputs,
        objective: objective?,
    })
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

/// An objective that `node`, at `path`, names: a metric of any name with its goal.
pub(super) fn objective(
    node: &Node,
    path: &str,
    problems: &mut Problems,
) -> Option<(Objective, Selection)> {
    let table = Table::open(node, path, keys::OBJECTIVE, problems)?;
    for key in ["metric", "goal"] {
        if table.get(key).is_none() {
            let known = keys::OBJECTIVE.iter().find(|known| known.name == key)?;
            problems.add(
                Diagnostic::new(&node.place, format!("`{path}` has no `{key}`"))
                    .help(format!("it must be {}", known.allowed)),
            );
        }
    }
    let goal = table.read("goal", problems, |node| match node.text() {
        Some("min") => Ok(Goal::Min),
        Some("max") => Ok(Goal::Max),
        _ => Err(node),
    });
    let selection = table.read("value", problems, |node| match node.text() {
        Some("last") => Ok(Selection::Last),
        Some("best") => Ok(Selection::Best),
        _ => Err(node),
    });
    let metric = table.read("metric", problems, text)?;
    let objective = Objective {
        metric,
        goal: goal?,
    };
    Some((objective, selection.unwrap_or(Selection::Last)))
}

fn config(node: &Node, problems: &mut Problems) -> Option<ConfigFile> {
    let table = Table::open(node, "program.config", keys::CONFIG, problems)?;
    let Some(at) = table.get("file") else {
        problems.add(
            Diagnostic::new(&node.place, "`program.config` has no `file`")
                .help(format!("it must be {}", keys::CONFIG[0].allowed)),
        );
        return None;
    };
    let file = table.read("file", problems, text).map(PathBuf::from)?;
    let ending = file.extension().and_then(|ending| ending.to_str());
    let format = match ending {
        Some("toml") => ConfigFormat::Toml,
        Some("yaml" | "yml") => ConfigFormat::Yaml,
        Some("json") => ConfigFormat::Json,
        _ => {
            table.refuse("file", at, problems);
            return None;
        }
    };
    let mut named = BTreeMap::new();
    if let Some(at) = table.get("keys") {
        let Some(entries) = at.entries() else {
            table.refuse("keys", at, problems);
            return None;
        };
        for entry in entries {
            match text(&entry.value) {
                Ok(key) => drop(named.insert(entry.key.clone(), key)),
                Err(at) => table.refuse("keys", at, problems),
            }
        }
    }
    Some(ConfigFile {
        file,
        format,
        keys: named,
    })
}

fn env(table: Table<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let Some(node) = table.get("env") else {
        return BTreeMap::new();
    };
    let Some(entries) = node.entries() else {
        table.refuse("env", node, problems);
        return BTreeMap::new();
    };
    let mut env = BTreeMap::new();
    for Entry {
        key,
        key_place,
        value,
    } in entries
    {
        if key.is_empty() || key.contains(['=', '\0']) {
            problems.add(Diagnostic::new(
                key_place,
                format!("{key:?} cannot be the name of an environment variable"),
            ));
        } else if key.starts_with("SWEEP_") {
            problems.add(
                Diagnostic::new(key_place, format!("`{key}` is set by `sweep`"))
                    .help("choose a name that does not begin with SWEEP_"),
            );
        } else if let Some(text) = value.text() {
            program_command::template(text, &format!("program.env.{key}"), value, problems);
            env.insert(key.clone(), text.to_owned());
        } else {
            must_be(&format!("program.env.{key}"), "a string", value, problems);
        }
    }
    env
}

fn metrics(table: Table<'_>, node: &Node, problems: &mut Problems) -> Option<MetricSource> {
    if node.text() == Some("lines") {
        return Some(MetricSource::Lines);
    }
    let [entry] = node.entries().unwrap_or_default() else {
        table.refuse("metrics", node, problems);
        return None;
    };
    let full = format!("program.metrics.{}", entry.key);
    let path = |problems: &mut Problems| match text(&entry.value) {
        Ok(path) => {
            program_command::template(&path, &full, &entry.value, problems);
            Some(path)
        }
        Err(at) => {
            must_be(&full, "a path", at, problems);
            None
        }
    };
    match entry.key.as_str() {
        "regex" => regexes(entry, &full, problems).map(MetricSource::Regex),
        "file" => path(problems).map(MetricSource::File),
        "jsonl" => path(problems).map(MetricSource::Jsonl),
        "tensorboard" => path(problems).map(MetricSource::Tensorboard),
        _ => {
            table.refuse("metrics", node, problems);
            None
        }
    }
}

fn regexes(entry: &Entry, full: &str, problems: &mut Problems) -> Option<Vec<String>> {
    let nodes = match entry.value.items() {
        Some(items) => items,
        None => std::slice::from_ref(&entry.value),
    };
    let mut found = Vec::new();
    for node in nodes {
        let Ok(pattern) = text(node) else {
            must_be(
                full,
                "a regular expression, or a list of them",
                node,
                problems,
            );
            return None;
        };
        if let Err(error) = sweep_program::metrics::patterns(std::slice::from_ref(&pattern)) {
            problems.add(
                Diagnostic::new(&node.place, format!("`{full}` cannot be used: {error}")).help(
                    "name the groups after metrics, as in 'loss (?P<loss>[-+.\\deE]+)', or `name` and `value`; \
                     a group `step` is the step. In TOML, single quotes keep backslashes as they are",
                ),
            );
            return None;
        }
        found.push(pattern);
    }
    Some(found)
}

impl ProgramTable {
    /// What its trials are besides their settings, but for the digest, which is made from files.
    pub(super) fn model(&self) -> ProgramModel {
        ProgramModel {
            digest: String::new(),
            steps: self.spec.steps.clone(),
            selection: self.spec.selection,
        }
    }

    /// Checks placeholders against the names of the `settings` that trials have, and that trials do not write each other's
    /// files.
    pub(super) fn check(&self, node: &Node, settings: &[&str], problems: &mut Problems) {
        program_command::check(&self.spec, node, settings, problems);
        for (place, name) in settings.iter().enumerate() {
            let variable = variable_name(name);
            let twin = settings[..place]
                .iter()
                .find(|other| *other != name && variable_name(other) == variable);
            if let Some(other) = twin {
                let message = format!(
                    "the settings `{other}` and `{name}` share the variable SWEEP_PARAM_{variable}"
                );
                problems.add(Diagnostic::new(&node.place, message).help("rename one of the two"));
            }
        }
        let spec = &self.spec;
        if let Some(steps) = &spec.steps
            && !settings.contains(&steps.as_str())
            && let Some(entry) = node.entry("steps")
        {
            problems.add(
                Diagnostic::new(&entry.value.place, format!("there is no setting `{steps}`")).help(
                    format!("the settings are {}", listed(settings.iter().copied())),
                ),
            );
        }
        if let (Some(config), Some(entry)) = (&spec.config, node.entry("config")) {
            for key in config
                .keys
                .keys()
                .filter(|key| !settings.contains(&key.as_str()))
            {
                let place = entry
                    .value
                    .entry("keys")
                    .and_then(|keys| keys.value.entry(key));
                let place = place.map_or(&entry.value.place, |entry| &entry.key_place);
                problems.add(
                    Diagnostic::new(place, format!("there is no setting `{key}`")).help(format!(
                        "the settings are {}",
                        listed(settings.iter().copied())
                    )),
                );
            }
        }
        let followed = match &spec.metrics {
            MetricSource::File(path)
            | MetricSource::Jsonl(path)
            | MetricSource::Tensorboard(path) => path,
            MetricSource::Lines | MetricSource::Regex(_) => return,
        };
        let is_own = |text: &str| {
            ["{trial}", "{trial_dir}", "{checkpoint_dir}"]
                .iter()
                .any(|own| text.contains(own))
        };
        let is_in_own = !Path::new(followed).is_absolute() && is_own(&spec.directory);
        if !is_own(followed)
            && !is_in_own
            && let Some(entry) = node.entry("metrics")
        {
            problems.add(
                Diagnostic::new(
                    &entry.value.place,
                    format!("every trial would write its metrics to the same place, {followed:?}"),
                )
                .help(
                    "have each write in its own folder: give the program a path such as \"{trial_dir}/metrics.jsonl\" \
                     and use the same here, or set `directory = \"{trial_dir}\"`",
                ),
            );
        }
    }

    /// Names that no setting may have.
    pub(super) fn reserved() -> &'static [&'static str] {
        &BUILT_IN
    }
}
