//! The text of an experiment file: what the table is, how it is read and split.
//!
//! Invariant: every line that is no comment is a key of `docs/EXPERIMENT.md`; what is only proposed
//! is a comment that becomes valid without its `#`.

use std::fmt::Write as _;
use std::path::Path;

use sweep_analysis::text::{cut, score};
use sweep_core::data_config::{Decimal, Delimiter, TableFormat, TextEncoding};
use sweep_core::event::Slot;
use sweep_core::format::{
    format_seconds, pluralize, pluralize_irregular, shell_word, toml_string, with_thousands,
};
use sweep_core::sanitize::sanitize;
use sweep_core::trial::Kind;
use sweep_data::{ColumnUse, Note};

use super::layout::{WIDEST, aligned, comment, key, list, quoted};
use super::survey::{Group, Number, Survey};
use super::{columns, settings};

/// Classes that are counted in a comment.
const MAX_CLASSES: usize = 6;
/// Warnings that are repeated.
const MAX_WARNINGS: usize = 6;
/// Seconds from which a quicker first look is proposed.
const LONG: f64 = 600.0;

/// What the file is called, and where it is read.
pub(super) struct Frame<'a> {
    pub name: &'a str,
    pub path: &'a Path,
    /// Kinds of model whose libraries are not at hand.
    pub missing: &'a [Kind],
}

/// What was learnt when the experiment was tried.
pub(super) struct Findings<'a> {
    pub trials: usize,
    /// Of training, on all slots.
    pub seconds: f64,
    pub slots: &'a [Slot],
    /// What each column is used as.
    pub columns: &'a [ColumnUse],
    pub warnings: Vec<&'a Note>,
}

/// The experiment; without findings it is as valid, and says less.
pub(super) fn text(survey: &Survey, frame: &Frame<'_>, findings: Option<&Findings<'_>>) -> String {
    let mut text = header(survey, frame, findings);
    text.push_str(&experiment(survey, frame.name));
    text.push_str(&data(survey));
    let warnings = findings.map_or(&[][..], |findings| &findings.warnings);
    text.push_str(&left_out(warnings));
    let uses = findings.map_or(survey.columns.as_slice(), |findings| findings.columns);
    text.push_str(&columns::table(survey, uses));
    for warning in warnings.iter().take(MAX_WARNINGS) {
        text.push_str("#\n");
        text.push_str(&comment(&format!("Warning: {}", warning.text)));
    }
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        let more = pluralize(more, "more warning");
        text.push_str(&format!("#\n# {more}: `sweep data check` lists them.\n"));
    }
    text.push('\n');
    text.push_str(&settings::models(survey, frame.missing));
    text
}

fn header(survey: &Survey, frame: &Frame<'_>, findings: Option<&Findings<'_>>) -> String {
    let table = match survey.paths.as_slice() {
        [only] => only.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
        [] => String::new(),
    };
    let mut text = comment(&format!(
        "Predicts {}, which {}, from {} ({}). Written by `sweep init`; change it as you like.",
        quoted(&survey.target),
        match survey.number {
            Some(_) => "is a number".to_owned(),
            None => {
                let classes = pluralize_irregular(survey.classes.len(), "class", "classes");
                format!("has {classes}")
            }
        },
        table,
        pluralize(survey.rows, "row"),
    ));
    let file = sanitize(&shell_word(&frame.path.display().to_string()));
    let commands = [
        (format!("sweep plan {file}"), "what would be trained"),
        (
            format!("sweep run {file}"),
            "train; Ctrl-C at any time, and `sweep resume` continues",
        ),
        (
            format!("sweep report {}", shell_word(frame.name)),
            "which model is best, and how certain that is",
        ),
    ];
    let width = commands.iter().map(|(command, _)| command.len()).max();
    text.push_str("#\n");
    for (command, about) in &commands {
        let _ = writeln!(
            text,
            "#     {command:width$}   # {about}",
            width = width.unwrap_or(0)
        );
    }
    if let Some(findings) = findings {
        text.push_str("#\n");
        let mut time = format!(
            "{}: about {} on {} if nothing else runs, less where trials stop early.",
            pluralize(findings.trials, "trial"),
            format_seconds(findings.seconds),
            slots(findings.slots)
        );
        if findings.seconds > LONG {
            time.push_str(" For a quicker first look, add --set 'experiment.seeds=[1]'.");
        }
        text.push_str(&comment(&time));
    }
    text.push('\n');
    text
}

