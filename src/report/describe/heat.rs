//! Correlations of numeric columns: Pearson's below the diagonal, Spearman's above.

use plotters::backend::DrawingBackend;
use plotters::style::{Color, RGBColor};

use super::drawing::{CORRELATION, Drawing};
use super::omitted::Omitted;
use super::page::Head;
use crate::plot::canvas::{Canvas, Drawn, Plot, render};
use crate::plot::lettering::Type;
use crate::plot::style::{FAINT, GRID, INK, MARGIN, PAPER, Stroke, TICK};
use sweep_describe::{Correlation, Description};

/// Columns of a picture.
const MAX: usize = 45;
/// Edge of a cell, with many columns and with few; and from where on a number fits into it.
const SMALLEST: i32 = 36;
const LARGEST: i32 = 112;
const WITH_NUMBERS: i32 = 84;
/// Edge of all cells together, about.
const EDGE: i32 = 1_500;
/// Width of the longest column name.
const NAMES: i32 = 420;
/// Space for the colour key at the right, and the least width for the title.
const KEY: i32 = 170;
const LEAST_WIDTH: i32 = 1_200;
/// Colours of -1 and 1, told apart with any common colour vision; 0 is white.
const NEGATIVE: RGBColor = RGBColor(0, 76, 140);
const POSITIVE: RGBColor = RGBColor(178, 74, 0);

pub fn drawing<'a>(
    description: &'a Description,
    left_out: &mut Vec<String>,
) -> Option<Drawing<'a>> {
    let correlation = description.correlation.as_ref()?;
    let omitted = Omitted::of(description);
    let drawn: Vec<usize> = (0..correlation.columns.len())
        .filter(|column| !omitted.is_not_drawn(&correlation.columns[*column]))
        .collect();
    if drawn.len() < 2 {
        return None;
    }
    let of = drawn.len();
    let chosen = chosen(correlation, drawn);
    let mut caption = "Pearson's correlation below the diagonal, Spearman's (of ranks) above; \
                       from the rows that have both values."
        .to_owned();
    if chosen.len() < of {
        let said = format!("the {MAX} of {of} columns with the strongest correlations are drawn");
        caption.push_str(&format!(" Only {said}."));
        left_out.push(format!(
            "Correlations: {said}; all are in pearson.csv and spearman.csv."
        ));
    }
    Some(Box::new(move || {
        let title = "Correlations".to_owned();
        let plot = Heat::new(&caption, correlation, chosen.clone());
        render(CORRELATION, title, caption.clone(), &plot)
    }))
}

/// Columns to draw, in their order: those with the strongest correlation when there are too many.
fn chosen(correlation: &Correlation, columns: Vec<usize>) -> Vec<usize> {
    let strongest = |column: usize| {
        let others = correlation.spearman[column].iter().enumerate();
        others
            .filter(|(other, value)| *other != column && !value.is_nan())
            .map(|(_, value)| value.abs())
            .fold(-1.0, f64::max)
    };
    let mut columns: Vec<(usize, f64)> = (columns.into_iter())
        .map(|column| (column, strongest(column)))
        .collect();
    columns.sort_by(|a, b| b.1.total_cmp(&a.1));
    columns.truncate(MAX);
    let mut chosen: Vec<usize> = columns.into_iter().map(|(column, _)| column).collect();
    chosen.sort_unstable();
    chosen
}

struct Heat<'a> {
    head: Head,
    correlation: &'a Correlation,
    chosen: Vec<usize>,
    names: Vec<String>,
    cell: i32,
    /// Width of the widest name.
    widest: i32,
}

const NAME: Type = Type::new(TICK, INK);

impl Heat<'_> {
    fn new<'a>(caption: &str, correlation: &'a Correlation, chosen: Vec<usize>) -> Heat<'a> {
        let cell = (EDGE / chosen.len() as i32).clamp(SMALLEST, LARGEST);
        let names: Vec<String> = (chosen.iter())
            .map(|column| NAME.fit(&correlation.columns[*column], NAMES))
            .collect();
        let widest = names.iter().map(|name| NAME.width(name)).max().unwrap_or(0);
        let width = MARGIN + widest + 16 + cell * chosen.len() as i32 + KEY + MARGIN;
        Heat {
            head: Head::new("Correlations".to_owned(), caption, width.max(LEAST_WIDTH)),
            correlation,
            chosen,
            names,
            cell,
            widest,
        }
    }

    fn left(&self) -> i32 {
        MARGIN + self.widest + 16
    }

    fn edge(&self) -> i32 {
        self.cell * self.chosen.len() as i32
    }
}

