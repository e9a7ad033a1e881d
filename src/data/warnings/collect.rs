//! What makes results look better than they are, or less than the user thinks.
//!
//! Invariant: looks, and changes nothing but the summary.

use std::collections::{HashMap, HashSet};

use sweep_core::data_config::DataSpec;
use sweep_core::format::pluralize;
use sweep_core::trial::Task;
use sweep_table::error::quote;

use super::super::columns::Form;
use super::super::digest::SplitRows;
use super::super::loaded_table::LoadedTable;
use super::super::preprocessor::{FittedField, Preprocessor};
use super::super::source_rows::{Source, TEST_KEY};
use super::super::split::{Splits, TEST, TRAIN, VALID};
use super::super::{cross_split_duplicates, leakage};
use super::Note;

impl LoadedTable<'_> {
    /// What is worth knowing about the split and the features made.
    pub fn notes(
        &self,
        spec: &DataSpec,
        splits: &Splits,
        preprocessor: &Preprocessor,
        rows: &[SplitRows<'_>; 3],
    ) -> Vec<Note> {
        let Source {
            table,
            roles,
            part,
            labels,
            groups,
            ..
        } = &self.main;
        let groups = groups.as_deref();
        let (target, train) = ((spec.target.as_str(), self.task), &splits[TRAIN]);
        let mut notes = leakage::notes(target, &roles.fields, part, labels, groups, train);
        notes.extend(self.unseen(preprocessor, rows));
        notes.extend(self.several_labels());
        notes.extend(self.duplicates(splits, rows));
        if groups.is_none() {
            let held_out = self.held_out(splits);
            notes.extend(cross_split_duplicates::suggest_group(
                table, roles, &part.rows, train, &held_out,
            ));
        }
        notes.extend(self.shared_groups());
        notes
    }

    /// Columns of which cells were filled in, and how many.
    pub fn imputed(&self, rows: &[SplitRows<'_>; 3]) -> Vec<(String, usize)> {
        let fields = self.main.roles.fields.iter().enumerate();
        let counts = fields.map(|(place, field)| {
            let cells = rows.iter().map(|split| split.counts.missing[place]).sum();
            (field.name.clone(), cells)
        });
        counts.filter(|(_, cells)| *cells > 0).collect()
    }

    /// Categories that no training row has.
    fn unseen(&self, preprocessor: &Preprocessor, rows: &[SplitRows<'_>; 3]) -> Vec<Note> {
        let mut notes = Vec::new();
        for (place, field) in self.main.roles.fields.iter().enumerate() {
            let unseen: usize = rows.iter().map(|split| split.counts.unseen[place]).sum();
            if unseen > 0 {
                let (cells, name) = (pluralize(unseen, "cell"), quote(&field.name));
                let text = match field.form {
                    Form::Text(_) => format!(
                        "{cells} of {name} hold no known term, so all features made of the text \
                         are 0 there"
                    ),
                    _ => format!(
                        "{cells} of {name} outside the training rows: a category that no training \
                         row has, so {}",
                        what_unseen_becomes(&preprocessor.fields[place])
                    ),
                };
                notes.push(Note::info(text).key(field.key.clone()));
            }
        }
        notes
    }

    /// Places of the main file's rows that are held out.
    fn held_out(&self, splits: &Splits) -> Vec<u32> {
        let mut places = splits[VALID].clone();
        if self.test.is_none() {
            places.extend(&splits[TEST]);
        }
        places
    }

    /// Rows that are the same as a training row.
    fn duplicates(&self, splits: &Splits, rows: &[SplitRows<'_>; 3]) -> Vec<Note> {
        let of = |split: usize| {
            cross_split_duplicates::identical(&rows[TRAIN].hashes, &rows[split].hashes)
        };
        let (valid, test) = (of(VALID), of(TEST));
        let mut notes = Vec::new();
        if self.test.is_some() && test > 0 {
            let text = format!(
                "{} of {} of the test file: every feature equals that of a training row",
                pluralize(test, "row"),
                splits[TEST].len()
            );
            notes.push(Note::warning(text).key(TEST_KEY));
        }
        let same = if self.test.is_some() {
            valid
        } else {
            valid + test
        };
        if same > 0 {
            let held_out = self.held_out(splits).len();
            notes.push(Note::info(format!(
                "{} of {held_out} ({:.1}%): every feature equals that of a training row",
                pluralize(same, "held-out row"),
                100.0 * same as f64 / held_out as f64
            )));
        }
        notes
    }

    fn several_labels(&self) -> Option<Note> {
        let groups = self.main.groups.as_ref()?;
        if self.task == Task::Regression {
            return None;
        }
        let mut rows: HashMap<u32, HashMap<u32, usize>> = HashMap::new();
        for (group, label) in groups.iter().zip(&self.main.labels) {
            *rows.entry(*group).or_default().entry(*label).or_default() += 1;
        }
        let mixed = || rows.values().filter(|labels| labels.len() > 1);
        let sum = |labels: &HashMap<u32, usize>| labels.values().sum::<usize>();
        let lost: usize = mixed()
            .map(|labels| sum(labels) - labels.values().max().copied().unwrap_or(0))
            .sum();
        let right = 1.0 - lost as f64 / self.main.labels.len().max(1) as f64;
        (lost > 0).then(|| {
            Note::info(format!(
                "{} ({}) contain rows of several classes: a model that predicts one class per group \
                 cannot exceed an accuracy of {:.1}% on all rows",
                pluralize(mixed().count(), "group"),
                pluralize(mixed().map(sum).sum::<usize>(), "row"),
                100.0 * right
            ))
            .key("data.group")
        })
    }

    /// Groups of the test file that stand in the training file too.
    fn shared_groups(&self) -> Option<Note> {
        let test = self.test.as_ref()?.groups.as_ref()?;
        let known: HashSet<&u32> = self.main.groups.as_ref()?.iter().collect();
        let rows = test.iter().filter(|group| known.contains(group)).count();
        (rows > 0).then(|| {
            Note::warning(format!(
                "{} of the test file belong to a group that stands in the training file",
                pluralize(rows, "row")
            ))
            .key(TEST_KEY)
        })
    }
}

/// What the features of a column are where its category is unknown.
fn what_unseen_becomes(field: &FittedField) -> &'static str {
    match field {
        FittedField::Target { .. } => "the frequencies of all rows stand there",
        FittedField::Category { rare, .. } if !rare.is_empty() => "they count as `(other)`",
        _ => "all features of the column are 0 there",
    }
}
