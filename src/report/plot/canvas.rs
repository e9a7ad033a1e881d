//! Canvas and file formats: PNG and SVG come from the same drawing calls.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBAColor, ShapeStyle};

use super::lettering::{Type, register};
use super::style::{Mark, PAPER, Stroke};
use crate::ReportError;

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
            Mark::Triangle => {
                let (reach, above) = (radius * 12 / 10, radius * 13 / 10);
                let below = y + radius * 8 / 10;
                let corners = vec![(x, y - above), (x + reach, below), (x - reach, below)];
                self.area.draw(&Polygon::new(corners, color.filled()))
            }
        }
    }
}
