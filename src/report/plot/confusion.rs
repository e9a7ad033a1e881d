//! Confusion matrix of the best run: colour is the share of the true class, so that rare classes
//! are as readable as frequent ones.

use plotters::backend::DrawingBackend;
use plotters::style::{Color, RGBColor};
use sweep_analysis::{Input, text};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::lettering::Type;
use super::picture::{CONFUSION, HEAD, Missing, title};
use super::style::{FAINT, INK, LABEL, MARGIN, PAPER, Stroke, TICK};
use sweep_analysis::Summary;

/// With more classes, cells hold colours alone.
const MAX_WITH_NUMBERS: usize = 20;
/// With more classes, a cell would be smaller than can be seen.
const MAX: usize = 300;
/// Width of the longest class name at the left.
const NAMES: i32 = 360;
/// Length of the longest class name below.
const UPRIGHT: i32 = 260;
/// Space for the title however few classes there are.
const MIN_WIDTH: i32 = 1100;
/// Width of the colour key at the right.
const KEY: i32 = 190;
/// Darkest colour, for a share of 1.
const FULL: RGBColor = RGBColor(8, 48, 107);

pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    if input.experiment.dataset.classes.is_empty() {
        return Err(Missing::NotAsked);
    }
    let missing = |why: String| Missing::Data(format!("Confusion matrix: {why}."));
    let winner = &summary.ranking[0];
    let run = winner.best_run(&summary.objective);
    let Some(counts) = input
        .confusion
        .get(&run.trial)
        .filter(|counts| !counts.is_empty())
    else {
        return Err(missing("not recorded for the winner's best run".to_owned()));
    };
    if counts.len() > MAX {
        return Err(missing(format!(
            "{} classes, but a plot shows at most {MAX}; see confusion.csv",
            counts.len()
        )));
    }
    let classes = &input.experiment.dataset.classes;
    let names: Vec<String> = (0..counts.len())
        .map(|class| {
            classes
                .get(class)
                .map_or(class.to_string(), |name| text::sanitize(name))
        })
        .collect();
    let rows: u64 = counts.iter().flatten().sum();
    let caption = format!(
        "{} at the best epoch or round. Colour and percentage: share of the true class.",
        text::pluralize(rows, "validation row"),
    );
    let name = "Confusion matrix of the best run".to_owned();
    let run = format!("{}, {}", winner.title(), run.label());
    let plot = Confusion::new(name.clone(), run, counts, names);
    Ok(render(CONFUSION, name, caption, &plot)?)
}

struct Confusion<'a> {
    title: String,
    /// Which run it is.
    run: String,
    counts: &'a [Vec<u64>],
    names: Vec<String>,
    cell: i32,
    left: i32,
    /// Whether class names below are wider than a cell.
    is_upright: bool,
    /// Space below the cells.
    below: i32,
}

impl Confusion<'_> {
    fn new(title: String, run: String, counts: &[Vec<u64>], names: Vec<String>) -> Confusion<'_> {
        let number = counts.len() as i32;
        let cell = match counts.len() > MAX_WITH_NUMBERS {
            true => (1500 / number).max(4),
            false => (960 / number).clamp(104, 190),
        };
        let kind = Type::new(TICK, INK);
        let widest = names
            .iter()
            .map(|name| kind.width(&kind.fit(name, NAMES)))
            .max();
        let widest = widest.unwrap_or(0);
        let is_upright = widest > cell - 12;
        let labels = if is_upright {
            widest.min(UPRIGHT)
        } else {
            TICK
        };
        Confusion {
            left: MARGIN + 64 + widest + 16,
            is_upright,
            below: labels + 100,
            title,
            run,
            counts,
            names,
            cell,
        }
    }

    fn edge(&self) -> i32 {
        self.cell * self.counts.len() as i32
    }

    fn top(&self) -> i32 {
        HEAD + 56
    }

    /// Every how many classes a name fits.
    fn every(&self) -> usize {
        (40 / self.cell) as usize + 1
    }
}

