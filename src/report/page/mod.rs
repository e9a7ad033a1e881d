//! The page: one file that opens without a network, in light and in dark, on paper and on a phone.
//!
//! The HTML holds all that a reader must know, with the plots as images, and needs no script. The
//! script draws the same and more from the numbers in [`data`], so that a reader can sort, filter,
//! select and brush. Each figure that it draws replaces the static image.
//!
//! Every text passes through [`escape`], and every number for the script through [`json_in_script`].

mod data;
mod head;
mod kind_styles;
mod parts;
mod provenance;
pub(crate) mod section;
mod trials;

use section::{Page, Section, title};
use sweep_analysis::Input;

use super::markup::{escape, json_in_script};
use super::plot::Picture;
use super::{ensemble_text, regions, test};
use kind_styles::kind_styles;
use sweep_analysis::Summary;
use sweep_analysis::anova::Anova;
use sweep_analysis::inference::Inference;

/// What every page looks like.
pub(crate) const STYLE: &str = include_str!("style.css");
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
    let sections = sections(&page, files, &left_out);
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
         <title>{name} · sweep report</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <main>\n{}<nav aria-label=\"Sections of this page\">\n{}</nav>\n{}</main>\n\
         <script type=\"application/json\" id=\"sweep\">{}</script>\n\
         <script>\n'use strict';\n{}</script>\n</body>\n</html>\n",
        kind_styles(),
        head::head(&page),
        links.collect::<String>(),
        sections.iter().map(Section::html).collect::<String>(),
        json_in_script(&data::of(input, summary, &inference, anova.as_ref().ok())),
        SCRIPT.concat(),
    )
}

/// The parts of the page in their order; those with nothing to say are left out.
fn sections(page: &Page, files: &[(String, Vec<u8>)], left_out: &[String]) -> Vec<Section> {
    let (input, summary) = (page.input, page.summary);
    [
        parts::leaderboard(page),
        Section::new(
            "ensemble",
            "Ensemble",
            ensemble_text::section(summary.ensemble.as_ref(), &input.experiment.name),
        ),
        parts::best_trials(page),
        parts::search(page),
        parts::interactive("cost", "Score and cost", !summary.ranking.is_empty()),
        parts::figure(
            page,
            "curves",
            "Training curves",
            &["learning_curves", "xgboost_curve"],
        ),
        parts::interactive("parallel", "Parallel coordinates", !summary.axes.is_empty()),
        parts::importance(page),
        parts::axes(page),
        parts::interactive(
            "interactions",
            "Interaction of two settings",
            summary.axes.len() > 1,
        ),
        parts::figure(
            page,
            "features",
            "Feature importance (gain)",
            &["importance"],
        ),
        parts::figure(page, "confusion", "Confusion matrix", &["confusion"]),
        parts::predicted(page),
        parts::calibration(page),
        Section::new(
            "conformal",
            match input.experiment.dataset.classes.is_empty() {
                true => "Intervals (conformal prediction)",
                false => "Sets of classes (conformal prediction)",
            },
            regions::section(input, summary),
        ),
        parts::figure(
            page,
            "learning_curve",
            "Learning curve (training size)",
            &["learning_curve"],
        ),
        parts::transfer(page),
        Section::new(
            "test",
            "Held-out test set",
            test::section(input.test.as_ref(), &summary.losses),
        ),
        trials::failures(page),
        trials::slowest(page),
        parts::interactive("timeline", "Timeline", !input.attempts.is_empty()),
        provenance::data(page),
        provenance::reproduce(page),
        provenance::files(page, files, left_out),
    ]
    .into_iter()
    .flatten()
    .collect()
}
