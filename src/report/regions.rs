//! What sets of classes or intervals of the best models are like: a section of the page, `conformal.csv`, JSON and a sentence
//! for the terminal.

use serde_json::{Value as Json, json};

use super::csv_table::{CsvTable, number};
use super::markup::{paragraph, row};
use super::page::section::table;
use sweep_analysis::regions::{HALVES, HeldOut, Level, Regions, Size};
use sweep_analysis::{Input, Summary, text};
use sweep_core::conformal::USUAL_COVERAGE;
use sweep_core::data_config::TargetTransform;
use sweep_core::trial::{ConfigId, TEST_HELD, TestScore};

/// Sizes of sets that have a column of their own on the page.
const SIZES: usize = 3;
/// Characters of the name of a class.
const CLASS: usize = 24;

/// The section of the page; empty where no model could be asked.
pub(super) fn section(input: &Input, summary: &Summary) -> String {
    let Some(first) = input.regions.first() else {
        return String::new();
    };
    let is_tested = input.regions.iter().any(|one| tested(input, one).is_some());
    let classes = input.experiment.dataset.classes.len();
    let shown = classes.min(SIZES);
    let size = |size: usize| match size {
        last if last == shown && classes > shown => format!("{last} or more"),
        1 => "1 class".to_owned(),
        more => format!("{more} classes"),
    };
    let sizes: Vec<String> = (1..=shown).map(size).collect();
    let mut columns = vec![("Model", true), ("Asked", false), ("Held", false)];
    if is_tested {
        columns.push(("Test rows", false));
    }
    match classes {
        0 => columns.extend([("Interval", true), ("Mean width", false)]),
        _ => {
            columns.push(("Least held", true));
            columns.push(("Mean classes", false));
            columns.extend(sizes.iter().map(|size| (size.as_str(), false)));
        }
    }
    let mut rows = String::new();
    for regions in &input.regions {
        for (place, level) in regions.levels.iter().enumerate() {
            let name = match place {
                0 => title(regions, summary),
                _ => String::new(),
            };
            let mut cells = vec![
                (name, true),
                (format!("{:.0}%", 100.0 * level.coverage), false),
                (level.held.as_ref().map_or("–".to_owned(), range), false),
            ];
            if is_tested {
                let held = tested(input, regions).filter(|_| level.coverage == USUAL_COVERAGE);
                cells.push((held.map_or("–".to_owned(), test_share), false));
            }
            if classes > 0 {
                cells.push((least_class(input, level), true));
            }
            cells.extend(size_cells(&level.size, shown));
            row(&mut rows, "", &cells);
        }
    }
    let mut html = table(&columns, &rows);
    paragraph(&mut html, "note", &about(first, classes > 0, is_tested));
    html
}

/// Its configuration and seed.
fn title(regions: &Regions, summary: &Summary) -> String {
    let model = &regions.model;
    let config = (summary.ranking.iter()).find(|config| config.id == model.config);
    let title = config.map_or(String::new(), |config| format!("{}, ", config.title()));
    format!("{title}seed {}", model.seed)
}

/// `90.2% (86.1% to 93.4%)`.
fn range(held: &HeldOut) -> String {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    format!(
        "{} ({} to {})",
        percent(held.mean),
        percent(held.lowest),
        percent(held.highest)
    )
}

/// `rap 71.2%`, the class whose rows are held least often.
fn least_class(input: &Input, level: &Level) -> String {
    let held = level.held.as_ref().and_then(HeldOut::least_class);
    held.map_or("–".to_owned(), |(class, share)| {
        let name = text::cut(&input.experiment.dataset.classes[class], CLASS);
        format!("{name} {:.1}%", 100.0 * share)
    })
}

fn test_share(score: &TestScore) -> String {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    format!(
        "{} [{}, {}]",
        percent(score.mean),
        percent(score.low),
        percent(score.high)
    )
}

/// Mean size and shares of sets, or the interval and its mean width.
fn size_cells(size: &Size, shown: usize) -> Vec<(String, bool)> {
    match size {
        Size::Sets(rows) => {
            let all = rows.iter().sum::<u64>() as f64;
            let share = |rows: u64| (format!("{:.1}%", 100.0 * rows as f64 / all), false);
            let (few, more) = rows.split_at(shown - 1);
            let mut cells = vec![(format!("{:.2}", size.mean()), false)];
            cells.extend(few.iter().map(|rows| share(*rows)));
            cells.push(share(more.iter().sum()));
            cells
        }
        Size::Intervals { mean_width, .. } => {
            vec![(interval(size), true), (text::score(*mean_width), false)]
        }
    }
}

/// `± 12.3`, or the factor where a logarithm is learned.
fn interval(size: &Size) -> String {
    match size {
        Size::Intervals {
            transform,
            half_width,
            ..
        } => match transform {
            TargetTransform::None => format!("± {}", text::score(*half_width)),
            TargetTransform::Log => format!("× or ÷ {}", text::score(half_width.exp())),
            TargetTransform::Log1p => {
                format!("1 + number × or ÷ {}", text::score(half_width.exp()))
            }
        },
        Size::Sets(_) => String::new(),
    }
}

