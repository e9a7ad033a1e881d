//! Fitting categories: one feature for each, or how frequent classes are where a cell has it (the mean of the target, where
//! that is a number).
//!
//! Target statistics are estimated as by scikit-learn's `TargetEncoder` with a fixed `smooth`
//! (Micci-Barreca 2001): the mean of the class over the rows of a category, drawn towards that of all
//! rows by [`SMOOTHING`] rows. For a training row the fold that it is in does not count (groups stay
//! in one fold), so that no row tells its own class.
//!
//! Invariant: nothing here sees a validation or test row.

use sweep_core::data_config::{CategoryEncoding, DataSpec, Edition, MissingPolicy, UnknownLevels};
use sweep_core::format::pluralize;
use sweep_core::random::{Purpose, Stream};
use sweep_table::error::quote;
use sweep_table::{DataError, Table, Texts};

use super::cells::in_order;
use super::columns::{Field, Form};
use super::fitted::{Fitted, nothing_known, scaling};
use super::preprocessor::{FittedField, Scaling};
use super::warnings::Note;

/// Values of a categorical column that may become features.
const MAX_CATEGORIES: usize = 1000;
/// Levels up to which `auto` gives each a feature.
const FEW: usize = 50;
/// Rows of all training rows that are added to those of a category.
const SMOOTHING: f64 = 20.0;
/// Folds of training rows.
const FOLDS: u32 = 5;
/// Levels alike but for case and blanks that are told.
const MAX_TOLD: usize = 3;

/// The training rows.
pub(super) struct Training<'a> {
    /// Rows of the table, ascending.
    pub rows: &'a [u32],
    /// Labels of these rows.
    pub labels: Vec<u32>,
    /// The target of these rows, where it is a number.
    pub numbers: Option<Vec<f32>>,
    /// Names of the classes.
    pub classes: &'a [String],
    /// Numbers of the groups of these rows.
    pub groups: Option<Vec<u32>>,
    /// Seed of the folds.
    pub seed: u64,
}

impl Training<'_> {
    /// The cells of a column of text in these rows.
    pub fn cells<'t>(&self, texts: &'t Texts) -> impl Iterator<Item = Option<&'t str>> {
        self.rows.iter().map(|row| texts.present(*row as usize))
    }

    /// The fold of each row: units, that is groups or single rows, are shuffled and dealt out.
    fn folds(&self) -> Vec<u32> {
        let unit_of: Vec<u32> = match &self.groups {
            Some(groups) => groups.clone(),
            None => (0..self.rows.len() as u32).collect(),
        };
        let units = unit_of.iter().max().map_or(0, |most| *most as usize + 1);
        let mut order: Vec<u32> = (0..units as u32).collect();
        Stream::new(self.seed, Purpose::Folds, 0, 0).shuffle(&mut order);
        let mut fold_of = vec![0; units];
        for (place, unit) in order.iter().enumerate() {
            fold_of[*unit as usize] = place as u32 % FOLDS;
        }
        unit_of.iter().map(|unit| fold_of[*unit as usize]).collect()
    }
}

/// Fits a column of categories.
pub(super) fn fit(
    table: &Table,
    field: &Field,
    texts: &Texts,
    training: &Training<'_>,
    policy: MissingPolicy,
    spec: &DataSpec,
) -> Result<Fitted, DataError> {
    let mut counts = vec![0usize; texts.levels.len()];
    for row in training.rows {
        counts[texts.codes[*row as usize] as usize] += 1;
    }
    let known = texts
        .present_levels()
        .filter(|(code, _)| counts[*code as usize] > 0);
    let known: Vec<(u32, &str)> = known.collect();
    let categories = in_order(known.iter().map(|(_, level)| *level));
    if categories.is_empty() {
        return Err(nothing_known(table, field));
    }
    let count_of: std::collections::HashMap<&str, usize> = known
        .iter()
        .map(|(code, level)| (*level, counts[*code as usize]))
        .collect();
    let has_missing = counts
        .iter()
        .zip(&texts.is_missing)
        .any(|(n, missing)| *missing && *n > 0);
    let missing = policy == MissingPolicy::Category && has_missing;
    let imputed = matches!(policy, MissingPolicy::Mode | MissingPolicy::Impute).then(|| {
        let most = count_of.values().max().copied().unwrap_or(0);
        let first = categories.iter().find(|name| count_of[**name] == most);
        first.copied().unwrap_or_default().to_owned()
    });
    let notes: Vec<Note> = alike(field, &categories).into_iter().collect();
    let known_only = spec.categories.unknown == UnknownLevels::Error;
    let is_many = categories.len() > FEW && spec.categories.max_levels.is_none();
    let by_target = match spec.categories.encoding {
        CategoryEncoding::Target => true,
        CategoryEncoding::OneHot => false,
        CategoryEncoding::Auto => is_many && spec.format.edition > Edition::First,
    };
    let fitted = |field: FittedField, out_of_fold: Option<Vec<f32>>| Fitted {
        field,
        text: None,
        notes,
        out_of_fold,
    };
    if by_target && !matches!(field.form, Form::Binary { .. }) {
        let statistics = Statistics::of(texts, training);
        let (target, out_of_fold) =
            statistics.field(field, &categories, (imputed, missing, known_only), spec);
        return Ok(fitted(target, Some(out_of_fold)));
    }
    let (kept, rare) = pool(&categories, &count_of, spec);
    if kept.len() > MAX_CATEGORIES {
        let message = format!(
            "{} in {}: each would become a feature",
            pluralize(kept.len(), "distinct value"),
            pluralize(training.rows.len(), "training row")
        );
        let help = format!(
            "at most {MAX_CATEGORIES}; set `categories = {{ max_levels = 50 }}`, with which rare \
             values share a feature, or `categories = {{ encoding = \"target\" }}`, or encode the \
             column under `text` with \"hashing\""
        );
        let error = DataError::new(&table.path, message, help).key(field.key.clone());
        return Err(error.column(&field.name));
    }
    let (base, kept) = match &field.form {
        Form::Binary { base } if kept.len() == 2 => {
            let kept = kept.into_iter().filter(|level| level != base).collect();
            (Some(base.clone()), kept)
        }
        _ => (None, kept),
    };
    let category = FittedField::Category {
        column: field.name.clone(),
        categories: kept,
        imputed,
        base,
        rare,
        missing,
        known_only,
    };
    Ok(fitted(category, None))
}

