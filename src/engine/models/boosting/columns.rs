//! The columns that the libraries of gradient boosting are given, made from the features of a prepared data set: a missing cell is
//! not a number, and the 0/1 features of one column may be one category.
//!
//! Invariant: rows to predict become columns as training rows did; a model file says which columns are
//! categories.

use std::borrow::Cow;

use sweep_data::{CategoryBlock, DatasetMeta, Inputs, Preprocessor};

/// Features of a column that are one category: a single one stays, since a split on it parts the same
/// rows.
const LEAST: usize = 2;

/// How features become columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Columns {
    /// Number of features.
    features: usize,
    /// Ascending, and apart. A category is the number of the feature that is 1; where none is, it is a
    /// number of its own, the last one, if the block has a base, and missing if not.
    categories: Vec<CategoryBlock>,
}

impl Columns {
    /// The columns of the data of `meta`, with or without columns of categories.
    pub fn of(meta: &DatasetMeta, enable_categorical: bool) -> Columns {
        match enable_categorical {
            true => Columns::with_categories(&meta.preprocessor),
            false => Columns::plain(meta.features.len()),
        }
    }

    /// Each feature as it is.
    pub fn plain(features: usize) -> Columns {
        Columns {
            features,
            categories: Vec::new(),
        }
    }

    /// The 0/1 features that `preprocessor` makes of one column as one category.
    pub fn with_categories(preprocessor: &Preprocessor) -> Columns {
        Columns {
            features: preprocessor.width(),
            categories: preprocessor.category_blocks(LEAST),
        }
    }

    /// What [`Columns::to_json`] wrote for a model of `count` columns.
    ///
    /// # Errors
    /// Why it cannot be that.
    pub fn from_json(text: &str, count: usize) -> Result<Columns, String> {
        let categories: Vec<CategoryBlock> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let end = CategoryBlock::end_of(&categories, LEAST).ok_or("its categories overlap")?;
        let joined = categories.iter().map(|category| category.features - 1);
        let features = { joined }
            .try_fold(count, usize::checked_add)
            .ok_or("its categories are too many")?;
        match end <= features && categories.len() <= count {
            true => Ok(Columns {
                features,
                categories,
            }),
            false => Err("its categories have more features than there are".to_owned()),
        }
    }

    /// Which columns are categories, to be kept with a model; `None` if none is.
    pub fn to_json(&self) -> Option<String> {
        let text = || serde_json::to_string(&self.categories).expect("plain data");
        self.has_categories().then(text)
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of columns.
    pub fn count(&self) -> usize {
        let joined = self.categories.iter().map(|category| category.features - 1);
        self.features - joined.sum::<usize>()
    }

    pub fn has_categories(&self) -> bool {
        !self.categories.is_empty()
    }

    /// Names of the columns: those of `features`, and of the table's columns for categories.
    pub fn names(&self, features: &[String]) -> Vec<String> {
        let name = |part: Part<'_>| match part {
            Part::Feature(place) => features[place].clone(),
            Part::Category(category) => category.column.clone(),
        };
        self.parts().map(name).collect()
    }

    /// Whether each column is a category.
    pub fn are_categories(&self) -> Vec<bool> {
        let is_category = |part| matches!(part, Part::Category(_));
        self.parts().map(is_category).collect()
    }

    /// Row-major [rows, columns]; not a number where a cell is missing, for which splits have a side
    /// of their own.
    ///
    /// # Panics
    /// When `inputs` are not whole rows.
    pub fn values<'a>(&self, inputs: Inputs<'a>) -> Cow<'a, [f32]> {
        let Inputs { x, missing } = inputs;
        assert!(x.len().is_multiple_of(self.features), "x is whole rows");
        if missing.is_none() && !self.has_categories() {
            return Cow::Borrowed(x);
        }
        let parts: Vec<Part<'_>> = self.parts().collect();
        let mut values = Vec::with_capacity(x.len() / self.features * parts.len());
        for start in (0..x.len()).step_by(self.features) {
            let row = &x[start..][..self.features];
            let is_missing = |place| missing.is_some_and(|mask| mask[start + place] != 0);
            values.extend(parts.iter().map(|part| match part {
                Part::Feature(place) if is_missing(*place) => f32::NAN,
                Part::Feature(place) => row[*place],
                Part::Category(category) => number(category, row),
            }));
        }
        Cow::Owned(values)
    }

    /// What each column is made from.
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut categories = self.categories.iter().peekable();
        let mut next = 0;
        std::iter::from_fn(move || {
            let place = next;
            if let Some(category) = categories.next_if(|category| category.first == place) {
                next += category.features;
                return Some(Part::Category(category));
            }
            next += 1;
            (place < self.features).then_some(Part::Feature(place))
        })
    }
}

/// What a column is made from.
enum Part<'a> {
    Feature(usize),
    Category(&'a CategoryBlock),
}

/// The number of the category of `row`.
fn number(category: &CategoryBlock, row: &[f32]) -> f32 {
    match category.place(row) {
        Some(place) => place as f32,
        None if category.base => category.features as f32,
        None => f32::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        let category = |column: &str, first, features, base| CategoryBlock {
            column: column.to_owned(),
            first,
            features,
            base,
        };
        Columns {
            features: 8,
            categories: vec![category("a", 1, 3, false), category("b", 4, 2, true)],
        }
    }

    #[test]
    fn features_of_one_column_become_its_category_and_missing_cells_no_numbers() {
        let columns = columns();
        let x = [
            0.5, 0.0, 1.0, 0.0, 1.0, 0.0, 0.25, 2.0, //
            1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.75, 3.0,
        ];
        let mut missing = [0; 16];
        missing[6] = 1;
        let inputs = Inputs {
            x: &x,
            missing: Some(&missing),
        };
        let values: Vec<String> = columns
            .values(inputs)
            .iter()
            .map(|value| value.to_string())
            .collect();
        assert_eq!(
            values,
            [
                "0.5", "1", "0", "NaN", "2", //
                "1.5", "NaN", "2", "0.75", "3"
            ]
        );
        let names: Vec<String> = (0..8).map(|place| format!("x{place}")).collect();
        assert_eq!(columns.names(&names), ["x0", "a", "b", "x6", "x7"]);
        assert_eq!(columns.are_categories(), [false, true, true, false, false]);
        assert_eq!((columns.features(), columns.count()), (8, 5));
        let plain = Columns::plain(8);
        assert!(matches!(
            plain.values(Inputs::complete(&x)),
            Cow::Borrowed(_)
        ));
        assert_eq!(plain.to_json(), None);
    }

    #[test]
    fn a_description_reads_back_and_one_that_cannot_be_is_refused() {
        let columns = columns();
        let text = columns.to_json().unwrap();
        assert_eq!(Columns::from_json(&text, 5), Ok(columns));
        for (from, to) in [
            ("\"first\":4", "\"first\":3"),
            ("\"first\":4", "\"first\":7"),
            ("\"features\":2", "\"features\":1"),
            ("\"features\":2", "\"features\":18446744073709551615"),
            ("[", ""),
        ] {
            assert!(text.contains(from));
            let changed = text.replacen(from, to, 1);
            assert!(Columns::from_json(&changed, 5).is_err(), "{changed}");
        }
    }
}
