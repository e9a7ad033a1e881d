//! The page: one file without network, scripts or frameworks, readable in light and in dark.
//!
//! Every text passes through [`escape`]. Plots stand in it as images, which cannot run anything,
//! whatever their labels say.

use std::fmt::Write;

use super::markup::{
    IN_MEMORY, capital, escape, fact, in_address, list, paragraph, plural, quoted, row,
};
use super::plot::Picture;
use super::sheets::rank;
use super::summary::{Axis, Configuration, Spread, Summary};
use super::{BEST, Input, test, text, transfer};
use crate::trial::{Kind, Status};

const STYLE: &str = include_str!("page.css");

/// The page of `summary`, with `pictures`, links to `files` and a note on what is `left_out`.
pub fn page(
    input: &Input,
    summary: &Summary,
    pictures: &[Picture],
    files: &[(String, Vec<u8>)],
    left_out: &[String],
) -> String {
    let name = escape(&input.experiment.name);
    let sections = [
        head(input, summary),
        best(summary),
        pairs(input, summary),
        test::section(input.test.as_ref()),
        figures(pictures),
        axes(&summary.axes),
        trouble(input, left_out),
        record(input),
        downloads(pictures, files),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} · sweep report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {}</main>\n</body>\n</html>\n",
        sections.concat()
    )
}

/// What was asked, what won and by how much, over how many seeds, at what cost.
fn head(input: &Input, summary: &Summary) -> String {
    let experiment = &input.experiment;
    let data = &experiment.dataset;
    let mut html = format!("<h1>{}</h1>\n", escape(&experiment.name));
    let direction = match summary.objective.goal.is_better(1.0, 0.0) {
        true => "higher",
        false => "lower",
    };
    paragraph(
        &mut html,
        "lead",
        &format!(
            "Asked: {} with the best {} ({direction} is better) among {}, {} each, to tell {} \
             apart by {} in {}, {} for training and {} for validation.",
            match summary.axes.is_empty() {
                true => "the model".to_owned(),
                false => format!(
                    "the values of {}",
                    list(summary.axes.iter().map(|axis| axis.name.clone()).collect())
                ),
            },
            text::metric(&summary.objective.metric),
            text::plural(summary.planned_configurations as u64, "configuration"),
            text::plural(summary.seeds.len() as u64, "seed"),
            plural(data.classes.len() as u64, "class", "classes"),
            text::plural(data.features.len() as u64, "feature"),
            data.source.display(),
            text::plural(data.train_rows, "row"),
            text::plural(data.valid_rows, "row"),
        ),
    );
    winner(&mut html, summary);
    html.push_str("<dl class=\"facts\">\n");
    let finished = summary.count(Status::Finished);
    let planned: u64 = summary.counts.iter().map(|(_, number)| number).sum();
    fact(
        &mut html,
        "Finished trials",
        &format!("{finished} of {planned}"),
    );
    for (status, number) in &summary.counts {
        if *status != Status::Finished {
            fact(&mut html, &capital(status.name()), &number.to_string());
        }
    }
    let seeds: Vec<String> = summary.seeds.iter().map(u64::to_string).collect();
    fact(&mut html, "Seeds", &text::cut(&seeds.join(", "), 40));
    fact(
        &mut html,
        "Training time, all trials",
        &text::duration(summary.seconds),
    );
    html.push_str("</dl>\n");
    html
}

/// The winner and its leads.
fn winner(html: &mut String, summary: &Summary) {
    let Some(winner) = summary.ranking.first() else {
        return paragraph(html, "lead", "No trial of the plan has finished yet.");
    };
    paragraph(
        html,
        "winner",
        &format!(
            "{}: {}, {}",
            winner.title(),
            spread(winner),
            of_seeds(winner)
        ),
    );
    for lead in summary.leads() {
        let by = text::difference(lead.by.abs(), winner.spread.mean);
        let relation = match lead.by {
            by if by < 0.0 => "worse in the mean, yet with all its seeds finished, than",
            0.0 => "equal in the mean to",
            _ => "better in the mean than",
        };
        let certainty = match (lead.is_separate, winner.spread.n.min(lead.over.spread.n)) {
            (_, 0..=1) => "one seed tells nothing of chance",
            (true, _) => "every seed of the winner is better than every seed of the other",
            (false, _) => "their seeds overlap, so chance may have decided",
        };
        paragraph(
            html,
            "",
            &format!(
                "{by} {relation} #{} {} ({}); {certainty}.",
                rank(summary, lead.over),
                lead.over.title(),
                spread(lead.over),
            ),
        );
    }
    paragraph(
        html,
        "note",
        "Ranked on the validation rows, at the best epoch or round of each trial. The best of many \
         configurations looks better there than it will on new rows.",
    );
}

