//! Tables of text that fit the terminal, if there is one.
//!
//! No cell is cut for want of width: gaps shrink, columns that one can do without go, and what the last columns hold
//! goes to lines of its own below each row.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle as LineStyles};
use sweep_analysis::text;

use sweep_core::sanitize::display_width;

/// Longest cell of a table with a rule.
const WIDEST: usize = 400;
/// Columns between cells beyond one, from those that fit to those that do not.
const GAPS: [u16; 3] = [2, 1, 0];
/// What stands below a row is set in by this.
const INDENT: &str = "    ";

/// The style of tables.
#[derive(Debug, Clone, Copy)]
pub struct TableStyle {
    pub is_colored: bool,
    /// Columns that there are; `None` is as many as it takes.
    pub width: Option<usize>,
}

impl From<bool> for TableStyle {
    /// Coloured or not, and as wide as it takes.
    fn from(is_colored: bool) -> TableStyle {
        TableStyle {
            is_colored,
            width: None,
        }
    }
}

/// Which side of a column its cells stand on.
#[derive(Clone, Copy)]
pub enum Side {
    Left,
    Right,
}

/// A table with a style for each row.
pub struct TextTable {
    names: Vec<String>,
    sides: Vec<Side>,
    rows: Vec<(Style, Vec<String>)>,
    optional: &'static [&'static str],
    has_rule: bool,
}

impl TextTable {
    /// A table with a rule below its bold header.
    pub fn new(columns: &[(&str, Side)]) -> TextTable {
        TextTable {
            names: (columns.iter().map(|(name, _)| (*name).to_owned())).collect(),
            sides: columns.iter().map(|(_, side)| *side).collect(),
            rows: Vec::new(),
            optional: &[],
            has_rule: true,
        }
    }

    /// A table of letters alone, all of them to the left; cells may have any length.
    pub fn plain(names: &[String], rows: &[Vec<String>]) -> TextTable {
        TextTable {
            names: names.to_vec(),
            sides: vec![Side::Left; names.len()],
            rows: (rows.iter().map(|row| (Style::new(), row.clone()))).collect(),
            optional: &[],
            has_rule: false,
        }
    }