/// `2 CPU slots`, `2 CPU and 1 GPU slots`.
pub(super) fn slots(slots: &[Slot]) -> String {
    let cpu = slots
        .iter()
        .filter(|slot| slot.0.starts_with("cpu"))
        .count();
    match slots.len() - cpu {
        0 => pluralize(cpu, "CPU slot"),
        gpu if cpu == 0 => pluralize(gpu, "GPU slot"),
        gpu => format!("{cpu} CPU and {}", pluralize(gpu, "GPU slot")),
    }
}

fn experiment(survey: &Survey, name: &str) -> String {
    let (objective, why) = settings::objective(survey);
    let mut text = String::from("[experiment]\n");
    text.push_str(&format!("name = {}\n", toml_string(name)));
    text.push_str(&aligned(
        "seeds = [1, 2, 3]",
        "every configuration is trained once with each",
    ));
    text.push_str(&aligned(&format!("objective = \"{objective}\""), &why));
    text.push('\n');
    text
}

fn data(survey: &Survey) -> String {
    let mut text = String::from("[data]\n");
    let paths: Vec<String> = survey.paths.iter().map(|path| toml_string(path)).collect();
    let path = match paths.as_slice() {
        [only] => only.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    text.push_str(&format!("path = {path}\n"));
    text.push_str(&format(&survey.format));
    text.push_str(&aligned(
        &format!("target = {}", toml_string(&survey.target)),
        &match &survey.number {
            None => classes(survey),
            Some(Number {
                low, median, high, ..
            }) => {
                format!(
                    "{} to {}, median {}",
                    score(*low),
                    score(*high),
                    score(*median)
                )
            }
        },
    ));
    if let Some(number) = &survey.number {
        text.push_str(&aligned("task = \"regression\"", "the target is a number"));
        if number.is_skewed {
            text.push_str(&aligned(
                "target_transform = \"log\"",
                "few large numbers, many small ones: errors count by ratio",
            ));
        }
    }
    if !survey.rare.is_empty() {
        text.push_str(&aligned(
            &format!(
                "exclude = {{ {} = {} }}",
                key(&survey.target),
                list(&survey.rare)
            ),
            "classes of too few rows to train, validate and test on",
        ));
    }
    text.push_str(&group(&survey.group));
    text.push_str(&texts(survey));
    text.push_str(&missing(survey));
    text.push_str(&split(survey));
    text
}

/// By time where the rows stand in its order; else at random, with a word on dates.
fn split(survey: &Survey) -> String {
    if let Some(time) = &survey.time {
        let time = toml_string(time);
        let line = format!("split = {{ time = {time}, valid = 0.2, test = 0.2 }}");
        let why = "the rows stand in its order: the latest are test rows, those before them validation rows";
        let date = format!("# date = [{{ column = {time}, parts = [\"month\", \"weekday\"] }}]");
        return aligned(&line, why) + &aligned(&date, "to learn from these parts of it as well");
    }
    let mut text = aligned(
        "split = { valid = 0.2, test = 0.2, stratify = true, seed = 42 }",
        "the rest trains",
    );
    if let [date, ..] = survey.dates.as_slice() {
        text.push_str(&comment(&format!(
            "{} holds dates, and this split is shuffled: scores are those for rows of the same time. \
             To know how well later rows are predicted, split by it:",
            quoted(date)
        )));
        text.push_str(&format!(
            "# split = {{ time = {}, valid = 0.2, test = 0.2 }}\n",
            sanitize(&toml_string(date))
        ));
    }
    text
}

fn format(format: &TableFormat) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String, about: &str| {
        text.push_str(&aligned(&format!("{key} = {value}"), about));
    };
    match format.delimiter {
        Some(Delimiter::Byte(b'\t')) => line("delimiter", "\"tab\"".to_owned(), ""),
        Some(Delimiter::Blanks) => line("delimiter", "\"blanks\"".to_owned(), ""),
        Some(Delimiter::Byte(byte)) => {
            line("delimiter", toml_string(&char::from(byte).to_string()), "");
        }
        None => {}
    }
    match format.decimal {
        Some(Decimal::Comma) => line("decimal", "\",\"".to_owned(), ""),
        Some(Decimal::Point) => line("decimal", "\".\"".to_owned(), ""),
        None => {}
    }
    match format.encoding {
        Some(TextEncoding::Utf8) => line("encoding", "\"utf-8\"".to_owned(), ""),
        Some(TextEncoding::Utf16 | TextEncoding::Utf16Le) => {
            line("encoding", "\"utf-16\"".to_owned(), "");
        }
        Some(TextEncoding::Latin1) => line("encoding", "\"latin-1\"".to_owned(), ""),
        Some(TextEncoding::Windows1252) => line("encoding", "\"windows-1252\"".to_owned(), ""),
        // It has no name of its own, and is found again.
        Some(TextEncoding::Utf16Be) | None => {}
    }
    match (format.header, &format.columns) {
        (Some(true), _) => line(
            "header",
            "true".to_owned(),
            "the first row names the columns",
        ),
        (Some(false), None) => line("header", "false".to_owned(), "the first row is data"),
        (Some(false), Some(names)) => {
            line("header", "false".to_owned(), "the first row is data");
            line(
                "columns",
                list(names),
                "Give the columns names here; the keys below and `sweep predict` then use those.",
            );
        }
        (None, _) => {}
    }
    if !format.missing_values.is_empty() {
        line("missing_values", list(&format.missing_values), "");
    }
    text
}

