//! The page of a description: one file that opens without a network and needs no script, in the
//! style of a report's page.
//!
//! Every text passes through [`escape`].

use std::path::Path;

use sweep_analysis::text;

use super::cells::{NAME, fraction, short};
use super::drawing::{BOXES, CORRELATION, DISTRIBUTIONS};
use super::html_sections::{association, columns, duplicates, images_of, target, unused};
use super::omitted::Omitted;
use super::table::head;
use crate::markup::{escape, fact, paragraph};
use crate::page::STYLE;
use crate::page::section::{Section, bullets};
use crate::plot::Picture;
use sweep_describe::Description;

/// What this page has beyond [`STYLE`].
const MORE_STYLE: &str = include_str!("html.css");

/// The page of `description`, with `pictures`, links to `files` and a note on what is `left_out`.
pub fn page(
    description: &Description,
    title: &str,
    pictures: &[Picture],
    files: &[(String, Vec<u8>)],
    left_out: &[String],
) -> String {
    let omitted = Omitted::of(description);
    let figure = |id: &'static str, title: &'static str, name: &str| {
        Section::new(id, title, images_of(pictures, name))
    };
    let sections: Vec<Section> = [
        target(description, pictures),
        columns(description, &omitted),
        unused(description, &omitted),
        association(description, pictures),
        figure("correlation", "Correlations", CORRELATION),
        figure("distributions", "Distributions", DISTRIBUTIONS),
        figure("boxes", "Box plots", BOXES),
        duplicates(description),
        links(pictures, files, left_out),
    ]
    .into_iter()
    .flatten()
    .collect();
    let name = Path::new(&description.source.path).file_name();
    let name = name.map_or("table".into(), |name| name.to_string_lossy());
    let name = escape(&name);
    let links = (sections.iter()).map(|section| {
        format!(
            "<a href=\"#{}\">{}</a>\n",
            section.id,
            escape(section.title)
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} · sweep describe</title>\n<style>\n{STYLE}{MORE_STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{name}</h1>\n{}<nav aria-label=\"Sections of this page\">\n{}</nav>\n\
         {}</main>\n</body>\n</html>\n",
        top(description, title),
        links.collect::<String>(),
        sections.iter().map(Section::html).collect::<String>(),
    )
}

/// Which rows of which file, how much of what, and what is odd about it.
fn top(description: &Description, title: &str) -> String {
    let mut html = String::new();
    for line in head(description, title).lines() {
        paragraph(&mut html, "lead", line);
    }
    for note in &description.notes {
        match note.strip_prefix("warning: ") {
            Some(warning) => paragraph(&mut html, "unfinished", warning),
            None => paragraph(&mut html, "", note.strip_prefix("note: ").unwrap_or(note)),
        }
    }
    let count = |number: usize| text::with_thousands(number as u64);
    let cells: usize = description.source.rows * description.columns.len();
    let missing: usize = description
        .columns
        .iter()
        .map(|column| column.missing)
        .sum();
    html.push_str("<dl class=\"facts\">\n");
    fact(&mut html, "Rows", &count(description.source.rows));
    fact(&mut html, "Columns", &count(description.columns.len()));
    if let Some(target) = &description.target {
        fact(&mut html, "Target", &text::cut(&target.column, NAME));
        let what = match target.numbers {
            Some(of) => ("Range", format!("{} to {}", short(of.min), short(of.max))),
            None => ("Classes", count(target.classes.len())),
        };
        fact(&mut html, what.0, &what.1);
    }
    let missing = fraction(missing, cells);
    fact(&mut html, "Missing cells", &missing);
    let repeated = count(description.duplicates.repeated);
    fact(&mut html, "Duplicate rows", &repeated);
    html.push_str("</dl>\n");
    html
}

/// The other files of the description, and what could not be shown.
fn links(
    pictures: &[Picture],
    files: &[(String, Vec<u8>)],
    left_out: &[String],
) -> Option<Section> {
    let drawn = |picture: &Picture| ["png", "svg"].map(|end| format!("{}.{end}", picture.name));
    let drawn = pictures.iter().flat_map(drawn);
    let names = files.iter().map(|(name, _)| name.clone()).chain(drawn);
    let links: Vec<String> = names
        .map(|name| format!("<a href=\"{name}\">{name}</a>"))
        .collect();
    let mut html = format!("<p>{}</p>\n", links.join(" · "));
    if !left_out.is_empty() {
        html.push_str("<h3>Missing from the pictures</h3>\n");
        html.push_str(&bullets(left_out));
    }
    Section::new("files", "Files", html)
}
