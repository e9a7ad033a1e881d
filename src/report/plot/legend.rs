//! Legends: below a plot, never over data, in as many rows as they need.

use plotters::backend::DrawingBackend;
use plotters::style::RGBAColor;

use super::canvas::{Canvas, Drawn};
use super::lettering::Type;
use super::style::{INK, Mark, Stroke, TICK};

const ROW: i32 = 50;
const SIGN: i32 = 64;
const GAP: i32 = 44;
const TEXT: Type = Type::new(TICK, INK);

/// What an entry looks like in the plot.
#[derive(Debug, Clone, Copy)]
pub enum Sign {
    Line(Stroke),
    Mark(Mark, i32, RGBAColor),
}

/// Entries from left to right, broken into rows.
pub struct Legend {
    rows: Vec<Vec<(Sign, String)>>,
}

impl Legend {
    /// `entries` in rows of at most `width`; what is wider alone is cut.
    pub fn new(entries: Vec<(Sign, String)>, width: i32) -> Legend {
        Legend::of_groups(vec![entries], width)
    }

    /// The same, each group beginning a row.
    pub fn of_groups(groups: Vec<Vec<(Sign, String)>>, width: i32) -> Legend {
        let rows = groups
            .into_iter()
            .flat_map(|group| Legend::rows(group, width));
        Legend {
            rows: rows.collect(),
        }
    }

    fn rows(entries: Vec<(Sign, String)>, width: i32) -> Vec<Vec<(Sign, String)>> {
        let mut rows: Vec<Vec<(Sign, String)>> = Vec::new();
        let mut used = 0;
        for (sign, text) in entries {
            let text = TEXT.fit(&text, width - SIGN);
            let needed = SIGN + TEXT.width(&text) + GAP;
            match rows.last_mut() {
                Some(row) if used + needed - GAP <= width => row.push((sign, text)),
                _ => {
                    rows.push(vec![(sign, text)]);
                    used = 0;
                }
            }
            used += needed;
        }
        rows
    }

    pub fn height(&self) -> i32 {
        ROW * self.rows.len() as i32
    }

    pub fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, left: i32, top: i32) -> Drawn<B> {
        for (place, row) in self.rows.iter().enumerate() {
            let y = top + ROW * place as i32 + ROW / 2;
            let mut x = left;
            for (sign, text) in row {
                match sign {
                    Sign::Line(stroke) => canvas.line(&[(x, y), (x + SIGN - 14, y)], *stroke)?,
                    Sign::Mark(mark, radius, color) => {
                        canvas.mark((x + SIGN / 2 - 6, y), *radius, *mark, *color)?
                    }
                }
                canvas.text(text, (x + SIGN, y), TEXT)?;
                x += SIGN + TEXT.width(text) + GAP;
            }
        }
        Ok(())
    }
}
