//! The history of a search: what each job came to, by what had been spent, and the best so far.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use sweep_analysis::search::{SearchPoint, SearchSummary};
use sweep_analysis::{Input, Summary};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::legend::{Legend, Sign};
use super::picture::{HEAD, Missing, SEARCH, title};
use super::style::{INK, MARGIN, Mark, PALETTE, Stroke, WIDTH};

const PANEL_HEIGHT: i32 = 860;
/// The share of values at the bottom that the plot leaves out: early steps may be far below all others.
const LEFT_OUT: f64 = 0.1;

/// The searches of the sweep, one below the other.
pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let searches = SearchSummary::all(&input.experiment);
    let panels: Vec<Panel> = searches
        .iter()
        .filter_map(|search| Panel::of(search, summary))
        .collect();
    if panels.is_empty() {
        return Err(Missing::NotAsked);
    }
    let name = "Search: what each job came to, and the best so far".to_owned();
    let caption = "Each mark is a job: a trial that was trained up to a step. The line is the best value so far. Values far \
                   from the best, at most a tenth of all, lie outside.";
    let plot = Panels {
        title: name.clone(),
        y_name: summary.objective_label(),
        panels,
    };
    Ok(render(SEARCH, name, caption.to_owned(), &plot)?)
}

struct Panel {
    x_name: String,
    /// By step to which the jobs led: colour, (spent, value).
    marks: Vec<(RGBColor, Vec<(f64, f64)>)>,
    best: Vec<(f64, f64)>,
    x: Scale,
    y: Scale,
    legend: Legend,
}

impl Panel {
    fn of(search: &SearchSummary, summary: &Summary) -> Option<Panel> {
        let jobs: Vec<&SearchPoint> = search.jobs.iter().filter(|job| !job.is_finish).collect();
        let values: Vec<f64> = jobs.iter().filter_map(|job| job.value).collect();
        let shown = shown(values, summary)?;
        let spent = jobs.last()?.spent;
        let mut marks = Vec::new();
        let mut entries = Vec::new();
        for (place, rung) in search.rungs.iter().enumerate() {
            let color = PALETTE[place % PALETTE.len()];
            let of_rung = jobs.iter().filter(|job| job.to == rung.step);
            marks.push((
                color,
                of_rung
                    .filter_map(|job| Some((job.spent, job.value?)))
                    .collect(),
            ));
            entries.push((
                Sign::Mark(Mark::Disc, 9, Stroke::solid(color, 3).color),
                format!("trained to step {}", rung.step),
            ));
        }
        entries.push((Sign::Line(Stroke::solid(INK, 4)), "best so far".to_owned()));
        Some(Panel {
            x_name: format!("`{}`: spent so far, in average full trainings", search.path),
            marks,
            best: steps(&jobs),
            x: Scale::between(0.0, spent.max(1e-9), 6),
            y: Scale::of(shown.into_iter(), 6)?,
            legend: Legend::new(entries, WIDTH - 2 * MARGIN),
        })
    }

    fn height(&self) -> i32 {
        PANEL_HEIGHT + 16 + self.legend.height() + MARGIN
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, y_name: &str, top: i32) -> Drawn<B> {
        let frame = Frame {
            left: MARGIN + self.y.label_width() + Frame::GAP,
            right: WIDTH - MARGIN,
            top: top + Frame::ABOVE,
            bottom: top + PANEL_HEIGHT - Frame::BELOW,
            x: self.x.clone(),
            y: self.y.clone(),
        };
        frame.draw(canvas, &self.x_name, y_name)?;
        let is_inside = |value: f64| {
            self.y
                .share(value)
                .is_some_and(|share| (0.0..=1.0).contains(&share))
        };
        let at = |point: &(f64, f64)| frame.at(point.0, point.1).filter(|_| is_inside(point.1));
        for (color, points) in &self.marks {
            for place in points.iter().filter_map(at) {
                canvas.mark(place, 7, Mark::Disc, Stroke::solid(*color, 3).color)?;
            }
        }
        let line: Vec<(i32, i32)> = self.best.iter().filter_map(at).collect();
        if line.len() > 1 {
            canvas.line(&line, Stroke::solid(INK, 4))?;
        }
        self.legend.draw(canvas, MARGIN, top + PANEL_HEIGHT + 16)
    }
}

/// The values within the plot: all but the worst, and those only as far as they are few.
fn shown(mut values: Vec<f64>, summary: &Summary) -> Option<Vec<f64>> {
    values.retain(|value| value.is_finite());
    values.sort_by(|a, b| summary.objective.goal.order(*a, *b));
    let most = (values.len() as f64 * (1.0 - LEFT_OUT)).ceil() as usize;
    values.truncate(most.max(1));
    (!values.is_empty()).then_some(values)
}

/// The best so far, as a line that moves at right angles.
fn steps(jobs: &[&SearchPoint]) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for job in jobs {
        let Some(best) = job.best else { continue };
        if let Some((_, last)) = line.last().copied()
            && last != best
        {
            line.push((job.spent, last));
        }
        line.push((job.spent, best));
    }
    line
}

struct Panels {
    title: String,
    y_name: String,
    panels: Vec<Panel>,
}

impl Plot for Panels {
    fn size(&self) -> (i32, i32) {
        let heights = self.panels.iter().map(Panel::height);
        (WIDTH, HEAD + heights.sum::<i32>())
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let mut top = HEAD;
        for panel in &self.panels {
            panel.draw(canvas, &self.y_name, top)?;
            top += panel.height();
        }
        Ok(())
    }
}
