//! Metrics over epochs or rounds: one thin line a seed, one thick line for their mean.
//!
//! A mean is drawn only over steps that every seed has, so that it never jumps where one seed ends
//! early. Values that are not finite leave a gap.

use std::collections::{BTreeMap, HashSet};

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use sweep_analysis::{Input, text};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::legend::{Legend, Sign};
use super::lettering::Type;
use super::picture::{BOOSTING, CURVES, HEAD, Missing, has_networks, ranked_title, title};
use super::style::{FAINT, INK, MARGIN, Mark, PALETTE, Stroke, TICK, WIDTH};
use sweep_analysis::{Configuration, Summary};

/// Configurations whose curves stay distinguishable in one plot.
const MAX: usize = 4;
const THICK: u32 = 6;
const PANEL_HEIGHT: i32 = 760;
/// What a network counts its steps in.
pub(super) const EPOCH: &str = "epoch";

/// Whether the target is a number.
fn is_number(input: &Input) -> bool {
    input.experiment.dataset.classes.is_empty()
}

/// Training curves of the best networks: losses, and the objective or the accuracy.
pub fn networks(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    if !has_networks(summary) {
        return Err(Missing::NotAsked);
    }
    if input.experiment.is_of_programs() {
        return programs(input, summary);
    }
    let of_kind = summary
        .ranking
        .iter()
        .filter(|config| !config.kind.is_baseline());
    let configs: Vec<&Configuration> = of_kind.take(MAX).collect();
    let is_number = is_number(input);
    let score = match (summary.objective.metric.as_str(), is_number) {
        ("valid/loss", false) => "valid/accuracy",
        ("valid/loss", true) => "valid/rmse",
        (metric, _) => metric,
    };
    let metrics = [
        ("train/loss", true, 0),
        ("valid/loss", false, 0),
        (score, false, 1),
    ];
    let mut panels = [
        Panel::new(&summary.losses.label("loss")),
        Panel::new(&summary.losses.label(score)),
    ];
    for (place, config) in configs.iter().enumerate() {
        for (metric, is_dashed, panel) in metrics {
            let bundle = Bundle::of(input, config, metric, PALETTE[place], is_dashed);
            panels[panel].bundles.extend(bundle);
        }
    }
    let panels: Vec<Panel> = panels.into_iter().filter(Panel::can_be_drawn).collect();
    if panels.is_empty() {
        return Err(Missing::Data(
            "Training curves: none recorded for the best configurations.".to_owned(),
        ));
    }
    let has_seeds = configs.iter().any(|config| config.runs.len() > 1);
    let names = has_seeds.then(|| text::run_names(configs[0].folds > 0));
    let entries: Vec<(Sign, String)> = configs
        .iter()
        .enumerate()
        .map(|(place, config)| {
            let sign = Sign::Line(Stroke::solid(PALETTE[place], THICK));
            (sign, ranked_title(summary, config))
        })
        .collect();
    let name = match configs.len() {
        1 => "Training curves of the best network".to_owned(),
        number => format!("Training curves of the {number} best configurations"),
    };
    let mut caption =
        "Training loss is measured during the epoch, with dropout active; validation loss and \
                       scores are measured after each epoch."
            .to_owned();
    caption.push_str(weights(summary));
    let plot = Curves {
        title: name.clone(),
        step_name: EPOCH,
        legend: Legend::of_groups(vec![entries, line_keys(&panels, names)], WIDTH - 2 * MARGIN),
        panels,
        best_step: None,
    };
    Ok(render(CURVES, name, caption, &plot)?)
}

/// Panels of a picture of programs, that of the objective among them.
const MAX_PANELS: usize = 4;

