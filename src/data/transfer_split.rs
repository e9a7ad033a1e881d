//! Which rows of a new file the source of a transfer knows, and on which side they stand for it.
//!
//! Invariant: no row that the source was trained on, nor a row of its group, stands on the validation
//! or the test side; and none of its validation rows on the test side.

use std::collections::HashMap;

use sweep_core::data_config::DataSpec;
use sweep_core::split_spec::{SplitBy, SplitSpec};

use sweep_core::format::pluralize;
use sweep_table::error::quote;
use sweep_table::{Column, DataError, Table};

use super::columns::storage;
use super::loaded_table::LoadedTable;
use super::parse::Values;
use super::source_rows::Source;
use super::split::{SPLITS, Splits, TEST, TRAIN, split};
use super::split_keys::SplitKeys;
use super::transfer_preprocessing::{FROM_KEY, TransferSource};
use super::warnings::Note;

/// How the rows of the new file are told from those that the source knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Row,
    Group,
    LoadedTable,
}

impl TransferSource<'_> {
    /// The places of each side: known ones where the source has them, new ones split afresh. Also
    /// which places of the file the source was trained on.
    pub fn splits(
        &self,
        spec: &DataSpec,
        content: &LoadedTable<'_>,
    ) -> Result<(Splits, Vec<bool>, Note), Vec<DataError>> {
        let main = &content.main;
        let (by, matched) = self.matched(spec, main).map_err(|error| vec![error])?;
        let known = with_groups(main, &matched).map_err(|error| vec![error])?;
        let new: Vec<u32> = (0..known.len() as u32)
            .filter(|place| known[*place as usize].is_none())
            .collect();
        self.check_by(&spec.split.by, &new, main)
            .map_err(|error| vec![error])?;
        let mut splits = split_new(main, &new, content.strata(), &spec.split);
        let mut kept = [0usize; 3];
        for (place, side) in known.iter().enumerate() {
            if let Some(side) = side {
                splits[*side].push(place as u32);
                kept[*side] += 1;
            }
        }
        splits.iter_mut().for_each(|side| side.sort_unstable());
        let trained = matched.iter().map(|side| *side == Some(TRAIN)).collect();
        let by = match by {
            By::Row => "by row of the same file",
            By::Group => "by group",
            By::LoadedTable => "by the content of the columns used",
        };
        let kept_rows: Vec<String> = (TRAIN..=TEST)
            .map(|side| format!("{} {}", kept[side], SPLITS[side]))
            .collect();
        let note = Note::info(format!(
            "{} known to the source of the transfer ({by}), with their groups, keep its side of \
             the split ({}); {} split afresh; features are prepared as in the source",
            pluralize(kept.iter().sum::<usize>(), "row"),
            kept_rows.join(", "),
            pluralize(new.len(), "row"),
        ));
        Ok((splits, trained, note))
    }

    /// What decides on the sides here must have done so for the source, whose rows keep their side;
    /// and by time, rows that it does not know would have to stand behind those.
    fn check_by(&self, by: &SplitBy, new: &[u32], main: &Source<'_>) -> Result<(), DataError> {
        let Some(column) = by.column() else {
            return Ok(());
        };
        let (message, help) = if *by != self.source.spec.split.by {
            (
                format!(
                    "the source was not split by {} in this way, and its rows keep their side",
                    quote(column)
                ),
                "split as the experiment of the source does",
            )
        } else if matches!(by, SplitBy::Time { .. }) && !new.is_empty() {
            (
                format!(
                    "{} new to the source of the transfer, whose rows keep their side: no split in \
                     the order of {} has both",
                    match new.len() {
                        1 => "1 row is".to_owned(),
                        many => format!("{} are", pluralize(many, "row")),
                    },
                    quote(column)
                ),
                "use the table of the source, or leave `time` out: new rows are then split at random",
            )
        } else {
            return Ok(());
        };
        Err(DataError::new(&main.table.path, message, help).key(by.key()))
    }

    /// The side that each place of `main` has in the source, if it knows the row itself.
    fn matched(
        &self,
        spec: &DataSpec,
        main: &Source<'_>,
    ) -> Result<(By, Vec<Option<usize>>), DataError> {
        let theirs = self.source.spec;
        let is_same_group = theirs.group == spec.group;
        if main.table.sha256 == self.source.sha256 {
            if let Some(group) = theirs.group.as_ref().filter(|_| !is_same_group) {
                let message = format!(
                    "the source keeps rows of one {} on one side, and this experiment does not",
                    quote(group)
                );
                let help = format!("set group = {group:?}, as in the experiment of the source");
                return Err(DataError::new(&main.table.path, message, help).key("data.group"));
            }
            let side = |row: &u32| self.split_of_row.get(&(row + 1)).copied();
            return Ok((By::Row, main.part.rows.iter().map(side).collect()));
        }
        let table = self.source_table()?;
        if is_same_group && spec.group.is_some() {
            return Ok((By::Group, self.by_group(main, &table)?));
        }
        Ok((By::LoadedTable, self.by_content(main, &table)?))
    }

    /// The file of the source, if it is as it was.
    fn source_table(&self) -> Result<Table, DataError> {
        let path = self.source.spec.path();
        let help = "bring back the file that the source was trained on, or use the same file here: \
                    without it there is no telling which rows the source knows";
        let blame = |message: String| DataError::new(path, message, help).key(FROM_KEY);
        let spec = self.source.spec;
        let read = Table::read(&spec.paths, &spec.format, &storage(spec), FROM_KEY);
        let table = read.map_err(|errors| {
            let first = errors
                .first()
                .map_or(String::new(), |error| error.message.clone());
            blame(format!("the file of the source cannot be read: {first}"))
        })?;
        match table.sha256 == self.source.sha256 {
            true => Ok(table),
            false => Err(blame(
                "the file of the source has changed since that was trained".to_owned(),
            )),
        }
    }

    fn by_group(&self, main: &Source<'_>, table: &Table) -> Result<Vec<Option<usize>>, DataError> {
        let theirs = self.source.spec;
        let name = theirs.group.as_deref().unwrap_or_default();
        let Some(column) = table.find(name) else {
            let message = format!("the source's group column {} is gone", quote(name));
            return Err(DataError::new(&table.path, message, "").key(FROM_KEY));
        };
        let Column::Texts(texts) = table.column(column) else {
            unreachable!("groups are kept as text");
        };
        let mut split_of_group: HashMap<&str, usize> = HashMap::new();
        for (row, side) in &self.split_of_row {
            let known = split_of_group
                .entry(texts.cell(*row as usize - 1))
                .or_insert(*side);
            *known = (*known).min(*side);
        }
        let Some(groups) = main.part.groups else {
            return Ok(Vec::new());
        };
        let split = |row: &u32| split_of_group.get(groups.cell(*row as usize)).copied();
        Ok(main.part.rows.iter().map(split).collect())
    }

    /// Rows of equal features are one row to a network. Where the source has such rows on several
    /// sides, they count for the first of training, validation and test.
    fn by_content(
        &self,
        main: &Source<'_>,
        table: &Table,
    ) -> Result<Vec<Option<usize>>, DataError> {
        let theirs = LoadedTable::read(self.source.spec, table, None)
            .map_err(|mut errors| errors.remove(0).key(FROM_KEY))?;
        let part = &theirs.main.part;
        let mut split_of_content: HashMap<Vec<u8>, usize> = HashMap::new();
        for row in &part.rows {
            if let Some(side) = self.split_of_row.get(&(row + 1)) {
                let known = split_of_content
                    .entry(content_of(&part.values, *row))
                    .or_insert(*side);
                *known = (*known).min(*side);
            }
        }
        let values = &main.part.values;
        let split = |row: &u32| split_of_content.get(&content_of(values, *row)).copied();
        Ok(main.part.rows.iter().map(split).collect())
    }
}

