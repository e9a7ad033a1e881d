//! What was found, as HTML that needs no script: tables, and plots as images.

use super::{Page, Section, bullets, images, table};
use crate::inference::Estimate;
use crate::markup::{paragraph, row};
use crate::sheets::rank;
use crate::summary::{Spread, labels};
use crate::{BEST, text, transfer};
use sweep_core::trial::{Kind, Status};
use sweep_store::TrialRecord;

/// Trials without a result that are shown at once; the others open on demand.
const TROUBLED: usize = 20;
/// Trials without a result that are shown at all; the others are in `trials.csv`.
const MOST_TROUBLED: usize = 500;
/// Values of a setting that the table of effects shows.
const MOST_VALUES: usize = 40;
/// Shares of the variance that are shown.
const SHARES: usize = 15;
/// Slowest trials shown.
const SLOWEST: usize = 5;

/// A part that the script alone fills; none where there `is` nothing to draw.
pub(super) fn live(id: &'static str, title: &'static str, is: bool) -> Option<Section> {
    is.then_some(Section {
        id,
        title,
        html: String::new(),
        is_live: true,
    })
}

/// A part that is pictures.
pub(super) fn figure(
    page: &Page,
    id: &'static str,
    title: &'static str,
    names: &[&str],
) -> Option<Section> {
    Section::new(id, title, images(page.pictures, names))
}

/// The best configurations, baselines last unless they rank.
pub(super) fn leaderboard(page: &Page) -> Option<Section> {
    let summary = page.summary;
    if summary.ranking.is_empty() {
        return None;
    }
    let mut rows = String::new();
    for config in summary.best(BEST) {
        let place = rank(summary, config);
        let estimate = &page.inference.estimates[place - 1];
        let cells = [
            (place.to_string(), false),
            (text::kind(config.kind).to_owned(), true),
            (config.label.clone(), true),
            (text::score(config.spread.mean), false),
            (interval(estimate), false),
            (sd(&config.spread), false),
            (format!("{}/{}", config.spread.n, config.planned), false),
            (
                config
                    .parameters
                    .map_or("–".to_owned(), text::with_thousands),
                false,
            ),
            (
                config.seconds.map_or("–".to_owned(), text::format_seconds),
                false,
            ),
            (config.id.short().to_owned(), true),
        ];
        let class = match (estimate.is_candidate, config.kind) {
            (true, _) => " class=\"candidate\"",
            (false, Kind::Mlp) => "",
            (false, _) => " class=\"baseline\"",
        };
        row(&mut rows, class, &cells);
    }
    let mut html = table(
        &[
            ("Rank", false),
            ("Kind", true),
            ("Settings that vary", true),
            ("Mean", false),
            ("95% interval", false),
            ("sd", false),
            ("Seeds", false),
            ("Parameters", false),
            ("Time a trial", false),
            ("Name", true),
        ],
        &rows,
    );
    let more = summary.ranking.len().saturating_sub(BEST);
    if more > 0 {
        let more =
            text::pluralize_irregular(more as u64, "more configuration", "more configurations");
        paragraph(&mut html, "note", &format!("{more}, in trials.csv."));
    }
    Section::new("leaderboard", "Leaderboard", html)
}

pub(super) fn best_runs(page: &Page) -> Option<Section> {
    figure(
        page,
        "best",
        "Best configurations and baselines",
        &["best_runs"],
    )
}

/// Which settings matter: shares of the variance over networks.
pub(super) fn importance(page: &Page) -> Option<Section> {
    let anova = page.anova.as_ref().ok()?;
    let mut rows = String::new();
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    for share in anova.shares.iter().take(SHARES) {
        let p = share.p.map_or("–".to_owned(), |p| match p {
            p if p < 0.001 => "< 0.001".to_owned(),
            p => format!("{p:.3}"),
        });
        let cells = [
            (anova.title(share), true),
            (percent(share.share), false),
            (share.chance.map_or("–".to_owned(), percent), false),
            (p, false),
        ];
        row(&mut rows, "", &cells);
    }
    let columns = [
        ("Setting", true),
        ("Share of the variance", false),
        ("By chance of seeds", false),
        ("p", false),
    ];
    let mut html = String::new();
    paragraph(&mut html, "note", &anova.about());
    html.push_str(&format!(
        "<details>\n<summary>In numbers</summary>\n{}",
        table(&columns, &rows)
    ));
    if anova.shares.len() > SHARES {
        paragraph(
            &mut html,
            "note",
            "The others stand in hyperparameters.csv.",
        );
    }
    html.push_str("</details>\n");
    Section::new("importance", "Which settings matter", html)
}

