//! What the parts of the page are made of: sections, images, tables, lists.

use std::fmt::Write;
use sweep_analysis::{Input, text};

use crate::markup::{IN_MEMORY, escape, in_address, prose};
use crate::plot::Picture;
use sweep_analysis::Summary;
use sweep_analysis::anova::Anova;
use sweep_analysis::inference::Inference;

/// Bytes of the largest image that stands in the page.
const LARGEST: usize = 500_000;

/// What every part of the page is made from.
pub(super) struct Page<'a> {
    pub(super) input: &'a Input,
    pub(super) summary: &'a Summary,
    pub(super) inference: &'a Inference,
    /// Or why there is none.
    pub(super) anova: &'a Result<Anova, String>,
    pub(super) pictures: &'a [Picture],
}

/// The name of the sweep, and which of its trials these are.
pub(super) fn title(input: &Input) -> String {
    let name = &input.experiment.name;
    match &input.query {
        Some(query) => format!("{name} (filter: {})", text::sanitize(query)),
        None => name.clone(),
    }
}

/// A part of the page with a heading.
pub(crate) struct Section {
    /// Names it in the address and to the script.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) html: String,
    /// Whether it is empty without the script.
    pub(super) is_interactive: bool,
}

impl Section {
    /// Nothing, where there is nothing to say.
    pub(crate) fn new(id: &'static str, title: &'static str, html: String) -> Option<Section> {
        (!html.is_empty()).then_some(Section {
            id,
            title,
            html,
            is_interactive: false,
        })
    }

    /// The script draws into `interactive`, and then hides what is `static`.
    pub(crate) fn html(&self) -> String {
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
pub(crate) fn images(pictures: &[Picture], names: &[&str]) -> String {
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
pub(crate) fn table(columns: &[(&str, bool)], rows: &str) -> String {
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
pub(crate) fn bullets<'a>(lines: impl IntoIterator<Item = &'a String>) -> String {
    let lines = lines.into_iter();
    let items: String = lines
        .map(|line| format!("<li>{}</li>\n", prose(line)))
        .collect();
    match items.is_empty() {
        true => items,
        false => format!("<ul>\n{items}</ul>\n"),
    }
}
