//! The one look of all plots: canvas, font, colours, marks, and both file formats.
//!
//! A plot is laid out in units of half a pixel, so that a picture 900 wide on a page has lines and
//! text to that precision. PNG and SVG come from the same drawing calls.

use std::sync::Once;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBAColor, RGBColor, ShapeStyle, TextStyle,
    register_font,
};

use crate::{ReportError, text};
use sweep_core::trial::Kind;

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

/// Under this name the font is registered for PNG; an SVG viewer takes the first family it has, all
/// of which are as wide.
const FONT: &str = "DejaVu Sans, Verdana, sans-serif";

/// One over the resolution that a PNG states, in metres: half a CSS pixel.
const PIXELS_PER_METRE: u32 = 7_559;

pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Something that can be drawn on any backend.
pub trait Plot {
    /// Width and height, in half pixels.
    fn size(&self) -> (i32, i32);

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B>;
}

/// A drawn plot in both formats.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Of its files, less the ending.
    pub name: String,
    pub title: String,
    /// What it shows and how to read it.
    pub caption: String,
    pub png: Vec<u8>,
    pub svg: String,
}

/// Draws `plot` on white, as PNG and as SVG.
pub fn render(
    name: &str,
    title: String,
    caption: String,
    plot: &impl Plot,
) -> Result<Picture, ReportError> {
    register();
    let failed = |message: String| ReportError::Draw {
        name: name.to_owned(),
        message,
    };
    let (width, height) = plot.size();
    let size = (width as u32, height as u32);
    let mut pixels = vec![0; 3 * size.0 as usize * size.1 as usize];
    // The two backends put a line of text at different heights round its point.
    draw_on(BitMapBackend::with_buffer(&mut pixels, size), 0.14, plot).map_err(failed)?;
    let mut svg = String::new();
    draw_on(SVGBackend::with_string(&mut svg, size), 0.03, plot).map_err(failed)?;
    // The view box keeps the half pixels; a viewer shows the picture at its natural size.
    let in_units = format!("width=\"{width}\" height=\"{height}\"");
    let in_pixels = format!("width=\"{}\" height=\"{}\"", width / 2, height / 2);
    Ok(Picture {
        name: name.to_owned(),
        title,
        caption,
        png: encode(&pixels, size).map_err(|error| failed(error.to_string()))?,
        svg: svg.replacen(&in_units, &in_pixels, 1),
    })
}

fn draw_on<B: DrawingBackend>(backend: B, drop: f64, plot: &impl Plot) -> Result<(), String> {
    let area = backend.into_drawing_area();
    area.fill(&PAPER).map_err(|error| error.to_string())?;
    plot.draw(&Canvas { area: &area, drop })
        .map_err(|error| error.to_string())?;
    area.present().map_err(|error| error.to_string())
}

/// Eight-bit RGB `pixels` as a PNG file.
fn encode(pixels: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: PIXELS_PER_METRE,
        yppu: PIXELS_PER_METRE,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let faces = [
            (FontStyle::Normal, dejavu::sans::regular()),
            (FontStyle::Bold, dejavu::sans::bold()),
        ];
        for (style, bytes) in faces {
            let registered = register_font(FONT, style, bytes);
            assert!(registered.is_ok(), "the font that is built in can be read");
        }
    });
}

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

/// How a text stands to its point.
#[derive(Clone, Copy)]
pub struct Type {
    pub size: i32,
    pub color: RGBColor,
    pub is_bold: bool,
    pub across: HPos,
    pub is_upright: bool,
}

impl Type {
    pub const fn new(size: i32, color: RGBColor) -> Type {
        Type {
            size,
            color,
            is_bold: false,
            across: HPos::Left,
            is_upright: false,
        }
    }

    pub const fn bold(self) -> Type {
        Type {
            is_bold: true,
            ..self
        }
    }

    pub const fn centered(self) -> Type {
        Type {
            across: HPos::Center,
            ..self
        }
    }

    pub const fn right(self) -> Type {
        Type {
            across: HPos::Right,
            ..self
        }
    }

    /// Read from below; the point is the end of the text, on its middle line.
    pub const fn upright(self) -> Type {
        Type {
            is_upright: true,
            across: HPos::Right,
            ..self
        }
    }

