//! What was found, as HTML that needs no script: tables, and plots as images.

use super::section::{Page, Section, bullets, images, table};
use crate::markup::{paragraph, row};
use crate::{dummy_text, ensemble_text, hyperparameters, search_text, transfer_text};
use sweep_analysis::SummaryStats;
use sweep_analysis::ensemble::EnsembleSummary;
use sweep_analysis::inference::Estimate;
use sweep_analysis::lead::RowNumbers;
use sweep_analysis::search::SearchSummary;
use sweep_analysis::{BEST, ZeroLine, errors, text, transfer};

/// Values of a setting that the table of effects shows.
const MAX_VALUES: usize = 40;
/// Shares of the variance that are shown.
const SHARES: usize = 15;
/// A section that the script alone fills; none where there `is` nothing to draw.
pub(super) fn interactive(id: &'static str, title: &'static str, is: bool) -> Option<Section> {
    is.then_some(Section {
        id,
        title,
        html: String::new(),
        is_interactive: true,
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
    let best = summary.best(BEST);
    let ensemble = summary.ensemble.as_ref();
    let ensemble =
        ensemble.map(|own| (ensemble_text::place(summary, own, &best), ensemble_row(own)));
    let zero = summary.zero_line.as_ref();
    let zero = zero.map(|zero| (dummy_text::place(summary, zero, &best), zero_row(zero)));
    let others = [ensemble, zero];
    for above in 0..=best.len() {
        for (_, html) in others.iter().flatten().filter(|(place, _)| *place == above) {
            rows.push_str(html);
        }
        let Some(config) = best.get(above) else {
            break;
        };
        let estimate = &page.inference.estimates[summary.place(config)];
        let cells = [
            (summary.rank_label(config), false),
            (config.kind.label().to_owned(), true),
            (config.label.clone(), true),
            (text::score(config.stats.mean), false),
            (interval(estimate), false),
            (sd(&config.stats), false),
            (format!("{}/{}", config.stats.n, config.planned), false),
            (
                config
                    .parameters
                    .filter(|count| *count > 0)
                    .map_or("–".to_owned(), text::with_thousands),
                false,
            ),
            (
                config.seconds.map_or("–".to_owned(), text::format_seconds),
                false,
            ),
            (config.id.short().to_owned(), true),
        ];
        let class = match (estimate.is_candidate, config.kind.is_baseline()) {
            (true, _) => " class=\"candidate\"",
            (false, false) => "",
            (false, true) => " class=\"baseline\"",
        };
        row(&mut rows, class, &cells);
    }
    let mut html = table(
        &[
            ("Rank", false),
            ("Kind", true),
            ("Settings that vary", true),
            ("Mean", false),
            ("95% CI", false),
            ("sd", false),
            ("Seeds", false),
            ("Parameters", false),
            ("Time per trial", false),
            ("Config", true),
        ],
        &rows,
    );
    let more = summary.ranking.len().saturating_sub(BEST);
    if more > 0 {
        let more =
            text::pluralize_irregular(more as u64, "more configuration", "more configurations");
        paragraph(&mut html, "note", &format!("{more} in trials.csv."));
    }
    Section::new("leaderboard", "Leaderboard", html)
}

/// What a model scores that ignores its input.
fn zero_row(zero: &ZeroLine) -> String {
    let mut cells = vec![("–".to_owned(), false); 10];
    cells[1] = (dummy_text::name(&zero.score.strategy).to_owned(), true);
    cells[2] = (dummy_text::about(&zero.score.strategy), true);
    cells[3] = (text::score(zero.score.value), false);
    cells[9].1 = true;
    let mut html = String::new();
    row(&mut html, " class=\"zero\"", &cells);
    html
}

/// What the ensemble scores.
fn ensemble_row(ensemble: &EnsembleSummary) -> String {
    let mut cells = vec![("–".to_owned(), false); 10];
    cells[1] = ("ensemble".to_owned(), true);
    cells[2] = (ensemble_text::remark(ensemble), true);
    cells[3].0 = ensemble.value().map_or("–".to_owned(), text::score);
    cells[6].0 = text::pluralize(ensemble.members.len() as u64, "member");
    cells[9].1 = true;
    let mut html = String::new();
    row(&mut html, " class=\"ensemble\"", &cells);
    html
}

pub(super) fn best_trials(page: &Page) -> Option<Section> {
    figure(
        page,
        "best",
        "Best configurations and baselines",
        &["best_trials"],
    )
}

/// Hyperparameter importance: shares of the variance between networks.
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
        ("Share of variance", false),
        ("Expected from seed noise", false),
        ("p", false),
    ];
    let mut html = String::new();
    paragraph(&mut html, "note", &hyperparameters::about(anova));
    html.push_str(&format!(
        "<details>\n<summary>Table</summary>\n{}",
        table(&columns, &rows)
    ));
    if anova.shares.len() > SHARES {
        paragraph(&mut html, "note", "The rest is in hyperparameters.csv.");
    }
    html.push_str("</details>\n");
    Section::new("importance", "Hyperparameter importance (fANOVA)", html)
}