/// The categories that get a feature of their own, and those that share one.
fn pool(
    categories: &[&str],
    count_of: &std::collections::HashMap<&str, usize>,
    spec: &DataSpec,
) -> (Vec<String>, Vec<String>) {
    let most = spec.categories.max_levels.unwrap_or(usize::MAX);
    let mut by_count: Vec<&str> = categories.to_vec();
    // Stable: of equals the first.
    by_count.sort_by_key(|name| std::cmp::Reverse(count_of[name]));
    let frequent = by_count.into_iter().take(most);
    let kept: std::collections::HashSet<&str> = frequent
        .filter(|name| count_of[name] >= spec.categories.min_rows)
        .collect();
    let owned = |wanted: bool| {
        let names = categories
            .iter()
            .filter(|name| kept.contains(**name) == wanted);
        names
            .map(|name| (*name).to_owned())
            .collect::<Vec<String>>()
    };
    match kept.is_empty() {
        // A feature for nothing but rare ones would be constant.
        true => (
            categories.iter().map(|name| (*name).to_owned()).collect(),
            Vec::new(),
        ),
        false => (owned(true), owned(false)),
    }
}

/// A warning if categories differ in case or blanks alone.
fn alike(field: &Field, categories: &[&str]) -> Option<Note> {
    let groups = alike_names(categories);
    let first = groups.first()?;
    let shown: Vec<String> = first
        .iter()
        .take(MAX_TOLD)
        .map(|name| quote(name))
        .collect();
    let only_blanks = first.iter().all(|name| name.trim() == first[0].trim());
    let help = match only_blanks {
        true => "; `trim = true` makes them one",
        false => "",
    };
    let text = format!(
        "column {} has categories that differ in case or blanks alone: {}{}{help}",
        quote(&field.name),
        shown.join(", "),
        match groups.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more of the kind"),
        }
    );
    Some(Note::warning(text).key(field.key.clone()))
}

/// Names that are equal but for case and blanks around them, those of each kind together.
pub(super) fn alike_names<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut by_key: std::collections::BTreeMap<String, Vec<&str>> = Default::default();
    for name in names {
        by_key
            .entry(name.trim().to_lowercase())
            .or_default()
            .push(name);
    }
    by_key
        .into_values()
        .filter(|names| names.len() > 1)
        .collect()
}

/// Sums of what is predicted over the rows of each level, by fold: of each class 1 where it is the row's, or of a number
/// itself.
struct Statistics<'a> {
    texts: &'a Texts,
    training: &'a Training<'a>,
    fold_of: Vec<u32>,
    /// Classes, or 1 for a number.
    outputs: usize,
    /// [folds, levels, outputs]; the last fold is all of them.
    sums: Vec<f64>,
    /// [folds, levels]: numbers of rows.
    rows: Vec<f64>,
    /// [folds, outputs], likewise.
    totals: Vec<f64>,
    /// [folds].
    all_rows: Vec<f64>,
}

