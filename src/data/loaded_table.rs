//! What the files hold of what an experiment asks for, in memory.
//!
//! Invariant: labels are below the number of classes, and places (indices of rows kept) belong to
//! the file that [`LoadedTable::source`] gives for their side.

use std::collections::HashMap;
use std::path::Path;

use sweep_core::data_config::DataSpec;

use super::columns::Roles;
use super::digest::SplitRows;
use super::encode::Encoded;
use super::error::{DataError, pluralize, quote, suggest};
use super::fit::{Preprocessor, in_order};
use super::parse::Part;
use super::split::{SPLITS, Splits, TEST, TRAIN, VALID};
use super::summary::{SplitSummary, Summary};
use super::table::Table;
use super::text::FittedText;

/// Classes a target may have.
pub(super) const MAX_CLASSES: usize = 1000;
/// What to do about a target of numbers.
pub(super) const NUMERIC_HELP: &str = "sweep only classifies: choose a column of classes as the \
     target, or write one that puts the numbers into a few classes";
/// Key of the file with the test rows.
pub(super) const TEST_KEY: &str = "data.test_path";

/// One file with the parts its columns play.
pub(super) struct Source<'a> {
    pub table: &'a Table,
    pub roles: Roles,
    pub part: Part<'a>,
    /// Indices into the classes.
    pub labels: Vec<u32>,
    /// Numbers of the groups, common to both files.
    pub groups: Option<Vec<u32>>,
}

/// What the files hold of what the experiment asks for.
pub(super) struct LoadedTable<'a> {
    pub main: Source<'a>,
    pub test: Option<Source<'a>>,
    pub classes: Vec<String>,
    pub summary: Summary,
}

impl<'a> LoadedTable<'a> {
    pub fn read(
        spec: &DataSpec,
        main: &'a Table,
        test: Option<&'a Table>,
    ) -> Result<LoadedTable<'a>, Vec<DataError>> {
        let mut roles = Roles::resolve(spec, main)?;
        let (rows, mut notes) = roles.rows(main);
        let mut errors = Vec::new();
        if rows.is_empty() {
            let error = DataError::new(&main.path, "every row is excluded", "exclude fewer values");
            return Err(vec![error.key("data.exclude")]);
        }
        if spec.numeric.is_none() {
            notes.extend(roles.infer_numeric(main, &rows));
        }
        errors.extend(roles.check_missing_rules(spec, main));
        if roles.fields.is_empty() {
            let help = "name columns in `numeric`, `year`, `categorical` or `text`";
            let error = DataError::new(&main.path, "no column is left to learn from", help);
            errors.push(error.key("data.numeric"));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut summary = Summary::new(&main.path, &main.sha256);
        summary.excluded = main.rows() - rows.len();
        let test = test.map(|table| -> Result<_, Vec<DataError>> {
            let roles = roles.in_table(spec, table, TEST_KEY)?;
            let (rows, _) = roles.rows(table);
            summary.excluded += table.rows() - rows.len();
            Ok((
                table,
                Part::read(table, &roles, &spec.missing, rows)?,
                roles,
            ))
        });
        let part = Part::read(main, &roles, &spec.missing, rows);
        let (part, test) = both(part, test.transpose())?;

        let classes: Vec<String> = in_order(part.labels.iter().copied())
            .into_iter()
            .map(str::to_owned)
            .collect();
        check_classes(spec, main, &part, &classes)?;
        for part in [Some(&part), test.as_ref().map(|(_, part, _)| part)]
            .into_iter()
            .flatten()
        {
            summary.add_dropped(part);
        }
        summary.notes = notes;
        let mut codes = Codes::new(&classes);
        let main = codes.source(spec, main, part, roles)?;
        let test = test.map(|(table, part, roles)| codes.source(spec, table, part, roles));
        Ok(LoadedTable {
            main,
            test: test.transpose()?,
            classes,
            summary,
        })
    }

