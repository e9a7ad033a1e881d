//! Terminal tables of relations: association with the target, correlation, duplicates.

use anstyle::Style;
use sweep_analysis::text;

use super::cells::{NAME, and_more, fixed, per_cent};
use super::omitted::Omitted;
use crate::table::{Side, TableStyle, TextTable};
use sweep_describe::{Association, Conflicts, Correlation, Description, Target};

/// Columns and pairs that are listed.
const ASSOCIATED: usize = 25;
const PAIRS: usize = 10;
/// Columns without a place that are named.
const UNRANKED: usize = 10;

/// Columns by what they tell of the target.
pub struct Ranking<'a> {
    /// What explains most first.
    pub columns: Vec<&'a Association>,
    /// Identifiers and the group, which no model should learn from, and which of the two they are.
    pub unranked: Vec<(&'a Association, &'static str)>,
}

impl<'a> Ranking<'a> {
    pub fn of(description: &'a Description) -> Ranking<'a> {
        let omitted = Omitted::of(description);
        let group = description.groups.as_ref();
        let group = group.and_then(|group| group.columns.first());
        let mut ranking = Ranking {
            columns: Vec::new(),
            unranked: Vec::new(),
        };
        let columns = description.association.iter();
        for column in columns.filter(|column| !omitted.has_no_row(&column.column)) {
            if column.identifier {
                ranking.unranked.push((column, "identifier"));
            } else if group == Some(&column.column) {
                ranking.unranked.push((column, "group"));
            } else {
                ranking.columns.push(column);
            }
        }
        let key = |column: &Association| column.with_missing.uncertainty_coefficient;
        ranking.columns.sort_by(|a, b| key(b).total_cmp(&key(a)));
        ranking
    }

    /// A sentence on the columns that have no place.
    pub fn left_out(&self) -> Option<String> {
        let shown = self.unranked.iter().take(UNRANKED);
        let mut words: Vec<String> = shown
            .map(|(column, what)| format!("{} ({what})", text::cut(&column.column, NAME)))
            .collect();
        let more = self.unranked.len().saturating_sub(UNRANKED);
        if more > 0 {
            words.push(format!("and {more} more"));
        }
        (!words.is_empty()).then(|| format!("not ranked: {}", words.join(", ")))
    }
}

/// What the columns of a table of associations are, but for name and kind, and the cells of a column.
pub fn measures(target: &Target) -> [&'static str; 5] {
    match target.numbers {
        Some(_) => [
            "Explained",
            "Mutual info",
            "Expected",
            "Spearman",
            "Pearson",
        ],
        None => ["Explained", "Mutual info", "Expected", "eta²", "Cramér's V"],
    }
}

/// The cells that belong to [`measures`].
pub fn measured(target: &Target, column: &Association) -> [String; 5] {
    let optional = |value: Option<f64>| value.map_or(String::new(), fixed);
    let of = &column.with_missing;
    let others = match target.numbers {
        Some(_) => [column.spearman, column.pearson],
        None => [column.eta_squared, column.cramers_v_corrected],
    };
    let [first, second] = others.map(optional);
    [
        match of.uncertainty_coefficient.is_nan() {
            true => "–".to_owned(),
            false => per_cent(of.uncertainty_coefficient),
        },
        fixed(of.mutual_information),
        fixed(of.chance),
        first,
        second,
    ]
}

/// What [`measures`] mean.
pub const ABOUT_MEASURES: &str = "each column alone, in nats, missing cells as a value of their own; Expected: mean with \
     a shuffled target; Explained = (info - expected) / entropy of the target";

/// Association of each column with the target.
pub fn associations(description: &Description, target: &Target, table_style: TableStyle) -> String {
    let name = format!("Association with {}", text::cut(&target.column, NAME));
    let mut head = vec![(name.as_str(), Side::Left), ("Kind", Side::Left)];
    head.extend(measures(target).map(|name| (name, Side::Right)));
    let mut table = TextTable::new(&head);
    let ranking = Ranking::of(description);
    for column in ranking.columns.iter().take(ASSOCIATED) {
        let mut row = vec![text::cut(&column.column, NAME), column.kind.to_owned()];
        row.extend(measured(target, column));
        table.push(Style::new(), row);
    }
    let more = ranking.columns.len().saturating_sub(ASSOCIATED);
    let mut lines = match ranking.columns.is_empty() {
        true => String::new(),
        false => table.render(table_style) + &and_more(more, "column", "association.csv"),
    };
    if let Some(line) = ranking.left_out() {
        lines.push_str(&format!("{line}\n"));
    }
    match ranking.columns.is_empty() {
        true => lines,
        false => lines + ABOUT_MEASURES + "\n",
    }
}

/// The pairs of columns that go together most.
pub fn pairs(
    correlation: &Correlation,
    omitted: &Omitted<'_>,
    table_style: TableStyle,
) -> Option<String> {
    let size = correlation.columns.len();
    let is_shown = |column: usize| !omitted.is_not_drawn(&correlation.columns[column]);
    let mut pairs: Vec<(f64, usize, usize)> = (0..size)
        .flat_map(|a| (a + 1..size).map(move |b| (a, b)))
        .map(|(a, b)| (correlation.spearman[a][b], a, b))
        .filter(|(value, a, b)| !value.is_nan() && is_shown(*a) && is_shown(*b))
        .collect();
    pairs.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let mut table = TextTable::new(&[
        ("Most correlated", Side::Left),
        ("", Side::Left),
        ("Spearman", Side::Right),
        ("Pearson", Side::Right),
    ]);
    for (spearman, a, b) in pairs.iter().take(PAIRS) {
        let cells = vec![
            text::cut(&correlation.columns[*a], NAME),
            text::cut(&correlation.columns[*b], NAME),
            fixed(*spearman),
            fixed(correlation.pearson[*a][*b]),
        ];
        table.push(Style::new(), cells);
    }
    let more = pairs.len().saturating_sub(PAIRS);
    let rest = and_more(more, "pair", "spearman.csv and pearson.csv");
    (!pairs.is_empty()).then(|| table.render(table_style) + &rest)
}

/// Rows that repeat, and what that allows.
pub fn repeats(description: &Description) -> String {
    let whole = description.duplicates;
    let mut lines = match whole.repeated {
        0 => "no duplicate rows in the file\n".to_owned(),
        repeated => format!(
            "{} of an earlier row of the file (equal in every column)\n",
            match repeated {
                1 => "1 row is a duplicate".to_owned(),
                _ => format!(
                    "{} rows are duplicates",
                    text::with_thousands(repeated as u64)
                ),
            }
        ),
    };
    let target = description.target.as_ref();
    let target = target.map(|target| text::cut(&target.column, NAME));
    if let Some(groups) = &description.groups {
        let name = text::cut(&groups.columns[0], NAME);
        lines.push_str(&format!(
            "{name}: {} in {}; {} have more than one row, at most {}\n",
            text::pluralize(groups.sets as u64, "group"),
            text::pluralize(groups.rows as u64, "row"),
            text::with_thousands(groups.repeated_sets as u64),
            text::with_thousands(groups.largest as u64)
        ));
        if let Some(target) = &target {
            let all = format!("all rows of one {name}");
            lines.push_str(&torn(groups, "groups", target, &all));
        }
    }
    if let (Some(alike), Some(target)) = (&description.alike, &target) {
        let features = match alike.columns.len() {
            1 => "the only feature".to_owned(),
            many => format!("all {}", text::pluralize(many as u64, "feature")),
        };
        let names = text::cut(&alike.columns.join(", "), 80);
        match alike.rows - alike.sets + alike.repeated_sets {
            0 => lines.push_str(&format!("no rows are equal in {features} ({names})\n")),
            number => {
                let rows = text::pluralize(number as u64, "row");
                lines.push_str(&format!(
                    "{rows} equal another row in {features} ({names})\n"
                ));
                lines.push_str(&torn(alike, "sets", target, "rows with equal features"));
            }
        }
    }
    lines
}

/// How many sets have several classes, and what that allows.
fn torn(conflicts: &Conflicts, sets: &str, target: &str, all: &str) -> String {
    // Without classes nothing is known of them.
    let Some(bound) = conflicts.bound else {
        return String::new();
    };
    let (number, rows) = conflicts.torn();
    if number == 0 {
        return format!("  none of these {sets} has several classes of {target}\n");
    }
    let with: Vec<String> = (conflicts.by_labels.iter())
        .filter(|with| with.labels > 1)
        .map(|with| {
            format!(
                "{} with {}",
                text::with_thousands(with.sets as u64),
                with.labels
            )
        })
        .collect();
    let mut lines = format!(
        "  {} of these {sets} ({}) have several classes of {target}: {}\n",
        text::with_thousands(number as u64),
        text::pluralize(rows as u64, "row"),
        with.join(", ")
    );
    lines.push_str(&format!(
        "  best accuracy if one {target} is predicted for {all}: {} of these rows\n",
        per_cent(bound)
    ));
    lines
}
