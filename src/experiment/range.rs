//! Axes written as ranges: `{ log }`, `{ lin }` and `{ from, to, step }`.
//!
//! Values are the decimals a person would write: 1e-3, never 0.0010000000000000002; ends are exact.

use super::diagnostic::{Diagnostic, Problems};
use super::node::{Content, Entry, Node};
use super::table::{must_be, number, unknown_key};
use sweep_core::trial::Value;

/// Digits that are kept of a value in between.
const DIGITS: usize = 12;
/// Most powers of ten between the finest digit and the first of `from`, `to` and `step`.
const MAX_SCALE: u32 = 30;

const KEYS: [&str; 6] = ["log", "lin", "steps", "from", "to", "step"];

/// What may stand for an axis.
pub(super) const FORMS: &str = "a list of values, { log = [1e-4, 1e-2], steps = 5 }, \
                                { lin = [0, 1], steps = 5 } or { from = 0.1, to = 0.5, step = 0.1 }";

/// A range whose number of values is known before there are any.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Range {
    Log {
        from: f64,
        to: f64,
        steps: u64,
    },
    Lin {
        from: f64,
        to: f64,
        steps: u64,
    },
    /// `(from + i * step) * 10^exponent` for i in 0..`count`.
    Step {
        from: i128,
        step: i128,
        exponent: i32,
        count: u64,
    },
}

/// Reads the range `node`, a table that stands at `path`; `None` when it was reported.
pub(super) fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Range> {
    let entries = node.entries()?;
    for entry in entries {
        if !KEYS.contains(&entry.key.as_str()) {
            unknown_key(entry, path, KEYS.into_iter(), problems);
            return None;
        }
    }
    let names: Vec<&str> = ["log", "lin", "from"]
        .into_iter()
        .filter(|name| node.entry(name).is_some())
        .collect();
    let wanted: &[&str] = match names.as_slice() {
        ["log"] => &["log", "steps"],
        ["lin"] => &["lin", "steps"],
        ["from"] => &["from", "to", "step"],
        _ => &[],
    };
    let fits = |entry: &Entry| wanted.contains(&entry.key.as_str());
    if wanted.is_empty() || entries.len() != wanted.len() || !entries.iter().all(fits) {
        must_be(path, FORMS, node, problems);
        return None;
    }
    match wanted[0] {
        "from" => stepped(node, path, problems),
        name => spaced(node, name, path, problems),
    }
}

impl Range {
    /// The number of values.
    pub(super) fn len(&self) -> u64 {
        match self {
            Range::Log { steps, .. } | Range::Lin { steps, .. } => *steps,
            Range::Step { count, .. } => *count,
        }
    }

    /// The values; for a key that takes integers (`whole`) they are rounded to such.
    pub(super) fn values(&self, whole: bool) -> Vec<Value> {
        (0..self.len())
            .map(|index| match self.value(index) {
                value if whole => Value::Int(value.round() as i64),
                value => Value::Float(value),
            })
            .collect()
    }

    fn value(&self, index: u64) -> f64 {
        match *self {
            Range::Log { from, .. } | Range::Lin { from, .. } if index == 0 => from,
            Range::Log { to, steps, .. } | Range::Lin { to, steps, .. } if index + 1 == steps => to,
            Range::Log { from, to, steps } => {
                let part = index as f64 / (steps - 1) as f64;
                let value = (from.ln() + (to.ln() - from.ln()) * part).exp();
                reread(format!("{value:.*e}", DIGITS - 1))
            }
            Range::Lin { from, to, steps } => {
                let part = index as f64 / (steps - 1) as f64;
                let value = from + (to - from) * part;
                // Digits are counted from the larger end, or a value near zero would keep noise.
                let size = from.abs().max(to.abs()).log10().floor() as i32;
                let places = (DIGITS as i32 - 1 - size).clamp(0, 330) as usize;
                reread(format!("{value:.places$}"))
            }
            Range::Step {
                from,
                step,
                exponent,
                ..
            } => reread(format!("{}e{exponent}", from + i128::from(index) * step)),
        }
    }
}

/// Reading a decimal text gives the number nearest to it, which arithmetic in binary does not.
fn reread(text: String) -> f64 {
    text.parse::<f64>().unwrap_or(f64::NAN) + 0.0
}

fn spaced(node: &Node, name: &str, path: &str, problems: &mut Problems) -> Option<Range> {
    let ends = &node.entry(name)?.value;
    let steps = &node.entry("steps")?.value;
    let steps = match steps.content {
        Content::Int(steps) if steps >= 2 => Some(steps as u64),
        _ => {
            must_be(
                &format!("{path}.steps"),
                "an integer from 2: the number of values, both ends included",
                steps,
                problems,
            );
            None
        }
    };
    let (from, to) = match ends.items() {
        Some([from, to]) => (number(from).ok(), number(to).ok()),
        _ => (None, None),
    };
    let range = from.zip(to).filter(|(from, to)| match name {
        "log" => from != to && *from > 0.0 && *to > 0.0,
        _ => from != to,
    });
    let Some((from, to)) = range else {
        let allowed = match name {
            "log" => "two different numbers above 0, such as [1e-4, 1e-2]",
            _ => "two different numbers, such as [0, 1]",
        };
        must_be(&format!("{path}.{name}"), allowed, ends, problems);
        return None;
    };
    Some(match name {
        "log" => Range::Log {
            from,
            to,
            steps: steps?,
        },
        _ => Range::Lin {
            from,
            to,
            steps: steps?,
        },
    })
}

