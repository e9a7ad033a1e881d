//! What makes results look better than they are, or less than the user thinks.
//!
//! Invariant: looks, and changes nothing but the summary.

use std::collections::{HashMap, HashSet};

use crate::recipe::DataSpec;

use super::content::{Content, Source, TEST_KEY};
use super::error::count;
use super::fit::Encoded;
use super::note::Note;
use super::split::{Sides, TEST, TRAIN, VALID};
use super::{error::quote, giveaway, straddle};

impl Content<'_> {
    /// Notes on what makes results look better than they are.
    pub fn notice(&mut self, spec: &DataSpec, sides: &Sides, encoded: &[Encoded; 3]) {
        let Source {
            table,
            roles,
            part,
            labels,
            groups,
        } = &self.main;
        let groups = groups.as_deref();
        let mut notes = giveaway::notes(
            &spec.target,
            &roles.fields,
            part,
            labels,
            groups,
            &sides[TRAIN],
        );
        for (place, field) in roles.fields.iter().enumerate() {
            let imputed: usize = encoded.iter().map(|side| side.imputed[place]).sum();
            if imputed > 0 {
                self.summary.imputed.push((field.name.clone(), imputed));
            }
            let unseen: usize = encoded.iter().map(|side| side.unseen[place]).sum();
            if unseen > 0 {
                notes.push(Note::info(format!(
                    "{} of {} outside the training rows hold a category that no training row has: all its features are 0 there",
                    count(unseen, "cell"),
                    quote(&field.name)
                )).key(field.key.clone()));
            }
        }
        notes.extend(self.several_labels());
        let width = encoded[TRAIN].x.len() / sides[TRAIN].len();
        let of = |side: usize| straddle::identical(width, &encoded[TRAIN].x, &encoded[side].x);
        let identical = [of(VALID), of(TEST)];
        if self.test.is_some() && identical[1] > 0 {
            notes.push(
                Note::warning(format!(
                    "{} of the test file equal a training row in every feature",
                    count(identical[1], "row")
                ))
                .key(TEST_KEY),
            );
        }
        let inside = identical[0] + if self.test.is_some() { 0 } else { identical[1] };
        if inside > 0 {
            let held_out = sides[VALID].len()
                + if self.test.is_some() {
                    0
                } else {
                    sides[TEST].len()
                };
            notes.push(Note::info(format!(
                "{} of {held_out} ({:.1}%) equal a training row in every feature",
                count(inside, "held-out row"),
                100.0 * inside as f64 / held_out as f64
            )));
        }
        if groups.is_none() {
            let mut held_out = sides[VALID].clone();
            if self.test.is_none() {
                held_out.extend(&sides[TEST]);
            }
            notes.extend(straddle::suggest_group(
                table,
                roles,
                &part.rows,
                &sides[TRAIN],
                &held_out,
            ));
        }
        notes.extend(self.shared_groups());
        self.summary.notes.extend(notes);
    }

    fn several_labels(&self) -> Option<Note> {
        let groups = self.main.groups.as_ref()?;
        let mut first: HashMap<u32, (u32, bool, usize)> = HashMap::new();
        for (group, label) in groups.iter().zip(&self.main.labels) {
            let entry = first.entry(*group).or_insert((*label, false, 0));
            entry.1 |= entry.0 != *label;
            entry.2 += 1;
        }
        let mixed: Vec<usize> = first
            .values()
            .filter(|entry| entry.1)
            .map(|entry| entry.2)
            .collect();
        (!mixed.is_empty()).then(|| {
            Note::info(format!(
                "{} ({}) hold rows of several classes: no model can name all of them right",
                count(mixed.len(), "group"),
                count(mixed.iter().sum(), "row")
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
                count(rows, "row")
            ))
            .key(TEST_KEY)
        })
    }
}
