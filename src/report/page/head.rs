//! The top of the page: the question, the winner, its lead, how certain that is, and the cost.

use super::section::{Page, bullets, title};
use crate::markup::{capital, escape, fact, list, paragraph};
use crate::{dummy_text, narrative, plan_status, test, ties};
use sweep_analysis::Configuration;
use sweep_analysis::inference::Verdict;
use sweep_analysis::text;
use sweep_core::trial::Status;

/// Title, question, verdict and cost.
pub(super) fn head(page: &Page) -> String {
    let mut html = format!("<h1>{}</h1>\n", escape(&title(page.input)));
    paragraph(&mut html, "lead", &question(page));
    if let Some(unfinished) = plan_status::unfinished(page.summary) {
        paragraph(&mut html, "unfinished", &unfinished);
    }
    for trouble in plan_status::failures(page.summary) {
        paragraph(&mut html, "unfinished", &trouble);
    }
    if let Some(warning) = dummy_text::warning(page.summary) {
        paragraph(&mut html, "unfinished", &capital(&warning));
    }
    verdict(&mut html, page);
    cost(&mut html, page);
    html
}

fn question(page: &Page) -> String {
    let (summary, data) = (page.summary, &page.input.experiment.dataset);
    let direction = match summary.objective.goal.is_better(1.0, 0.0) {
        true => "higher",
        false => "lower",
    };
    let what = match summary.axes.is_empty() {
        true => "the model".to_owned(),
        false => {
            let names = summary.axes.iter().map(|axis| axis.name.clone()).collect();
            format!("the values of {}", list(names))
        }
    };
    // Merged sweeps and `--more-seeds` give some configurations more seeds than others.
    let planned = || summary.ranking.iter().map(|config| config.planned as u64);
    let most = planned().max().unwrap_or(summary.seeds.len() as u64);
    let seeds = match planned().min().filter(|least| *least < most) {
        Some(least) => format!("{least} to {}", text::pluralize(most, "seed")),
        None => text::pluralize(most, "seed"),
    };
    let folds = &page.input.experiment.folds;
    let rows = match folds.len() {
        0 => format!(
            "with {} for training and {} for validation",
            text::pluralize(data.train_rows, "row"),
            text::pluralize(data.valid_rows, "row")
        ),
        many => {
            let sizes = || folds.iter().map(|fold| fold.dataset.valid_rows);
            let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
            let each = match least == most {
                true => text::pluralize(most, "row"),
                false => format!("{least} to {}", text::pluralize(most, "row")),
            };
            format!("by cross-validation with {many} folds of {each}")
        }
    };
    let task = match page.input.experiment.is_of_programs() {
        true if data.source.as_os_str().is_empty() => "Each trial is a run of a program".to_owned(),
        true => format!(
            "Each trial is a run of a program ({})",
            data.source.display()
        ),
        false => format!(
            "Task: {} from {} of {}, {rows}",
            match data.classes.len() as u64 {
                0 => "predict a number".to_owned(),
                classes => format!(
                    "classify {}",
                    text::pluralize_irregular(classes, "class", "classes")
                ),
            },
            features(page),
            data.source.display(),
        ),
    };
    format!(
        "Goal: {what} with the best {} ({direction} is better) among {} with {seeds} each{}. {task}.",
        summary.objective_label(),
        text::pluralize(summary.planned_configurations as u64, "configuration"),
        match &summary.query {
            Some(query) => format!(
                ", restricted to trials that match `{}`",
                text::sanitize(query)
            ),
            None => String::new(),
        },
    )
}

/// `14 features`; `14 to 64 features` if the merged sweeps use different features.
fn features(page: &Page) -> String {
    let own = page.input.experiment.dataset.features.len() as u64;
    let of_parts = || {
        let parts = page.input.parts.iter();
        parts.map(|part| part.dataset.features.len() as u64)
    };
    let (least, most) = (of_parts().min(), of_parts().max());
    match (least, most) {
        (Some(least), Some(most)) if least < most => {
            format!("{least} to {}", text::pluralize(most, "feature"))
        }
        _ => text::pluralize(own, "feature"),
    }
}

