//! Fitted categories applied to cells: which feature is 1, or which frequencies stand there.
//!
//! Invariant: a cell that is missing takes what was fitted for it, if anything was.

use std::collections::HashMap;

use super::preprocessor::FittedField;

/// The feature that is 1 for a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Feature(u32),
    /// None, and the level is known.
    Base,
    /// None, or that of rare levels: no training row has it.
    Unseen(Option<u32>),
}

/// Finds the slot of a category.
pub(super) struct CategorySlots<'a> {
    places: HashMap<&'a str, Slot>,
    imputed: Option<&'a str>,
    missing: Option<u32>,
    other: Option<u32>,
}

/// What a cell of a category becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CategoryFeature {
    /// The feature that is 1.
    One(usize),
    /// None is.
    None,
    /// No training row has the category; the feature of rare ones, if there is one.
    Unseen(Option<usize>),
}

impl<'a> CategorySlots<'a> {
    pub fn of(field: &'a FittedField) -> CategorySlots<'a> {
        let FittedField::Category {
            categories,
            imputed,
            base,
            rare,
            missing,
            ..
        } = field
        else {
            unreachable!("slots are of categories");
        };
        let number = categories.len() as u32;
        let mut places: HashMap<&str, Slot> = HashMap::new();
        places.extend(
            categories
                .iter()
                .zip(0u32..)
                .map(|(name, place)| (name.as_str(), Slot::Feature(place))),
        );
        places.extend(
            rare.iter()
                .map(|name| (name.as_str(), Slot::Feature(number))),
        );
        places.extend(base.iter().map(|name| (name.as_str(), Slot::Base)));
        let other = (!rare.is_empty()).then_some(number);
        CategorySlots {
            places,
            imputed: imputed.as_deref(),
            missing: missing.then_some(number + u32::from(other.is_some())),
            other,
        }
    }

    /// The slot of `cell`, which is `None` where missing.
    pub fn of_cell(&self, cell: Option<&str>) -> Slot {
        match (cell, self.missing) {
            (None, Some(place)) => Slot::Feature(place),
            (cell, _) => match cell.or(self.imputed) {
                Some(level) => self
                    .places
                    .get(level)
                    .copied()
                    .unwrap_or(Slot::Unseen(self.other)),
                None => Slot::Unseen(None),
            },
        }
    }

    /// The feature of `cell`, which is `None` where missing.
    pub fn feature(&self, cell: Option<&str>) -> CategoryFeature {
        match self.of_cell(cell) {
            Slot::Feature(place) => CategoryFeature::One(place as usize),
            Slot::Base => CategoryFeature::None,
            Slot::Unseen(place) => CategoryFeature::Unseen(place.map(|place| place as usize)),
        }
    }
}

/// Finds the target statistics of a category, scaled.
pub(super) struct TargetFeatures<'a> {
    by_category: HashMap<&'a str, Vec<f32>>,
    overall: Vec<f32>,
    missing: Option<Vec<f32>>,
    imputed: Option<&'a str>,
}

impl<'a> TargetFeatures<'a> {
    pub fn of(field: &'a FittedField) -> TargetFeatures<'a> {
        let FittedField::Target {
            categories,
            frequencies,
            overall,
            imputed,
            missing,
            scaling,
            ..
        } = field
        else {
            unreachable!("frequencies are of target statistics");
        };
        let scaled = |values: &[f64]| -> Vec<f32> {
            let values = values.iter().zip(scaling);
            values
                .map(|(value, scaling)| scaling.apply(*value))
                .collect()
        };
        let each = categories
            .iter()
            .zip(frequencies.chunks_exact(overall.len()));
        TargetFeatures {
            by_category: each
                .map(|(name, own)| (name.as_str(), scaled(own)))
                .collect(),
            overall: scaled(overall),
            missing: missing.as_deref().map(scaled),
            imputed: imputed.as_deref(),
        }
    }

    /// The features of `cell`, and whether a training row has its category.
    pub fn of_cell(&self, cell: Option<&str>) -> (&[f32], bool) {
        if let (None, Some(missing)) = (cell, &self.missing) {
            return (missing, true);
        }
        match cell
            .or(self.imputed)
            .and_then(|level| self.by_category.get(level))
        {
            Some(own) => (own, true),
            None => (&self.overall, false),
        }
    }
}
