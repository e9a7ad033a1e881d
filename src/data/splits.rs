//! The split of the rows at hand, checked for what each side must hold.
//!
//! Invariant: no side that was asked for is empty, and every class has a training row.

use sweep_core::data_config::DataSpec;
use sweep_core::split_spec::SplitBy;
use sweep_core::trial::Task;

use sweep_core::format::pluralize;
use sweep_table::DataError;
use sweep_table::error::{list, quote};

use super::loaded_table::LoadedTable;
use super::source_rows::{Source, TEST_KEY};
use super::split::{SPLITS, Splits, TEST, TRAIN};
use super::target_kind::{NUMERIC_HELP, looks_numeric};
use super::warnings::Note;

/// Classes that are too rare up to which each gets an error of its own.
const FEW: usize = 5;

impl Source<'_> {
    /// The number of rows of each of the `classes`.
    fn rows_of_classes(&self, classes: usize) -> Vec<usize> {
        let mut rows = vec![0; classes];
        self.labels
            .iter()
            .for_each(|label| rows[*label as usize] += 1);
        rows
    }
}

impl LoadedTable<'_> {
    /// Places of each side in its file, once for each fold, checked for what a side must hold; and
    /// what there is to say of each.
    pub fn splits(&mut self, spec: &DataSpec) -> Result<Vec<(Splits, Vec<Note>)>, Vec<DataError>> {
        let splits = self.main.splits(spec, self.strata());
        let (splits, note) = splits.map_err(|error| vec![error])?;
        self.summary.notes.extend(note);
        let checked = splits.into_iter().map(|splits| self.checked(spec, splits));
        checked.collect()
    }

    /// Adds the rows of a test file to `sides`, those of the main one, and checks each for what it
    /// must hold.
    pub fn checked(
        &self,
        spec: &DataSpec,
        mut splits: Splits,
    ) -> Result<(Splits, Vec<Note>), Vec<DataError>> {
        let main = &self.main;
        let groups = main.groups.as_deref();
        if let Some(test) = &self.test {
            splits[TEST] = (0..test.labels.len() as u32).collect();
        }
        let has_test = |splits: &Splits| match spec.split.by {
            SplitBy::Column(_) | SplitBy::FoldColumn(_) => !splits[TEST].is_empty(),
            SplitBy::Chance | SplitBy::Time { .. } => spec.split.test > 0.0 || self.test.is_some(),
        };
        let wanted = |split: usize| split != TEST || has_test(&splits);
        let (mut errors, mut notes, mut rare) = (Vec::new(), Vec::new(), Vec::new());
        for split in (TRAIN..=TEST).filter(|split| wanted(*split)) {
            let (source, key) = match split {
                TEST if self.test.is_some() => (self.source(TEST), TEST_KEY),
                TEST => (main, "data.split.test"),
                _ => (main, "data.split.valid"),
            };
            if splits[split].is_empty() {
                let message = format!("no row is left for the {} side of the split", SPLITS[split]);
                let help = match groups {
                    _ if spec.split.by.column().is_some() => by_column_help(&spec.split.by),
                    Some(_) => "rows of a group stay together: raise the share, or use more groups",
                    None => "raise its share, or use more rows",
                };
                let key = match spec.split.by {
                    SplitBy::Chance => key,
                    _ => spec.split.by.key(),
                };
                errors.push(DataError::new(&source.table.path, message, help).key(key));
                if self.task == Task::Regression {
                    continue;
                }
                let alone = main.rows_of_classes(self.classes.len());
                let alone = alone
                    .iter()
                    .enumerate()
                    .filter(|(_, rows)| **rows < SPLITS.len());
                let alone: Vec<usize> = alone.map(|(class, _)| class).collect();
                // Classes of a row or two, which stratifying keeps from a side, are why it is empty.
                if spec.split.stratify && alone.len() > FEW {
                    rare.extend(alone.into_iter().map(|class| (class, split)));
                }
                continue;
            }
            if self.task == Task::Regression {
                // A stratum may stay without a row.
                continue;
            }
            let mut counts = vec![0; self.classes.len()];
            splits[split]
                .iter()
                .for_each(|row| counts[source.labels[*row as usize] as usize] += 1);
            for class in (0..counts.len()).filter(|class| counts[*class] == 0) {
                let from_main = split != TEST || self.test.is_none();
                // A class may be rarer than there are folds.
                let must_be_in = spec.split.stratify && from_main && spec.split.folds.is_none();
                if split == TRAIN || must_be_in {
                    rare.push((class, split));
                } else {
                    let name = quote(&self.classes[class]);
                    notes.push(Note::warning(format!(
                        "no {} row has class {name}",
                        SPLITS[split]
                    )));
                }
            }
        }
        let mut classes: Vec<usize> = rare.iter().map(|(class, _)| *class).collect();
        classes.sort_unstable();
        classes.dedup();
        match classes.len() > FEW {
            // That a side is empty follows from it.
            true => errors = vec![self.many_too_rare(&classes, &spec.target)],
            false => {
                let each = rare.into_iter();
                errors.extend(each.map(|(class, split)| self.too_rare(class, split, spec)));
            }
        }
        match errors.is_empty() {
            true => Ok((splits, notes)),
            false => Err(errors),
        }
    }

    /// One error for all of `rare`: no class by itself is what is wrong.
    fn many_too_rare(&self, rare: &[usize], target: &str) -> DataError {
        let names: Vec<&str> = rare
            .iter()
            .map(|class| self.classes[*class].as_str())
            .collect();
        let path = &self.main.table.path;
        let error = match looks_numeric(&self.classes) {
            true => DataError::new(
                path,
                format!(
                    "it looks numeric: {} rows hold {} different numbers, most of them too seldom \
                     for each split of the split to get one",
                    self.main.labels.len(),
                    self.classes.len()
                ),
                NUMERIC_HELP,
            ),
            false => DataError::new(
                path,
                format!(
                    "{} of {} classes have too few rows for each side of the split to get one: {}",
                    rare.len(),
                    self.classes.len(),
                    list(&names)
                ),
                "choose a column with fewer classes as the target, exclude these with `exclude`, or \
                 gather more rows",
            ),
        };
        error.column(target).key("data.target")
    }

    fn too_rare(&self, class: usize, split: usize, spec: &DataSpec) -> DataError {
        let labels = &self.main.labels;
        let rows: Vec<usize> = (0..labels.len())
            .filter(|row| labels[*row] as usize == class)
            .collect();
        let mut message = format!(
            "class {} has {}",
            quote(&self.classes[class]),
            pluralize(rows.len(), "row")
        );
        if let Some(groups) = &self.main.groups {
            let mut own: Vec<u32> = rows.iter().map(|row| groups[*row]).collect();
            own.sort_unstable();
            own.dedup();
            message.push_str(&format!(" in {}", pluralize(own.len(), "group")));
        }
        message.push_str(&match &spec.split.by {
            SplitBy::Chance if spec.split.folds.is_some() => {
                ": too few for each fold to have one among its training rows".to_owned()
            }
            SplitBy::Chance => format!(
                ": too few for the {} side of the split to get one",
                SPLITS[split]
            ),
            by => format!(
                ", none of them on the {} side of the split by {}",
                SPLITS[split],
                quote(by.column().unwrap_or_default())
            ),
        });
        let help = match spec.split.by {
            SplitBy::Time { .. } => {
                "exclude the class with `exclude`, or lower `valid` and `test`: \
                                     it comes late"
                    .to_owned()
            }
            SplitBy::Column(_) => {
                "exclude the class with `exclude`, or make some of its rows training rows"
                    .to_owned()
            }
            SplitBy::FoldColumn(_) => {
                "exclude the class with `exclude`, or give its rows to several folds".to_owned()
            }
            SplitBy::Chance if spec.split.folds.is_some() => {
                "exclude the class with `exclude`, or gather more rows".to_owned()
            }
            SplitBy::Chance => self.too_rare_help(split, spec),
        };
        DataError::new(&self.main.table.path, message, help).key("data.split")
    }

    fn too_rare_help(&self, split: usize, spec: &DataSpec) -> String {
        format!(
            "exclude the class with `exclude`, gather more rows, raise the share of that side{}",
            if spec.split.stratify && split != TRAIN {
                ", or set `stratify = false`"
            } else {
                ""
            }
        )
    }
}

/// What to do about a side that a column leaves without a row.
fn by_column_help(by: &SplitBy) -> &'static str {
    match by {
        SplitBy::Time { .. } => {
            "rows of one time stay together, and so do groups: name a column of more times, or use more \
             groups"
        }
        _ => "name some rows `train` and some `valid`",
    }
}