    /// Columns that one can do without, the first to go first.
    pub fn with_optional(mut self, names: &'static [&'static str]) -> TextTable {
        self.optional = names;
        self
    }

    pub fn push(&mut self, style: Style, cells: Vec<String>) {
        self.rows.push((style, cells));
    }

    pub fn render(&self, table_style: impl Into<TableStyle>) -> String {
        let table_style = table_style.into();
        let (lines, below) = self.fitted(table_style.width);
        let mut lines = lines.into_iter();
        let mut said = String::new();
        let mut say = |line: &str, style: Style| {
            said.push_str(&painted(line, style, table_style.is_colored));
            said.push('\n');
        };
        let head = match self.has_rule {
            true => &[Style::new().bold(), Style::new().dimmed()][..],
            false => &[Style::new()][..],
        };
        for (style, line) in head.iter().zip(lines.by_ref()) {
            say(&line, *style);
        }
        for ((style, cells), line) in self.rows.iter().zip(lines) {
            say(&line, *style);
            for line in self.told(cells, &below, table_style.width) {
                say(&line, *style);
            }
        }
        said
    }

    /// The lines of the table, with as many columns as fit, and the columns that go below.
    fn fitted(&self, width: Option<usize>) -> (Vec<String>, Vec<usize>) {
        let width = width.unwrap_or(usize::MAX);
        let all = self.names.len();
        let mut narrowest = (Vec::new(), Vec::new());
        for beside in (1..=all).rev() {
            for gone in 0..=self.optional.len() {
                let stays =
                    |place: &usize| !self.optional[..gone].contains(&self.names[*place].as_str());
                let shown: Vec<usize> = (0..beside).filter(stays).collect();
                for gap in GAPS {
                    let mut lines = self.lines(&shown, gap);
                    if let Some(rule) = lines.get_mut(1).filter(|_| self.has_rule) {
                        *rule = rule.chars().take(width).collect();
                    }
                    let fits = lines.iter().all(|line| display_width(line) <= width);
                    narrowest = (lines, (beside..all).filter(stays).collect());
                    if fits {
                        return narrowest;
                    }
                }
            }
        }
        narrowest
    }

    /// The columns `shown`, `gap` and one more apart.
    fn lines(&self, shown: &[usize], gap: u16) -> Vec<String> {
        let mut table = Table::new();
        let mut style = LineStyles::new();
        if self.has_rule {
            style = style.header_separator(LineStyle::none().fill('─').junction('─'));
        }
        table.load_style(style);
        table.set_header(shown.iter().map(|place| self.cell(&self.names[*place])));
        for (place, column) in shown.iter().zip(table.column_iter_mut()) {
            column.set_padding((0, gap));
            column.set_cell_alignment(match self.sides[*place] {
                Side::Left => CellAlignment::Left,
                Side::Right => CellAlignment::Right,
            });
        }
        for (_, cells) in &self.rows {
            table.add_row(shown.iter().map(|place| self.cell(&cells[*place])));
        }
        table.trim_fmt().lines().map(str::to_owned).collect()
    }

    fn cell(&self, text: &str) -> String {
        match self.has_rule {
            true => text::cut(text, WIDEST),
            false => text::sanitize(text),
        }
    }

    /// What `cells` hold in the columns that go `below`, in lines of at most `width` if words allow.
    fn told(&self, cells: &[String], below: &[usize], width: Option<usize>) -> Vec<String> {
        let told = below.iter().filter(|place| !cells[**place].is_empty());
        let told: Vec<String> = told
            .map(|place| match self.names[*place].as_str() {
                "" => text::sanitize(&cells[*place]),
                name => format!(
                    "{}: {}",
                    text::sanitize(name),
                    text::sanitize(&cells[*place])
                ),
            })
            .collect();
        let mut lines: Vec<String> = Vec::new();
        for word in told.join("; ").split_whitespace() {
            let width = width.unwrap_or(usize::MAX);
            match lines.last_mut() {
                Some(line) if display_width(line) + 1 + display_width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(format!("{INDENT}{word}")),
            }
        }
        lines
    }
}

pub fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(color.into()))
}

pub(super) fn painted(text: &str, style: Style, is_colored: bool) -> String {
    match is_colored {
        true => format!("{style}{text}{style:#}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking() -> TextTable {
        let mut table = TextTable::new(&[
            ("#", Side::Right),
            ("Mean", Side::Right),
            ("sd", Side::Right),
            ("Config", Side::Left),
            ("Settings", Side::Left),
        ])
        .with_optional(&["sd"]);
        for (place, layers) in ["[16]", "[16,8]"].iter().enumerate() {
            let settings = format!("lr_schedule=step(every=10) layers={layers}");
            let config = format!("{place}23456abcdef");
            let cells = ["1", "0.1235", "0.01", &config, &settings];
            table.push(Style::new(), cells.map(str::to_owned).to_vec());
        }
        table
    }

    fn at(width: usize) -> String {
        ranking().render(TableStyle {
            is_colored: false,
            width: Some(width),
        })
    }

    #[test]
    fn nothing_is_cut_however_narrow_the_terminal() {
        assert_eq!(at(200), ranking().render(false));
        for width in [20, 30, 40, 60, 66, 70] {
            let said = at(width);
            assert!(!said.contains('…'), "{said}");
            for whole in ["0.1235", "023456abcdef", "123456abcdef", "layers=[16,8]"] {
                assert!(said.contains(whole), "{width}: {said}");
            }
            let longest = said.lines().map(display_width).max().unwrap();
            assert!(longest <= width.max(30), "{width}: {said}");
        }
    }

    #[test]
    fn gaps_go_first_and_columns_that_one_can_do_without_next() {
        let full = ranking().render(false);
        let wide = full.lines().last().map_or(0, display_width);
        assert!(at(wide - 1).contains("0.01"), "{}", at(wide - 1));
        assert!(!at(wide - 10).contains("0.01"), "{}", at(wide - 10));
        let narrow = at(60);
        assert!(narrow.contains("0.01"), "{narrow}");
        assert!(
            narrow.contains("\n    Settings: lr_schedule=step(every=10) layers=[16]\n"),
            "{narrow}"
        );
    }
}
