//! Marginal effect of each varying setting: small panels with a common y axis.

use plotters::backend::DrawingBackend;
use plotters::style::Color;
use sweep_analysis::text;

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::legend::{Legend, Sign};
use super::lettering::Type;
use super::picture::{EFFECTS, HEAD, Missing, has_networks, title};
use super::style::{FAINT, INK, LABEL, MARGIN, Mark, PALETTE, Stroke, TICK, WIDTH};
use sweep_analysis::{Axis, Effect, Summary};

/// Panels side by side.
const ACROSS: usize = 3;
const PANEL_HEIGHT: i32 = 560;
/// Most values of a setting that fit side by side.
const MAX_VALUES: usize = 60;
/// Most configurations drawn in a panel.
const MAX_MARKS: usize = 1_000;
/// Longest label that stands upright below a panel.
const UPRIGHT: i32 = 190;
/// Least space for an upright label.
const MIN_SPACE: i32 = 38;
const RADIUS: i32 = 6;
const NAME: Type = Type::new(TICK, FAINT);

pub fn picture(summary: &Summary) -> Result<Picture, Missing> {
    if summary.axes.is_empty() || !has_networks(summary) {
        return Err(Missing::NotAsked);
    }
    let metric = summary.objective_label();
    let (axes, crowded): (Vec<&Axis>, Vec<&Axis>) =
        (summary.axes.iter()).partition(|axis| axis.effects.len() <= MAX_VALUES);
    if axes.is_empty() {
        let reason = format!("Effects plot: every setting has more than {MAX_VALUES} values.");
        return Err(Missing::Data(reason));
    }
    let values = axes.iter().flat_map(|axis| &axis.effects);
    let values = values.flat_map(|effect| {
        let whiskers = effect.stats.into_iter().flat_map(|stats| {
            let sd = stats.sd.unwrap_or(0.0);
            [stats.mean - sd, stats.mean + sd]
        });
        effect.means.iter().copied().chain(whiskers)
    });
    // Whiskers may reach below zero, so a logarithmic axis could not show them.
    let scale = Scale::of_linear(values, 7).expect("a ranked configuration has a finite mean");
    let entries = vec![
        (
            Sign::Mark(Mark::Disc, RADIUS, PALETTE[0].mix(0.8)),
            "one configuration".to_owned(),
        ),
        (
            Sign::Mark(Mark::Diamond, 13, INK.mix(1.0)),
            "mean of the configurations".to_owned(),
        ),
        (
            Sign::Line(Stroke::solid(INK, 4)),
            "mean ± standard deviation over configurations".to_owned(),
        ),
    ];
    // The page draws the uncertainty of the means; this plot shows how configurations scatter.
    let name = "Effect of each setting, with the scatter of configurations".to_owned();
    let mut caption = format!(
        "{metric}, mean over seeds. Each panel averages over all other settings, so in a full grid \
         its means differ only by that setting; interactions are not visible."
    );
    let configs = summary
        .ranking
        .iter()
        .filter(|config| !config.kind.is_baseline());
    let every = configs.count().div_ceil(MAX_MARKS).max(1);
    if every > 1 {
        caption.push_str(&format!(" One in {every} configurations is drawn."));
    }
    if !crowded.is_empty() {
        let names: Vec<&str> = crowded.iter().map(|axis| axis.name.as_str()).collect();
        caption.push_str(&format!(
            " Not drawn, more than {MAX_VALUES} values: {}.",
            names.join(", ")
        ));
    }
    let plot = Effects {
        title: name.clone(),
        metric,
        every,
        axes,
        scale,
        legend: Legend::new(entries, WIDTH - 2 * MARGIN),
    };
    Ok(render(EFFECTS, name, caption, &plot)?)
}

struct Effects<'a> {
    title: String,
    metric: String,
    axes: Vec<&'a Axis>,
    /// Of the configurations with a value, one in so many is drawn.
    every: usize,
    scale: Scale,
    legend: Legend,
}

impl Effects<'_> {
    fn columns(&self) -> i32 {
        self.axes.len().min(ACROSS) as i32
    }

    fn below_panels(&self) -> i32 {
        let rows = self.axes.len().div_ceil(ACROSS) as i32;
        HEAD + 50 + rows * PANEL_HEIGHT
    }
}

