//! Box plots of numeric columns, a panel each with a box for each class.

use plotters::backend::DrawingBackend;

use super::drawing::{BOXES, Drawing, MAX_PAGES, classes, largest, page_name};
use super::omitted::Omitted;
use super::page::{self, Head, PANEL};
use crate::plot::canvas::{Canvas, Drawn, Plot, render};
use crate::plot::frame::{Frame, Scale};
use crate::plot::lettering::Type;
use crate::plot::style::{INK, LABEL, MARGIN, Stroke, TICK, WIDTH};
use sweep_describe::{BoxPlot, Description, Shape, Target};

/// Classes of a panel.
const MAX: usize = 20;
/// Height of a box with the space to the next one.
const ROW: i32 = 46;
const THICK: i32 = 26;
/// Space for the name above and the ticks below.
const AROUND: i32 = 150;
/// Width of the longest class name.
const NAMES: i32 = 210;
/// Height of all panels of one picture, at most.
const TALLEST: i32 = 2_300;

/// As many pictures as the columns need.
pub fn drawings<'a>(description: &'a Description, left_out: &mut Vec<String>) -> Vec<Drawing<'a>> {
    let omitted = Omitted::of(description);
    let shapes: Vec<&Shape> = (description.shapes.iter())
        .filter(|shape| shape.boxes.iter().any(Option::is_some))
        .filter(|shape| !omitted.is_not_drawn(&shape.column))
        .collect();
    let target = classes(description);
    let shown = target.map_or(vec![0], |target| largest(target, MAX));
    let height = ROW * shown.len() as i32 + AROUND;
    let panels = (TALLEST / height).max(1) as usize * page::ACROSS as usize;
    let most = panels * MAX_PAGES;
    if shapes.len() > most {
        left_out.push(format!(
            "Box plots: the first {most} of {} numeric columns are drawn; the numbers of all are \
             in by_class.csv and describe.json.",
            shapes.len()
        ));
    }
    let mut caption = "Box: quartiles and median. Whiskers: the farthest values within 1.5 box \
                       lengths. Values beyond are not drawn."
        .to_owned();
    if let Some(target) = target
        && shown.len() < target.classes.len()
    {
        let said = format!(
            "the {MAX} largest of {} classes are drawn",
            target.classes.len()
        );
        caption.push_str(&format!(" Of the classes, {said}."));
        left_out.push(format!("Box plots: {said}; all are in by_class.csv."));
    }
    let number = shapes.len().div_ceil(panels).min(MAX_PAGES);
    let drawing = |(place, shapes): (usize, &[&'a Shape])| -> Drawing<'a> {
        let (caption, shown, shapes) = (caption.clone(), shown.clone(), shapes.to_vec());
        Box::new(move || {
            let mut title = "Box plots".to_owned();
            if let Some(target) = target {
                title.push_str(&format!(" by {}", target.column));
            }
            if number > 1 {
                title.push_str(&format!(", {} of {number}", place + 1));
            }
            let plot = Boxes {
                head: Head::new(title.clone(), &caption, WIDTH),
                target,
                shown: shown.clone(),
                shapes: shapes.clone(),
                height,
            };
            render(&page_name(BOXES, place), title, caption.clone(), &plot)
        })
    };
    let pages = shapes.chunks(panels).take(MAX_PAGES).enumerate();
    pages.map(drawing).collect()
}

struct Boxes<'a> {
    head: Head,
    target: Option<&'a Target>,
    /// Classes that are drawn; without a target the one row of all.
    shown: Vec<usize>,
    shapes: Vec<&'a Shape>,
    height: i32,
}

impl Plot for Boxes<'_> {
    fn size(&self) -> (i32, i32) {
        let rows = page::rows(self.shapes.len());
        (WIDTH, self.head.height() + rows * self.height + MARGIN)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        self.head.draw(canvas)?;
        for (place, shape) in self.shapes.iter().enumerate() {
            let top = self.head.height() + page::row(place) * self.height;
            self.panel(canvas, shape, page::left(place), top)?;
        }
        Ok(())
    }
}

impl Boxes<'_> {
    fn panel<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        shape: &Shape,
        left: i32,
        top: i32,
    ) -> Drawn<B> {
        let bold = Type::new(LABEL, INK).bold();
        canvas.text(&bold.fit(&shape.column, PANEL), (left, top + 26), bold)?;
        let boxes = || self.shown.iter().map(|class| shape.boxes[*class].as_ref());
        let ends = boxes().flatten().flat_map(|one| [one.low, one.high]);
        let Some(scale) = Scale::of_linear(ends, 5) else {
            return Ok(());
        };
        let kind = Type::new(TICK, INK);
        let names: Vec<String> = match self.target {
            Some(target) => (self.shown.iter())
                .map(|class| kind.fit(&target.classes[*class].name, NAMES))
                .collect(),
            None => vec![String::new()],
        };
        let widest = names.iter().map(|name| kind.width(name)).max().unwrap_or(0);
        let frame = Frame {
            left: left + widest + Frame::GAP,
            right: left + PANEL,
            top: top + 60,
            bottom: top + 60 + ROW * self.shown.len() as i32,
            x: scale,
            // Rows have fixed places; the frame only needs some scale there.
            y: Scale::between(0.0, 1.0, 1),
        };
        frame.draw_x_axis(canvas, "")?;
        for (place, (one, name)) in boxes().zip(&names).enumerate() {
            let y = frame.top + ROW * place as i32 + ROW / 2;
            canvas.text(name, (frame.left - Frame::GAP, y), kind.right())?;
            if let Some(one) = one {
                draw_box(canvas, &frame, one, y, page::color(place, self.shown.len()))?;
            }
        }
        Ok(())
    }
}

fn draw_box<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    one: &BoxPlot,
    y: i32,
    color: plotters::style::RGBColor,
) -> Drawn<B> {
    let places = [one.low, one.q1, one.median, one.q3, one.high].map(|value| frame.across(value));
    let [Some(low), Some(q1), Some(median), Some(q3), Some(high)] = places else {
        return Ok(());
    };
    let half = THICK / 2;
    let line = Stroke::solid(color, 3);
    for (from, to) in [(low, q1), (q3, high)] {
        canvas.line(&[(from, y), (to, y)], line)?;
    }
    for end in [low, high] {
        canvas.line(&[(end, y - half / 2), (end, y + half / 2)], line)?;
    }
    page::tint(canvas, (q1, y - half), (q3, y + half), color)?;
    let corners = [
        (q1, y - half),
        (q3, y - half),
        (q3, y + half),
        (q1, y + half),
        (q1, y - half),
    ];
    canvas.line(&corners, line)?;
    canvas.line(
        &[(median, y - half), (median, y + half)],
        Stroke::solid(INK, 5),
    )
}
