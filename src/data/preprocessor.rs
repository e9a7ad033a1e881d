//! How features are made from cells, as it stands in files.
//!
//! Invariant: what a field says of itself is all that is needed to apply it, save what was learned
//! from texts, which stands in a file of its own.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use sweep_core::data_config::DatePart;
use sweep_table::NumberStyle;

use super::text::TextField;

/// How features are made from cells, in the order of the features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessor {
    pub fields: Vec<FittedField>,
}

/// How the cells of one column become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FittedField {
    /// One feature: the number. A second one with `indicator`: 1 where the cell is missing.
    Number {
        column: String,
        #[serde(flatten)]
        scaling: Scaling,
        /// How the numbers are written.
        #[serde(default, skip_serializing_if = "NumberStyle::is_plain")]
        style: NumberStyle,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        indicator: bool,
        /// Whether models that take missing values get them, and not what is imputed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep: bool,
    },
    /// One feature: the year of a date.
    Year {
        column: String,
        #[serde(flatten)]
        scaling: Scaling,
        /// As of numbers.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep: bool,
    },
    /// One feature for each part of a date, two for one on a circle.
    Date {
        column: String,
        /// `iso`, or as for `strptime`.
        format: String,
        features: Vec<DateFeature>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        indicator: bool,
        /// As of numbers.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep: bool,
    },
    /// One feature a category, 1 where the cell is that category and 0 elsewhere; 0 in all of them
    /// for a category that is not listed.
    Category {
        column: String,
        categories: Vec<String>,
        /// Put in the place of a missing cell.
        imputed: Option<String>,
        /// A category that is known and 0 in every feature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// Categories that share one more feature, `(other)`, with those that no training row has.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rare: Vec<String>,
        /// Whether a missing cell is a category of its own, `(missing)`, with the last feature.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        missing: bool,
        /// Whether a category that is not listed refuses the row.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        known_only: bool,
    },
    /// One feature for each class but the first: how frequent it is where the cell has the category. Of a target that
    /// is a number one feature: its mean there.
    Target {
        column: String,
        /// The classes, without the first; one that has no name for a number.
        classes: Vec<String>,
        categories: Vec<String>,
        /// Of each category, [categories, classes].
        frequencies: Vec<f64>,
        /// Of a category that is not listed: those of all training rows.
        overall: Vec<f64>,
        /// Put in the place of a missing cell.
        imputed: Option<String>,
        /// Frequencies where the cell is missing, if that is a category of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<Vec<f64>>,
        /// Of each class, `(value - mean) / sd`.
        scaling: Vec<Scaling>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        known_only: bool,
    },
    /// As many features as its encoder has dimensions; see [`super::FittedText`].
    Text {
        column: String,
        #[serde(flatten)]
        text: TextField,
    },
}

/// A feature is `(value - mean) / sd`, and 0 when `sd` is 0; with quantiles it is the point of the
/// normal distribution for the value among them (see [`super::quantile`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Mean of the training rows, 0 without scaling.
    pub mean: f64,
    /// Standard deviation of the training rows (divisor n), 1 without scaling, 0 for a constant.
    pub sd: f64,
    /// Put in the place of a missing cell.
    pub imputed: Option<f64>,
    /// Quantiles of the training rows, rising, with scaling by quantiles; then `mean` is 0 and `sd` 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Vec<f64>>,
}

/// A part of a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DateFeature {
    pub part: DatePart,
    /// Sine and cosine of the place on a circle, in place of the number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cyclic: bool,
    #[serde(flatten)]
    pub scaling: Scaling,
}

