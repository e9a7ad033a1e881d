//! Command lines and other templates of `[program]`.

use super::diagnostic::{Diagnostic, Problems, listed, nearest};
use super::node::Node;
use super::table::Table;
use sweep_core::program::{MetricSource, ProgramSpec};
use sweep_program::script::Script;
use sweep_program::template::{Template, TemplateError};

/// Placeholders that every program has, besides its settings.
pub(super) const BUILT_IN: [&str; 6] = [
    "seed",
    "trial",
    "trial_dir",
    "checkpoint_dir",
    "params",
    "config",
];
/// Placeholders of `args`.
const OF_ARGS: [&str; 2] = ["name", "value"];

/// Reports a template that cannot be read; `path` names it and it stands at `node`.
pub(super) fn template(
    text: &str,
    path: &str,
    node: &Node,
    problems: &mut Problems,
) -> Option<Template> {
    let template = Template::parse(text);
    template
        .map_err(|error| malformed(&error, path, node, problems))
        .ok()
}

fn malformed(error: &TemplateError, path: &str, node: &Node, problems: &mut Problems) {
    let message = format!("`{path}` cannot be read: {error}");
    problems.add(Diagnostic::new(&node.place, message));
}

/// The command: a list of arguments, or with `shell` one script.
pub(super) fn command(table: Table<'_>, shell: bool, problems: &mut Problems) -> Vec<String> {
    let Some(node) = table.get("command") else {
        return Vec::new();
    };
    let nodes = match (node.items(), shell) {
        (Some(items), false) if !items.is_empty() => items,
        (None, true) if node.text().is_some_and(|text| !text.trim().is_empty()) => {
            std::slice::from_ref(node)
        }
        (None, false) if node.text().is_some() => {
            problems.add(
                Diagnostic::new(&node.place, "`program.command` is a list of arguments")
                    .label("one string")
                    .help(
                        "write [\"python\", \"train.py\", \"--lr\", \"{lr}\"], or set `shell = true` to have `sh` read the string",
                    ),
            );
            return Vec::new();
        }
        (Some(_), true) => {
            problems.add(
                Diagnostic::new(&node.place, "with `shell`, `program.command` is one string")
                    .help("write the script as one string, or remove `shell`"),
            );
            return Vec::new();
        }
        _ => {
            table.refuse("command", node, problems);
            return Vec::new();
        }
    };
    let mut command = Vec::new();
    for node in nodes {
        let Some(text) = node.text().filter(|text| !text.contains('\0')) else {
            table.refuse("command", node, problems);
            continue;
        };
        match shell {
            true => {
                let script = Script::parse(text);
                script
                    .map_err(|error| malformed(&error, "program.command", node, problems))
                    .ok();
            }
            false => drop(template(text, "program.command", node, problems)),
        }
        command.push(text.to_owned());
    }
    if command.first().is_some_and(String::is_empty) {
        table.refuse("command", &nodes[0], problems);
    }
    command
}

/// `args`, with the placeholders `{name}` and `{value}`.
pub(super) fn args(table: Table<'_>, shell: bool, problems: &mut Problems) -> Vec<String> {
    let Some(given) = table.get("args") else {
        return Vec::new();
    };

    if shell {
        problems.add(
            Diagnostic::new(&given.place, "`args` goes with a command without `shell`")
                .help("write the settings into the script, such as `--lr {lr}`"),
        );
        return Vec::new();
    }
    let nodes = match given.items() {
        Some(items) => items,
        None => std::slice::from_ref(given),
    };
    let mut args = Vec::new();
    let mut has_value = false;
    for node in nodes {
        let Some(text) = node.text() else {
            table.refuse("args", node, problems);
            return Vec::new();
        };
        // The words of one string are arguments each: `--{name} {value}`; what stands for a value is not split.
        let words = match given.items().is_none() {
            true => text.split_whitespace().collect(),
            false => vec![text],
        };
        for word in words {
            let Some(template) = template(word, "program.args", node, problems) else {
                return Vec::new();
            };
            for name in template.names() {
                has_value |= name == "value";
                if !OF_ARGS.contains(&name) {
                    problems.add(
                        Diagnostic::new(&node.place, format!("unknown placeholder `{{{name}}}`"))
                            .help("`args` has the placeholders `{name}` and `{value}`"),
                    );
                }
            }
            args.push(word.to_owned());
        }
    }
    if !has_value && problems.is_empty() {
        problems.add(
            Diagnostic::new(&given.place, "`program.args` has no `{value}`")
                .help("write it as in \"--{name}={value}\", or [\"--{name}\", \"{value}\"]"),
        );
    }
    args
}

/// Checks that every placeholder is known.
pub(super) fn check(
    spec: &ProgramSpec,
    program: &Node,
    settings: &[&str],
    problems: &mut Problems,
) {
    let at = |key: &str| program.entry(key).map(|entry| &entry.value);
    let mut templates: Vec<(&str, &Node)> = Vec::new();
    if let Some(node) = at("command") {
        let nodes = node.items().unwrap_or(std::slice::from_ref(node));
        templates.extend(spec.command.iter().map(String::as_str).zip(nodes));
    }
    if let Some(entries) = at("env").and_then(Node::entries) {
        let texts = entries.iter().filter_map(|entry| {
            let text = entry.value.text()?;
            Some((text, &entry.value))
        });
        templates.extend(texts);
    }
    if let Some(node) = at("directory") {
        templates.push((&spec.directory, node));
    }
    if let (
        MetricSource::File(path) | MetricSource::Jsonl(path) | MetricSource::Tensorboard(path),
        Some(node),
    ) = (&spec.metrics, at("metrics"))
    {
        templates.push((path, node));
    }
    for (text, node) in templates {
        for name in names(text, spec.shell) {
            let is_known = BUILT_IN.contains(&&*name) || settings.contains(&&*name);
            if !is_known {
                unknown(&name, node, settings, problems);
            } else if name == "config" && spec.config.is_none() {
                problems.add(
                    Diagnostic::new(
                        &node.place,
                        "`{config}` is the copy of a file that is not named",
                    )
                    .help("add `config = { file = \"config.yaml\" }` to [program]"),
                );
            }
        }
    }
}

/// The names of the placeholders in `text`, which may be a script.
fn names(text: &str, may_be_script: bool) -> Vec<String> {
    let of_template = || {
        let template = Template::parse(text).ok()?;
        Some(template.names().map(str::to_owned).collect())
    };
    let of_script = || {
        let script = Script::parse(text).ok().filter(|_| may_be_script)?;
        Some(script.names().map(str::to_owned).collect())
    };
    of_script().or_else(of_template).unwrap_or_default()
}

fn unknown(name: &str, node: &Node, settings: &[&str], problems: &mut Problems) {
    let all = || settings.iter().copied().chain(BUILT_IN);
    let diagnostic = Diagnostic::new(&node.place, format!("unknown placeholder `{{{name}}}`"));
    let diagnostic = match nearest(name, all()) {
        Some(near) => diagnostic.label(format!("did you mean `{{{near}}}`?")),
        None => diagnostic,
    };
    problems.add(diagnostic.help(format!(
        "the settings are {}; besides there are {}; add an axis `{name} = [..]` to [grid], or a setting to \
         `settings` of [program]; for braces write {{{{ and }}}}",
        listed(settings.iter().copied()),
        listed(BUILT_IN),
    )));
}
