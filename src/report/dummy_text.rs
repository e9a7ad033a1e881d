//! The zero line in words, and `dummy.csv`: what a model scores that ignores its input, and whether the winner is above it.

use super::csv_table::{CsvTable, number};
use sweep_analysis::dummy::{Dummy, Strategy};
use sweep_analysis::lead::{Lead, LeadVerdict, ZeroLine};
use sweep_analysis::{Configuration, Summary, text};
use sweep_core::trial::{MetricDef, Task, metrics_of};

/// Longest name of a class in a table or a sentence, in characters.
const CLASS: usize = 40;

/// What a ranking calls it, where the kind of a model stands.
pub fn name(strategy: &Strategy) -> &'static str {
    match strategy {
        Strategy::MostFrequent { .. } => "majority class",
        Strategy::Prior { .. } => "class frequencies",
        Strategy::Mean { .. } => "mean",
        Strategy::Median { .. } => "median",
        Strategy::Quantile { .. } => "quantile",
    }
}

/// What it predicts, where the settings of a model stand.
pub fn about(strategy: &Strategy) -> String {
    match strategy {
        Strategy::MostFrequent { name, .. } => {
            let class = text::cut(name, CLASS);
            format!("always predicts the most frequent class, {class}")
        }
        Strategy::Prior { .. } => {
            "always predicts the class frequencies of the training rows".to_owned()
        }
        Strategy::Mean { value }
        | Strategy::Median { value }
        | Strategy::Quantile { value, .. } => {
            let what = name(strategy);
            format!(
                "always predicts {}, the {what} of the training rows",
                text::score(*value)
            )
        }
    }
}

/// How many of `configs`, which are in the order of their ranking, stand before the zero line.
pub(super) fn place(summary: &Summary, zero: &ZeroLine, configs: &[&Configuration]) -> usize {
    let is_above = |config: &&&Configuration| {
        let goal = summary.objective.goal;
        goal.is_better(config.stats.mean, zero.score.value)
    };
    configs.iter().take_while(is_above).count()
}

/// That the winner is not above the zero line, or may not be, with the numbers and what to do; `None` where it clearly is, and
/// where that is not known.
pub fn warning(summary: &Summary) -> Option<String> {
    let (zero, winner) = (summary.zero_line.as_ref()?, summary.ranking.first()?);
    let lead = zero.lead.as_ref()?;
    let relation = match lead.verdict() {
        LeadVerdict::Clear | LeadVerdict::Above => return None,
        LeadVerdict::NotAbove => "is not better than",
        LeadVerdict::UnclearOverRows | LeadVerdict::UnclearOverSeeds => {
            "is not clearly better than"
        }
    };
    let what = match &zero.score.strategy {
        Strategy::MostFrequent { name, .. } => format!(
            "a model that always predicts the most frequent class ({})",
            text::cut(name, CLASS)
        ),
        other => format!("a model that {}", about(other)),
    };
    Some(format!(
        "the best configuration {relation} {what}: {} {} against {}, {}. {}.",
        zero.score.metric,
        text::score(winner.stats.mean),
        text::score(zero.score.value),
        difference(zero, lead),
        advice(lead, &zero.score.metric)
    ))
}

/// What lies between the two: rows where the metric counts them, and the interval that reaches the zero line.
fn difference(zero: &ZeroLine, lead: &Lead) -> String {
    let rows = text::pluralize(zero.dummy.valid_rows, "validation row");
    let counts_rows = zero.score.metric.ends_with("/accuracy");
    let unit = match counts_rows {
        true => zero.dummy.valid_rows as f64,
        false => 1.0,
    };
    let amount = |value: f64| match counts_rows {
        true => some_rows(value * unit),
        false => text::score(value),
    };
    let ends = |(low, high): (f64, f64)| {
        let of_them = if counts_rows { " rows" } else { "" };
        format!("{} to {}{of_them}", amount(low), amount(high))
    };
    let interval = match (lead.verdict(), lead.over_rows, lead.over_seeds) {
        (LeadVerdict::UnclearOverRows, Some(over), _) => {
            format!(" (95% CI on other rows {})", ends(over))
        }
        (LeadVerdict::UnclearOverSeeds, _, Some(over)) => {
            format!(" (95% CI with other seeds {})", ends(over))
        }
        _ => String::new(),
    };
    let by = lead.by.abs();
    match (counts_rows, lead.by) {
        (true, _) if by * unit < 1e-9 => format!("as many of the {rows} right"),
        (true, more) if more > 0.0 => format!(
            "{} more of the {rows} right{interval}",
            some_rows(by * unit)
        ),
        (true, _) => format!("{} fewer of the {rows} right", some_rows(by * unit)),
        (false, _) => format!(
            "a difference of {} on {rows}{interval}",
            text::difference(by, zero.score.value)
        ),
    }
}

