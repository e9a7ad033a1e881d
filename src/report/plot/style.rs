//! Sizes, colours, marks and strokes of all plots.
//!
//! Lengths are in units of half a pixel, so that a picture 900 pixels wide is precise to that unit.

use plotters::style::{Color, RGBAColor, RGBColor};

use sweep_core::trial::Kind;
pub use sweep_core::trial::models::Mark;

/// Width of a plot, unless its content asks for more.
pub const WIDTH: i32 = 1800;
/// Space kept free at the edges.
pub const MARGIN: i32 = 36;

// Sizes of text; 30 units are 12 pixels an em in a picture 900 wide.
pub const TITLE: i32 = 42;
pub const LABEL: i32 = 33;
pub const TICK: i32 = 30;

pub const INK: RGBColor = RGBColor(34, 34, 34);
pub const FAINT: RGBColor = RGBColor(95, 95, 95);
pub const GRID: RGBColor = RGBColor(222, 222, 222);
pub const PAPER: RGBColor = RGBColor(255, 255, 255);

/// Colours told apart with any common colour vision (Okabe and Ito 2008), less the yellow, which is
/// too light for lines on white.
pub const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// A line's colour, width and whether it is dashed.
#[derive(Debug, Clone, Copy)]
pub struct Stroke {
    pub color: RGBAColor,
    pub width: u32,
    pub is_dashed: bool,
}

impl Stroke {
    pub fn solid(color: RGBColor, width: u32) -> Stroke {
        Stroke {
            color: color.mix(1.0),
            width,
            is_dashed: false,
        }
    }

    pub fn dashed(self) -> Stroke {
        Stroke {
            is_dashed: true,
            ..self
        }
    }

    pub fn faded(self, alpha: f64) -> Stroke {
        Stroke {
            color: RGBAColor(self.color.0, self.color.1, self.color.2, alpha),
            ..self
        }
    }
}

/// Colour and mark of a kind, the same in every plot.
pub fn kind_style(kind: Kind) -> (RGBColor, Mark) {
    let (red, green, blue) = kind.def().color;
    (RGBColor(red, green, blue), kind.def().mark)
}