fn stepped(node: &Node, path: &str, problems: &mut Problems) -> Option<Range> {
    let mut read = |name: &str| {
        let at = &node.entry(name)?.value;
        let value = number(at).ok();
        if value.is_none() {
            must_be(&format!("{path}.{name}"), "a number", at, problems);
        }
        value
    };
    let (from, to, step) = (read("from"), read("to"), read("step"));
    let (from, to, step) = (from?, to?, step?);
    if step == 0.0 || from == to || (to > from) != (step > 0.0) {
        problems.add(
            Diagnostic::new(
                &node.place,
                format!("a step of {step} does not lead from {from} to {to}"),
            )
            .help("`step` is above 0 when `to` is above `from`, and below 0 otherwise"),
        );
        return None;
    }
    let Some(range) = exact(from, to, step) else {
        problems.add(
            Diagnostic::new(
                &node.place,
                "`from`, `to` and `step` differ too much in size",
            )
            .help("write the values as a list, or as { log = [..], steps = .. }"),
        );
        return None;
    };
    Some(range)
}

/// The range in whole multiples of a power of ten.
fn exact(from: f64, to: f64, step: f64) -> Option<Range> {
    let parts = [decimal(from)?, decimal(to)?, decimal(step)?];
    // Zero is zero at every exponent, so it must not decide the finest digit.
    let exponent = parts
        .iter()
        .filter(|(digits, _)| *digits != 0)
        .map(|(_, exponent)| *exponent)
        .min()?;
    let at = |(digits, own): (i128, i32)| {
        if digits == 0 {
            return Some(0);
        }
        let power = u32::try_from(own - exponent)
            .ok()
            .filter(|power| *power <= MAX_SCALE)?;
        digits.checked_mul(10i128.checked_pow(power)?)
    };
    let (from, to, step) = (at(parts[0])?, at(parts[1])?, at(parts[2])?);
    let count = to.checked_sub(from)?.checked_div(step)? + 1;
    Some(Range::Step {
        from,
        step,
        exponent,
        count: u64::try_from(count).ok()?,
    })
}

/// The shortest decimal that reads as `number`: (digits, exponent of ten).
fn decimal(number: f64) -> Option<(i128, i32)> {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}").parse().ok()?;
    Some((digits, exponent - fraction.len() as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(range: &Range) -> Vec<f64> {
        (0..range.len()).map(|index| range.value(index)).collect()
    }

    #[test]
    fn stepped_ranges_give_the_decimals_a_person_would_write() {
        let step = |from, to, step| values(&exact(from, to, step).unwrap());
        assert_eq!(step(0.1, 0.5, 0.1), [0.1, 0.2, 0.3, 0.4, 0.5]);
        assert_eq!(step(0.0, 1.0, 0.3), [0.0, 0.3, 0.6, 0.9]);
        assert_eq!(step(-0.2, 0.2, 0.1), [-0.2, -0.1, 0.0, 0.1, 0.2]);
        assert_eq!(step(5.0, 1.0, -2.0), [5.0, 3.0, 1.0]);
        assert_eq!(step(1e-4, 3e-4, 1e-4), [1e-4, 2e-4, 3e-4]);
        assert_eq!(step(16.0, 64.0, 16.0), [16.0, 32.0, 48.0, 64.0]);
        assert_eq!(step(0.0, 1e-300, 5e-301), [0.0, 5e-301, 1e-300]);
        let hundredths = step(0.0, 1.0, 0.01);
        assert_eq!((hundredths.len(), hundredths[29]), (101, 0.29));
        assert_eq!(exact(0.0, 1e300, 1e-300), None);
    }

    #[test]
    fn logarithmic_ranges_hit_the_powers_of_ten() {
        let range = Range::Log {
            from: 1e-4,
            to: 1e-2,
            steps: 5,
        };
        let expected = [1e-4, 3.16227766017e-4, 1e-3, 3.16227766017e-3, 1e-2];
        assert_eq!(values(&range), expected);
        let down = Range::Log {
            from: 1e3,
            to: 1e-3,
            steps: 7,
        };
        assert_eq!(values(&down), [1e3, 1e2, 1e1, 1.0, 1e-1, 1e-2, 1e-3]);
        let doubling = Range::Log {
            from: 16.0,
            to: 256.0,
            steps: 5,
        };
        let expected = [16, 32, 64, 128, 256].map(Value::Int);
        assert_eq!(doubling.values(true), expected);
    }

    #[test]
    fn linear_ranges_keep_no_noise() {
        let range = |from, to, steps| values(&Range::Lin { from, to, steps });
        assert_eq!(range(0.1, 0.7, 7), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
        assert_eq!(range(-0.3, 0.3, 7), [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]);
        assert_eq!(range(0.0, 1e-6, 3), [0.0, 5e-7, 1e-6]);
    }
}
