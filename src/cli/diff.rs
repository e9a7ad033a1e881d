//! `sweep diff`: two trials side by side.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing;
use crate::terminal;
use sweep_analysis::text;
use sweep_app::diff;
use sweep_report::diff::{Line, json};

/// Longest value in the table, in characters.
const WIDEST: usize = 48;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The first digits of a trial, or of a configuration (its best trial)
    left: String,

    /// The same of another trial
    right: String,

    /// Show equal values as well
    #[arg(long)]
    all: bool,
}

/// `sweep diff TRIAL TRIAL`.
pub fn diff(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let diff::Outcome {
        left,
        right,
        sections,
    } = diff::diff(&context.app, context, &arguments.left, &arguments.right)?;
    if context.json {
        terminal::print_json(&json(&left, &right, &sections, arguments.all));
        return Ok(Exit::Success);
    }
    for section in &sections {
        let lines = section
            .lines
            .iter()
            .filter(|line| arguments.all || line.differs());
        let rows: Vec<Vec<String>> = lines.map(row).collect();
        let (left, right) = (left.trial.id.short(), right.trial.id.short());
        let columns = [section.name, left, right, "difference"].map(str::to_owned);
        match rows.is_empty() {
            true => terminal::print(&format!("{}: no difference\n", section.name)),
            false => terminal::print(&listing::plain(&columns, &rows)),
        }
    }
    Ok(Exit::Success)
}

fn row(line: &Line) -> Vec<String> {
    let full = |value: &Option<String>| {
        let value = value.as_deref().map(|value| text::cut(value, WIDEST));
        value.unwrap_or_else(|| "–".to_owned())
    };
    let rounded = |value: &Option<String>| {
        let number = value.as_deref().and_then(|value| value.parse().ok());
        number.map_or_else(|| full(value), measure)
    };
    let cells = match line.difference {
        // Numbers that differ only in later digits are shown in full.
        Some(_) if rounded(&line.left) != rounded(&line.right) => {
            [rounded(&line.left), rounded(&line.right)]
        }
        _ => [full(&line.left), full(&line.right)],
    };
    let difference = line.difference.filter(|difference| *difference != 0.0);
    let sign = |difference: f64| if difference > 0.0 { "+" } else { "" };
    let [left, right] = cells;
    vec![
        text::cut(&line.name, WIDEST),
        left,
        right,
        difference.map_or(String::new(), |difference| {
            format!("{}{}", sign(difference), measure(difference))
        }),
    ]
}

/// A measured number with six decimals; whole numbers have none, and very small ones an exponent.
fn measure(value: f64) -> String {
    match value {
        value if value.fract() == 0.0 => format!("{value}"),
        value if value.abs() < 1e-3 => format!("{value:.3e}"),
        value => format!("{value:.6}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_as_many_digits_as_tell() {
        let line = |left: &str, right: &str, difference| Line {
            name: "x".to_owned(),
            left: Some(left.to_owned()),
            right: Some(right.to_owned()),
            difference: Some(difference),
        };
        let shown = |line: Line| row(&line)[1..].join(" ");
        let seconds = line("0.06725784400000001", "0.25", 0.182742156);
        assert_eq!(shown(seconds), "0.067258 0.250000 +0.182742");
        assert_eq!(shown(line("12", "7", -5.0)), "12 7 -5");
        let close = line("0.50000000001", "0.50000000002", 1e-11);
        assert_eq!(shown(close), "0.50000000001 0.50000000002 +1.000e-11");
    }
}
