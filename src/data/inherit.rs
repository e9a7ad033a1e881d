//! Data for a network that begins with layers of another one: its preparation is taken over, and rows
//! that the source knows keep their side.
//!
//! Invariant: no row that the source was trained on, nor a row of its group, stands on the validation
//! or the test side; and none of its validation rows on the test side.

use std::collections::HashMap;
use std::path::Path;

use crate::recipe::{DataSpec, MissingPolicy, SplitSpec};
use crate::trial::DataDigest;

use super::cells::Values;
use super::columns::{Form, Roles};
use super::content::{Content, Source};
use super::dataset::{Dataset, DatasetMeta};
use super::error::{DataError, count, quote};
use super::fit::{FittedField, Preparation};
use super::note::Note;
use super::sealed::SealedTest;
use super::split::{SIDES, Sides, TEST, TRAIN, split};
use super::table::Table;

/// What is known of the data that the source of a transfer was trained on.
#[derive(Debug, Clone, Copy)]
pub struct SourceData<'a> {
    /// What its experiment asked of its data.
    pub spec: &'a DataSpec,
    /// SHA-256 of its file then, hexadecimal.
    pub sha256: &'a str,
    /// The prepared data, in the same folder as those that are being prepared.
    pub digest: &'a DataDigest,
}

/// The prepared data of the source, opened.
pub(super) struct Inherited<'a> {
    source: SourceData<'a>,
    pub meta: DatasetMeta,
    /// The side of each row of the source's file that it knows; rows count from 1.
    side_of_row: HashMap<u32, usize>,
}

/// How the rows of the new file are told from those that the source knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Row,
    Group,
    Content,
}

/// The key to blame when the source is at fault.
const FROM_KEY: &str = "transfer.from";

