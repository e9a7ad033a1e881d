//! The best configurations and the best of each baseline: a mark per seed, a bar at the mean.

use plotters::backend::DrawingBackend;
use plotters::style::{Color, RGBAColor};
use sweep_analysis::{BEST, text};

use super::canvas::{Canvas, Drawn, Picture, Plot, render};
use super::frame::{Frame, Scale};
use super::legend::{Legend, Sign};
use super::lettering::Type;
use super::picture::{HEAD, Missing, RANKING, title};
use super::style::{FAINT, GRID, INK, LABEL, MARGIN, Stroke, TICK, WIDTH, kind_style};
use crate::dummy_text;
use sweep_analysis::lead::Lead;
use sweep_analysis::{Configuration, Summary, ZeroLine};
use sweep_core::trial::Kind;

const ROW: i32 = 96;
/// Width of the names at the left.
const NAMES: i32 = 640;
/// Width of the numbers at the right.
const NUMBERS: i32 = 330;
const RADIUS: i32 = 11;
/// The zero line is shown up to this many widths of all marks away from them ...
const NEAR: f64 = 1.5;
/// ... and if all are in one place, up to this.
const FLAT: f64 = 0.01;
const ZERO: Stroke = Stroke {
    color: RGBAColor(INK.0, INK.1, INK.2, 1.0),
    width: 3,
    is_dashed: true,
};

pub fn picture(summary: &Summary) -> Result<Picture, Missing> {
    let rows: Vec<Row<'_>> = summary
        .best(BEST)
        .into_iter()
        .map(|config| Row {
            rank: summary.rank_label(config),
            config,
        })
        .collect();
    let has_baselines = rows.iter().any(|row| row.config.kind.is_baseline());
    let name = match has_baselines {
        true => "Best configurations and baselines",
        false => "Best configurations",
    };
    let (one, over) = text::run_names(rows.iter().any(|row| row.config.folds > 0));
    let kinds = Kind::all();
    let mut entries: Vec<(Sign, String)> = kinds
        .filter(|kind| rows.iter().any(|row| row.config.kind == *kind))
        .map(|kind| {
            let (color, mark) = kind_style(kind);
            let sign = Sign::Mark(mark, RADIUS, color.mix(0.6));
            (sign, format!("{}, {one}", kind.label()))
        })
        .collect();
    entries.push((
        Sign::Line(Stroke::solid(INK, 6)),
        format!("mean over {over}"),
    ));
    let values = || {
        rows.iter()
            .flat_map(|row| &row.config.runs)
            .map(|run| run.value)
    };
    let zero = (summary.zero_line.as_ref()).map(|zero| Zero::of(zero, values()));
    entries.extend(zero.as_ref().map(Zero::entry));
    let zero = zero.and_then(|zero| zero.is_shown.then_some(zero.value));
    let plot = Ranking {
        title: name,
        metric: summary.objective_label(),
        scale: Scale::of(values().chain(zero), 4)
            .expect("a ranked configuration has a finite value"),
        zero,
        legend: Legend::new(entries, WIDTH - 2 * MARGIN),
        rows,
    };
    let caption = format!(
        "Each mark is {one}, each bar the mean over the {over} of a configuration. Labels show only the \
         settings that vary within a kind."
    );
    Ok(render(RANKING, name.to_owned(), caption, &plot)?)
}

/// What a model scores that ignores its input, as a line across all rows.
struct Zero {
    name: &'static str,
    value: f64,
    /// Whether it is near the marks, or the winner not clearly above it: a line far away would press the marks together.
    is_shown: bool,
}

impl Zero {
    fn of(zero: &ZeroLine, values: impl Iterator<Item = f64> + Clone) -> Zero {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        let margin = match high > low {
            true => NEAR * (high - low),
            false => FLAT,
        };
        let value = zero.score.value;
        let is_near = (low - margin..=high + margin).contains(&value);
        let is_clear = |lead: Lead| !lead.verdict().is_warned();
        Zero {
            name: dummy_text::name(&zero.score.strategy),
            value,
            is_shown: is_near || !zero.lead.is_some_and(is_clear),
        }
    }

