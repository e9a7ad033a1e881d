//! Histograms of numeric columns, a panel each; with a target, a line for each class.

use plotters::backend::DrawingBackend;
use plotters::style::Color;

use super::drawing::{DISTRIBUTIONS, Drawing, MAX_PAGES, TARGET, classes, largest, page_name};
use super::omitted::Omitted;
use super::page::{self, Head, PANEL};
use crate::plot::canvas::{Canvas, Drawn, Plot, render};
use crate::plot::frame::{Frame, Scale};
use crate::plot::legend::Legend;
use crate::plot::lettering::Type;
use crate::plot::style::{FAINT, INK, LABEL, MARGIN, Mark, PALETTE, TICK, WIDTH};
use sweep_describe::{Description, Shape};

/// Panels of one picture.
const PANELS: usize = 15;
/// Height of a panel's frame, and of a panel with its name and ticks.
const FRAME: i32 = 250;
const HEIGHT: i32 = FRAME + 160;
/// With no more bins than this, each has a mark on its line.
const FEW: usize = 14;

/// As many pictures as the columns need.
pub fn drawings<'a>(description: &'a Description, left_out: &mut Vec<String>) -> Vec<Drawing<'a>> {
    let omitted = Omitted::of(description);
    let number = number_target(description);
    let shapes: Vec<&Shape> = (description.shapes.iter())
        .filter(|shape| !shape.histogram.edges.is_empty() && !omitted.is_not_drawn(&shape.column))
        .filter(|shape| number != Some(shape.column.as_str()))
        .collect();
    let most = PANELS * MAX_PAGES;
    if shapes.len() > most {
        left_out.push(format!(
            "Distributions: the first {most} of {} numeric columns are drawn; the numbers of all \
             are in columns.csv and describe.json.",
            shapes.len()
        ));
    }
    let target = classes(description);
    let shown = target.map(|target| largest(target, PALETTE.len()));
    let mut caption = match target {
        Some(_) => "Per cent of the rows of a class in each bin; the bins of a panel are the same \
                    for all classes."
            .to_owned(),
        None => "Per cent of all rows in each bin.".to_owned(),
    };
    if let (Some(target), Some(shown)) = (target, &shown)
        && shown.len() < target.classes.len()
    {
        let said = format!(
            "the {} largest of {} classes are drawn",
            shown.len(),
            target.classes.len()
        );
        caption.push_str(&format!(" Of the classes, {said}."));
        left_out.push(format!(
            "Distributions: {said}; all are in by_class.csv and describe.json."
        ));
    }
    let pages: Vec<Vec<&Shape>> = shapes.chunks(PANELS).map(<[_]>::to_vec).collect();
    let number = pages.len().min(MAX_PAGES);
    let drawing = |(place, shapes): (usize, Vec<&'a Shape>)| -> Drawing<'a> {
        let (caption, shown) = (caption.clone(), shown.clone());
        Box::new(move || {
            let mut title = "Distributions".to_owned();
            if let Some(target) = target {
                title.push_str(&format!(" by {}", target.column));
            }
            if number > 1 {
                title.push_str(&format!(", {} of {number}", place + 1));
            }
            let plot = Panels {
                head: Head::new(title.clone(), &caption, WIDTH),
                legend: (target.zip(shown.as_ref()))
                    .map(|(target, shown)| page::legend(target, shown)),
                shown: shown.clone(),
                shapes: shapes.clone(),
            };
            render(
                &page_name(DISTRIBUTIONS, place),
                title,
                caption.clone(),
                &plot,
            )
        })
    };
    let pages = pages.into_iter().take(MAX_PAGES).enumerate();
    pages.map(drawing).collect()
}

/// A target that is a number, in a picture of its own.
pub fn of_target<'a>(description: &'a Description) -> Option<Drawing<'a>> {
    let name = number_target(description)?;
    let mut shapes = description.shapes.iter();
    let shape = shapes.find(|shape| shape.column == name && !shape.histogram.edges.is_empty())?;
    Some(Box::new(move || {
        let title = format!("Distribution of the target {name}");
        let caption = "Per cent of the rows that have a target in each bin.";
        let plot = Panels {
            head: Head::new(title.clone(), caption, WIDTH),
            legend: None,
            shown: None,
            shapes: vec![shape],
        };
        render(TARGET, title, caption.to_owned(), &plot)
    }))
}

/// The name of a target that is a number.
fn number_target(description: &Description) -> Option<&str> {
    let target = description.target.as_ref();
    let number = target.filter(|target| target.numbers.is_some());
    number.map(|target| target.column.as_str())
}

struct Panels<'a> {
    head: Head,
    legend: Option<Legend>,
    /// Classes that are drawn; `None` without a target.
    shown: Option<Vec<usize>>,
    shapes: Vec<&'a Shape>,
}

