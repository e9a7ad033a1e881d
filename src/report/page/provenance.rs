//! The data set with its warnings, and all that is needed to reproduce the sweep.

use std::fmt::Write;
use sweep_analysis::{merged::Part, text};

use super::section::{Page, Section, bullets, table};
use crate::commit;
use crate::markup::{IN_MEMORY, escape, fact, paragraph, row};
use crate::plot::Picture;
use crate::test;
use sweep_core::format::shell_word;
use sweep_core::program::{INPUT_FACT, VARIABLE_FACT};
use sweep_store::DatasetRecord;

/// Rows, digest, and what was noticed.
pub(super) fn data(page: &Page) -> Option<Section> {
    if page.input.experiment.is_of_programs() {
        return program(page);
    }
    let data = &page.input.experiment.dataset;
    let mut html = String::new();
    if !data.notes.is_empty() {
        html.push_str("<h3>Warnings and notes of data preparation</h3>\n");
        // Warnings first, then notes.
        let (warnings, notes): (Vec<&String>, Vec<&String>) =
            (data.notes.iter()).partition(|note| note.starts_with("warning"));
        let notes = notes.into_iter();
        let notes = notes.map(|note| note.strip_prefix("note: ").unwrap_or(note).to_owned());
        let lines: Vec<String> = warnings.into_iter().cloned().chain(notes).collect();
        html.push_str(&bullets(&lines));
        paragraph(
            &mut html,
            "note",
            "Duplicate rows across splits, target leakage and groups with several classes limit what a score \
             means. `sweep data check` shows the details.",
        );
    }
    html.push_str("<dl>\n");
    fact(&mut html, "Source", &data.source.display().to_string());
    let rows = format!(
        "{} training, {} validation, {} test ({})",
        text::with_thousands(data.train_rows),
        text::with_thousands(data.valid_rows),
        text::with_thousands(data.test_rows),
        match page.input.test_evaluations {
            0 => "held out".to_owned(),
            test_evaluations => format!("held out, {}", test::times(test_evaluations)),
        }
    );
    fact(&mut html, "Rows", &rows);
    let classes: Vec<String> = data
        .classes
        .iter()
        .map(|name| text::sanitize(name))
        .collect();
    match classes.is_empty() {
        true => fact(&mut html, "Target", "a number"),
        false => fact(&mut html, "Classes", &text::cut(&classes.join(", "), 400)),
    }
    features(&mut html, page);
    fact(&mut html, "SHA-256 of the source file", &data.source_sha256);
    html.push_str("</dl>\n");
    Section::new("data", "Data set", html)
}

/// The files that a program is made of, and what else its trials depend on.
fn program(page: &Page) -> Option<Section> {
    let session = page.input.experiment.sessions.last()?;
    let mut rows = String::new();
    for (name, value) in &session.environment {
        let (what, name) = match (
            name.strip_prefix(INPUT_FACT),
            name.strip_prefix(VARIABLE_FACT),
        ) {
            (Some(path), _) => ("file", path),
            (_, Some(variable)) => ("environment variable", variable),
            _ => continue,
        };
        let cells = [
            (what.to_owned(), true),
            (text::sanitize(name), true),
            (text::sanitize(value), true),
        ];
        row(&mut rows, "", &cells);
    }
    if rows.is_empty() {
        return None;
    }
    let mut html = String::new();
    paragraph(
        &mut html,
        "",
        "Trials are named by their settings, their command line, and the content of these. When one of them changes, its \
         trials are new ones.",
    );
    let heads = [("Input", true), ("Name", true), ("SHA-256, or value", true)];
    html.push_str(&table(&heads, &rows));
    Section::new("data", "Program", html)
}

/// Features and digest of the prepared data, for each sweep if several were merged.
fn features(html: &mut String, page: &Page) {
    let parts = page.input.parts.iter();
    let mut sets: Vec<(String, &DatasetRecord)> = parts
        .map(|part| (format!(" of {}", part.name), &part.dataset))
        .collect();
    if sets.is_empty() {
        sets.push((String::new(), &page.input.experiment.dataset));
    }
    for (whose, data) in sets {
        let features = text::cut(&data.features.join(", "), 600);
        fact(html, &format!("Features{whose}"), &features);
        let digest = format!("Digest of the prepared data{whose}");
        fact(html, &digest, data.digest.as_str());
    }
}