impl<'a> Statistics<'a> {
    fn of(texts: &'a Texts, training: &'a Training<'a>) -> Statistics<'a> {
        let levels = texts.levels.len();
        let outputs = match training.numbers {
            None => training.classes.len(),
            Some(_) => 1,
        };
        let fold_of = training.folds();
        let folds = FOLDS as usize;
        let mut of = Statistics {
            texts,
            training,
            outputs,
            sums: vec![0.0; (folds + 1) * levels * outputs],
            rows: vec![0.0; (folds + 1) * levels],
            totals: vec![0.0; (folds + 1) * outputs],
            all_rows: vec![0.0; folds + 1],
            fold_of: Vec::new(),
        };
        for (place, (row, fold)) in training.rows.iter().zip(&fold_of).enumerate() {
            let level = texts.codes[*row as usize] as usize;
            let (output, value) = match &training.numbers {
                None => (training.labels[place] as usize, 1.0),
                Some(numbers) => (0, f64::from(numbers[place])),
            };
            for fold in [*fold as usize, folds] {
                of.sums[(fold * levels + level) * outputs + output] += value;
                of.rows[fold * levels + level] += 1.0;
                of.totals[fold * outputs + output] += value;
                of.all_rows[fold] += 1.0;
            }
        }
        of.fold_of = fold_of;
        of
    }

    /// Smoothed mean of `output` at `level`, without the rows of `fold` if there is one.
    fn mean(&self, level: u32, output: usize, without: Option<u32>) -> f64 {
        let levels = self.texts.levels.len();
        let all = FOLDS as usize;
        let of = |fold: usize| {
            let at = fold * levels + level as usize;
            (self.sums[at * self.outputs + output], self.rows[at])
        };
        let total = |fold: usize| {
            (
                self.totals[fold * self.outputs + output],
                self.all_rows[fold],
            )
        };
        let ((mut hits, mut rows), (mut all_hits, mut all_rows)) = (of(all), total(all));
        if let Some(fold) = without {
            let ((own_hits, own_rows), (fold_hits, fold_rows)) =
                (of(fold as usize), total(fold as usize));
            (hits, rows) = (hits - own_hits, rows - own_rows);
            (all_hits, all_rows) = (all_hits - fold_hits, all_rows - fold_rows);
        }
        let overall = if all_rows > 0.0 {
            all_hits / all_rows
        } else {
            0.0
        };
        (hits + SMOOTHING * overall) / (rows + SMOOTHING)
    }

    /// The field, and the features of the training rows [rows, classes - 1], or [rows, 1].
    fn field(
        &self,
        field: &Field,
        categories: &[&str],
        (imputed, missing, known_only): (Option<String>, bool, bool),
        spec: &DataSpec,
    ) -> (FittedField, Vec<f32>) {
        let code_of: std::collections::HashMap<&str, u32> = self
            .texts
            .present_levels()
            .map(|(code, level)| (level, code))
            .collect();
        // Shares add up to 1, so that of the first class is known.
        let outputs = match self.training.numbers {
            None => 1..self.outputs,
            Some(_) => 0..1,
        };
        let all = FOLDS as usize;
        let overall: Vec<f64> = outputs
            .clone()
            .map(|output| self.totals[all * self.outputs + output] / self.all_rows[all])
            .collect();
        // Where a cell is missing, all levels that stand for it are one.
        let missing_level = self.texts.is_missing.iter().position(|missing| *missing);
        let imputed_code = imputed.as_deref().map(|level| code_of[level]);
        let level_of = |row: u32| {
            let code = self.texts.codes[row as usize];
            match (self.texts.is_missing[code as usize], imputed_code) {
                (true, Some(imputed)) => imputed,
                _ => code,
            }
        };
        let values: Vec<Vec<f64>> = outputs
            .clone()
            .map(|output| {
                let rows = self.training.rows.iter().zip(&self.fold_of);
                rows.map(|(row, fold)| self.mean(level_of(*row), output, Some(*fold)))
                    .collect()
            })
            .collect();
        let scalings: Vec<Scaling> = values
            .iter()
            .map(|values| match scaling(values, None, spec.scale) {
                Some((scaling, _)) => scaling,
                None => unreachable!("means of 32-bit numbers can be scaled"),
            })
            .collect();
        let mut out_of_fold = Vec::with_capacity(values.len() * self.fold_of.len());
        for place in 0..self.fold_of.len() {
            for (values, scaling) in values.iter().zip(&scalings) {
                out_of_fold.push(scaling.apply(values[place]));
            }
        }
        let of_level = |level: u32| {
            let outputs = outputs.clone();
            outputs
                .map(|output| self.mean(level, output, None))
                .collect::<Vec<f64>>()
        };
        let frequencies = categories.iter().flat_map(|level| of_level(code_of[level]));
        let target = FittedField::Target {
            column: field.name.clone(),
            classes: match self.training.numbers {
                None => self.training.classes[1..].to_vec(),
                Some(_) => vec![String::new()],
            },
            categories: categories.iter().map(|level| (*level).to_owned()).collect(),
            frequencies: frequencies.collect(),
            overall,
            imputed,
            missing: missing_level
                .filter(|_| missing)
                .map(|level| of_level(level as u32)),
            scaling: scalings,
            known_only,
        };
        (target, out_of_fold)
    }
}