impl Plot for Heat<'_> {
    fn size(&self) -> (i32, i32) {
        let width = self.left() + self.edge() + KEY + MARGIN;
        let height = self.head.height() + self.edge().max(300) + 16 + self.widest + MARGIN;
        (width.max(LEAST_WIDTH), height)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        self.head.draw(canvas)?;
        let (left, top) = (self.left(), self.head.height());
        for (row, a) in self.chosen.iter().enumerate() {
            for (column, b) in self.chosen.iter().enumerate() {
                let value = match row.cmp(&column) {
                    std::cmp::Ordering::Greater => self.correlation.pearson[*a][*b],
                    std::cmp::Ordering::Less => self.correlation.spearman[*a][*b],
                    std::cmp::Ordering::Equal => {
                        let from = (
                            left + self.cell * column as i32,
                            top + self.cell * row as i32,
                        );
                        let to = (from.0 + self.cell, from.1 + self.cell);
                        canvas.block(from, to, GRID.mix(0.4))?;
                        continue;
                    }
                };
                let at = (
                    left + self.cell * column as i32,
                    top + self.cell * row as i32,
                );
                self.draw_cell(canvas, at, value)?;
            }
        }
        for (place, name) in self.names.iter().enumerate() {
            let middle = self.cell * place as i32 + self.cell / 2;
            canvas.text(name, (left - 16, top + middle), NAME.right())?;
            let below = (left + middle, top + self.edge() + 16);
            canvas.text(name, below, NAME.upright())?;
        }
        let corners = [
            (left, top),
            (left + self.edge(), top),
            (left + self.edge(), top + self.edge()),
            (left, top + self.edge()),
            (left, top),
        ];
        canvas.line(&corners, Stroke::solid(FAINT, 2))?;
        self.draw_key(canvas)
    }
}

impl Heat<'_> {
    fn draw_cell<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        (x, y): (i32, i32),
        value: f64,
    ) -> Drawn<B> {
        let corner = (x + self.cell, y + self.cell);
        let middle = (x + self.cell / 2, y + self.cell / 2);
        if value.is_nan() {
            canvas.block((x, y), corner, GRID.mix(1.0))?;
            return canvas.text("–", middle, Type::new(TICK, FAINT).centered());
        }
        canvas.block((x, y), corner, shade(value).mix(1.0))?;
        if self.cell < WITH_NUMBERS {
            return Ok(());
        }
        let color = if value.abs() > 0.78 { PAPER } else { INK };
        // Two decimals never read -0.00.
        let rounded = (value * 100.0).round() / 100.0 + 0.0;
        let number = format!("{rounded:.2}").replace('-', "−");
        canvas.text(&number, middle, Type::new(TICK, color).centered())
    }

    fn draw_key<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let left = self.left() + self.edge() + 50;
        let (top, height) = (self.head.height(), self.edge().clamp(200, 600));
        let steps = 60;
        for step in 0..steps {
            let value = 1.0 - 2.0 * (f64::from(step) + 0.5) / f64::from(steps);
            let from = (left, top + height * step / steps);
            let to = (left + 34, top + height * (step + 1) / steps);
            canvas.block(from, to, shade(value).mix(1.0))?;
        }
        for (place, text) in ["1", "0.5", "0", "−0.5", "−1"].into_iter().enumerate() {
            let y = top + height * place as i32 / 4;
            canvas.text(text, (left + 46, y), NAME)?;
        }
        Ok(())
    }
}

/// From white at 0 to one of two colours at -1 and 1.
fn shade(value: f64) -> RGBColor {
    let end = if value < 0.0 { NEGATIVE } else { POSITIVE };
    let along = value.abs().clamp(0.0, 1.0);
    let mixed = |from: u8, to: u8| {
        (f64::from(from) + along * (f64::from(to) - f64::from(from))).round() as u8
    };
    RGBColor(
        mixed(PAPER.0, end.0),
        mixed(PAPER.1, end.1),
        mixed(PAPER.2, end.2),
    )
}
