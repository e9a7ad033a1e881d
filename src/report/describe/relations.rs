//! Terminal tables of relations: association with the target, correlation, duplicates.

use anstyle::Style;
use sweep_analysis::text;

use super::cells::{NAME, and_more, fixed, per_cent};
use crate::table::{Side, TableStyle, TextTable};
use sweep_describe::{Association, Conflicts, Correlation, Description, Target};

/// Columns and pairs that are listed.
const ASSOCIATED: usize = 25;
const PAIRS: usize = 10;

/// Association of each column with the target.
pub fn associations(description: &Description, target: &Target, table_style: TableStyle) -> String {
    let name = text::cut(&target.column, NAME);
    let mut table = TextTable::new(&[
        (&format!("Association with {name}"), Side::Left),
        ("Kind", Side::Left),
        ("Mutual info", Side::Right),
        ("Expected", Side::Right),
        ("Explained", Side::Right),
        ("eta²", Side::Right),
        ("Cramér's V", Side::Right),
    ]);
    let ranked = ranked(&description.association);
    for column in ranked.iter().take(ASSOCIATED) {
        let optional = |value: Option<f64>| value.map_or(String::new(), fixed);
        table.push(
            Style::new(),
            vec![
                text::cut(&column.column, NAME),
                column.kind.to_owned(),
                fixed(column.mutual_information),
                fixed(column.chance),
                match column.explained.is_nan() {
                    true => "–".to_owned(),
                    false => per_cent(column.explained),
                },
                optional(column.eta_squared),
                optional(column.cramers_v_corrected),
            ],
        );
    }
    let more = ranked.len().saturating_sub(ASSOCIATED);
    table.render(table_style)
        + &and_more(more, "column", "association.csv")
        + "each column alone, in nats; Expected: mean with shuffled classes; Explained = (info - expected) / (entropy - expected)\n"
}

/// What explains most first; what explains nothing that can be told last.
pub fn ranked(columns: &[Association]) -> Vec<&Association> {
    let mut ranked: Vec<&Association> = columns.iter().collect();
    let key = |column: &Association| match column.explained.is_nan() {
        true => f64::NEG_INFINITY,
        false => column.explained,
    };
    ranked.sort_by(|a, b| key(b).total_cmp(&key(a)));
    ranked
}

/// The pairs of columns that go together most.
pub fn pairs(correlation: &Correlation, table_style: TableStyle) -> Option<String> {
    let size = correlation.columns.len();
    let mut pairs: Vec<(f64, usize, usize)> = (0..size)
        .flat_map(|a| (a + 1..size).map(move |b| (a, b)))
        .map(|(a, b)| (correlation.spearman[a][b], a, b))
        .filter(|(value, _, _)| !value.is_nan())
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
            format!("{spearman:.3}"),
            format!("{:.3}", correlation.pearson[*a][*b]),
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
        let features = text::pluralize(alike.columns.len() as u64, "feature");
        let number = alike.rows - alike.sets + alike.repeated_sets;
        lines.push_str(&format!(
            "{} equal another row in all {features} ({})\n",
            text::pluralize(number as u64, "row"),
            text::cut(&alike.columns.join(", "), 80)
        ));
        lines.push_str(&torn(alike, "sets", target, "rows with equal features"));
    }
    lines
}

/// How many sets have several classes, and what that allows.
fn torn(conflicts: &Conflicts, sets: &str, target: &str, all: &str) -> String {
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
    if let Some(bound) = conflicts.bound {
        lines.push_str(&format!(
            "  best accuracy if one {target} is predicted for {all}: {} of these rows\n",
            per_cent(bound)
        ));
    }
    lines
}