/// Commands, seeds, versions, machine and the experiment file.
pub(super) fn reproduce(page: &Page) -> Option<Section> {
    let experiment = &page.input.experiment;
    let file = experiment.file_path.display().to_string();
    let mut parts = page.input.parts.clone();
    if parts.is_empty() {
        parts.push(Part::of(experiment));
    }
    let names: Vec<String> = parts.iter().map(|part| shell_word(&part.name)).collect();
    let mut commands: Vec<String> = parts.iter().map(run).collect();
    // Each adds seeds to the ones before it, so all are needed, in order.
    let more_seeds =
        (experiment.sessions.iter()).filter(|session| session.command.contains(" --more-seeds"));
    commands.extend(more_seeds.map(|session| session.command.clone()));
    let query = page.input.query.as_ref().map_or(String::new(), |query| {
        format!(" --query {}", shell_word(&text::sanitize(query)))
    });
    commands.push(format!("sweep report {}{query}", names.join(" ")));
    let lines: Vec<String> = commands.iter().map(|line| escape(line)).collect();
    let mut html = format!("<pre>{}</pre>\n<dl>\n", lines.join("\n"));
    let seeds: Vec<String> = page.summary.seeds.iter().map(u64::to_string).collect();
    fact(&mut html, "Seeds", &text::cut(&seeds.join(", "), 400));
    if let Some(session) = experiment.sessions.last() {
        fact(&mut html, "Version", &session.version);
        let commit = commit::describe(session, usize::MAX);
        fact(&mut html, "Commit", commit.as_deref().unwrap_or("unknown"));
        for (name, value) in &session.environment {
            fact(&mut html, name, value);
        }
    }
    html.push_str("</dl>\n");
    if !experiment.sessions.is_empty() {
        html.push_str("<h3>Sessions</h3>\n");
        html.push_str(&sessions(page));
    }
    let lines = experiment.file_text.lines().map(escape).collect::<Vec<_>>();
    write!(
        html,
        "<details>\n<summary>Experiment file, {}</summary>\n<pre>{}</pre>\n</details>\n",
        escape(&file),
        lines.join("\n"),
    )
    .expect(IN_MEMORY);
    Section::new("reproduce", "Reproduce", html)
}

/// The command that reproduces a sweep.
fn run(part: &Part) -> String {
    let flags = part.flags.iter();
    let flags: String = flags
        .map(|flag| format!(" --set {}", shell_word(flag)))
        .collect();
    let file = part.file_path.display().to_string();
    format!("sweep run {}{flags}", shell_word(&file))
}

fn sessions(page: &Page) -> String {
    let mut rows = String::new();
    for session in &page.input.experiment.sessions {
        let commit = commit::describe(session, commit::SHORT);
        let cells = [
            (text::utc(session.started_ms), true),
            (session.ended_ms.map_or("–".to_owned(), text::utc), true),
            (session.outcome.clone(), true),
            (session.command.clone(), true),
            (session.version.clone(), true),
            (commit.unwrap_or("–".to_owned()), true),
            (session.host.clone(), true),
        ];
        row(&mut rows, "", &cells);
    }
    let columns = [
        ("Started (UTC)", true),
        ("Ended", true),
        ("Outcome", true),
        ("Command", true),
        ("Version", true),
        ("Commit", true),
        ("Host", true),
    ];
    table(&columns, &rows)
}

/// The other files of the report, and what could not be shown.
pub(super) fn files(
    page: &Page,
    files: &[(String, Vec<u8>)],
    left_out: &[String],
) -> Option<Section> {
    let drawn = |picture: &Picture| ["png", "svg"].map(|end| format!("{}.{end}", picture.name));
    let drawn = page.pictures.iter().flat_map(drawn);
    let names = files.iter().map(|(name, _)| name.clone()).chain(drawn);
    let links: Vec<String> = names
        .map(|name| format!("<a href=\"{name}\">{name}</a>"))
        .collect();
    let mut html = format!("<p>{}</p>\n", links.join(" · "));
    if !left_out.is_empty() {
        html.push_str("<h3>Missing from this report</h3>\n");
        html.push_str(&bullets(left_out));
    }
    Section::new("files", "Files", html)
}
