//! The second half of what stands on the terminal: what goes with the target, what goes together,
//! what repeats.

use anstyle::Style;

use super::table::{NAME, and_more, fixed, per_cent};
use crate::table::{Grid, Look, Side};
use crate::text;
use sweep_describe::{Association, Conflicts, Correlation, Description, Target};

/// Columns and pairs that are listed.
const ASSOCIATED: usize = 25;
const PAIRS: usize = 10;

/// What each column by itself tells of the target.
pub fn associations(description: &Description, target: &Target, look: Look) -> String {
    let name = text::cut(&target.column, NAME);
    let mut grid = Grid::new(&[
        (&format!("Tells of {name}"), Side::Left),
        ("Kind", Side::Left),
        ("Mutual inf.", Side::Right),
        ("by chance", Side::Right),
        ("Explained", Side::Right),
        ("eta²", Side::Right),
        ("Cramér's V", Side::Right),
    ]);
    let ranked = ranked(&description.association);
    for column in ranked.iter().take(ASSOCIATED) {
        let optional = |value: Option<f64>| value.map_or(String::new(), fixed);
        grid.push(
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
    grid.render(look)
        + &and_more(more, "column", "association.csv")
        + "each column by itself, in nats; explained = (information - chance) / (entropy - chance)\n"
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
pub fn pairs(correlation: &Correlation, look: Look) -> Option<String> {
    let size = correlation.columns.len();
    let mut pairs: Vec<(f64, usize, usize)> = (0..size)
        .flat_map(|a| (a + 1..size).map(move |b| (a, b)))
        .map(|(a, b)| (correlation.spearman[a][b], a, b))
        .filter(|(value, _, _)| !value.is_nan())
        .collect();
    pairs.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let mut grid = Grid::new(&[
        ("Go together most", Side::Left),
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
        grid.push(Style::new(), cells);
    }
    let more = pairs.len().saturating_sub(PAIRS);
    let rest = and_more(more, "pair", "spearman.csv and pearson.csv");
    (!pairs.is_empty()).then(|| grid.render(look) + &rest)
}

/// Rows that repeat, and what that allows.
pub fn repeats(description: &Description) -> String {
    let whole = description.duplicates;
    let mut lines = match whole.repeated {
        0 => "no two rows of the file are equal in every column\n".to_owned(),
        repeated => format!(
            "{} an earlier one in every column of the file\n",
            match repeated {
                1 => "1 row repeats".to_owned(),
                _ => format!("{} rows repeat", text::with_thousands(repeated as u64)),
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
            let all = format!("all rows of a {name}");
            lines.push_str(&torn(groups, "groups", target, &all));
        }
    }
    if let (Some(alike), Some(target)) = (&description.alike, &target) {
        let features = text::pluralize(alike.columns.len() as u64, "feature");
        let number = alike.rows - alike.sets + alike.repeated_sets;
        lines.push_str(&format!(
            "{} equal another in all {features} ({})\n",
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
        return format!("  none of these {sets} has several {target}\n");
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
        "  {} of these {sets} ({}) have several {target}: {}\n",
        text::with_thousands(number as u64),
        text::pluralize(rows as u64, "row"),
        with.join(", ")
    );
    if let Some(bound) = conflicts.bound {
        lines.push_str(&format!(
            "  naming one {target} for {all} is right in at most {} of the rows here\n",
            per_cent(bound)
        ));
    }
    lines
}