/// Curves of the best configurations of a program: the objective, and the metrics that were reported most often.
fn programs(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let configs: Vec<&Configuration> = summary.ranking.iter().take(MAX).collect();
    let objective = summary.objective.metric.as_str();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let runs = configs.iter().flat_map(|config| &config.runs);
    for curve in runs
        .filter_map(|run| input.curves.get(&run.trial))
        .flatten()
    {
        *counts.entry(&curve.metric).or_default() += curve.points.len();
    }
    let mut others: Vec<(&str, usize)> = counts
        .into_iter()
        .filter(|(metric, _)| *metric != objective)
        .collect();
    others.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let others = others.iter().map(|(metric, _)| *metric);
    let mut panels = Vec::new();
    for metric in std::iter::once(objective).chain(others).take(MAX_PANELS) {
        let mut panel = Panel::new(&summary.losses.label(metric));
        for (place, config) in configs.iter().enumerate() {
            let bundle = Bundle::of(input, config, metric, PALETTE[place], false);
            panel.bundles.extend(bundle);
        }
        panels.push(panel);
    }
    panels.retain(Panel::can_be_drawn);
    let steps = panels.iter().flat_map(Panel::points).map(|(step, _)| step);
    let steps: HashSet<u32> = steps.collect();
    if steps.len() < 2 {
        // One value of each metric is no curve.
        return Err(Missing::NotAsked);
    }
    let entries: Vec<(Sign, String)> = (configs.iter().enumerate())
        .map(|(place, config)| {
            let sign = Sign::Line(Stroke::solid(PALETTE[place], THICK));
            (sign, ranked_title(summary, config))
        })
        .collect();
    let has_seeds = configs.iter().any(|config| config.runs.len() > 1);
    let keys = match has_seeds {
        true => seed_keys(text::run_names(false)),
        false => Vec::new(),
    };
    let name = match configs.len() {
        1 => "Curves of the best configuration".to_owned(),
        number => format!("Curves of the {number} best configurations"),
    };
    let plot = Curves {
        title: name.clone(),
        step_name: "step",
        legend: Legend::of_groups(vec![entries, keys], WIDTH - 2 * MARGIN),
        panels,
        best_step: None,
    };
    let caption = format!(
        "`{}` and what else the programs reported.",
        text::sanitize(objective)
    );
    Ok(render(CURVES, name, caption, &plot)?)
}

/// Losses of the best baseline that is trained in steps, such as boosting rounds.
pub fn boosting(input: &Input, summary: &Summary) -> Result<Picture, Missing> {
    let has_curve =
        |config: &&Configuration| config.kind.is_baseline() && config.kind.def().steps.has_curve;
    let Some(config) = summary.ranking.iter().find(has_curve) else {
        return Err(Missing::NotAsked);
    };
    let (label, step_name) = (config.kind.label(), config.kind.def().steps.name);
    let mut panel = Panel::new(&summary.losses.label("loss"));
    for (metric, color, is_dashed) in [
        ("train/loss", PALETTE[0], true),
        ("valid/loss", PALETTE[1], false),
    ] {
        panel
            .bundles
            .extend(Bundle::of(input, config, metric, color, is_dashed));
    }
    if !panel.can_be_drawn() {
        return Err(Missing::Data(format!(
            "{label} training curve: not recorded for the best configuration."
        )));
    }
    let run = config.best_run(&summary.objective);
    let mut entries = vec![
        (
            Sign::Line(Stroke::solid(PALETTE[0], THICK).dashed()),
            "training".to_owned(),
        ),
        (
            Sign::Line(Stroke::solid(PALETTE[1], THICK)),
            "validation".to_owned(),
        ),
    ];
    if config.runs.len() > 1 {
        entries.extend(seed_keys(text::run_names(config.folds > 0)));
    }
    if let Some(step) = run.step {
        let text = format!("best {step_name} of {}: {step}", run.label());
        entries.push((Sign::Line(Stroke::solid(INK, 3).dashed()), text));
    }
    let title = text::sanitize(&config.title());
    let name = format!("Loss per {step_name}: {title}");
    let plot = Curves {
        title: name.clone(),
        step_name,
        legend: Legend::new(entries, WIDTH - 2 * MARGIN),
        panels: vec![panel],
        best_step: run.step,
    };
    let mut caption =
        "A validation loss that rises while the training loss still falls is overfitting."
            .to_owned();
    caption.push_str(weights(summary));
    Ok(render(BOOSTING, name, caption, &plot)?)
}