impl Panels<'_> {
    fn top(&self) -> i32 {
        let legend = self
            .legend
            .as_ref()
            .map_or(0, |legend| legend.height() + 24);
        self.head.height() + legend
    }
}

impl Plot for Panels<'_> {
    fn size(&self) -> (i32, i32) {
        let rows = page::rows(self.shapes.len());
        (WIDTH, self.top() + rows * HEIGHT + MARGIN)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        self.head.draw(canvas)?;
        if let Some(legend) = &self.legend {
            legend.draw(canvas, MARGIN, self.head.height())?;
        }
        for (place, shape) in self.shapes.iter().enumerate() {
            let top = self.top() + page::row(place) * HEIGHT;
            self.panel(canvas, shape, page::left(place), top)?;
        }
        Ok(())
    }
}

impl Panels<'_> {
    fn panel<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        shape: &Shape,
        left: i32,
        top: i32,
    ) -> Drawn<B> {
        let histogram = &shape.histogram;
        let lines: Vec<Vec<f64>> = match &self.shown {
            Some(shown) => (shown.iter())
                .map(|class| per_cent(&histogram.counts[*class]))
                .collect(),
            None => histogram.counts.iter().map(|all| per_cent(all)).collect(),
        };
        let highest = lines.iter().flatten().copied().fold(0.0, f64::max);
        let (low, high) = (
            histogram.edges[0],
            histogram.edges[histogram.edges.len() - 1],
        );
        let y = Scale::between(0.0, (highest * 1.05).max(1e-9), 4);
        // Bins round whole numbers have ticks at those alone.
        let is_unit = histogram.edges[1] - low == 1.0;
        let ticks = if is_unit {
            (high - low).min(5.0) as usize
        } else {
            5
        };
        let frame = Frame {
            left: left + y.label_width() + Frame::GAP,
            right: left + PANEL,
            top: top + 60,
            bottom: top + 60 + FRAME,
            x: Scale::between(low, high, ticks),
            y,
        };
        frame.draw_y_axis(canvas, true)?;
        frame.draw_x_axis(canvas, "")?;
        self.draw_name(canvas, shape, left, top + 26)?;
        for (place, line) in lines.iter().enumerate() {
            match &self.shown {
                Some(shown) => {
                    draw_line(canvas, &frame, &histogram.edges, line, place, shown.len())?
                }
                None => draw_bars(canvas, &frame, &histogram.edges, line)?,
            }
        }
        Ok(())
    }

    /// The column's name and, at the right, what lies beyond the drawn range.
    fn draw_name<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        shape: &Shape,
        left: i32,
        y: i32,
    ) -> Drawn<B> {
        let histogram = &shape.histogram;
        let inside: usize = histogram.counts.iter().flatten().sum();
        let outside = histogram.below + histogram.above;
        let kind = Type::new(TICK, FAINT);
        let mut width = PANEL;
        if outside > 0 {
            let share = 100.0 * outside as f64 / (inside + outside) as f64;
            let beyond = match share < 0.1 {
                true => "<0.1% beyond".to_owned(),
                false => format!("{share:.1}% beyond"),
            };
            canvas.text(&beyond, (left + PANEL, y), kind.right())?;
            width -= kind.width(&beyond) + 20;
        }
        let name = Type::new(LABEL, INK).bold();
        canvas.text(&name.fit(&shape.column, width), (left, y), name)
    }
}

fn per_cent(counts: &[usize]) -> Vec<f64> {
    let all = counts.iter().sum::<usize>().max(1) as f64;
    counts
        .iter()
        .map(|count| 100.0 * *count as f64 / all)
        .collect()
}

/// From the middle of one bin to that of the next; the line of a class without rows is not drawn.
fn draw_line<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    edges: &[f64],
    shares: &[f64],
    place: usize,
    shown: usize,
) -> Drawn<B> {
    if shares.iter().all(|share| *share == 0.0) {
        return Ok(());
    }
    let points: Vec<(i32, i32)> = (edges.windows(2).zip(shares))
        .filter_map(|(ends, share)| frame.at(ends[0] / 2.0 + ends[1] / 2.0, *share))
        .collect();
    if points.len() <= FEW {
        for at in &points {
            canvas.mark(*at, 7, Mark::Disc, page::color(place, shown).mix(0.9))?;
        }
    }
    canvas.line(&points, page::stroke(place, shown))
}

fn draw_bars<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    edges: &[f64],
    shares: &[f64],
) -> Drawn<B> {
    for (ends, share) in edges.windows(2).zip(shares) {
        let corners = (frame.at(ends[0], *share), frame.across(ends[1]));
        if let (Some((left, top)), Some(right)) = corners
            && top < frame.bottom
        {
            let to = (right.max(left + 2) - 1, frame.bottom);
            canvas.block((left, top), to, PALETTE[0].mix(1.0))?;
        }
    }
    Ok(())
}
