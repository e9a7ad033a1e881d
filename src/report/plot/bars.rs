//! Feature importance of the best configuration of each kind that has such a thing.

use std::collections::HashMap;
use sweep_analysis::Input;

use plotters::backend::DrawingBackend;
use plotters::style::Color;

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::lettering::Type;
use super::picture::{HEAD, IMPORTANCE, Missing, title};
use super::style::{FAINT, INK, LABEL, MARGIN, TICK, WIDTH, kind_style};
use sweep_analysis::{Configuration, Summary};
use sweep_core::trial::Kind;

/// Features shown, the most important first.
const MAX: usize = 20;
const ROW: i32 = 52;
/// Width of the longest feature name.
const NAMES: i32 = 400;

pub fn picture(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let configs: Vec<&Configuration> = Kind::baselines()
        .filter_map(|kind| summary.best_of(kind))
        .collect();
    if configs.is_empty() {
        return Err(Missing::NotAsked);
    }
    let panels: Vec<Panel> = configs
        .into_iter()
        .filter_map(|config| Panel::of(input, config))
        .collect();
    if panels.is_empty() {
        return Err(Missing::Data(
            "Feature importance: not recorded for the best baselines.".to_owned(),
        ));
    }
    let most = panels.iter().map(|panel| panel.features).max().unwrap_or(0);
    let name = match most > MAX {
        true => format!("Feature importance (gain), top {MAX} of {most}"),
        false => "Feature importance (gain)".to_owned(),
    };
    let caption = "Share of the total gain from splits on each feature, mean over the seeds of the best \
                   configuration of each kind. Importance shows what a model used, not what causes \
                   the target; correlated features share it.";
    let plot = Bars {
        title: name.clone(),
        panels,
    };
    Ok(render(IMPORTANCE, name, caption.to_owned(), &plot)?)
}

struct Panel {
    kind: Kind,
    /// (feature, share), the greatest first.
    bars: Vec<(String, f64)>,
    /// Number of all features.
    features: usize,
}

impl Panel {
    fn of(input: &Input, config: &Configuration) -> Option<Panel> {
        let seeds: Vec<&Vec<(String, f64)>> = config
            .runs
            .iter()
            .filter_map(|run| input.importance.get(&run.trial))
            .collect();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut bars: Vec<(String, f64)> = Vec::new();
        for (feature, share) in seeds
            .iter()
            .copied()
            .flatten()
            .filter(|(_, s)| s.is_finite())
        {
            let place = *places.entry(feature).or_insert(bars.len());
            match bars.get_mut(place) {
                Some((_, sum)) => *sum += share / seeds.len() as f64,
                None => bars.push((feature.clone(), share / seeds.len() as f64)),
            }
        }
        let features = bars.len();
        bars.sort_by(|a, b| b.1.total_cmp(&a.1));
        bars.truncate(MAX);
        (!bars.is_empty()).then_some(Panel {
            kind: config.kind,
            bars,
            features,
        })
    }
}

struct Bars {
    title: String,
    panels: Vec<Panel>,
}

impl Plot for Bars {
    fn size(&self) -> (i32, i32) {
        let rows = self
            .panels
            .iter()
            .map(|panel| panel.bars.len())
            .max()
            .unwrap_or(0);
        (WIDTH, HEAD + 60 + ROW * rows as i32 + Frame::BELOW + MARGIN)
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let number = self.panels.len() as i32;
        let between = 50;
        let width = (WIDTH - 2 * MARGIN - (number - 1) * between) / number;
        let greatest = self
            .panels
            .iter()
            .flat_map(|panel| &panel.bars)
            .map(|(_, share)| *share);
        let greatest = greatest.fold(0.0, f64::max).max(1e-6);
        for (place, panel) in self.panels.iter().enumerate() {
            let left = MARGIN + place as i32 * (width + between);
            panel.draw(canvas, left, left + width, greatest)?;
        }
        Ok(())
    }
}

impl Panel {
    fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        left: i32,
        right: i32,
        greatest: f64,
    ) -> Drawn<B> {
        let kind = Type::new(TICK, INK);
        let names: Vec<String> = self
            .bars
            .iter()
            .map(|(feature, _)| kind.fit_ends(feature, NAMES))
            .collect();
        let widest = names.iter().map(|name| kind.width(name)).max().unwrap_or(0);
        let (color, _) = kind_style(self.kind);
        let frame = Frame {
            left: left + widest + Frame::GAP,
            // The longest bar's number stands beside it.
            right: right - 110,
            top: HEAD + 60,
            bottom: HEAD + 60 + ROW * self.bars.len() as i32,
            x: Scale::between(0.0, greatest * 100.0, 4),
            y: Scale::between(0.0, 1.0, 1),
        };
        let head = Type::new(LABEL, INK).bold();
        canvas.text(self.kind.label(), (frame.left, frame.top - 34), head)?;
        for (place, ((_, share), name)) in self.bars.iter().zip(&names).enumerate() {
            let y = frame.top + ROW * place as i32 + ROW / 2;
            canvas.text(name, (frame.left - Frame::GAP, y), kind.right())?;
            if let Some(end) = frame.across(share * 100.0) {
                let (top, bottom) = (y - ROW / 3, y + ROW / 3);
                canvas.block(
                    (frame.left, top),
                    (end.max(frame.left), bottom),
                    color.mix(1.0),
                )?;
                let number = format!("{:.1}", 100.0 * share);
                let beside = Type::new(TICK, FAINT);
                canvas.text(&number, (end.max(frame.left) + 12, y), beside)?;
            }
        }
        frame.draw_x_axis(canvas, "share of total gain (%)")
    }
}
