//! Transfer learning against the same network trained from scratch: over epochs and training sizes.

use plotters::backend::DrawingBackend;
use sweep_analysis::{Input, text};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::curves::{self, Panel};
use super::frame::Frame;
use super::learning_curve::{Line, PANEL_HEIGHT, Place, frame, legend, shift_of};
use super::legend::Legend;
use super::picture::{HEAD, Missing, TRANSFER, title};
use super::style::{INK, MARGIN, PALETTE, WIDTH};
use sweep_analysis::Summary;
use sweep_analysis::transfer::{self, Pairing};

/// Transfer configurations that stay distinguishable in one plot.
const MAX: usize = 5;

/// The best transferred network with its pair, and the other transfer configurations of that network.
pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let pairings = transfer::all(&input.experiment, summary);
    let Some(best) = pairings.first() else {
        let is_asked = input.experiment.trials.iter().any(|trial| {
            let mut params = trial.params.iter();
            trial.in_plan && params.any(|(key, _)| key == sweep_core::trial::FROM)
        });
        return Err(match is_asked {
            true => {
                Missing::Data("Transfer learning: no pair of trials has finished yet.".to_owned())
            }
            false => Missing::NotAsked,
        });
    };
    let ways: Vec<&Pairing<'_>> = pairings
        .iter()
        .filter(|pairing| pairing.scratch.id == best.scratch.id)
        .take(MAX)
        .collect();
    let metric = summary.objective.metric.as_str();
    let lines = lines(best, &ways);
    let has_new = best
        .points
        .iter()
        .any(|point| point.new_rows.is_some_and(|rows| rows > 0.0));
    let x_name = match has_new {
        true => "training rows not seen by the source model, log scale",
        false => "training rows, log scale",
    };
    let mut panel = Panel::new(&format!("{}, all rows", summary.losses.label(metric)));
    panel.extend(input, best.scratch, metric, (INK, true));
    panel.extend(input, best.transferred, metric, (PALETTE[0], false));
    let has_seeds = best.points.iter().any(|point| point.gain.n > 1);
    let name = "Transfer learning against training from scratch".to_owned();
    let caption = "Every transferred trial is paired with one from scratch that has the same network, \
                   seed and rows. Left: the best transfer configuration on all training rows, over \
                   epochs (thin lines: single seeds). Right: every transfer configuration of that \
                   network, at the best epoch, against training size.";
    let plot = Transfer {
        title: name.clone(),
        panel: panel.can_be_drawn().then_some(panel),
        x_name,
        y_name: summary.objective_label(),
        legend: legend(&lines, has_seeds),
        lines,
    };
    Ok(render(TRANSFER, name, caption.to_owned(), &plot)?)
}

fn lines(best: &Pairing<'_>, ways: &[&Pairing<'_>]) -> Vec<Line> {
    let scratch = Line {
        name: text::sanitize(&best.scratch.title()),
        color: INK,
        is_dashed: true,
        shift: shift_of(0, ways.len() + 1),
        points: best
            .points
            .iter()
            .map(|point| Place::of(&point.scratch, point.examples()))
            .collect(),
    };
    let transferred = ways.iter().enumerate().map(|(place, way)| Line {
        name: text::sanitize(&way.transferred.title()),
        color: PALETTE[place],
        is_dashed: false,
        shift: shift_of(place + 1, ways.len() + 1),
        points: way
            .points
            .iter()
            .map(|point| Place::of(&point.transferred, point.examples()))
            .collect(),
    });
    std::iter::once(scratch).chain(transferred).collect()
}

struct Transfer {
    title: String,
    /// Over epochs; not there when the database has no curves.
    panel: Option<Panel>,
    x_name: &'static str,
    y_name: String,
    lines: Vec<Line>,
    legend: Legend,
}

impl Plot for Transfer {
    fn size(&self) -> (i32, i32) {
        let height = HEAD + PANEL_HEIGHT + 16 + self.legend.height() + MARGIN;
        (WIDTH, height)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let between = 60;
        let mut left = MARGIN;
        if let Some(panel) = &self.panel {
            let width = (WIDTH - 2 * MARGIN - between) / 2;
            let own = Frame {
                bottom: HEAD + PANEL_HEIGHT - Frame::BELOW,
                ..panel.frame(left, left + width, HEAD, 6)
            };
            own.draw(canvas, curves::EPOCH, panel.name())?;
            panel.draw(canvas, &own)?;
            left += width + between;
        }
        let frame = frame(&self.lines, left, WIDTH - MARGIN);
        frame.draw(canvas, self.x_name, &self.y_name)?;
        for line in &self.lines {
            line.draw(canvas, &frame)?;
        }
        self.legend.draw(canvas, MARGIN, HEAD + PANEL_HEIGHT + 16)
    }
}