/// A number of rows, which over several seeds need not be whole.
fn some_rows(rows: f64) -> String {
    match (rows - rows.round()).abs() < 1e-6 {
        true => format!("{:.0}", rows.round()),
        false => format!("{rows:.1}"),
    }
}

/// What may get the winner above the zero line, or show that it is.
fn advice(lead: &Lead, metric: &str) -> String {
    let task = MetricDef::of(metric).and_then(|(metric, _)| metric.task);
    let task = task.unwrap_or_default();
    let others = metrics_of(task)
        .filter(|other| other.is_cheap)
        .map(MetricDef::pattern);
    let others: Vec<String> = others.filter(|name| name != metric).collect();
    match lead.verdict() {
        LeadVerdict::UnclearOverSeeds => {
            "More seeds may make the difference clear (`sweep run FILE --more-seeds 5`)".to_owned()
        }
        _ => format!(
            "Add features that {}, or choose another `objective` ({})",
            match task {
                Task::Classification => "tell the classes apart",
                Task::Regression => "have to do with the target",
            },
            others.join(", ")
        ),
    }
}

/// One row a metric: what is predicted, the score on the validation rows and, for the objective, the winner's lead.
pub(super) fn csv_table(dummy: Option<&Dummy>, summary: &Summary) -> CsvTable {
    let mut csv = CsvTable::new(&[
        "metric",
        "strategy",
        "class",
        "value",
        "valid_rows",
        "winner_ahead_by",
        "rows_low_95",
        "rows_high_95",
        "seeds_low_95",
        "seeds_high_95",
        "verdict",
    ]);
    let zero = summary.zero_line.as_ref();
    for score in dummy.into_iter().flat_map(|dummy| &dummy.scores) {
        let zero = zero.filter(|zero| zero.score.metric == score.metric);
        let lead = zero.and_then(|zero| zero.lead);
        let (rows_low, rows_high) = lead.and_then(|lead| lead.over_rows).unzip();
        let (seeds_low, seeds_high) = lead.and_then(|lead| lead.over_seeds).unzip();
        csv.push(&[
            score.metric.clone(),
            score.strategy.name().to_owned(),
            score.strategy.class().unwrap_or_default().to_owned(),
            text::exact(score.value),
            dummy.map_or(String::new(), |dummy| dummy.valid_rows.to_string()),
            number(lead.map(|lead| lead.by)),
            number(rows_low),
            number(rows_high),
            number(seeds_low),
            number(seeds_high),
            lead.map_or(String::new(), |lead| lead.verdict().name().to_owned()),
        ]);
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures::{genres, imbalanced, minimise_loss};

    fn warned(by: f64, over_rows: Option<(f64, f64)>, over_seeds: Option<(f64, f64)>) -> String {
        let mut summary = imbalanced().summary();
        let zero = summary.zero_line.as_mut().unwrap();
        summary.ranking[0].stats.mean = zero.score.value + by;
        zero.lead = Some(Lead {
            by,
            over_rows,
            over_seeds,
        });
        warning(&summary).unwrap_or_default()
    }

    #[test]
    fn a_winner_that_is_not_clearly_above_the_zero_line_is_warned_about_in_rows() {
        let around = Some((-0.05, 0.1));
        let all = [
            warned(0.025, around, None),
            warned(0.0125, None, around),
            warned(0.0, around, around),
            warned(-0.05, around, None),
        ];
        insta::assert_snapshot!(all.join("\n"));
        assert_eq!(warned(0.1, Some((0.05, 0.15)), Some((0.01, 0.2))), "");
        assert_eq!(warning(&genres().summary()), None);
    }

    #[test]
    fn for_a_loss_the_zero_line_is_that_of_the_class_frequencies() {
        let mut input = imbalanced();
        minimise_loss(&mut input);
        for (place, trial) in input.experiment.trials.iter_mut().enumerate() {
            trial.best = Some(0.45 + 0.01 * place as f64);
        }
        insta::assert_snapshot!(warning(&input.summary()).unwrap());
        for trial in &mut input.experiment.trials {
            trial.best = Some(0.3);
        }
        assert_eq!(warning(&input.summary()), None);
    }

    #[test]
    fn the_zero_line_stands_where_it_would_rank() {
        let input = imbalanced();
        let summary = input.summary();
        let zero = summary.zero_line.as_ref().unwrap();
        let configs: Vec<&Configuration> = summary.ranking.iter().collect();
        assert_eq!(place(&summary, zero, &configs), 1);
        let csv = csv_table(input.dummy.as_ref(), &summary).into_bytes();
        insta::assert_snapshot!(String::from_utf8(csv).unwrap());
    }
}