/// How the numbers were got.
fn about(regions: &Regions, is_of_classes: bool, is_tested: bool) -> String {
    let (what, sizes) = match is_of_classes {
        true => (
            "sets of classes",
            "Mean classes, and the shares of rows with sets of so many classes,",
        ),
        false => ("intervals", "Intervals, in units of the target,"),
    };
    let subgroup = match is_of_classes {
        true => {
            ", and the promise is not of single classes (least held: the class whose rows are held least often)"
        }
        false => "",
    };
    let halves = match regions.units == regions.rows {
        true => "half of the validation rows".to_owned(),
        false => "half of the groups of validation rows".to_owned(),
    };
    let test = match is_tested {
        true => {
            " Test rows: held in the last test-set evaluation, calibrated on all validation rows; mean over seeds and its \
             95% bootstrap interval."
        }
        false => "",
    };
    format!(
        "What `sweep predict --coverage` adds to each row ({what}, split conformal prediction), by the best run of the best \
         configuration of each kind. {sizes} are by the limit from all {}, as predictions have them. Held: the share of \
         rows whose truth is held where the limit is from a random {halves} and the rows of the other half are counted; \
         mean over {HALVES} halves and both directions, lowest and highest in brackets. The mean is near what was asked \
         for whatever the model; the range says how far rows like these are from it. The same rows have chosen the best \
         step and the configuration, so that of new rows a little less may be held{subgroup}.{test} In conformal.csv.",
        text::pluralize(regions.rows as u64, "validation row"),
    )
}

/// The share of test rows held by the configuration of `regions`, if the last evaluation has it.
fn tested<'a>(input: &'a Input, regions: &Regions) -> Option<&'a TestScore> {
    let models = &input.test.as_ref()?.evaluation.models;
    let of: &ConfigId = &regions.model.config;
    let model = models.iter().find(|model| model.config == *of)?;
    model.scores.iter().find(|score| score.metric == TEST_HELD)
}

/// One row for each model, probability and size of sets; of intervals without the last two columns.
pub(super) fn csv_table(input: &Input) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "kind",
        "config",
        "seed",
        "trial",
        "coverage",
        "rows",
        "groups",
        "held",
        "held_lowest",
        "held_highest",
        "test_held",
        "test_held_low",
        "test_held_high",
        "mean_size",
        "half_width",
        "classes",
        "share",
    ]);
    for regions in &input.regions {
        for level in &regions.levels {
            let (model, held) = (&regions.model, level.held.as_ref());
            let test = tested(input, regions).filter(|_| level.coverage == USUAL_COVERAGE);
            let start = [
                model.kind.name().to_owned(),
                model.config.to_string(),
                model.seed.to_string(),
                model.trial.to_string(),
                text::exact(level.coverage),
                regions.rows.to_string(),
                regions.units.to_string(),
                number(held.map(|held| held.mean)),
                number(held.map(|held| held.lowest)),
                number(held.map(|held| held.highest)),
                number(test.map(|score| score.mean)),
                number(test.map(|score| score.low)),
                number(test.map(|score| score.high)),
                text::exact(level.size.mean()),
                number(half_width(&level.size)),
            ];
            for (classes, share) in shares(&level.size) {
                let end = [classes, share];
                csv.push(&[&start[..], &end[..]].concat());
            }
        }
    }
    csv
}

/// Classes and share of rows, or one pair of empty cells.
fn shares(size: &Size) -> Vec<(String, String)> {
    match size {
        Size::Sets(rows) => {
            let all = rows.iter().sum::<u64>() as f64;
            let of = |(classes, rows): (usize, &u64)| {
                (classes.to_string(), text::exact(*rows as f64 / all))
            };
            (1..).zip(rows).map(of).collect()
        }
        Size::Intervals { .. } => vec![(String::new(), String::new())],
    }
}

fn half_width(size: &Size) -> Option<f64> {
    match size {
        Size::Sets(_) => None,
        Size::Intervals { half_width, .. } => Some(*half_width),
    }
}

/// `[{kind, config, seed, trial, rows, groups, test_held, levels: [{coverage, held: {mean, lowest, highest, by_class}, mean_size,
/// set_rows, half_width}]}]`: `set_rows` has the rows whose sets are of 1, 2, ... classes, and `half_width` is of the target as it
/// is learned.
pub fn json(input: &Input) -> Json {
    let level = |level: &Level| {
        json!({
            "coverage": level.coverage,
            "held": level.held.as_ref().map(|held| json!({
                "mean": held.mean,
                "lowest": held.lowest,
                "highest": held.highest,
                "by_class": held.by_class,
            })),
            "mean_size": level.size.mean(),
            "set_rows": match &level.size {
                Size::Sets(rows) => json!(rows),
                Size::Intervals { .. } => Json::Null,
            },
            "half_width": half_width(&level.size),
        })
    };
    let one = |regions: &Regions| {
        let model = &regions.model;
        json!({
            "kind": model.kind,
            "config": model.config,
            "seed": model.seed,
            "trial": model.trial,
            "rows": regions.rows,
            "groups": regions.units,
            "test_held": tested(input, regions),
            "levels": regions.levels.iter().map(level).collect::<Json>(),
        })
    };
    input.regions.iter().map(one).collect()
}

/// What the best model's sets or intervals are like, for the terminal; `None` where it could not be asked.
pub fn sentence(input: &Input, summary: &Summary) -> Option<String> {
    let winner = &summary.ranking.first()?.id;
    let regions = input
        .regions
        .iter()
        .find(|one| one.model.config == *winner)?;
    let level = regions.level(USUAL_COVERAGE)?;
    let percent = 100.0 * level.coverage;
    let size = match &level.size {
        Size::Sets(rows) => format!(
            "sets of {:.2} classes on average, {:.0}% of them of a single class",
            level.size.mean(),
            100.0 * rows[0] as f64 / rows.iter().sum::<u64>() as f64
        ),
        size @ Size::Intervals { .. } => format!("intervals of {}", interval(size)),
    };
    let held = level.held.as_ref().map_or(String::new(), |held| {
        format!(
            "; on validation rows that did not choose the limit they hold {:.1}%",
            100.0 * held.mean
        )
    });
    let coverage = text::exact(level.coverage);
    Some(format!(
        "To hold the truth of {percent:.0}% of rows, the best run gives {size} (`sweep predict best --coverage {coverage}`){held}."
    ))
}
