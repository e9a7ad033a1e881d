//! The target of the rows at hand: classes, or numbers.
//!
//! Invariant: every row has a class below the number of classes, or a finite number on which the transformation is
//! defined.

use std::collections::HashMap;

use sweep_core::data_config::{DataSpec, TargetTransform};
use sweep_core::format::pluralize;
use sweep_core::trial::Task;
use sweep_table::error::quote;
use sweep_table::{DataError, NumberStyle, Table, Texts};

use super::meta::NumberTarget;
use super::parse::Part;
use super::target_kind::{TargetKind, looks_numeric};

/// Parts of equal numbers of rows, by size of the target, that every split gets its share of.
pub(super) const STRATA: usize = 10;

/// What the target of an experiment is, given what its values are like.
pub(super) fn task_of(spec: &DataSpec, kind: TargetKind) -> Task {
    spec.task.unwrap_or(match kind {
        TargetKind::Number => Task::Regression,
        TargetKind::Classes | TargetKind::NumericClasses => Task::Classification,
    })
}

/// What the distinct `values` of the target in `rows` are like; numbers may be written as people do.
pub(super) fn target_kind_of(labels: &Texts, values: &[String], rows: usize) -> TargetKind {
    let style = style_of(labels);
    let plain = values
        .iter()
        .map(|value| Some(style.number(value)?.to_string()));
    let plain: Option<Vec<String>> = plain.collect();
    TargetKind::of(plain.as_deref().unwrap_or(values), rows)
}

/// The numbers of the target by place among the rows of `part`; `key` is blamed for a cell that is none.
pub(super) fn numbers(
    spec: &DataSpec,
    table: &Table,
    part: &Part<'_>,
    style: NumberStyle,
    key: &str,
) -> Result<Vec<f32>, Vec<DataError>> {
    let transform = spec.target_transform;
    let number = |level: &str| style.number(level);
    let levels: Vec<Option<f64>> = part.labels.levels.iter().map(number).collect();
    let fits = |value: f64| (value as f32).is_finite() && transform.apply(value).is_finite();
    let mut numbers = Vec::with_capacity(part.rows.len());
    let mut bad = Vec::new();
    for row in &part.rows {
        match levels[part.labels.codes[*row as usize] as usize] {
            Some(value) if fits(value) => numbers.push(value as f32),
            _ => bad.push(*row),
        }
    }
    let Some(first) = bad.first() else {
        return Ok(numbers);
    };
    let cell = part.labels.cell(*first as usize);
    let (what, help) = match (style.number(cell), transform) {
        (None, _) => (
            "is not a number",
            "correct it, name it in `missing_values`, or set `task = \"classification\"`",
        ),
        (Some(value), TargetTransform::Log) if value <= -1.0 => {
            ("has no logarithm", "leave `target_transform` out")
        }
        (Some(_), TargetTransform::Log) => (
            "has no logarithm",
            "set `target_transform = \"log1p\"` for numbers from 0, or leave it out",
        ),
        (Some(_), TargetTransform::Log1p) => (
            "is not above -1, as `target_transform = \"log1p\"` asks for",
            "leave `target_transform` out",
        ),
        (Some(_), TargetTransform::None) => (
            "is too large for a 32-bit number",
            "write the target in other units",
        ),
    };
    let more = match bad.len() {
        1 => String::new(),
        all => format!(" (and {} further down)", pluralize(all - 1, "more cell")),
    };
    let message = format!("the target {} {what}{more}", quote(cell));
    let error = table.error_at(*first, message, help);
    Err(vec![error.key(key).column(&spec.target)])
}

/// How the numbers of the target are written.
pub(super) fn style_of(labels: &Texts) -> NumberStyle {
    let levels: Vec<&str> = labels.present_levels().map(|(_, level)| level).collect();
    let plain = levels
        .iter()
        .all(|level| NumberStyle::PLAIN.number(level).is_some());
    match plain {
        true => NumberStyle::PLAIN,
        false => NumberStyle::find(levels.iter().copied(), None).unwrap_or_default(),
    }
}

/// Whether the target may be learned as a number: all of its values are.
pub(super) fn are_numbers(labels: &Texts, values: &[String]) -> bool {
    looks_numeric(values) || {
        let style = style_of(labels);
        values.iter().all(|value| style.number(value).is_some())
    }
}

/// What training learns of the numbers of its rows.
pub(super) fn number_target(
    transform: TargetTransform,
    numbers: impl Iterator<Item = f32>,
) -> NumberTarget {
    let learned: Vec<f64> = numbers
        .map(|number| transform.apply(f64::from(number)))
        .collect();
    let rows = learned.len().max(1) as f64;
    let mean = learned.iter().sum::<f64>() / rows;
    let squares: f64 = learned
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    NumberTarget {
        transform,
        mean,
        sd: (squares / rows).sqrt(),
    }
}

/// The stratum of each number: ranks cut into [`STRATA`] parts, equal numbers in one.
pub(super) fn strata(numbers: &[f32]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..numbers.len() as u32).collect();
    let value = |place: u32| numbers[place as usize];
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)).then(a.cmp(b)));
    let mut strata = vec![0; numbers.len()];
    let mut own = 0;
    for (rank, place) in order.iter().enumerate() {
        if rank == 0 || value(order[rank - 1]) != value(*place) {
            own = (rank * STRATA / numbers.len()) as u32;
        }
        strata[*place as usize] = own;
    }
    strata
}

/// Codes of classes by name.
pub(super) fn codes_of(classes: &[String]) -> HashMap<String, u32> {
    classes.iter().cloned().zip(0..).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_are_tenths_and_equal_numbers_share_one() {
        let numbers: Vec<f32> = (0..100).rev().map(|i| i as f32).collect();
        let tenths = strata(&numbers);
        for stratum in 0..10 {
            assert_eq!(tenths.iter().filter(|own| **own == stratum).count(), 10);
        }
        assert_eq!((tenths[0], tenths[99]), (9, 0));
        let mostly_zero: Vec<f32> = (0..100).map(|i| (i.max(60) - 60) as f32).collect();
        let tenths = strata(&mostly_zero);
        assert!(tenths[..61].iter().all(|own| *own == 0));
        assert_eq!(tenths[99], 9);
    }

    #[test]
    fn a_target_is_learned_on_the_scale_of_its_transformation() {
        let target = number_target(
            TargetTransform::Log,
            [1.0f32, std::f32::consts::E].into_iter(),
        );
        assert!((target.mean - 0.5).abs() < 1e-7 && (target.sd - 0.5).abs() < 1e-7);
        let back = target.number(target.learned(7.5));
        assert!((back - 7.5).abs() < 1e-5);
    }
}