/// The winner, and how certain its lead is.
fn verdict(html: &mut String, page: &Page) {
    let Some(winner) = page.summary.ranking.first() else {
        return paragraph(html, "lead", &plan_status::no_result(page.summary));
    };
    html.push_str("<div class=\"verdict\">\n");
    let (word, class) = match page.inference.verdict {
        Verdict::Certain | Verdict::Winner { .. } if page.inference.untested() > 0 => (
            "Winner among the configurations that can be compared",
            "open",
        ),
        Verdict::Certain | Verdict::Winner { .. } => ("Winner", "sure"),
        Verdict::NotSignificant { .. } => ("Leading, not significant", "open"),
        Verdict::Incomparable => ("Losses that cannot be compared", "open"),
        Verdict::Tied => ("Tied: none leads", "open"),
        Verdict::TooFewSeeds => ("Leading, too few seeds for a test", "open"),
        Verdict::Nothing | Verdict::Alone => ("Only configuration", "open"),
    };
    html.push_str(&format!("<p class=\"word {class}\">{word}</p>\n"));
    paragraph(html, "winner", &ties::leaders(page.inference, page.summary));
    paragraph(html, "score", &score(page, winner));
    let mut sentences = narrative::sentences(page.inference, page.summary);
    if !sentences.is_empty() {
        // The first repeats what stands above.
        sentences.remove(0);
    }
    html.push_str(&bullets(&sentences));
    paragraph(
        html,
        "note",
        &format!(
            "{} {}",
            match page.input.experiment.is_of_programs() {
                true => "Ranked by what the programs reported.",
                false => {
                    "Ranked on the validation rows, at the best epoch or round of each trial."
                }
            },
            narrative::coverage(page.inference, page.summary)
        ),
    );
    html.push_str("</div>\n");
}

/// `0.7123 ± 0.0021 over 3 seeds (95% CI 0.7071 to 0.7175)`.
fn score(page: &Page, winner: &Configuration) -> String {
    let interval = (page.inference.estimates.first()).and_then(|estimate| estimate.interval);
    let interval = interval.map_or(String::new(), |(low, high)| {
        format!(" · 95% CI {} to {}", text::score(low), text::score(high))
    });
    if winner.is_deterministic {
        let (mean, how) = (
            text::score(winner.stats.mean),
            text::deterministic(winner.stats.n),
        );
        return format!("{mean}, {how}{interval}");
    }
    let stats = &winner.stats;
    let sd = stats.sd.map_or(String::new(), |sd| {
        format!(" ± {} sd", text::difference(sd, stats.mean))
    });
    let seeds = format!("over {}", winner.seeds());
    format!("{}{sd} {seeds}{interval}", text::score(stats.mean))
}

fn cost(html: &mut String, page: &Page) {
    let summary = page.summary;
    html.push_str("<dl class=\"facts\">\n");
    let planned: u64 = summary.counts.iter().map(|(_, number)| number).sum();
    fact(
        html,
        "Trials finished",
        &format!(
            "{} of {}",
            text::with_thousands(summary.count(Status::Finished)),
            text::with_thousands(planned)
        ),
    );
    for (status, number) in &summary.counts {
        if *status != Status::Finished {
            fact(
                html,
                &capital(status.name()),
                &text::with_thousands(*number),
            );
        }
    }
    let seeds: Vec<String> = summary.seeds.iter().map(u64::to_string).collect();
    fact(html, "Seeds", &text::cut(&seeds.join(", "), 40));
    fact(
        html,
        "Total training time",
        &text::format_seconds(summary.seconds),
    );
    let (open, closed): (Vec<_>, Vec<_>) =
        (page.input.experiment.sessions.iter()).partition(|session| session.ended_ms.is_none());
    let wall: i64 = (closed.iter())
        .filter_map(|session| Some(session.ended_ms? - session.started_ms))
        .sum();
    let sessions = text::pluralize(closed.len() as u64, "session");
    let wall = text::format_seconds(wall.max(0) as f64 / 1000.0);
    let running = text::pluralize(open.len() as u64, "session");
    let clock = match (closed.len(), open.len()) {
        (_, 0) => format!("{wall} in {sessions}"),
        (0, _) => format!("unknown: {running} without a recorded end"),
        _ => format!("{wall} in {sessions}, and {running} without a recorded end"),
    };
    fact(html, "Wall-clock time", &clock);
    if !page.input.experiment.is_of_programs() {
        fact(
            html,
            "Held-out test set",
            &test::times(page.input.test_evaluations),
        );
    }
    html.push_str("</dl>\n");
}
