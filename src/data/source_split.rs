//! The split of the rows of one file, by whatever decides on it.
//!
//! Invariant: every place is on one side, and all rows of a group on the same.

use sweep_core::data_config::DataSpec;
use sweep_table::DataError;
use sweep_table::error::quote;

use super::source_rows::Source;
use super::split::{SPLITS, Splits, TEST, TRAIN, VALID, split};
use super::split_by::{split_by_side, split_by_time, unit_times};
use super::split_keys::SplitKeys;
use super::warnings::Note;

impl Source<'_> {
    /// The places of each side, and a word on what decided.
    pub fn split(
        &self,
        spec: &DataSpec,
        strata: usize,
    ) -> Result<(Splits, Option<Note>), DataError> {
        let groups = self.groups.as_deref();
        match &self.keys {
            SplitKeys::Chance => Ok((split(&self.labels, strata, groups, &spec.split), None)),
            SplitKeys::Times(times) => {
                let shares = (spec.split.valid, spec.split.test);
                let splits = split_by_time(times, groups, shares);
                let note = self.borders(times, &splits);
                Ok((splits, note))
            }
            SplitKeys::Sides(sides) => {
                let splits = split_by_side(sides);
                self.check_groups(sides, spec)?;
                Ok((splits, None))
            }
        }
    }

    /// Until when each side reaches.
    fn borders(&self, times: &[f64], splits: &Splits) -> Option<Note> {
        let column = self.roles.split?;
        let ends = unit_times(times, self.groups.as_deref());
        let until = |side: usize| -> Option<String> {
            let of = |place: &&u32| ends[**place as usize];
            let last = splits[side].iter().max_by(|a, b| of(a).total_cmp(&of(b)))?;
            // The row itself may be an earlier one of its group.
            let end = ends[*last as usize];
            let place = times.iter().position(|time| *time == end)?;
            let cell = self.table.present(self.part.rows[place], column)?;
            Some(format!("{} rows until {}", SPLITS[side], quote(&cell)))
        };
        let sides: Vec<String> = [TRAIN, VALID, TEST].into_iter().filter_map(until).collect();
        let groups = match self.groups {
            Some(_) => "; a group stands where its latest row does",
            None => "",
        };
        Some(Note::info(format!(
            "the split is by time, in the order of {}: {}{groups}",
            quote(&self.table.names[column]),
            sides.join(", ")
        )))
    }

    /// All rows of a group must name one side.
    fn check_groups(&self, sides: &[u8], spec: &DataSpec) -> Result<(), DataError> {
        let Some(groups) = &self.groups else {
            return Ok(());
        };
        let number = groups.iter().max().map_or(0, |most| *most as usize + 1);
        let mut first: Vec<Option<usize>> = vec![None; number];
        for (place, group) in groups.iter().enumerate() {
            let known = *first[*group as usize].get_or_insert(place);
            if sides[known] == sides[place] {
                continue;
            }
            let row = self.part.rows[place];
            let name = self
                .part
                .groups
                .map_or("", |texts| texts.cell(row as usize));
            let side = |place: usize| SPLITS[usize::from(sides[place])];
            let message = format!(
                "this row of the group {} is a {} row, and that of line {} a {} row",
                quote(name),
                side(place),
                self.table.line(self.part.rows[known]),
                side(known),
            );
            let help =
                "all rows of a group stand on one side: correct the column, or leave `group` out";
            let error = self.table.error_at(row, message, help);
            return Err(error.key(spec.split.by.key()));
        }
        Ok(())
    }
}