impl Plot for Effects<'_> {
    fn size(&self) -> (i32, i32) {
        (
            WIDTH,
            self.below_panels() + 16 + self.legend.height() + MARGIN,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        canvas.text(&self.metric, (MARGIN, HEAD + 14), Type::new(LABEL, INK))?;
        let ticks = self.scale.label_width() + Frame::GAP;
        let between = 36;
        let columns = self.columns();
        let width = (WIDTH - 2 * MARGIN - ticks - (columns - 1) * between) / columns;
        for (row, axes) in self.axes.chunks(ACROSS).enumerate() {
            let panels: Vec<Panel<'_>> = axes.iter().map(|axis| Panel::new(axis, width)).collect();
            // One height for all of a row, so that its grid lines go through.
            let labels = panels
                .iter()
                .map(|panel| panel.label_height)
                .max()
                .unwrap_or(0);
            for (column, panel) in panels.iter().enumerate() {
                let left = MARGIN + ticks + column as i32 * (width + between);
                let top = HEAD + 50 + row as i32 * PANEL_HEIGHT;
                let frame = Frame {
                    left,
                    right: left + width,
                    top: top + 56,
                    bottom: top + PANEL_HEIGHT - labels - 24,
                    x: Scale::between(0.0, 1.0, 1),
                    y: self.scale.clone(),
                };
                frame.draw_y_axis(canvas, column == 0)?;
                panel.draw(canvas, &frame, self.every)?;
            }
        }
        self.legend.draw(canvas, MARGIN, self.below_panels() + 16)
    }
}

/// One axis with its labels.
struct Panel<'a> {
    axis: &'a Axis,
    names: Vec<String>,
    /// Width of a value's place.
    slot: i32,
    is_upright: bool,
    /// Height of the labels below, in pixels.
    label_height: i32,
}

impl Panel<'_> {
    fn new(axis: &Axis, width: i32) -> Panel<'_> {
        let names: Vec<String> = (axis.effects.iter())
            .map(|effect| NAME.fit(&text::setting(&effect.value), UPRIGHT))
            .collect();
        let slot = width / names.len() as i32;
        let widest = names.iter().map(|name| NAME.width(name)).max().unwrap_or(0);
        let is_upright = widest > slot - 14;
        Panel {
            axis,
            names,
            slot,
            is_upright,
            label_height: if is_upright { widest + 24 } else { 60 },
        }
    }

    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        frame: &Frame,
        thinned: usize,
    ) -> Drawn<B> {
        let width = frame.right - frame.left;
        let head = Type::new(LABEL, INK).bold();
        let above = (frame.left + width / 2, frame.top - 28);
        canvas.text(&head.fit(&self.axis.name, width), above, head.centered())?;
        // Where even upright labels would touch, every second, third, ... is shown.
        let every = match self.is_upright {
            true => (MIN_SPACE / self.slot.max(1)) as usize + 1,
            false => 1,
        };
        let number = self.names.len() as i32;
        for (place, (effect, name)) in self.axis.effects.iter().zip(&self.names).enumerate() {
            let x = frame.left + (2 * place as i32 + 1) * width / (2 * number);
            draw_effect(canvas, frame, effect, (x, self.slot), thinned)?;
            match self.is_upright {
                true if place % every > 0 => {}
                true => canvas.text(name, (x, frame.bottom + 16), NAME.upright())?,
                false => canvas.text(name, (x, frame.bottom + 36), NAME.centered())?,
            }
        }
        Ok(())
    }
}

fn draw_effect<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    effect: &Effect,
    (x, slot): (i32, i32),
    every: usize,
) -> Drawn<B> {
    let reach = (slot / 4).min(60);
    let Some(stats) = effect.stats else {
        let kind = Type::new(TICK, FAINT).centered();
        return canvas.text("none", (x, frame.bottom - 24), kind);
    };
    let ends = stats
        .sd
        .map(|sd| (frame.down(stats.mean - sd), frame.down(stats.mean + sd)));
    if let Some((Some(low), Some(high))) = ends {
        let stroke = Stroke::solid(INK, 4);
        canvas.line(&[(x, low), (x, high)], stroke)?;
        for y in [low, high] {
            canvas.line(&[(x - 9, y), (x + 9, y)], stroke)?;
        }
    }
    if let Some(y) = frame.down(stats.mean) {
        let radius = (slot / 4).clamp(4, 13);
        canvas.mark((x, y), radius, Mark::Diamond, INK.mix(1.0))?;
    }
    // Above the mean, which would hide those near it.
    for (place, mean) in effect.means.iter().enumerate().step_by(every) {
        // SummaryStats over the slot by the golden ratio: even, and the same every time.
        let share = (place as f64 * 0.618_033_988_75).fract() - 0.5;
        let x = x + (share * f64::from(reach)).round() as i32 * 2;
        if let Some(y) = frame.down(*mean) {
            canvas.mark((x, y), RADIUS, Mark::Disc, PALETTE[0].mix(0.8))?;
        }
    }
    Ok(())
}