/// Effects of settings in numbers.
pub(super) fn axes(page: &Page) -> Option<Section> {
    let effects = || page.summary.axes.iter().flat_map(|axis| &axis.effects);
    if effects().all(|effect| effect.spread.is_none()) {
        return None;
    }
    let mut rows = String::new();
    let mut unseen = 0;
    for axis in &page.summary.axes {
        unseen += axis.effects.len().saturating_sub(MOST_VALUES);
        for effect in axis.effects.iter().take(MOST_VALUES) {
            let mean = |spread: &Spread| text::score(spread.mean);
            let cells = [
                (axis.name.clone(), true),
                (text::setting(&effect.value), true),
                (effect.means.len().to_string(), false),
                (effect.spread.as_ref().map_or("–".to_owned(), mean), false),
                (effect.spread.as_ref().map_or("–".to_owned(), sd), false),
            ];
            row(&mut rows, "", &cells);
        }
    }
    let columns = [
        ("Setting", true),
        ("Value", true),
        ("Configurations", false),
        ("Mean", false),
        ("sd", false),
    ];
    let mut html = images(page.pictures, &["axes"]);
    html.push_str(&table(&columns, &rows));
    if unseen > 0 {
        let more = text::pluralize(unseen as u64, "more value");
        paragraph(&mut html, "note", &format!("{more}, in axes.csv."));
    }
    Section::new("effects", "Effect of each setting", html)
}

/// When beginning with copied layers was worth it, in sentences.
pub(super) fn transfer(page: &Page) -> Option<Section> {
    let pairings = transfer::all(&page.input.experiment, page.summary);
    let best = pairings.first()?;
    let mut html = String::new();
    let ways = text::pluralize_irregular(
        pairings.len() as u64,
        "way of transferring",
        "ways of transferring",
    );
    paragraph(
        &mut html,
        "",
        &format!(
            "{}, the best of {ways}, beside {}: what the transfer adds.",
            best.transferred.title(),
            best.scratch.title(),
        ),
    );
    html.push_str(&bullets(&transfer::sentences(
        &page.input.experiment,
        page.summary,
    )));
    paragraph(
        &mut html,
        "note",
        "Differences within pairs of the same seed, in brackets the 95% interval of their mean (Student's \
         t), which takes differences for normal and says nothing of other splits. The copied layers have \
         learned from all training rows of the source, whatever the share. The way of transferring was \
         chosen on the same validation rows, on all training rows; all ways are in transfer.csv.",
    );
    html.push_str(&images(page.pictures, &["transfer"]));
    Section::new("transfer", "Transfer", html)
}

/// How far the probabilities of the best models can be believed, in numbers.
pub(super) fn calibration(page: &Page) -> Option<Section> {
    let mut rows = String::new();
    for one in &page.input.calibration {
        let config = page
            .summary
            .ranking
            .iter()
            .find(|config| config.id == one.config);
        let Some(config) = config else { continue };
        let cells = [
            (config.title(), true),
            (one.seeds.to_string(), false),
            (text::with_thousands(one.predictions), false),
            (format!("{:.1}%", 100.0 * one.ece), false),
            (format!("{:+.1} points", 100.0 * one.excess), false),
            (one.verdict().to_owned(), true),
        ];
        row(&mut rows, "", &cells);
    }
    if rows.is_empty() {
        return None;
    }
    let columns = [
        ("Configuration", true),
        ("Models", false),
        ("Predictions", false),
        ("ECE", false),
        ("Claimed less right", false),
        ("So its probabilities", true),
    ];
    let mut html = table(&columns, &rows);
    paragraph(
        &mut html,
        "note",
        "Of the best configuration of each kind, on the validation rows: the probability of the class that \
         was named against the share that was right. ECE is the mean distance between the two over 15 bins \
         of equal width (Guo et al. 2017).",
    );
    Section::new("calibration", "Calibration", html)
}

