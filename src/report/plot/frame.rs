//! Axes: from numbers to places on a canvas, with ticks at round numbers and space for every label.
//!
//! A scale is never empty: one value, equal values and values of any size have a range around them.

use plotters::backend::DrawingBackend;
use sweep_analysis::text;

use super::canvas::{Canvas, Drawn};
use super::lettering::Type;
use super::style::{FAINT, GRID, INK, LABEL, Stroke, TICK};

/// Beyond this size a number is left out of a plot: sums and differences would overflow.
const LARGEST: f64 = 1e300;
/// Positive values that span more than this factor are drawn on a logarithmic axis.
const LOG_FROM: f64 = 100.0;
/// Share of the range that is kept free at either end.
const PAD: f64 = 0.04;

/// A range of values with its ticks.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    pub is_log: bool,
    /// Places, in the units of `low` and `high`, and what stands there.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Over `values`, logarithmic where they are positive and far apart, with about `ticks` ticks.
    /// `None` when no value can be drawn.
    pub fn of(values: impl Iterator<Item = f64>, ticks: usize) -> Option<Scale> {
        let (low, high) = bounds(values)?;
        match low > 0.0 && high / low > LOG_FROM {
            true => Some(Scale::logarithmic(low, high, ticks)),
            false => Some(Scale::linear(low, high, ticks)),
        }
    }

    /// Over `values`, never logarithmic.
    pub fn of_linear(values: impl Iterator<Item = f64>, ticks: usize) -> Option<Scale> {
        let (low, high) = bounds(values)?;
        Some(Scale::linear(low, high, ticks))
    }

    /// Steps from 1 to `last`: whole numbers alone have ticks.
    pub fn steps(first: u32, last: u32, ticks: usize) -> Scale {
        let (low, high) = (f64::from(first), f64::from(last));
        let pad = ((high - low) * PAD).max(0.4);
        let step = round_step((high - low) / ticks as f64).max(1.0);
        let mut places = multiples(low, high, step);
        // A tick on the first step tells where a curve begins.
        if places.first().is_none_or(|place| *place - low > step / 2.0) {
            places.insert(0, low);
        }
        Scale {
            low: low - pad,
            high: high + pad,
            is_log: false,
            ticks: places
                .into_iter()
                .map(|place| (place, format!("{place}")))
                .collect(),
        }
    }

    /// Logarithmic over `counts`, which are positive and ascending, with a tick at each of them.
    pub fn counts(counts: &[f64]) -> Scale {
        let counts: Vec<f64> = counts.iter().map(|count| count.max(1.0)).collect();
        let low = counts.first().map_or(0.0, |count| count.log10());
        let high = counts.last().map_or(0.0, |count| count.log10());
        let pad = ((high - low) * PAD).max(0.02);
        Scale {
            low: low - pad,
            high: high + pad,
            is_log: true,
            ticks: counts
                .iter()
                .map(|count| (count.log10(), text::with_thousands(*count as u64)))
                .collect(),
        }
    }

    /// From `low` to `high` without padding, ticks within.
    pub fn between(low: f64, high: f64, ticks: usize) -> Scale {
        let step = round_step((high - low) / ticks as f64);
        let places = multiples(low, high, step);
        let texts = labels(&places, step);
        Scale {
            low,
            high,
            is_log: false,
            ticks: places.into_iter().zip(texts).collect(),
        }
    }

    fn linear(low: f64, high: f64, ticks: usize) -> Scale {
        let size = low.abs().max(high.abs());
        let is_flat = high - low <= size * 1e-9;
        let pad = match is_flat {
            true if size == 0.0 => 0.5,
            true => size * 0.05,
            false => (high - low) * PAD,
        };
        Scale::between(low - pad, high + pad, ticks)
    }

    fn logarithmic(low: f64, high: f64, ticks: usize) -> Scale {
        let (low, high) = (low.log10(), high.log10());
        let pad = (high - low) * PAD;
        let step = round_step((high - low) / ticks as f64).max(1.0);
        let ticks = multiples(low - pad, high + pad, step)
            .into_iter()
            .map(|power| (power, power_of_ten(power)))
            .collect();
        Scale {
            low: low - pad,
            high: high + pad,
            is_log: true,
            ticks,
        }
    }

    /// Where `value` stands from 0 to 1; `None` where it cannot be drawn.
    pub fn share(&self, value: f64) -> Option<f64> {
        let value = if self.is_log { value.log10() } else { value };
        let drawable = value.is_finite() && value.abs() <= LARGEST;
        drawable.then(|| (value - self.low) / (self.high - self.low))
    }

    /// Width of the widest label, in half pixels.
    pub fn label_width(&self) -> i32 {
        let widths = self.ticks.iter().map(|(_, text)| TICK_TYPE.width(text));
        widths.max().unwrap_or(0)
    }
}