impl<'a> Inherited<'a> {
    /// Opens the prepared data of `source` in `folder`.
    pub fn open(source: SourceData<'a>, folder: &Path) -> Result<Inherited<'a>, DataError> {
        if source.spec.split.test_path.is_some() {
            let message = "the source has its test rows in a file of their own, so it cannot be \
                           told which rows it knows";
            let help = "train the source again with all rows in one file and `split.test`";
            return Err(DataError::new(&source.spec.path, message, help).key(FROM_KEY));
        }
        let path = folder.join(format!("{}.safetensors", source.digest));
        let test_path = folder.join(format!("{}.test.safetensors", source.digest));
        let missing = |error: std::io::Error| {
            let help = "run the sweep of the source again, or `sweep data check` on its file: that \
                        prepares its data anew";
            let message = format!("the prepared data of the source cannot be read: {error}");
            DataError::new(&path, message, help).key(FROM_KEY)
        };
        let seen = Dataset::open(&path).map_err(missing)?;
        let sealed = SealedTest::open(&test_path).map_err(missing)?;
        let sides = [seen.train_source(), seen.valid_source(), sealed.source()];
        let side_of_row = sides
            .iter()
            .enumerate()
            .flat_map(|(side, rows)| rows.iter().map(move |row| (*row, side)))
            .collect();
        Ok(Inherited {
            source,
            meta: seen.meta().clone(),
            side_of_row,
        })
    }

    /// The preparation of the source, if the experiment asks for the same features by the same rules.
    pub fn preparation(
        &self,
        spec: &DataSpec,
        content: &Content<'_>,
    ) -> Result<Preparation, Vec<DataError>> {
        let table = content.main.table;
        let blame = |message: String, help: &str, key: String| {
            vec![DataError::new(&table.path, message, help).key(key)]
        };
        self.check_features(&content.main.roles, table)?;
        let theirs = self.source.spec;
        if spec.scale != theirs.scale {
            let message = "features are scaled by other rules than in the source, whose scaling is \
                           used";
            let help = "give `scale` the value it has in the experiment of the source";
            return Err(blame(message.to_owned(), help, "data.scale".to_owned()));
        }
        let fills = |policy| matches!(policy, MissingPolicy::Median | MissingPolicy::Mode);
        for field in &content.main.roles.fields {
            let (own, other) = (spec.missing.of(&field.name), theirs.missing.of(&field.name));
            if own != other && (fills(own) || fills(other)) {
                let message = format!(
                    "missing cells of column {} are filled by another rule than in the source, \
                     whose fillings are used",
                    quote(&field.name)
                );
                let help = "give the column the rule under `missing` that it has in the experiment \
                            of the source";
                return Err(blame(message, help, "data.missing".to_owned()));
            }
        }
        Ok(self.meta.preparation.clone())
    }

    /// The places of each side: known ones where the source has them, new ones split afresh. Also
    /// which places of the file the source was trained on.
    pub fn sides(
        &self,
        spec: &DataSpec,
        content: &Content<'_>,
    ) -> Result<(Sides, Vec<bool>, Note), Vec<DataError>> {
        let main = &content.main;
        let (by, matched) = self.matched(spec, main).map_err(|error| vec![error])?;
        let known = with_groups(main, &matched).map_err(|error| vec![error])?;
        let new: Vec<u32> = (0..known.len() as u32)
            .filter(|place| known[*place as usize].is_none())
            .collect();
        let mut sides = split_new(main, &new, content.classes.len(), &spec.split);
        let mut kept = [0usize; 3];
        for (place, side) in known.iter().enumerate() {
            if let Some(side) = side {
                sides[*side].push(place as u32);
                kept[*side] += 1;
            }
        }
        sides.iter_mut().for_each(|side| side.sort_unstable());
        let trained = matched.iter().map(|side| *side == Some(TRAIN)).collect();
        let by = match by {
            By::Row => "by row of the same file",
            By::Group => "by group",
            By::Content => "by the content of the columns used",
        };
        let kept_rows: Vec<String> = (TRAIN..=TEST)
            .map(|side| format!("{} {}", kept[side], SIDES[side]))
            .collect();
        let note = Note::info(format!(
            "{} known to the source of the transfer ({by}), with their groups, keep its side of \
             the split ({}); {} split afresh; features are prepared as in the source",
            count(kept.iter().sum(), "row"),
            kept_rows.join(", "),
            count(new.len(), "row"),
        ));
        Ok((sides, trained, note))
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
            let side = |row: &u32| self.side_of_row.get(&(row + 1)).copied();
            return Ok((By::Row, main.part.rows.iter().map(side).collect()));
        }
        let table = self.source_table()?;
        if is_same_group && spec.group.is_some() {
            return Ok((By::Group, self.by_group(main, &table)?));
        }
        Ok((By::Content, self.by_content(main, &table)?))
    }

