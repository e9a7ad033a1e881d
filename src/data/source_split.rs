//! The split of the rows of one file, by whatever decides on it, once for each fold.
//!
//! Invariant: no place is on two sides, and all rows of a group are on the same.

use sweep_core::data_config::DataSpec;
use sweep_core::format::pluralize;
use sweep_core::split_spec::{Folds, MAX_FOLDS};
use sweep_table::DataError;
use sweep_table::error::quote;

use super::folds::{self, Rows};
use super::source_rows::Source;
use super::split::{SPLITS, Splits, TEST, TRAIN, VALID, split};
use super::split_by::{split_by_side, split_by_time, unit_times};
use super::split_keys::SplitKeys;
use super::warnings::Note;

impl Source<'_> {
    /// The places of each side, once for each fold (once where there are none), and a word on what
    /// decided.
    pub fn splits(
        &self,
        spec: &DataSpec,
        strata: usize,
    ) -> Result<(Vec<Splits>, Option<Note>), DataError> {
        let groups = self.groups.as_deref();
        let rows = Rows {
            labels: &self.labels,
            strata,
            groups,
        };
        let refuse = |message: String, help: &str| {
            Err(DataError::new(&self.table.path, message, help).key("data.split.folds"))
        };
        let folds = match (&self.keys, spec.split.folds) {
            (SplitKeys::Chance, None) => {
                let splits = split(&self.labels, strata, groups, &spec.split);
                return Ok((vec![splits], None));
            }
            (SplitKeys::Times { times, gap }, None) => {
                let shares = (spec.split.valid, spec.split.test);
                let splits = split_by_time(times, groups, shares, *gap);
                let note = self.borders(times, &splits);
                return Ok((vec![splits], note));
            }
            (SplitKeys::Sides(sides), _) => {
                let splits = split_by_side(sides);
                let name = |place: usize| SPLITS[usize::from(sides[place])].to_owned();
                self.check_groups(sides, name, spec)?;
                return Ok((vec![splits], None));
            }
            (SplitKeys::Folds { of_rows, names }, _) => {
                let name = |place: usize| match of_rows[place] {
                    Some(fold) => format!("fold {}", quote(&names[fold as usize])),
                    None => "test".to_owned(),
                };
                self.check_groups(of_rows, name, spec)?;
                folds::by_number(of_rows)
            }
            (SplitKeys::Times { times, gap }, Some(Folds::Number { folds, .. })) => {
                match folds::by_time(times, groups, spec.split.test, (folds, *gap)) {
                    Ok(folds) => folds,
                    Err(message) => return refuse(message, "lower `folds`, or `test`"),
                }
            }
            (_, Some(Folds::Number { folds, repeats })) => {
                folds::by_chance(&rows, &spec.split, folds, repeats)
            }
            (_, Some(Folds::LeaveOneGroupOut | Folds::Column)) => {
                folds::by_group(&rows, &spec.split)
            }
        };
        let empty = folds.iter().filter(|sides| sides[VALID].is_empty()).count();
        match folds.len() {
            0 | 1 => refuse(
                format!(
                    "cross-validation needs two folds or more, and there {}",
                    match folds.len() {
                        0 => "is none",
                        _ => "is one",
                    }
                ),
                "use more groups or fold names, or `folds = 5`",
            ),
            many if many > MAX_FOLDS => refuse(
                format!("{many} folds: at most {MAX_FOLDS} are possible"),
                "set `folds` to a number, such as 10; rows of a group stay together",
            ),
            many if empty > 0 => refuse(
                format!("{empty} of {many} folds have no row"),
                match groups {
                    Some(_) => {
                        "lower `folds`: there are fewer groups, and rows of one stay together"
                    }
                    None => "lower `folds`: there are fewer rows",
                },
            ),
            _ => {
                let note = self.fold_note(spec, &folds);
                Ok((folds, Some(note)))
            }
        }
    }

    /// How many folds there are, and of what size.
    fn fold_note(&self, spec: &DataSpec, folds: &[Splits]) -> Note {
        let sizes = || folds.iter().map(|sides| sides[VALID].len());
        let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let rows = match least == most {
            true => format!("{most} validation rows each"),
            false => format!("{least} to {most} validation rows each"),
        };
        let how = match (spec.split.by.column(), spec.split.folds) {
            (Some(column), Some(Folds::Number { .. })) => {
                format!(" in the order of {}", quote(column))
            }
            (Some(column), _) => format!(", as {} says", quote(column)),
            (None, Some(Folds::LeaveOneGroupOut)) => ", one for each group".to_owned(),
            (None, Some(Folds::Number { folds, repeats })) if repeats > 1 => {
                format!(" ({folds} folds, {repeats} times)")
            }
            _ => String::new(),
        };
        let count = pluralize(folds.len(), "fold");
        Note::info(format!("cross-validation: {count}{how}, {rows}"))
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

    /// All rows of a group must name the same of `sides`, which `name` calls by place.
    fn check_groups<S: PartialEq>(
        &self,
        sides: &[S],
        name: impl Fn(usize) -> String,
        spec: &DataSpec,
    ) -> Result<(), DataError> {
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
            let group = self
                .part
                .groups
                .map_or("", |texts| texts.cell(row as usize));
            let message = format!(
                "this row of the group {} is a {} row, and that of line {} a {} row",
                quote(group),
                name(place),
                self.table.line(self.part.rows[known]),
                name(known),
            );
            let help =
                "all rows of a group stand on one side: correct the column, or leave `group` out";
            let error = self.table.error_at(row, message, help);
            return Err(error.key(spec.split.by.key()));
        }
        Ok(())
    }
}
