//! What the pictures of a description share: head, legend of classes, panels in rows.

use plotters::backend::DrawingBackend;
use plotters::style::{Color, RGBColor};

use crate::plot::canvas::{Canvas, Drawn};
use crate::plot::legend::{Legend, Sign};
use crate::plot::lettering::Type;
use crate::plot::picture::{HEAD, title};
use crate::plot::style::{FAINT, MARGIN, PALETTE, Stroke, TICK, WIDTH};
use sweep_describe::Target;

/// Panels beside each other.
pub const ACROSS: i32 = 3;
/// Space between panels.
const BETWEEN: i32 = 50;
/// Width of a panel.
pub const PANEL: i32 = (WIDTH - 2 * MARGIN - (ACROSS - 1) * BETWEEN) / ACROSS;
const LINE: i32 = 40;
/// Lines that explain a picture, at most.
const MAX_LINES: usize = 4;

/// Title and explanation at the top of a picture.
pub struct Head {
    title: String,
    lines: Vec<String>,
    width: i32,
}

impl Head {
    /// For a picture that is `width` wide.
    pub fn new(title: String, caption: &str, width: i32) -> Head {
        let kind = Type::new(TICK, FAINT);
        Head {
            title,
            lines: kind.wrap(caption, width - 2 * MARGIN, MAX_LINES),
            width,
        }
    }

    /// Where the picture continues below.
    pub fn height(&self) -> i32 {
        HEAD + LINE * self.lines.len() as i32 + 24
    }

    pub fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, self.width)?;
        let kind = Type::new(TICK, FAINT);
        for (place, line) in self.lines.iter().enumerate() {
            let y = HEAD + 10 + LINE * place as i32;
            canvas.text(line, (MARGIN, y), kind)?;
        }
        Ok(())
    }
}

/// The colour of the class that is shown in `place`; one for all where there are more than colours.
pub fn color(place: usize, shown: usize) -> RGBColor {
    match shown > PALETTE.len() {
        true => PALETTE[0],
        false => PALETTE[place],
    }
}

/// The line of the class that is shown in `place`: the second half of the colours is dashed, so that
/// lines are told apart without colour too.
pub fn stroke(place: usize, shown: usize) -> Stroke {
    let stroke = Stroke::solid(color(place, shown), 4);
    match place * 2 >= PALETTE.len() {
        true => stroke.dashed(),
        false => stroke,
    }
}

/// A line of each class that is shown.
pub fn legend(target: &Target, shown: &[usize]) -> Legend {
    let entry = |(place, class): (usize, &usize)| {
        let name = target.classes[*class].name.clone();
        (Sign::Line(stroke(place, shown.len())), name)
    };
    let entries = shown.iter().enumerate().map(entry).collect();
    Legend::new(entries, WIDTH - 2 * MARGIN)
}

/// Left edge of the panel in `place`.
pub fn left(place: usize) -> i32 {
    MARGIN + (place as i32 % ACROSS) * (PANEL + BETWEEN)
}

/// Row of the panel in `place`, and the number of rows that `panels` need.
pub fn row(place: usize) -> i32 {
    place as i32 / ACROSS
}

pub fn rows(panels: usize) -> i32 {
    (panels as i32 + ACROSS - 1) / ACROSS
}

/// Fills between two corners, lighter than a line of the same colour.
pub fn tint<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    from: (i32, i32),
    to: (i32, i32),
    color: RGBColor,
) -> Drawn<B> {
    canvas.block(from, to, color.mix(0.45))
}