    /// The file of the source, if it is as it was.
    fn source_table(&self) -> Result<Table, DataError> {
        let path = &self.source.spec.path;
        let help = "bring back the file that the source was trained on, or use the same file here: \
                    without it there is no telling which rows the source knows";
        let blame = |message: String| DataError::new(path, message, help).key(FROM_KEY);
        let table = Table::read(path, FROM_KEY).map_err(|errors| {
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
        let mut side_of_group: HashMap<&str, usize> = HashMap::new();
        for (row, side) in &self.side_of_row {
            let known = side_of_group
                .entry(table.cell(row - 1, column))
                .or_insert(*side);
            *known = (*known).min(*side);
        }
        let groups = main.part.groups.as_deref().unwrap_or_default();
        Ok(groups
            .iter()
            .map(|group| side_of_group.get(group).copied())
            .collect())
    }

    /// Rows of equal features are one row to a network. Where the source has such rows on several
    /// sides, they count for the first of training, validation and test.
    fn by_content(
        &self,
        main: &Source<'_>,
        table: &Table,
    ) -> Result<Vec<Option<usize>>, DataError> {
        let theirs = Content::read(self.source.spec, table, None)
            .map_err(|mut errors| errors.remove(0).key(FROM_KEY))?;
        let part = &theirs.main.part;
        let mut side_of_content: HashMap<Vec<u8>, usize> = HashMap::new();
        for (place, row) in part.rows.iter().enumerate() {
            if let Some(side) = self.side_of_row.get(&(row + 1)) {
                let known = side_of_content
                    .entry(content_of(&part.values, place))
                    .or_insert(*side);
                *known = (*known).min(*side);
            }
        }
        let values = &main.part.values;
        Ok((0..main.part.rows.len())
            .map(|place| side_of_content.get(&content_of(values, place)).copied())
            .collect())
    }

    fn check_features(&self, roles: &Roles, table: &Table) -> Result<(), Vec<DataError>> {
        let own: Vec<(&str, &str)> = roles
            .fields
            .iter()
            .map(|field| (form_name(field.form), field.name.as_str()))
            .collect();
        let theirs: Vec<(&str, &str)> = self
            .meta
            .preparation
            .fields
            .iter()
            .map(|field| (kind_name(field), field.column()))
            .collect();
        if own == theirs {
            return Ok(());
        }
        let listed = |fields: &mut dyn Iterator<Item = &(&str, &str)>| -> String {
            let names: Vec<String> = fields
                .map(|(kind, name)| format!("{} ({kind})", quote(name)))
                .collect();
            names.join(", ")
        };
        let missing = listed(&mut theirs.iter().filter(|field| !own.contains(field)));
        let extra = listed(&mut own.iter().filter(|field| !theirs.contains(field)));
        let mut parts = Vec::new();
        if !missing.is_empty() {
            parts.push(format!("missing here: {missing}"));
        }
        if !extra.is_empty() {
            parts.push(format!("not in the source: {extra}"));
        }
        if parts.is_empty() {
            let order = listed(&mut theirs.iter());
            parts.push(format!(
                "they stand in another order; in the source: {order}"
            ));
        }
        let message = format!(
            "the features are not those of the source of the transfer: {}",
            parts.join("; ")
        );
        let help = "copied layers can only read what they were trained on: name the same columns in \
                    the same order";
        Err(vec![DataError::new(&table.path, message, help).key("data")])
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
            let name = main.part.groups.as_ref().map_or("", |names| names[place]);
            let message = format!(
                "the group {} has rows on two sides of the source's split: {} (line {}) and {} \
                 (line {})",
                quote(name),
                SIDES[known],
                table.line(main.part.rows[first]),
                SIDES[*side],
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
fn split_new(main: &Source<'_>, new: &[u32], classes: usize, spec: &SplitSpec) -> Sides {
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
    let mut sides = split(&labels, classes, groups.as_deref(), spec);
    for place in sides.iter_mut().flatten() {
        *place = new[*place as usize];
    }
    sides
}

/// The features of the row at `place` before preparation, as bytes that are equal for equal ones.
fn content_of(values: &[Values<'_>], place: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for values in values {
        match values {
            Values::Numbers(numbers) => {
                // Adding zero turns -0 to 0; whatever is not a number is a missing cell.
                let number = numbers[place] + 0.0;
                let number = if number.is_nan() { f64::NAN } else { number };
                bytes.extend(number.to_bits().to_le_bytes());
            }
            Values::Texts(texts) => {
                let text = texts[place];
                let length = text.map_or(u64::MAX, |text| text.len() as u64);
                bytes.extend(length.to_le_bytes());
                bytes.extend(text.unwrap_or_default().as_bytes());
            }
        }
    }
    bytes
}

fn form_name(form: Form) -> &'static str {
    match form {
        Form::Number => "number",
        Form::Year => "year",
        Form::Category => "category",
    }
}

fn kind_name(field: &FittedField) -> &'static str {
    match field {
        FittedField::Number { .. } => form_name(Form::Number),
        FittedField::Year { .. } => form_name(Form::Year),
        FittedField::Category { .. } => form_name(Form::Category),
    }
}