/// The best configurations, baselines last unless they rank.
fn best(summary: &Summary) -> String {
    if summary.ranking.is_empty() {
        return String::new();
    }
    let mut html = "<h2>Best configurations and baselines</h2>\n<div class=\"wide\"><table>\n\
        <thead><tr><th>Rank</th><th class=\"text\">Kind</th><th class=\"text\">Settings that vary\
        </th><th>Mean</th><th>sd</th><th>Min</th><th>Max</th><th>Seeds</th><th>Parameters</th>\
        <th>Time a trial</th><th class=\"text\">Name</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for config in summary.best(BEST) {
        let cells = [
            (rank(summary, config).to_string(), false),
            (text::kind(config.kind).to_owned(), true),
            (config.label.clone(), true),
            (text::score(config.spread.mean), false),
            (sd(&config.spread), false),
            (text::score(config.spread.min), false),
            (text::score(config.spread.max), false),
            (format!("{}/{}", config.spread.n, config.planned), false),
            (config.parameters.map_or("–".to_owned(), text::count), false),
            (config.seconds.map_or("–".to_owned(), text::duration), false),
            (config.id.short().to_owned(), true),
        ];
        let class = if config.kind == Kind::Mlp {
            ""
        } else {
            " class=\"baseline\""
        };
        row(&mut html, class, &cells);
    }
    html.push_str("</tbody>\n</table></div>\n");
    let more = summary.ranking.len().saturating_sub(BEST);
    if more > 0 {
        paragraph(
            &mut html,
            "note",
            &format!(
                "{}, in trials.csv.",
                plural(more as u64, "more configuration", "more configurations")
            ),
        );
    }
    html
}

/// When beginning with copied layers was worth it, in sentences.
fn pairs(input: &Input, summary: &Summary) -> String {
    let pairings = transfer::all(&input.experiment, summary);
    let Some(best) = pairings.first() else {
        return String::new();
    };
    let mut html = "<h2>Transfer</h2>\n".to_owned();
    paragraph(
        &mut html,
        "",
        &format!(
            "{}, the best of {}, beside {}: what the transfer adds.",
            best.transferred.title(),
            text::plural(pairings.len() as u64, "way of transferring")
                .replace("way of transferrings", "ways of transferring"),
            best.scratch.title(),
        ),
    );
    html.push_str("<ul>\n");
    for sentence in transfer::sentences(&input.experiment, summary) {
        writeln!(html, "<li>{}</li>", escape(&sentence)).expect(IN_MEMORY);
    }
    html.push_str("</ul>\n");
    paragraph(
        &mut html,
        "note",
        "Differences within pairs of the same seed, in brackets the 95% interval of their mean (Student's \
         t), which takes differences for normal and says nothing of other splits. The copied layers have \
         learned from all training rows of the source, whatever the share. The way of transferring was \
         chosen on the same validation rows, on all training rows; all ways are in transfer.csv.",
    );
    html
}