    /// The file from which the rows of `side` come.
    pub fn source(&self, split: usize) -> &Source<'a> {
        self.test
            .as_ref()
            .filter(|_| split == TEST)
            .unwrap_or(&self.main)
    }

    /// Features of each side, by the preparation `taken` or else by one fitted on training rows.
    pub fn encode(
        &mut self,
        spec: &DataSpec,
        splits: &Splits,
        taken: Option<(Preprocessor, Vec<FittedText>)>,
        cache: &Path,
    ) -> Result<(Preprocessor, Vec<FittedText>, [Encoded; 3]), Vec<DataError>> {
        let Source {
            table, roles, part, ..
        } = &self.main;
        let (fitted, texts, notes) = match taken {
            Some((fitted, texts)) => (fitted, texts, Vec::new()),
            None => Preprocessor::fit(table, &roles.fields, part, &splits[TRAIN], spec, cache)?,
        };
        let encode = |split: usize| {
            let source = self.source(split);
            fitted.encode(
                &texts,
                source.table,
                &source.roles.fields,
                &source.part,
                &splits[split],
            )
        };
        let (train, (valid, test)) = both(encode(TRAIN), both(encode(VALID), encode(TEST)))?;
        self.summary.notes.extend(notes);
        Ok((fitted, texts, [train, valid, test]))
    }

    pub fn split_rows(&self, splits: &Splits, encoded: [Encoded; 3]) -> [SplitRows; 3] {
        let mut split = TRAIN;
        encoded.map(|encoded| {
            let source = self.source(split);
            let places = splits[split].iter().map(|place| *place as usize);
            split += 1;
            SplitRows {
                x: encoded.x,
                y: places.clone().map(|place| source.labels[place]).collect(),
                source: places.map(|place| source.part.rows[place] + 1).collect(),
            }
        })
    }

    /// Numbers from 0 for the groups of the test rows; each row its own without groups.
    pub fn test_groups(&self, splits: &Splits) -> Vec<u32> {
        self.groups_of(splits, TEST)
            .unwrap_or_else(|| (0..splits[TEST].len() as u32).collect())
    }

    /// Numbers from 0 for the groups of the training rows, if there are groups.
    pub fn train_groups(&self, splits: &Splits) -> Option<Vec<u32>> {
        self.groups_of(splits, TRAIN)
    }

    fn groups_of(&self, splits: &Splits, split: usize) -> Option<Vec<u32>> {
        let groups = self.source(split).groups.as_ref()?;
        let mut known = HashMap::new();
        let number = |place: &u32| {
            let next = known.len() as u32;
            *known.entry(groups[*place as usize]).or_insert(next)
        };
        Some(splits[split].iter().map(number).collect())
    }

    pub fn summary(self, rows: &[SplitRows; 3]) -> Summary {
        let mut summary = self.summary;
        summary.splits = [TRAIN, VALID, TEST].map(|split| {
            let mut per_class = vec![0; self.classes.len()];
            rows[split]
                .y
                .iter()
                .for_each(|label| per_class[*label as usize] += 1);
            SplitSummary {
                name: SPLITS[split],
                rows: rows[split].y.len(),
                per_class,
            }
        });
        summary
    }
}

/// Both values, or the errors of both.
pub(super) fn both<A, B>(
    a: Result<A, Vec<DataError>>,
    b: Result<B, Vec<DataError>>,
) -> Result<(A, B), Vec<DataError>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).flatten().collect()),
    }
}

/// Numbers for labels and groups, common to both files.
struct Codes<'a> {
    classes: HashMap<String, u32>,
    groups: HashMap<&'a str, u32>,
}

impl<'a> Codes<'a> {
    fn new(classes: &[String]) -> Codes<'a> {
        let classes = classes.iter().cloned().zip(0..).collect();
        Codes {
            classes,
            groups: HashMap::new(),
        }
    }

    fn source(
        &mut self,
        spec: &DataSpec,
        table: &'a Table,
        part: Part<'a>,
        roles: Roles,
    ) -> Result<Source<'a>, Vec<DataError>> {
        let mut labels = Vec::with_capacity(part.labels.len());
        for (label, row) in part.labels.iter().zip(&part.rows) {
            let Some(code) = self.classes.get(*label) else {
                let message = format!("the training file has no row of class {}", quote(label));
                // A map has no order of its own, and a message must not change from run to run.
                let mut names: Vec<&str> = self.classes.keys().map(String::as_str).collect();
                names.sort_unstable();
                let help = suggest(label, names);
                let error = DataError::new(&table.path, message, help).line(table.line(*row));
                return Err(vec![error.key(TEST_KEY).column(&spec.target)]);
            };
            labels.push(*code);
        }
        let groups = part.groups.as_ref().map(|groups| {
            let number = |group: &&'a str| {
                let next = self.groups.len() as u32;
                *self.groups.entry(group).or_insert(next)
            };
            groups.iter().map(number).collect()
        });
        Ok(Source {
            table,
            roles,
            part,
            labels,
            groups,
        })
    }
}

/// Whether all of `classes` are numbers.
pub(super) fn looks_numeric(classes: &[String]) -> bool {
    let is_number = |name: &String| name.trim().parse::<f64>().is_ok();
    classes.iter().all(is_number)
}

fn check_classes(
    spec: &DataSpec,
    table: &Table,
    part: &Part<'_>,
    classes: &[String],
) -> Result<(), Vec<DataError>> {
    let (message, help) = match classes {
        [] => {
            let why = format!(
                "no row is left: {} lack a value",
                pluralize(part.dropped, "row")
            );
            (
                why,
                "fill the cells, or choose another `missing` rule".to_owned(),
            )
        }
        [only] => {
            let message = format!("every row has the same class, {}", quote(only));
            (
                message,
                "at least two classes are needed: check `target` and `exclude`".to_owned(),
            )
        }
        many if many.len() > MAX_CLASSES && looks_numeric(many) => (
            format!(
                "it looks numeric: {} rows hold {} different numbers",
                part.labels.len(),
                many.len()
            ),
            NUMERIC_HELP.to_owned(),
        ),
        many if many.len() > MAX_CLASSES => {
            let message = format!(
                "{} in {}: this does not look like a class",
                pluralize(many.len(), "distinct value"),
                pluralize(part.labels.len(), "row")
            );
            (
                message,
                format!("at most {MAX_CLASSES} classes: choose a column with fewer"),
            )
        }
        _ => return Ok(()),
    };
    let error = DataError::new(&table.path, message, help).key("data.target");
    Err(vec![error.column(&spec.target)])
}
