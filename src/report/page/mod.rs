//! The page: one file that opens without a network, in light and in dark, on paper and on a phone.
//!
//! The HTML holds all that a reader must know, with the plots as images, and needs no script. The
//! script draws the same and more from the numbers in [`data`], so that a reader can sort, filter,
//! select and brush. Each figure that it draws replaces the static image.
//!
//! Every text passes through [`escape`], and every number for the script through [`json_in_script`].

mod data;
mod head;
mod parts;
mod record;
mod trials;

use std::fmt::Write;

use super::markup::{IN_MEMORY, escape, in_address, json_in_script, prose};
use super::plot::Picture;
use super::{Input, test, text};
use sweep_analysis::Summary;
use sweep_analysis::anova::Anova;
use sweep_analysis::inference::Inference;

const STYLE: &str = include_str!("style.css");
/// Bytes of the largest image that stands in the page.
const LARGEST: usize = 500_000;
/// Read by the browser as one script, in this order.
const SCRIPT: [&str; 11] = [
    include_str!("script/query.js"),
    include_str!("script/sweep.js"),
    include_str!("script/plot.js"),
    include_str!("script/leaderboard.js"),
    include_str!("script/overview.js"),
    include_str!("script/curves.js"),
    include_str!("script/parallel.js"),
    include_str!("script/settings.js"),
    include_str!("script/models.js"),
    include_str!("script/timeline.js"),
    include_str!("script/page.js"),
];

/// What every part of the page is made from.
struct Page<'a> {
    input: &'a Input,
    summary: &'a Summary,
    inference: &'a Inference,
    /// Or why there is none.
    anova: &'a Result<Anova, String>,
    pictures: &'a [Picture],
}

/// The name of the sweep, and which of its trials these are.
fn title(input: &Input) -> String {
    let name = &input.experiment.name;
    match &input.query {
        Some(query) => format!("{name} (filter: {})", text::sanitize(query)),
        None => name.clone(),
    }
}

/// The page of `summary`, with `pictures`, links to `files` and a note on what is `left_out`.
pub fn page(
    input: &Input,
    summary: &Summary,
    pictures: &[Picture],
    files: &[(String, Vec<u8>)],
    left_out: &[String],
) -> String {
    let inference = Inference::of(summary);
    let anova = Anova::of(summary);
    let mut left_out = left_out.to_vec();
    if let (Err(reason), false) = (&anova, summary.axes.is_empty()) {
        left_out.push(format!("Hyperparameter importance: {reason}."));
    }
    let page = Page {
        input,
        summary,
        inference: &inference,
        anova: &anova,
        pictures,
    };
    let sections: Vec<Section> = [
        parts::leaderboard(&page),
        parts::best_runs(&page),
        parts::interactive("cost", "Score and cost", !summary.ranking.is_empty()),
        parts::figure(
            &page,
            "curves",
            "Training curves",
            &["learning_curves", "xgboost_curve"],
        ),
        parts::interactive("parallel", "Parallel coordinates", !summary.axes.is_empty()),
        parts::importance(&page),
        parts::axes(&page),
        parts::interactive(
            "interactions",
            "Interaction of two settings",
            summary.axes.len() > 1,
        ),
        parts::figure(
            &page,
            "features",
            "Feature importance (gain)",
            &["importance"],
        ),
        parts::figure(&page, "confusion", "Confusion matrix", &["confusion"]),
        parts::calibration(&page),
        parts::figure(
            &page,
            "growth",
            "Learning curve (training size)",
            &["learning_curve"],
        ),
        parts::transfer(&page),
        Section::new(
            "test",
            "Held-out test set",
            test::section(input.test.as_ref()),
        ),
        trials::failures(&page),
        trials::slowest(&page),
        parts::interactive("timeline", "Timeline", !input.attempts.is_empty()),
        record::data(&page),
        record::reproduce(&page),
        record::files(&page, files, &left_out),
    ]
    .into_iter()
    .flatten()
    .collect();
    let name = escape(&title(input));
    let links = sections.iter().map(|section| {
        let hidden = if section.is_interactive {
            " class=\"needs-script\""
        } else {
            ""
        };
        format!(
            "<a href=\"#{}\"{hidden}>{}</a>\n",
            section.id,
            escape(section.title)
        )
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} · sweep report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{}<nav aria-label=\"Sections of this page\">\n{}</nav>\n{}</main>\n\
         <script type=\"application/json\" id=\"sweep\">{}</script>\n\
         <script>\n'use strict';\n{}</script>\n</body>\n</html>\n",
        head::head(&page),
        links.collect::<String>(),
        sections.iter().map(Section::html).collect::<String>(),
        json_in_script(&data::of(input, summary, &inference, anova.as_ref().ok())),
        SCRIPT.concat(),
    )
}

/// A part of the page with a heading.
struct Section {
    /// Names it in the address and to the script.
    id: &'static str,
    title: &'static str,
    html: String,
    /// Whether it is empty without the script.
    is_interactive: bool,
}

impl Section {
    /// Nothing, where there is nothing to say.
    fn new(id: &'static str, title: &'static str, html: String) -> Option<Section> {
        (!html.is_empty()).then_some(Section {
            id,
            title,
            html,
            is_interactive: false,
        })
    }

    /// The script draws into `interactive`, and then hides what is `static`.
    fn html(&self) -> String {
        let class = if self.is_interactive {
            " class=\"needs-script\""
        } else {
            ""
        };
        format!(
            "<section id=\"{}\"{class}>\n<h2>{}</h2>\n<div class=\"interactive\"></div>\n\
             <div class=\"static\">\n{}</div>\n</section>\n",
            self.id,
            escape(self.title),
            self.html,
        )
    }
}

/// Those of `pictures` that are called one of `names`, as images: these cannot run anything, whatever
/// their labels say.
fn images(pictures: &[Picture], names: &[&str]) -> String {
    let mut html = String::new();
    for picture in pictures
        .iter()
        .filter(|picture| names.contains(&picture.name.as_str()))
    {
        if picture.svg.len() > LARGEST {
            let name = &picture.name;
            let title = escape(&picture.title);
            let link = format!("<a href=\"{name}.svg\">{name}.svg</a>");
            writeln!(
                html,
                "<p class=\"note\">{title}: too large for this page; see {link}.</p>"
            )
            .expect(IN_MEMORY);
            continue;
        }
        write!(
            html,
            "<figure>\n<img src=\"data:image/svg+xml,{}\" alt=\"{}\">\n\
             <figcaption>{}</figcaption>\n</figure>\n",
            in_address(&picture.svg),
            escape(&picture.title),
            escape(&picture.caption),
        )
        .expect(IN_MEMORY);
    }
    html
}

/// A table with the heads of `columns` (text, whether its cells are text) and `rows` of HTML.
fn table(columns: &[(&str, bool)], rows: &str) -> String {
    let heads = columns.iter().map(|(name, is_text)| {
        let class = if *is_text { " class=\"text\"" } else { "" };
        format!("<th scope=\"col\"{class}>{name}</th>")
    });
    format!(
        "<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table></div>\n",
        heads.collect::<String>()
    )
}

/// A list of sentences.
fn bullets<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let lines = lines.into_iter();
    let items: String = lines
        .map(|line| format!("<li>{}</li>\n", prose(line)))
        .collect();
    match items.is_empty() {
        true => items,
        false => format!("<ul>\n{items}</ul>\n"),
    }
}