fn figures(pictures: &[Picture]) -> String {
    let mut html = String::new();
    for picture in pictures {
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

/// Effects of settings in numbers.
fn axes(axes: &[Axis]) -> String {
    if axes
        .iter()
        .all(|axis| axis.effects.iter().all(|effect| effect.spread.is_none()))
    {
        return String::new();
    }
    let mut html = "<h2>Effect of each setting</h2>\n<div class=\"wide\"><table>\n<thead><tr>\
        <th class=\"text\">Setting</th><th class=\"text\">Value</th><th>Configurations</th>\
        <th>Mean</th><th>sd</th></tr></thead>\n<tbody>\n"
        .to_owned();
    for axis in axes {
        for effect in &axis.effects {
            let mean = |spread: &Spread| text::score(spread.mean);
            let cells = [
                (axis.name.clone(), true),
                (text::setting(&effect.value), true),
                (effect.means.len().to_string(), false),
                (effect.spread.as_ref().map_or("–".to_owned(), mean), false),
                (effect.spread.as_ref().map_or("–".to_owned(), sd), false),
            ];
            row(&mut html, "", &cells);
        }
    }
    html.push_str("</tbody>\n</table></div>\n");
    html
}

/// Trials that gave nothing, and parts of the report that are missing.
fn trouble(input: &Input, left_out: &[String]) -> String {
    /// Messages shown; the others are in `trials.csv`.
    const MOST: usize = 20;
    let troubled: Vec<String> = input
        .experiment
        .trials
        .iter()
        .filter(|trial| trial.in_plan)
        .filter(|trial| matches!(trial.status, Status::Failed | Status::Diverged))
        .map(|trial| {
            let why = trial.message.as_deref().unwrap_or("no reason recorded");
            format!(
                "{} {}: {}",
                trial.id.short(),
                trial.status.name(),
                text::cut(why, 200)
            )
        })
        .collect();
    let mut html = String::new();
    if !troubled.is_empty() {
        html.push_str("<h2>Trials without a result</h2>\n<ul>\n");
        for line in troubled.iter().take(MOST) {
            writeln!(html, "<li>{}</li>", escape(line)).expect(IN_MEMORY);
        }
        if troubled.len() > MOST {
            let more = troubled.len() - MOST;
            writeln!(html, "<li>and {more} more, in trials.csv</li>").expect(IN_MEMORY);
        }
        html.push_str("</ul>\n");
    }
    if !left_out.is_empty() {
        html.push_str("<h2>Left out of this report</h2>\n<ul>\n");
        for reason in left_out {
            writeln!(html, "<li>{}</li>", escape(reason)).expect(IN_MEMORY);
        }
        html.push_str("</ul>\n");
    }
    html
}

/// All that is needed to do it again.
fn record(input: &Input) -> String {
    let experiment = &input.experiment;
    let data = &experiment.dataset;
    let mut html = "<h2>Record</h2>\n<dl>\n".to_owned();
    let file = experiment.file_path.display().to_string();
    fact(
        &mut html,
        "Run again",
        &format!("sweep run {}", quoted(&file)),
    );
    fact(&mut html, "Data", &data.source.display().to_string());
    fact(
        &mut html,
        "Digest of the prepared data",
        data.digest.as_str(),
    );
    fact(&mut html, "SHA-256 of the source file", &data.source_sha256);
    let rows = format!(
        "{} training, {} validation, {} test ({})",
        text::count(data.train_rows),
        text::count(data.valid_rows),
        text::count(data.test_rows),
        match &input.test {
            None => "sealed".to_owned(),
            Some(test) => format!("looked at {}", text::plural(test.looks, "time")),
        }
    );
    fact(&mut html, "Rows", &rows);
    html.push_str("</dl>\n");
    if !data.notes.is_empty() {
        html.push_str("<h3>Noticed while preparing the data</h3>\n<ul>\n");
        for note in &data.notes {
            writeln!(html, "<li>{}</li>", escape(note)).expect(IN_MEMORY);
        }
        html.push_str("</ul>\n");
    }
    if !experiment.sessions.is_empty() {
        html.push_str(
            "<h3>Sessions</h3>\n<div class=\"wide\"><table>\n<thead><tr>\
            <th class=\"text\">Began (UTC)</th><th class=\"text\">Ended</th>\
            <th class=\"text\">Outcome</th><th class=\"text\">Command</th>\
            <th class=\"text\">Version</th><th class=\"text\">Commit</th>\
            <th class=\"text\">Host</th></tr></thead>\n<tbody>\n",
        );
        for session in &experiment.sessions {
            let commit = session.git_commit.as_deref().unwrap_or("–");
            let cells = [
                (text::utc(session.started_ms), true),
                (session.ended_ms.map_or("–".to_owned(), text::utc), true),
                (session.outcome.clone(), true),
                (session.command.clone(), true),
                (session.version.clone(), true),
                (text::cut(commit, 12), true),
                (session.host.clone(), true),
            ];
            row(&mut html, "", &cells);
        }
        html.push_str("</tbody>\n</table></div>\n");
    }
    let lines = experiment.file_text.lines().map(escape).collect::<Vec<_>>();
    write!(
        html,
        "<details>\n<summary>Experiment file, {}</summary>\n<pre>{}</pre>\n</details>\n",
        escape(&file),
        lines.join("\n"),
    )
    .expect(IN_MEMORY);
    html
}

fn downloads(pictures: &[Picture], files: &[(String, Vec<u8>)]) -> String {
    let drawn = pictures.iter().flat_map(|picture| {
        [
            format!("{}.png", picture.name),
            format!("{}.svg", picture.name),
        ]
    });
    let names = files.iter().map(|(name, _)| name.clone()).chain(drawn);
    let links: Vec<String> = names
        .map(|name| format!("<a href=\"{name}\">{name}</a>"))
        .collect();
    format!("<h2>Files</h2>\n<p>{}</p>\n", links.join(" · "))
}

/// `0.7123 ± 0.0021`, or the mean alone.
fn spread(config: &Configuration) -> String {
    let mean = text::score(config.spread.mean);
    match config.spread.sd {
        Some(_) => format!("{mean} ± {}", sd(&config.spread)),
        None => mean,
    }
}

fn sd(spread: &Spread) -> String {
    spread
        .sd
        .map_or("–".to_owned(), |sd| text::difference(sd, spread.mean))
}

fn of_seeds(config: &Configuration) -> String {
    match config.is_complete() {
        true => format!("over {}", text::plural(config.spread.n as u64, "seed")),
        false => format!("over {} of {} seeds", config.spread.n, config.planned),
    }
}