impl Preprocessor {
    /// The fields whose columns hold text, in order.
    pub(super) fn text_fields(&self) -> Vec<&TextField> {
        let texts = self.fields.iter().filter_map(|field| match field {
            FittedField::Text { text, .. } => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// Places of the features that each text column becomes.
    pub fn text_features(&self) -> Vec<Range<usize>> {
        let mut next = 0;
        let places = self.fields.iter().filter_map(|field| {
            let first = next;
            next += field.width();
            matches!(field, FittedField::Text { .. }).then_some(first..next)
        });
        places.collect()
    }

    /// Number of features.
    pub fn width(&self) -> usize {
        // A field of a damaged file may claim to make more features than there is memory for.
        let widths = self.fields.iter().map(FittedField::width);
        widths.fold(0, usize::saturating_add)
    }

    /// Whether missing cells of a field stay missing for models that take them.
    pub fn keeps_missing(&self) -> bool {
        self.fields.iter().any(|field| field.kept() > 0)
    }

    /// Names of the features, in order: `tempo`, `released.year`, `key=5`.
    pub fn features(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.fields.iter().for_each(|field| field.name(&mut names));
        names
    }
}

impl FittedField {
    /// Number of features.
    pub fn width(&self) -> usize {
        match self {
            FittedField::Number { indicator, .. } => 1 + usize::from(*indicator),
            FittedField::Year { .. } => 1,
            FittedField::Date {
                features,
                indicator,
                ..
            } => {
                let widths = features
                    .iter()
                    .map(|feature| 1 + usize::from(feature.cyclic));
                widths.sum::<usize>() + usize::from(*indicator)
            }
            FittedField::Category {
                categories,
                rare,
                missing,
                ..
            } => categories.len() + usize::from(!rare.is_empty()) + usize::from(*missing),
            FittedField::Target { classes, .. } => classes.len(),
            FittedField::Text { text, .. } => text.dims(),
        }
    }

    /// How many of its features, the first ones, stay missing with the cell for models that take
    /// missing values.
    pub(super) fn kept(&self) -> usize {
        match self {
            FittedField::Number { keep: true, .. } | FittedField::Year { keep: true, .. } => 1,
            FittedField::Date {
                keep: true,
                indicator,
                ..
            } => self.width() - usize::from(*indicator),
            _ => 0,
        }
    }

    /// The column it is made from.
    pub fn column(&self) -> &str {
        match self {
            FittedField::Number { column, .. }
            | FittedField::Year { column, .. }
            | FittedField::Date { column, .. }
            | FittedField::Category { column, .. }
            | FittedField::Target { column, .. }
            | FittedField::Text { column, .. } => column,
        }
    }

    fn name(&self, names: &mut Vec<String>) {
        match self {
            FittedField::Number {
                column, indicator, ..
            } => {
                names.push(column.clone());
                names.extend(indicator.then(|| format!("{column}=(missing)")));
            }
            FittedField::Year { column, .. } => names.push(format!("{column}.year")),
            FittedField::Date {
                column,
                features,
                indicator,
                ..
            } => {
                for DateFeature { part, cyclic, .. } in features {
                    let name = format!("{column}.{}", part.name());
                    match cyclic {
                        false => names.push(name),
                        true => names.extend([format!("{name}.sin"), format!("{name}.cos")]),
                    }
                }
                names.extend(indicator.then(|| format!("{column}=(missing)")));
            }
            FittedField::Category {
                column,
                categories,
                rare,
                missing,
                ..
            } => {
                names.extend(
                    categories
                        .iter()
                        .map(|category| format!("{column}={category}")),
                );
                names.extend((!rare.is_empty()).then(|| format!("{column}=(other)")));
                names.extend(missing.then(|| format!("{column}=(missing)")));
            }
            FittedField::Target {
                column, classes, ..
            } => names.extend(classes.iter().map(|class| match class.as_str() {
                "" => format!("{column}:target"),
                class => format!("{column}:target={class}"),
            })),
            FittedField::Text { text, .. } => names.extend(text.features()),
        }
    }

    /// Why it cannot be applied; `None` if it can.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            FittedField::Number { scaling, .. } | FittedField::Year { scaling, .. } => {
                scaling.is_sound()
            }
            FittedField::Date { features, .. } => {
                !features.is_empty() && features.iter().all(|feature| feature.scaling.is_sound())
            }
            FittedField::Category { categories, .. } => !categories.is_empty(),
            FittedField::Target {
                classes,
                categories,
                frequencies,
                overall,
                missing,
                scaling,
                ..
            } => {
                let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
                let width = classes.len();
                width > 0
                    && categories.len().checked_mul(width) == Some(frequencies.len())
                    && overall.len() == width
                    && scaling.len() == width
                    && missing
                        .as_ref()
                        .is_none_or(|own| own.len() == width && finite(own))
                    && finite(frequencies)
                    && finite(overall)
                    && scaling.iter().all(Scaling::is_sound)
            }
            FittedField::Text { text, .. } => text.factor.is_finite(),
        }
    }
}

impl Scaling {
    pub(super) fn is_sound(&self) -> bool {
        let imputed = self.imputed.is_none_or(f64::is_finite);
        let quantiles = self.quantiles.as_ref().is_none_or(|quantiles| {
            !quantiles.is_empty()
                && quantiles.is_sorted()
                && quantiles.iter().all(|quantile| quantile.is_finite())
        });
        self.mean.is_finite() && self.sd.is_finite() && self.sd >= 0.0 && imputed && quantiles
    }

    /// The feature for `value`, which is not a number where the cell is missing.
    pub(super) fn apply(&self, value: f64) -> f32 {
        if self.sd == 0.0 {
            return 0.0;
        }
        let value = if value.is_nan() {
            self.imputed.unwrap_or(value)
        } else {
            value
        };
        if let Some(quantiles) = &self.quantiles {
            return super::quantile::to_normal(quantiles, value) as f32 + 0.0;
        }
        // Adding zero turns -0 to 0, so that equal rows are equal bytes.
        ((value - self.mean) / self.sd) as f32 + 0.0
    }
}

impl DateFeature {
    /// Writes the features of `moment`, which is `None` where the cell is missing; how many.
    pub(super) fn apply(&self, moment: Option<jiff::civil::DateTime>, out: &mut [f32]) -> usize {
        let value = moment.map_or(f64::NAN, |moment| {
            sweep_table::date::part(moment, self.part)
        });
        let Some((first, period)) = self.part.period().filter(|_| self.cyclic) else {
            out[0] = self.scaling.apply(value);
            return 1;
        };
        let value = match value.is_nan() {
            true => self.scaling.imputed.unwrap_or(value),
            false => value,
        };
        let (sine, cosine) = ((value - first) / period * std::f64::consts::TAU).sin_cos();
        out[0] = sine as f32 + 0.0;
        out[1] = cosine as f32 + 0.0;
        2
    }
}
