//! Learning curve, score against training size: a line through means, a bar from lowest to highest seed.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use sweep_analysis::Input;

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::legend::{Legend, Sign};
use super::picture::{HEAD, LEARNING_CURVE, Missing, ranked_title, title};
use super::style::{FAINT, MARGIN, Mark, PALETTE, Stroke, WIDTH};
use sweep_analysis::Summary;
use sweep_analysis::learning_curve::{self, Point};

const THICK: u32 = 6;
pub(super) const PANEL_HEIGHT: i32 = 860;

/// The learning curve by training rows of the best configuration of each kind.
pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let curves = learning_curve::all(&input.experiment, summary);
    let best = learning_curve::best_of_kinds(&curves);
    if best.is_empty() {
        let is_asked = input.experiment.trials.iter().any(|trial| {
            trial.in_plan && sweep_analysis::configuration::train_fraction(trial) < 1.0
        });
        return Err(match is_asked {
            true => Missing::Data(
                "Learning curve: no configuration has finished at two training sizes.".to_owned(),
            ),
            false => Missing::NotAsked,
        });
    }
    let lines: Vec<Line> = best
        .iter()
        .enumerate()
        .map(|(place, curve)| Line {
            name: ranked_title(summary, curve.config),
            color: PALETTE[place % PALETTE.len()],
            is_dashed: false,
            shift: shift_of(place, best.len()),
            points: curve
                .points
                .iter()
                .map(|point| Place::of(point, point.rows))
                .collect(),
        })
        .collect();
    let has_seeds = best
        .iter()
        .any(|curve| curve.points.iter().any(|p| p.stats.n > 1));
    let name =
        "Learning curve: score against training size, best configuration of each kind".to_owned();
    let caption = "Each configuration was also trained on subsets of the training rows, drawn by \
                   seed; the validation rows stay the same. If a line still improves at its right \
                   end, more data would probably help.";
    let plot = Lines {
        title: name.clone(),
        x_name: "training rows, log scale".to_owned(),
        y_name: summary.objective_label(),
        legend: legend(&lines, has_seeds),
        lines,
    };
    Ok(render(LEARNING_CURVE, name, caption.to_owned(), &plot)?)
}

/// Entries for `lines`, and for what their parts mean.
pub(super) fn legend(lines: &[Line], has_seeds: bool) -> Legend {
    let entries = lines.iter().map(|line| (line.sign(), line.name.clone()));
    let mut groups = vec![entries.collect::<Vec<_>>()];
    if has_seeds {
        groups.push(vec![
            (
                Sign::Mark(Mark::Disc, 11, Stroke::solid(FAINT, 4).color),
                "mean over seeds".to_owned(),
            ),
            (
                Sign::Line(Stroke::solid(FAINT, 3)),
                "bar: lowest to highest seed".to_owned(),
            ),
        ]);
    }
    Legend::of_groups(groups, WIDTH - 2 * MARGIN)
}

/// How far line `place` of `number` is moved aside.
pub(super) fn shift_of(place: usize, number: usize) -> i32 {
    const STEP: i32 = 12;
    (2 * place as i32 + 1 - number as i32) * STEP / 2
}

/// One line of means with its bars.
pub(super) struct Line {
    pub name: String,
    pub color: RGBColor,
    pub is_dashed: bool,
    /// To the right, in half pixels, so that bars at one place do not hide each other.
    pub shift: i32,
    pub points: Vec<Place>,
}

/// One mean with its bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub x: f64,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Place {
    pub(super) fn of(point: &Point, x: f64) -> Place {
        Place {
            x,
            mean: point.stats.mean,
            low: point.stats.min,
            high: point.stats.max,
        }
    }
}

impl Line {
    pub(super) fn sign(&self) -> Sign {
        Sign::Line(self.stroke())
    }

    fn stroke(&self) -> Stroke {
        let stroke = Stroke::solid(self.color, THICK);
        match self.is_dashed {
            true => stroke.dashed(),
            false => stroke,
        }
    }

    fn at(&self, frame: &Frame, x: f64, y: f64) -> Option<(i32, i32)> {
        let (x, y) = frame.at(x, y)?;
        Some((x + self.shift, y))
    }

    pub(super) fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        frame: &Frame,
    ) -> Drawn<B> {
        let thin = Stroke::solid(self.color, 3);
        for point in &self.points {
            let ends = (
                self.at(frame, point.x, point.low),
                self.at(frame, point.x, point.high),
            );
            if let ((Some(low), Some(high)), true) = (ends, point.low < point.high) {
                canvas.line(&[low, high], thin)?;
                for (x, y) in [low, high] {
                    canvas.line(&[(x - 10, y), (x + 10, y)], thin)?;
                }
            }
        }
        let at = |point: &Place| self.at(frame, point.x, point.mean);
        let places: Vec<(i32, i32)> = self.points.iter().filter_map(at).collect();
        if places.len() > 1 {
            canvas.line(&places, self.stroke())?;
        }
        for place in places {
            canvas.mark(place, 11, Mark::Disc, thin.color)?;
        }
        Ok(())
    }
}

/// Axes for `lines` in a space from `left` to `right`; ticks at the numbers of rows there are.
pub(super) fn frame(lines: &[Line], left: i32, right: i32) -> Frame {
    let points = || lines.iter().flat_map(|line| &line.points);
    let values = points().flat_map(|point| [point.mean, point.low, point.high]);
    let y = Scale::of(values, 6).expect("means of finite numbers can be drawn");
    let mut rows: Vec<f64> = points().map(|point| point.x.round()).collect();
    rows.sort_by(f64::total_cmp);
    rows.dedup();
    Frame {
        left: left + y.label_width() + Frame::GAP,
        right,
        top: HEAD + Frame::ABOVE,
        bottom: HEAD + PANEL_HEIGHT - Frame::BELOW,
        x: Scale::counts(&rows),
        y,
    }
}

struct Lines {
    title: String,
    x_name: String,
    y_name: String,
    lines: Vec<Line>,
    legend: Legend,
}

impl Plot for Lines {
    fn size(&self) -> (i32, i32) {
        let height = HEAD + PANEL_HEIGHT + 16 + self.legend.height() + MARGIN;
        (WIDTH, height)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let frame = frame(&self.lines, MARGIN, WIDTH - MARGIN);
        frame.draw(canvas, &self.x_name, &self.y_name)?;
        for line in &self.lines {
            line.draw(canvas, &frame)?;
        }
        self.legend.draw(canvas, MARGIN, HEAD + PANEL_HEIGHT + 16)
    }
}