    fn style(self) -> TextStyle<'static> {
        let face = if self.is_bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let mut font = (FONT, f64::from(self.size), face).into_font();
        if self.is_upright {
            font = font.transform(FontTransform::Rotate270);
        }
        TextStyle {
            font,
            color: self.color.to_backend_color(),
            pos: Pos::new(self.across, VPos::Center),
        }
    }

    /// Width of `text`, in half pixels.
    pub fn width(self, text: &str) -> i32 {
        register();
        let face = if self.is_bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        };
        let font = (FONT, f64::from(self.size), face).into_font();
        let ((left, _), (right, _)) = font.layout_box(text).expect("the font is registered");
        right - left
    }

    /// `text` made printable and, if it is wider than `width`, cut with an ellipsis.
    pub fn fit(self, text: &str, width: i32) -> String {
        let text = text::sanitize(text);
        let length = text.chars().count();
        // No character is narrower than a tenth of its size: a quick bound on very long names.
        let most = (10 * width / self.size).max(1) as usize;
        (1..=length.min(most))
            .rev()
            .map(|kept| text::cut(&text, kept))
            .find(|shown| self.width(shown) <= width)
            .unwrap_or_default()
    }

    /// As [`Type::fit`], with the ellipsis in the middle: names made of parts differ at their ends.
    pub fn fit_ends(self, text: &str, width: i32) -> String {
        let chars: Vec<char> = text::sanitize(text).chars().collect();
        let whole: String = chars.iter().collect();
        if self.width(&whole) <= width {
            return whole;
        }
        let most = (10 * width / self.size).max(1) as usize;
        (1..chars.len().min(most))
            .rev()
            .map(|kept| {
                let tail = kept / 2;
                let head: String = chars[..kept - tail].iter().collect();
                let end: String = chars[chars.len() - tail..].iter().collect();
                format!("{head}…{end}")
            })
            .find(|shown| self.width(shown) <= width)
            .unwrap_or_default()
    }

    /// `text` in at most `lines` lines no wider than `width`, broken at spaces, the last one cut.
    pub fn wrap(self, text: &str, width: i32, lines: usize) -> Vec<String> {
        let text = text::sanitize(text);
        let mut wrapped: Vec<String> = Vec::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match wrapped.last_mut() {
                Some(line) if self.width(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => wrapped.push(word.to_owned()),
            }
        }
        if wrapped.len() > lines {
            let rest = wrapped.split_off(lines.saturating_sub(1)).join(" ");
            wrapped.push(rest);
        }
        wrapped.iter().map(|line| self.fit(line, width)).collect()
    }
}

/// Shape of a mark, beside its colour the second sign of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Disc,
    Diamond,
    Square,
}

/// Colour and mark of a kind, the same in every plot.
pub fn look(kind: Kind) -> (RGBColor, Mark) {
    match kind {
        Kind::Mlp => (PALETTE[0], Mark::Disc),
        Kind::Boost => (PALETTE[1], Mark::Diamond),
        Kind::Forest => (PALETTE[2], Mark::Square),
    }
}

/// Where a plot is drawn.
pub struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    /// By how much of its size a text is moved down to stand on the middle of its line.
    drop: f64,
}

impl<B: DrawingBackend> Canvas<'_, B> {
    pub fn line(&self, points: &[(i32, i32)], stroke: Stroke) -> Drawn<B> {
        let style = ShapeStyle {
            color: stroke.color,
            filled: false,
            stroke_width: stroke.width,
        };
        match stroke.is_dashed {
            true => {
                let points = points.to_vec();
                self.area
                    .draw(&DashedPathElement::new(points, 14, 10, style))
            }
            false => self.area.draw(&PathElement::new(points.to_vec(), style)),
        }
    }

    pub fn text(&self, text: &str, (x, y): (i32, i32), kind: Type) -> Drawn<B> {
        let drop = (self.drop * f64::from(kind.size)).round() as i32;
        let at = match kind.is_upright {
            true => (x + drop, y),
            false => (x, y + drop),
        };
        match text.is_empty() {
            true => Ok(()),
            false => self.area.draw_text(text, &kind.style(), at),
        }
    }

    /// A filled rectangle between two corners.
    pub fn block(&self, from: (i32, i32), to: (i32, i32), color: RGBAColor) -> Drawn<B> {
        self.area.draw(&Rectangle::new([from, to], color.filled()))
    }

    /// `mark` with `radius` round its middle, filled.
    pub fn mark(&self, at: (i32, i32), radius: i32, mark: Mark, color: RGBAColor) -> Drawn<B> {
        let (x, y) = at;
        match mark {
            Mark::Disc => self.area.draw(&Circle::new(at, radius, color.filled())),
            Mark::Diamond => {
                let reach = radius * 13 / 10;
                let corners = vec![
                    (x, y - reach),
                    (x + reach, y),
                    (x, y + reach),
                    (x - reach, y),
                ];
                self.area.draw(&Polygon::new(corners, color.filled()))
            }
            Mark::Square => {
                let reach = radius * 9 / 10;
                self.block((x - reach, y - reach), (x + reach, y + reach), color)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_both_its_ends() {
        let kind = Type::new(22, PALETTE[0]);
        let name = "a_column_with_a_long_name.year";
        let shown = kind.fit_ends(name, kind.width(name) / 2);
        assert!(
            shown.starts_with("a_col") && shown.contains('…') && shown.ends_with("year"),
            "{shown}"
        );
        assert!(kind.width(&shown) <= kind.width(name) / 2);
        assert_eq!(kind.fit_ends(name, kind.width(name)), name);
    }
}