/// `matched`, with every row of a group on the side of those of its rows that are known.
fn with_groups(
    main: &Source<'_>,
    matched: &[Option<usize>],
) -> Result<Vec<Option<usize>>, DataError> {
    let Some(groups) = &main.groups else {
        return Ok(matched.to_vec());
    };
    let mut side_of: HashMap<u32, (usize, usize)> = HashMap::new();
    for (place, side) in matched.iter().enumerate() {
        let Some(side) = side else {
            continue;
        };
        let (known, first) = *side_of.entry(groups[place]).or_insert((*side, place));
        if known != *side {
            let table = main.table;
            let row = main.part.rows[place] as usize;
            let name = main.part.groups.map_or("", |groups| groups.cell(row));
            let message = format!(
                "the group {} has rows in two splits of the source: {} (line {}) and {} \
                 (line {})",
                quote(name),
                SPLITS[known],
                table.line(main.part.rows[first]),
                SPLITS[*side],
                table.line(main.part.rows[place]),
            );
            let help = "it cannot be decided where its rows belong: train the source with the same \
                        `group`, or leave `group` out here";
            return Err(DataError::new(&table.path, message, help).key("data.group"));
        }
    }
    let side = |group: &u32| side_of.get(group).map(|(side, _)| *side);
    Ok(groups.iter().map(side).collect())
}

/// Splits the rows at the places `new` by the shares of `spec`.
fn split_new(main: &Source<'_>, new: &[u32], classes: usize, spec: &SplitSpec) -> Splits {
    if let SplitKeys::Sides(sides) = &main.keys {
        let mut splits = Splits::default();
        for place in new {
            splits[usize::from(sides[*place as usize])].push(*place);
        }
        return splits;
    }
    let labels: Vec<u32> = new
        .iter()
        .map(|place| main.labels[*place as usize])
        .collect();
    let mut codes: HashMap<u32, u32> = HashMap::new();
    let groups: Option<Vec<u32>> = main.groups.as_ref().map(|groups| {
        let code = |place: &u32| {
            let next = codes.len() as u32;
            *codes.entry(groups[*place as usize]).or_insert(next)
        };
        new.iter().map(code).collect()
    });
    let mut splits = split(&labels, classes, groups.as_deref(), spec);
    for place in splits.iter_mut().flatten() {
        *place = new[*place as usize];
    }
    splits
}

/// The features of `row` of the table before preparation, as bytes that are equal for equal ones.
fn content_of(values: &[Values<'_>], row: u32) -> Vec<u8> {
    let row = row as usize;
    let mut bytes = Vec::new();
    for values in values {
        match values {
            Values::Numbers { values, .. } => {
                // Adding zero turns -0 to 0; whatever is not a number is a missing cell.
                let number = values[row] + 0.0;
                let number = if number.is_nan() { f64::NAN } else { number };
                bytes.extend(number.to_bits().to_le_bytes());
            }
            Values::Texts(texts) | Values::Dates { texts, .. } => {
                let text = texts.present(row);
                let length = text.map_or(u64::MAX, |text| text.len() as u64);
                bytes.extend(length.to_le_bytes());
                bytes.extend(text.unwrap_or_default().as_bytes());
            }
        }
    }
    bytes
}