/// That weights count in the training loss alone, where there are such.
fn weights(summary: &Summary) -> &'static str {
    match summary.losses.is_weighted() {
        true => {
            " Rows count by their weights in the training loss, and once each in the validation loss."
        }
        false => "",
    }
}

/// What solid and dashed lines mean or, after a single epoch, discs and diamonds.
/// `runs` are what one run is called and what means are over, if there are several.
fn line_keys(panels: &[Panel], runs: Option<(&str, &str)>) -> Vec<(Sign, String)> {
    let line = Stroke::solid(FAINT, 4);
    let mut steps = panels.iter().flat_map(Panel::points).map(|(step, _)| step);
    let first = steps.next();
    let [valid, train] = match steps.all(|step| Some(step) == first) {
        true => [Mark::Disc, Mark::Diamond].map(|mark| Sign::Mark(mark, 11, line.color)),
        false => [Sign::Line(line), Sign::Line(line.dashed())],
    };
    let mut keys = vec![
        (valid, "validation".to_owned()),
        (train, "training".to_owned()),
    ];
    keys.extend(runs.into_iter().flat_map(seed_keys));
    keys
}

fn seed_keys((one, over): (&str, &str)) -> Vec<(Sign, String)> {
    vec![
        (
            Sign::Line(Stroke::solid(FAINT, THICK)),
            format!("mean over {over}"),
        ),
        (
            Sign::Line(Stroke::solid(FAINT, 2).faded(0.6)),
            one.to_owned(),
        ),
    ]
}

/// One metric of one configuration.
struct Bundle {
    color: RGBColor,
    is_dashed: bool,
    /// By seed: (step, value), by step.
    seeds: Vec<Vec<(u32, f64)>>,
    mean: Vec<(u32, f64)>,
}

impl Bundle {
    fn of(
        input: &Input,
        config: &Configuration,
        metric: &str,
        color: RGBColor,
        is_dashed: bool,
    ) -> Option<Bundle> {
        let seeds: Vec<Vec<(u32, f64)>> = config
            .runs
            .iter()
            .filter_map(|run| input.curves.get(&run.trial))
            .filter_map(|curves| curves.iter().find(|curve| curve.metric == metric))
            .map(|curve| curve.points.clone())
            .collect();
        (!seeds.is_empty()).then(|| Bundle {
            mean: mean(&seeds),
            color,
            is_dashed,
            seeds,
        })
    }
}

/// The mean at every step that all of `seeds` have.
fn mean(seeds: &[Vec<(u32, f64)>]) -> Vec<(u32, f64)> {
    let (first, others) = seeds.split_first().expect("a bundle has a seed");
    let at = |points: &[(u32, f64)], step: u32| {
        let found = points.binary_search_by_key(&step, |(step, _)| *step);
        found.ok().map(|place| points[place].1)
    };
    first
        .iter()
        .filter_map(|(step, value)| {
            let mut sum = *value;
            for points in others {
                sum += at(points, *step)?;
            }
            Some((*step, sum / seeds.len() as f64))
        })
        .collect()
}

/// Bundles on common axes.
pub(super) struct Panel {
    name: String,
    bundles: Vec<Bundle>,
}

