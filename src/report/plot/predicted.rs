//! Predicted against true numbers of the best run, and its residuals.

use plotters::backend::DrawingBackend;
use plotters::style::Color;
use sweep_analysis::lead::RowNumbers;
use sweep_analysis::{Input, Summary, text};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::lettering::Type;
use super::picture::{HEAD, Missing, PREDICTED, title};
use super::style::{FAINT, INK, MARGIN, Mark, PALETTE, Stroke, TICK, WIDTH};

/// Most rows that have a mark.
const MAX_MARKS: usize = 4_000;
const RADIUS: i32 = 5;
/// Height of a panel.
const PANEL: i32 = 760;
/// Space between the panels.
const BETWEEN: i32 = 70;

pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    if !input.experiment.dataset.classes.is_empty() || input.experiment.is_of_programs() {
        return Err(Missing::NotAsked);
    }
    let winner = &summary.ranking[0];
    let best = winner.best_run(&summary.objective);
    let runs = std::iter::once(best).chain(&winner.runs);
    let found = runs
        .filter_map(|run| Some((run, input.row_numbers.get(&run.trial)?)))
        .find(|(_, numbers)| !numbers.is_empty());
    let Some((run, numbers)) = found else {
        let why = "the winner's models could not be asked";
        return Err(Missing::Data(format!("Predicted against true: {why}.")));
    };
    let every = numbers.len().div_ceil(MAX_MARKS).max(1);
    let shown: RowNumbers = numbers.iter().copied().step_by(every).collect();
    let both = || {
        shown
            .iter()
            .flat_map(|(actual, predicted)| [*actual, *predicted])
    };
    let residuals = || shown.iter().map(|(actual, predicted)| predicted - actual);
    let scales = (
        Scale::of_linear(both(), 5),
        Scale::of_linear(shown.iter().map(|(_, predicted)| *predicted), 5),
        Scale::of_linear(residuals().chain([0.0]), 5),
    );
    let (Some(value), Some(predicted), Some(residual)) = scales else {
        let why = "no prediction can be drawn";
        return Err(Missing::Data(format!("Predicted against true: {why}.")));
    };
    let mut caption = format!(
        "{} at the best epoch or round, in units of the target; on the line, the prediction is right. A residual is the \
         prediction less the true number.",
        text::pluralize(numbers.len(), "validation row"),
    );
    if every > 1 {
        caption.push_str(&format!(" One in {every} rows is drawn."));
    }
    let name = "Predicted against true numbers of the best run".to_owned();
    let plot = Predicted {
        title: name.clone(),
        run: format!("{}, {}", winner.title(), run.label()),
        numbers: shown,
        value,
        predicted,
        residual,
    };
    Ok(render(PREDICTED, name, caption, &plot)?)
}

struct Predicted {
    title: String,
    /// Which run it is.
    run: String,
    numbers: RowNumbers,
    /// Of true and predicted numbers alike.
    value: Scale,
    predicted: Scale,
    residual: Scale,
}

impl Predicted {
    /// The two frames, side by side.
    fn frames(&self) -> [Frame; 2] {
        let ticks = [&self.value, &self.residual].map(|scale| scale.label_width() + Frame::GAP);
        let width = (WIDTH - 2 * MARGIN - BETWEEN - ticks[0] - ticks[1]) / 2;
        let (top, first) = (HEAD + 60 + Frame::ABOVE, MARGIN + ticks[0]);
        let second = first + width + BETWEEN + ticks[1];
        let frame = |left: i32, x: &Scale, y: &Scale| Frame {
            left,
            right: left + width,
            top,
            bottom: top + PANEL,
            x: x.clone(),
            y: y.clone(),
        };
        [
            frame(first, &self.value, &self.value),
            frame(second, &self.predicted, &self.residual),
        ]
    }
}

impl Plot for Predicted {
    fn size(&self) -> (i32, i32) {
        (
            WIDTH,
            HEAD + 60 + Frame::ABOVE + PANEL + Frame::BELOW + MARGIN,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let kind = Type::new(TICK, FAINT);
        canvas.text(
            &kind.fit(&self.run, WIDTH - 2 * MARGIN),
            (MARGIN, HEAD + 8),
            kind,
        )?;
        let [left, right] = self.frames();
        left.draw(canvas, "true", "predicted")?;
        right.draw(canvas, "predicted", "residual")?;
        let color = PALETTE[0].mix(0.45);
        for (actual, predicted) in &self.numbers {
            let places = [
                left.at(*actual, *predicted),
                right.at(*predicted, predicted - actual),
            ];
            for place in places.into_iter().flatten() {
                canvas.mark(place, RADIUS, Mark::Disc, color)?;
            }
        }
        let line = Stroke::solid(INK, 3).dashed();
        let corners = [(left.left, left.bottom), (left.right, left.top)];
        canvas.line(&corners, line)?;
        match right.down(0.0) {
            Some(zero) => canvas.line(&[(right.left, zero), (right.right, zero)], line),
            None => Ok(()),
        }
    }
}