    fn entry(&self) -> (Sign, String) {
        let outside = match self.is_shown {
            true => "",
            false => " (outside this figure)",
        };
        let name = format!("{}: {}{outside}", self.name, text::score(self.value));
        (Sign::Line(ZERO), name)
    }
}

struct Row<'a> {
    rank: String,
    config: &'a Configuration,
}

struct Ranking<'a> {
    title: &'static str,
    metric: String,
    scale: Scale,
    /// Where the zero line stands, if it is shown.
    zero: Option<f64>,
    legend: Legend,
    rows: Vec<Row<'a>>,
}

impl Ranking<'_> {
    fn frame(&self) -> Frame {
        Frame {
            left: MARGIN + NAMES,
            right: WIDTH - MARGIN - NUMBERS,
            top: HEAD + 40,
            bottom: HEAD + 40 + ROW * self.rows.len() as i32,
            x: self.scale.clone(),
            // Rows have fixed places; the frame only needs some scale there.
            y: Scale::between(0.0, 1.0, 1),
        }
    }
}

impl Plot for Ranking<'_> {
    fn size(&self) -> (i32, i32) {
        let frame = self.frame();
        (
            WIDTH,
            frame.bottom + Frame::BELOW + 16 + self.legend.height() + MARGIN,
        )
    }

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> Drawn<B> {
        title(canvas, self.title, WIDTH)?;
        let frame = self.frame();
        let heads = Type::new(TICK, FAINT);
        canvas.text("rank, configuration", (MARGIN, frame.top - 24), heads)?;
        canvas.text("mean ± sd", (WIDTH - MARGIN, frame.top - 24), heads.right())?;
        if let Some(x) = self.zero.and_then(|value| frame.across(value)) {
            canvas.line(&[(x, frame.top), (x, frame.bottom)], ZERO)?;
        }
        for (place, row) in self.rows.iter().enumerate() {
            row.draw(canvas, &frame, frame.top + ROW * place as i32 + ROW / 2)?;
        }
        let name = match self.scale.is_log {
            true => format!("{}, log scale", self.metric),
            false => self.metric.clone(),
        };
        frame.draw_x_axis(canvas, &name)?;
        self.legend
            .draw(canvas, MARGIN, frame.bottom + Frame::BELOW + 16)
    }
}

impl Row<'_> {
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, frame: &Frame, y: i32) -> Drawn<B> {
        let (color, mark) = kind_style(self.config.kind);
        let stroke = Stroke::solid(GRID, 2);
        canvas.line(&[(frame.left, y), (frame.right, y)], stroke)?;
        let number = Type::new(LABEL, INK);
        canvas.text(&self.rank, (MARGIN + 52, y), number.right())?;
        let names = Type::new(TICK, INK);
        let lines = names.wrap(&self.config.title(), NAMES - 110, 2);
        let first = y - 19 * (lines.len() as i32 - 1);
        for (place, line) in lines.iter().enumerate() {
            canvas.text(line, (MARGIN + 76, first + 38 * place as i32), names)?;
        }
        for run in &self.config.runs {
            if let Some(x) = frame.across(run.value) {
                canvas.mark((x, y), RADIUS, mark, color.mix(0.6))?;
            }
        }
        if let Some(x) = frame.across(self.config.stats.mean) {
            canvas.line(&[(x, y - 28), (x, y + 28)], Stroke::solid(INK, 6))?;
        }
        self.draw_numbers(canvas, y)
    }

    fn draw_numbers<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, y: i32) -> Drawn<B> {
        let stats = self.config.stats;
        let value = match stats.sd {
            Some(sd) => format!(
                "{} ± {}",
                text::score(stats.mean),
                text::difference(sd, stats.mean)
            ),
            None => text::score(stats.mean),
        };
        let right = WIDTH - MARGIN;
        let kind = Type::new(TICK, INK).right();
        if self.config.is_complete() {
            return canvas.text(&value, (right, y), kind);
        }
        canvas.text(&value, (right, y - 19), kind)?;
        let seeds = self.config.seeds();
        canvas.text(
            &seeds,
            (right, y + 19),
            Type {
                color: FAINT,
                ..kind
            },
        )
    }
}