/// How many rows each class has.
fn classes(survey: &Survey) -> String {
    let all: usize = survey.classes.iter().map(|(_, rows)| rows).sum();
    let shown: Vec<String> = (survey.classes.iter().take(MAX_CLASSES))
        .map(|(class, rows)| {
            let share = 100.0 * *rows as f64 / all.max(1) as f64;
            format!(
                "{} {} ({share:.0}%)",
                cut(class, WIDEST),
                with_thousands(*rows as u64)
            )
        })
        .collect();
    match survey.classes.len().saturating_sub(MAX_CLASSES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn group(group: &Group) -> String {
    let kept = "rows with the same value stay in one split";
    match group {
        Group::None => String::new(),
        Group::Given(name) => aligned(&format!("group = {}", toml_string(name)), kept),
        Group::Found { name, repeated } => {
            let why = comment(&format!(
                "{} the {} of an earlier row, and nearly the same values: in two splits they would \
                 make scores look better than they are.",
                match repeated {
                    1 => "1 row has".to_owned(),
                    many => format!("{} rows have", with_thousands(*many as u64)),
                },
                quoted(name),
            ));
            why + &aligned(&format!("group = {}", toml_string(name)), kept)
        }
        Group::Perhaps(name) => {
            let line = format!("# group = {}", toml_string(name));
            let why = "if rows with the same value belong together";
            aligned(&line, why)
        }
    }
}

/// Columns of text, and lines that would use what is not used.
fn texts(survey: &Survey) -> String {
    let uses = &survey.uses;
    let mut text = String::new();
    if !uses.texts.is_empty() {
        let line = format!(
            "text = {{ columns = {}, encoder = \"tfidf\", dims = 50 }}",
            list(&uses.texts)
        );
        match uses.has_texts_alone {
            true => text.push_str(&aligned(&line, "words as features")),
            false => {
                text.push_str("# To learn from words as well:\n");
                text.push_str(&format!("# {line}\n"));
            }
        }
    }
    if !uses.lines.is_empty() {
        text.push_str("# To use more columns (below it says why they are not):\n");
        for line in &uses.lines {
            text.push_str(&format!("# {}\n", sanitize(line)));
        }
    }
    text
}

fn missing(survey: &Survey) -> String {
    let mut rules: Vec<String> = Vec::new();
    let mut about = Vec::new();
    if survey.with_missing > 0 {
        rules.push("default = \"impute\"".to_owned());
        about.push(format!(
            "{} with missing cells: median, or most frequent value",
            pluralize(survey.with_missing, "column")
        ));
    }
    for name in &survey.dropped_for {
        rules.push(format!("{} = \"drop\"", key(name)));
        about.push(format!("rows without {} are left out", quoted(name)));
    }
    let about = about.join("; ");
    match (rules.as_slice(), survey.dropped_for.is_empty()) {
        ([], _) => String::new(),
        (_, true) => aligned("missing = \"impute\"", &about),
        (rules, false) => aligned(&format!("missing = {{ {} }}", rules.join(", ")), &about),
    }
}

/// A line that leaves out the columns that are warned of.
fn left_out(warnings: &[&Note]) -> String {
    let mut columns: Vec<String> = Vec::new();
    for column in warnings.iter().filter_map(|note| note.leave_out.as_ref()) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    match columns.is_empty() {
        true => String::new(),
        false => format!(
            "# To leave out the columns that the warnings below are about:\n# drop = {}\n",
            list(&columns)
        ),
    }
}