impl Panel {
    pub(super) fn new(name: &str) -> Panel {
        Panel {
            name: name.to_owned(),
            bundles: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Adds the curves of `metric` of `config`, if the database has them.
    pub(super) fn extend(
        &mut self,
        input: &Input,
        config: &Configuration,
        metric: &str,
        (color, is_dashed): (RGBColor, bool),
    ) {
        self.bundles
            .extend(Bundle::of(input, config, metric, color, is_dashed));
    }

    fn points(&self) -> impl Iterator<Item = (u32, f64)> {
        self.bundles
            .iter()
            .flat_map(|bundle| bundle.seeds.iter().flatten().copied())
    }

    fn scale(&self) -> Option<Scale> {
        Scale::of(self.points().map(|(_, value)| value), 6)
    }

    pub(super) fn can_be_drawn(&self) -> bool {
        self.scale().is_some()
    }

    /// The panel's axes in a space from `left` to `right`.
    pub(super) fn frame(&self, left: i32, right: i32, top: i32, ticks: usize) -> Frame {
        let y = self.scale().expect("a panel that can be drawn has a scale");
        let steps = || self.points().map(|(step, _)| step);
        let first = steps().min().unwrap_or(1);
        Frame {
            left: left + y.label_width() + Frame::GAP,
            right,
            top: top + Frame::ABOVE,
            bottom: top + PANEL_HEIGHT - Frame::BELOW,
            x: Scale::steps(first, steps().max().unwrap_or(first), ticks),
            y,
        }
    }

    pub(super) fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        frame: &Frame,
    ) -> Drawn<B> {
        for bundle in &self.bundles {
            let base = Stroke::solid(bundle.color, 2);
            let base = if bundle.is_dashed {
                base.dashed()
            } else {
                base
            };
            if bundle.seeds.len() > 1 {
                for points in &bundle.seeds {
                    draw_curve(canvas, frame, points, base.faded(0.45))?;
                }
            }
            let bold = Stroke {
                width: THICK,
                ..base
            };
            draw_curve(canvas, frame, &bundle.mean, bold)?;
        }
        Ok(())
    }
}

/// A line through `points`, broken where one cannot be drawn; a lone point is a dot.
fn draw_curve<B: DrawingBackend>(
    canvas: &Canvas<'_, B>,
    frame: &Frame,
    points: &[(u32, f64)],
    stroke: Stroke,
) -> Drawn<B> {
    let places: Vec<Option<(i32, i32)>> = points
        .iter()
        .map(|(step, value)| frame.at(f64::from(*step), *value))
        .collect();
    for stretch in places.split(Option::is_none) {
        let stretch: Vec<(i32, i32)> = stretch.iter().flatten().copied().collect();
        match stretch.as_slice() {
            [] => {}
            [point] => {
                let mark = if stroke.is_dashed {
                    Mark::Diamond
                } else {
                    Mark::Disc
                };
                let radius = 5 + stroke.width as i32;
                canvas.mark(*point, radius, mark, stroke.color)?;
            }
            line => canvas.line(line, stroke)?,
        }
    }
    Ok(())
}

struct Curves {
    title: String,
    step_name: &'static str,
    panels: Vec<Panel>,
    legend: Legend,
    best_step: Option<u32>,
}

impl Plot for Curves {
    fn size(&self) -> (i32, i32) {
        (
            WIDTH,
            HEAD + PANEL_HEIGHT + 16 + self.legend.height() + MARGIN,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, &self.title, WIDTH)?;
        let number = self.panels.len() as i32;
        let between = 60;
        let width = (WIDTH - 2 * MARGIN - (number - 1) * between) / number;
        for (place, panel) in self.panels.iter().enumerate() {
            let left = MARGIN + place as i32 * (width + between);
            let frame = panel.frame(left, left + width, HEAD, 12 / self.panels.len());
            frame.draw(canvas, self.step_name, &panel.name)?;
            panel.draw(canvas, &frame)?;
            if let Some(x) = self
                .best_step
                .and_then(|step| frame.across(f64::from(step)))
            {
                let stroke = Stroke::solid(INK, 3).dashed();
                canvas.line(&[(x, frame.bottom), (x, frame.top)], stroke)?;
                canvas.text("best", (x, frame.top - 18), Type::new(TICK, INK).centered())?;
            }
        }
        self.legend.draw(canvas, MARGIN, HEAD + PANEL_HEIGHT + 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_covers_only_steps_that_every_seed_has() {
        let seeds = [vec![(1, 1.0), (2, 3.0), (3, 5.0)], vec![(1, 3.0), (3, 6.0)]];
        assert_eq!(mean(&seeds), [(1, 2.0), (3, 5.5)]);
        assert_eq!(mean(&[vec![(1, 0.5)], Vec::new()]), []);
    }
}