impl Plot for Confusion<'_> {
    fn size(&self) -> (i32, i32) {
        let width = self.left + self.edge() + KEY + MARGIN;
        (
            width.max(MIN_WIDTH),
            (self.top() + self.edge() + self.below + MARGIN).max(560),
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, self.size().0)?;
        let kind = Type::new(TICK, FAINT);
        let run = kind.fit(&self.run, self.size().0 - 2 * MARGIN);
        canvas.text(&run, (MARGIN, HEAD + 8), kind)?;
        for (actual, row) in self.counts.iter().enumerate() {
            let total: u64 = row.iter().sum();
            for (predicted, count) in row.iter().enumerate() {
                let x = self.left + self.cell * predicted as i32;
                let y = self.top() + self.cell * actual as i32;
                let share = *count as f64 / total.max(1) as f64;
                self.draw_cell(canvas, (x, y), *count, share)?;
            }
        }
        self.draw_border(canvas)?;
        self.draw_names(canvas)?;
        self.draw_key(canvas)
    }
}

impl Confusion<'_> {
    fn draw_cell<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        (x, y): (i32, i32),
        count: u64,
        share: f64,
    ) -> Drawn<B> {
        let corner = (x + self.cell, y + self.cell);
        canvas.block((x, y), corner, shade(share).mix(1.0))?;
        if self.counts.len() > MAX_WITH_NUMBERS {
            return Ok(());
        }
        let color = if share > 0.57 { PAPER } else { INK };
        let middle = (x + self.cell / 2, y + self.cell / 2);
        let kind = Type::new(TICK, color).centered();
        let number = match count {
            0..100_000 => count.to_string(),
            _ => format!("{:.0}k", count as f64 / 1e3),
        };
        let per_cent = format!("{:.0}%", 100.0 * share);
        canvas.text(
            &kind.fit(&number, self.cell - 4),
            (middle.0, middle.1 - 19),
            kind,
        )?;
        canvas.text(&per_cent, (middle.0, middle.1 + 19), kind)
    }

    fn draw_border<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let (left, top, edge) = (self.left, self.top(), self.edge());
        let corners = [
            (left, top),
            (left + edge, top),
            (left + edge, top + edge),
            (left, top + edge),
            (left, top),
        ];
        canvas.line(&corners, Stroke::solid(FAINT, 2))
    }

    fn draw_names<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let kind = Type::new(TICK, INK);
        let (left, bottom) = (self.left, self.top() + self.edge());
        for (class, name) in self.names.iter().enumerate().step_by(self.every()) {
            let middle = self.cell * class as i32 + self.cell / 2;
            let beside = (left - 16, self.top() + middle);
            canvas.text(&kind.fit(name, NAMES), beside, kind.right())?;
            match self.is_upright {
                true => {
                    let below = (left + middle, bottom + 16);
                    canvas.text(&kind.fit(name, UPRIGHT), below, kind.upright())?;
                }
                false => canvas.text(name, (left + middle, bottom + 32), kind.centered())?,
            }
        }
        let head = Type::new(LABEL, INK);
        let middle = left + self.edge() / 2;
        canvas.text(
            "predicted class",
            (middle, bottom + self.below - 30),
            head.centered(),
        )?;
        let end = self.top() + self.edge() / 2 - head.width("true class") / 2;
        canvas.text(
            "true class",
            (MARGIN + 20, end.max(self.top())),
            head.upright(),
        )
    }

    fn draw_key<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        let left = self.left + self.edge() + 50;
        let (top, height) = (self.top(), self.edge().clamp(200, 600));
        let steps = 50;
        for step in 0..steps {
            let share = 1.0 - (f64::from(step) + 0.5) / f64::from(steps);
            let from = (left, top + height * step / steps);
            let to = (left + 34, top + height * (step + 1) / steps);
            canvas.block(from, to, shade(share).mix(1.0))?;
        }
        let kind = Type::new(TICK, INK);
        for (share, text) in [(0, "100%"), (1, "50%"), (2, "0%")] {
            canvas.text(text, (left + 46, top + height * share / 2), kind)?;
        }
        Ok(())
    }
}

/// From white at 0 through blues to [`FULL`] at 1, ever darker: readable in grey too.
fn shade(share: f64) -> RGBColor {
    let stops = [(0.0, PAPER), (0.5, RGBColor(84, 148, 205)), (1.0, FULL)];
    let [low, middle, high] = stops;
    let (from, to) = if share <= middle.0 {
        (low, middle)
    } else {
        (middle, high)
    };
    let along = ((share - from.0) / (to.0 - from.0)).clamp(0.0, 1.0);
    let mixed = |from: u8, to: u8| {
        (f64::from(from) + along * (f64::from(to) - f64::from(from))).round() as u8
    };
    RGBColor(
        mixed(from.1.0, to.1.0),
        mixed(from.1.1, to.1.1),
        mixed(from.1.2, to.1.2),
    )
}