/// Trials that gave nothing, and why.
pub(super) fn trouble(page: &Page) -> Option<Section> {
    let labels = labels_of(page);
    let trials = page.input.experiment.trials.iter();
    let troubled: Vec<&TrialRecord> = trials
        .filter(|trial| trial.in_plan)
        .filter(|trial| matches!(trial.status, Status::Failed | Status::Diverged))
        .collect();
    let rows: Vec<String> = (troubled.iter().take(MOST_TROUBLED))
        .map(|trial| {
            let attempts = page.input.attempts.iter().filter(|(id, _)| *id == trial.id);
            let cause = trial.cause.as_deref().unwrap_or(trial.status.name());
            let why = trial.message.as_deref().unwrap_or("no reason recorded");
            let cells = [
                (trial.id.short().to_owned(), true),
                (
                    format!("{} {}", text::kind(trial.kind), labels[&trial.id]),
                    true,
                ),
                (trial.seed.to_string(), false),
                (cause.replace('_', " "), true),
                (attempts.count().to_string(), false),
                (text::cut(why, 200), true),
            ];
            let mut html = String::new();
            row(&mut html, "", &cells);
            html
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let columns = [
        ("Trial", true),
        ("Settings", true),
        ("Seed", false),
        ("Cause", true),
        ("Attempts", false),
        ("Reason", true),
    ];
    let (first, rest) = rows.split_at(rows.len().min(TROUBLED));
    let mut html = table(&columns, &first.concat());
    if !rest.is_empty() {
        let more = text::with_thousands(rest.len() as u64);
        html.push_str(&format!("<details>\n<summary>{more} more</summary>\n"));
        html.push_str(&table(&columns, &rest.concat()));
        html.push_str("</details>\n");
    }
    let unseen = troubled.len().saturating_sub(MOST_TROUBLED);
    if unseen > 0 {
        let more = text::with_thousands(unseen as u64);
        paragraph(&mut html, "note", &format!("{more} more, in trials.csv."));
    }
    paragraph(
        &mut html,
        "note",
        "`sweep show TRIAL` tells the whole story of one; `sweep resume --retry-failed` tries failed ones \
         again. A trial that diverged is a result, and is not tried again.",
    );
    Section::new("trouble", "Trials without a result", html)
}

/// The trials that took longest.
pub(super) fn slowest(page: &Page) -> Option<Section> {
    let labels = labels_of(page);
    let mut trials: Vec<(f64, &TrialRecord)> = (page.input.experiment.trials.iter())
        .filter(|trial| trial.in_plan)
        .filter_map(|trial| Some((trial.seconds.filter(|seconds| seconds.is_finite())?, trial)))
        .collect();
    trials.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let all: f64 = trials.iter().map(|(seconds, _)| seconds).sum();
    let mut rows = String::new();
    for (seconds, trial) in trials.iter().take(SLOWEST) {
        let share = if all > 0.0 {
            100.0 * seconds / all
        } else {
            0.0
        };
        let cells = [
            (trial.id.short().to_owned(), true),
            (
                format!("{} {}", text::kind(trial.kind), labels[&trial.id]),
                true,
            ),
            (trial.seed.to_string(), false),
            (text::format_seconds(*seconds), false),
            (format!("{share:.1}%"), false),
            (
                trial
                    .steps
                    .map_or("–".to_owned(), |steps| text::with_thousands(steps.into())),
                false,
            ),
            (trial.best.map_or("–".to_owned(), text::score), false),
        ];
        row(&mut rows, "", &cells);
    }
    if rows.is_empty() {
        return None;
    }
    let columns = [
        ("Trial", true),
        ("Settings", true),
        ("Seed", false),
        ("Time", false),
        ("Of all training", false),
        ("Epochs or rounds", false),
        ("Best", false),
    ];
    Section::new("slowest", "Slowest trials", table(&columns, &rows))
}

fn labels_of(page: &Page) -> std::collections::HashMap<sweep_core::trial::TrialId, String> {
    let trials = page.input.experiment.trials.iter();
    let planned: Vec<&TrialRecord> = trials.filter(|trial| trial.in_plan).collect();
    labels(
        planned
            .iter()
            .map(|trial| (&trial.id, trial.kind, &trial.params)),
    )
}

fn interval(estimate: &Estimate) -> String {
    estimate.interval.map_or("–".to_owned(), |(low, high)| {
        format!("{} to {}", text::score(low), text::score(high))
    })
}

fn sd(spread: &Spread) -> String {
    spread
        .sd
        .map_or("–".to_owned(), |sd| text::difference(sd, spread.mean))
}