/// Effects of settings in numbers.
pub(super) fn axes(page: &Page) -> Option<Section> {
    let effects = || page.summary.axes.iter().flat_map(|axis| &axis.effects);
    if effects().all(|effect| effect.stats.is_none()) {
        return None;
    }
    let mut rows = String::new();
    let mut unseen = 0;
    for axis in &page.summary.axes {
        unseen += axis.effects.len().saturating_sub(MAX_VALUES);
        for effect in axis.effects.iter().take(MAX_VALUES) {
            let mean = |stats: &SummaryStats| text::score(stats.mean);
            let cells = [
                (axis.name.clone(), true),
                (text::setting(&effect.value), true),
                (effect.means.len().to_string(), false),
                (effect.stats.as_ref().map_or("–".to_owned(), mean), false),
                (effect.stats.as_ref().map_or("–".to_owned(), sd), false),
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
        paragraph(&mut html, "note", &format!("{more} in axes.csv."));
    }
    Section::new("effects", "Effect of each setting", html)
}

/// What pretrained layers gained over training from scratch, in sentences.
/// What searches did.
pub(super) fn search(page: &Page) -> Option<Section> {
    let mut html = search_text::section(
        &SearchSummary::all(&page.input.experiment),
        &page.input.searches,
    );
    if html.is_empty() {
        return None;
    }
    html.push_str(&images(page.pictures, &["search"]));
    Section::new("search", "Search", html)
}

pub(super) fn transfer(page: &Page) -> Option<Section> {
    let pairings = transfer::all(&page.input.experiment, page.summary);
    let best = pairings.first()?;
    let mut html = String::new();
    let ways = text::pluralize_irregular(
        pairings.len() as u64,
        "transfer configuration",
        "transfer configurations",
    );
    paragraph(
        &mut html,
        "",
        &format!(
            "{}, the best of {ways}, compared with {}.",
            best.transferred.title(),
            best.scratch.title(),
        ),
    );
    html.push_str(&bullets(&transfer_text::sentences(
        &page.input.experiment,
        page.summary,
    )));
    paragraph(
        &mut html,
        "note",
        "Differences are paired by seed. Brackets give the 95% confidence interval of the mean difference \
         (Student's t); it assumes normal differences and does not cover other splits of the data. The \
         pretrained layers saw all training rows of the source sweep, whatever the training size here. The \
         transfer configuration was selected on the same validation rows, with all training rows; all \
         configurations are in transfer.csv.",
    );
    html.push_str(&images(page.pictures, &["transfer"]));
    Section::new("transfer", "Transfer learning", html)
}

/// Predicted against true numbers, and errors by the size of the true one.
pub(super) fn predicted(page: &Page) -> Option<Section> {
    let winner = page.summary.ranking.first()?;
    let of_runs = winner
        .runs
        .iter()
        .filter_map(|run| page.input.row_numbers.get(&run.trial));
    let models: Vec<&RowNumbers> = of_runs.collect();
    let mut rows = String::new();
    for slice in errors::slices(&models) {
        let (low, high) = slice.range;
        let cells = [
            (
                format!("{} to {}", text::score(low), text::score(high)),
                false,
            ),
            (text::with_thousands(slice.rows as u64), false),
            (text::difference(slice.bias, slice.rmse), false),
            (text::score(slice.mae), false),
            (text::score(slice.rmse), false),
        ];
        row(&mut rows, "", &cells);
    }
    let mut html = images(page.pictures, &["predicted"]);
    if !rows.is_empty() {
        let columns = [
            ("True number", false),
            ("Rows", false),
            ("Bias", false),
            ("MAE", false),
            ("RMSE", false),
        ];
        html.push_str(&table(&columns, &rows));
        paragraph(
            &mut html,
            "note",
            "Validation rows in tenths by their true number, predicted by the models of the best configuration. Bias is \
             the mean of prediction less true number. In errors.csv.",
        );
    }
    Section::new("predicted", "Predicted against true", html)
}

/// Calibration of the best models, as a table.
pub(super) fn calibration(page: &Page) -> Option<Section> {
    let mut rows = String::new();
    let loss = |mean: Option<f64>| mean.map_or("–".to_owned(), text::score);
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
            (loss(config.mean_loss()), false),
            (loss(config.mean_calibrated_loss()), false),
            (format!("{:.1}%", 100.0 * one.ece), false),
            (format!("{:+.1} pp", 100.0 * one.excess), false),
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
        ("Log loss", false),
        ("Calibrated", false),
        ("ECE", false),
        ("Confidence − accuracy", false),
        ("Assessment", true),
    ];
    let mut html = table(&columns, &rows);
    paragraph(
        &mut html,
        "note",
        "Best configuration of each kind, on the validation rows: the probability of the predicted class \
         (confidence) against the share of correct predictions (accuracy). ECE, the expected calibration \
         error, is the weighted mean gap between the two over 15 bins of equal width (Guo et al. 2017). Calibrated is the \
         log loss once a calibration is applied that is fitted on other validation rows than those it is scored on; \
         `sweep predict --calibrate auto` applies one that is fitted on all of them.",
    );
    Section::new("calibration", "Calibration", html)
}

fn interval(estimate: &Estimate) -> String {
    estimate.interval.map_or("–".to_owned(), |(low, high)| {
        format!("{} to {}", text::score(low), text::score(high))
    })
}

fn sd(stats: &SummaryStats) -> String {
    stats
        .sd
        .map_or("–".to_owned(), |sd| text::difference(sd, stats.mean))
}