const TICK_TYPE: Type = Type::new(TICK, FAINT);

/// A rectangle with a scale along two sides.
pub struct Frame {
    pub left: i32,
    pub right: i32,
    pub top: i32,
    pub bottom: i32,
    pub x: Scale,
    pub y: Scale,
}

impl Frame {
    /// Space above a frame for its name.
    pub const ABOVE: i32 = 64;
    /// Space below a frame for tick labels and the name of the x axis.
    pub const BELOW: i32 = 104;
    /// Space between tick labels and the frame.
    pub const GAP: i32 = 14;

    /// Where (x, y) stands on the canvas; `None` where it cannot be drawn.
    pub fn at(&self, x: f64, y: f64) -> Option<(i32, i32)> {
        Some((self.across(x)?, self.down(y)?))
    }

    pub fn across(&self, x: f64) -> Option<i32> {
        let width = f64::from(self.right - self.left);
        Some(self.left + (self.x.share(x)? * width).round() as i32)
    }

    pub fn down(&self, y: f64) -> Option<i32> {
        let height = f64::from(self.bottom - self.top);
        Some(self.bottom - (self.y.share(y)? * height).round() as i32)
    }

    /// Grid, ticks and names of both axes. The name of the y axis stands above it, readable.
    pub fn draw<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        x_name: &str,
        y_name: &str,
    ) -> Drawn<B> {
        self.draw_y_axis(canvas, true)?;
        self.draw_x_axis(canvas, x_name)?;
        let width = self.right - self.left + self.y.label_width();
        let name = match self.y.is_log {
            true => format!("{y_name}, log scale"),
            false => y_name.to_owned(),
        };
        let left = self.left - Frame::GAP - self.y.label_width();
        let kind = Type::new(LABEL, INK);
        canvas.text(&kind.fit(&name, width), (left, self.top - 40), kind)
    }

    /// Grid lines across, with their labels if `labelled`.
    pub fn draw_y_axis<B: DrawingBackend>(
        &self,
        canvas: &Canvas<'_, B>,
        labelled: bool,
    ) -> Drawn<B> {
        let height = f64::from(self.bottom - self.top);
        for (place, text) in &self.y.ticks {
            let share = (place - self.y.low) / (self.y.high - self.y.low);
            let y = self.bottom - (share * height).round() as i32;
            canvas.line(&[(self.left, y), (self.right, y)], Stroke::solid(GRID, 2))?;
            if labelled {
                canvas.text(text, (self.left - Frame::GAP, y), TICK_TYPE.right())?;
            }
        }
        Ok(())
    }

    /// The line below with its ticks, labels and name.
    pub fn draw_x_axis<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>, name: &str) -> Drawn<B> {
        let axis = Stroke::solid(FAINT, 2);
        canvas.line(&[(self.left, self.bottom), (self.right, self.bottom)], axis)?;
        let width = f64::from(self.right - self.left);
        let mut free_from = i32::MIN;
        for (place, text) in &self.x.ticks {
            let share = (place - self.x.low) / (self.x.high - self.x.low);
            let x = self.left + (share * width).round() as i32;
            canvas.line(&[(x, self.bottom), (x, self.bottom + 8)], axis)?;
            let half = TICK_TYPE.width(text) / 2;
            if x - half >= free_from {
                canvas.text(text, (x, self.bottom + 32), TICK_TYPE.centered())?;
                free_from = x + half + 12;
            }
        }
        let middle = (self.left + self.right) / 2;
        canvas.text(
            name,
            (middle, self.bottom + 78),
            Type::new(LABEL, INK).centered(),
        )
    }
}

/// Least and greatest of the values that can be drawn.
fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.is_finite() && value.abs() <= LARGEST)
        .fold(None, |bounds, value| match bounds {
            None => Some((value, value)),
            Some((low, high)) => Some((value.min(low), value.max(high))),
        })
}

/// The least of 1, 2 and 5 times a power of ten that is no less than `step`.
fn round_step(step: f64) -> f64 {
    if step <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(step.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    // The last one covers a logarithm that was rounded down.
    *round
        .iter()
        .find(|round| **round >= step * 0.999_999)
        .unwrap_or(&round[3])
}

fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step).ceil();
    let number = ((high - first * step) / step + 1e-9).floor();
    // Adding zero turns a -0 into 0.
    (0..=number.max(-1.0) as i64)
        .map(|place| (first + place as f64) * step + 0.0)
        .collect()
}

/// Texts for `places`, which are `step` apart: as many digits as tell them apart.
fn labels(places: &[f64], step: f64) -> Vec<String> {
    let size = places
        .iter()
        .fold(0.0, |size: f64, place| size.max(place.abs()));
    let fine = step.log10().floor();
    places
        .iter()
        .map(|place| match size {
            1e-3..1e6 if fine >= -5.0 => format!("{place:.*}", (-fine).max(0.0) as usize),
            _ if *place == 0.0 => "0".to_owned(),
            _ => {
                let digits = place.abs().log10().floor() - fine;
                format!("{place:.*e}", digits.clamp(0.0, 9.0) as usize)
            }
        })
        .collect()
}

fn power_of_ten(power: f64) -> String {
    match power {
        -3.0..=4.0 => format!("{}", 10f64.powi(power as i32)),
        _ => format!("1e{power}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_stand_at_round_numbers() {
        let scale = Scale::of([0.42, 0.71].into_iter(), 5).unwrap();
        assert_eq!(texts(&scale), ["0.5", "0.6", "0.7"]);
        let scale = Scale::of_linear([-3.0, 9_000.0].into_iter(), 5).unwrap();
        assert_eq!(texts(&scale), ["0", "2000", "4000", "6000", "8000"]);
        assert_eq!(texts(&Scale::steps(1, 1, 6)), ["1"]);
        assert_eq!(texts(&Scale::steps(1, 20, 6)), ["1", "5", "10", "15", "20"]);
        assert_eq!(texts(&Scale::steps(1, 3, 6)), ["1", "2", "3"]);
    }

    #[test]
    fn every_value_has_a_place_whatever_its_size() {
        for values in [
            vec![0.0],
            vec![0.7, 0.7],
            vec![0.7, 0.700_000_000_001],
            vec![-1e300, 1e300],
            vec![1e30],
            vec![0.5, 1e30],
            vec![1e-30, 2e-30],
            vec![f64::MIN_POSITIVE, 1.0],
        ] {
            let scale = Scale::of(values.iter().copied(), 5).unwrap();
            for value in &values {
                let share = scale.share(*value).unwrap();
                assert!((0.0..=1.0).contains(&share), "{values:?}: {share}");
            }
            assert!(
                (1..20).contains(&scale.ticks.len()),
                "{values:?}: {:?}",
                scale.ticks
            );
        }
    }

    #[test]
    fn values_that_are_not_numbers_have_no_place() {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        assert_eq!(Scale::of(odd.into_iter(), 5), None);
        let scale = Scale::of([1.0, f64::NAN, 1e6].into_iter(), 5).unwrap();
        assert!(scale.is_log);
        assert_eq!(texts(&scale)[..3], ["1", "100", "10000"]);
        assert_eq!(scale.share(f64::NAN), None);
        assert_eq!(scale.share(0.0), None);
        assert_eq!(scale.share(-1.0), None);
    }
}
