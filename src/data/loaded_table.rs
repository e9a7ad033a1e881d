//! What the files hold of what an experiment asks for, in memory.
//!
//! Invariant: places (indices of rows kept) belong to the file that [`LoadedTable::source`] gives for their side.

use std::collections::HashMap;
use std::path::Path;

use sweep_core::data_config::DataSpec;
use sweep_core::trial::Task;
use sweep_table::{DataError, Table};

use super::cells::in_order;
use super::columns::Roles;
use super::digest::SplitRows;
use super::encode::SplitEncoder;
use super::fit::{FittedAll, fit};
use super::fit_category::Training;
use super::infer::Open;
use super::mask::Mask;
use super::meta::NumberTarget;
use super::parse::{Part, Values};
use super::preprocessor::Preprocessor;
use super::source_rows::{Codes, Source, TEST_KEY};
use super::split::{SPLITS, Splits, TEST, TRAIN, VALID};
use super::summary::{SplitSummary, Summary};
use super::target_checks::{check_target, target_notes};
use super::target_values::{STRATA, codes_of, number_target, style_of, target_kind_of, task_of};
use super::text::FittedText;
use super::usage::{dropped_note, usage_notes, uses};
use super::warnings::Note;

/// What the files hold of what the experiment asks for.
pub(super) struct LoadedTable<'a> {
    pub main: Source<'a>,
    pub test: Option<Source<'a>>,
    /// None of a target that is a number.
    pub classes: Vec<String>,
    pub task: Task,
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
        notes.splice(0..0, main.notes.iter().cloned().map(Note::info));
        let mut errors = Vec::new();
        if rows.is_empty() {
            let error = DataError::new(&main.path, "every row is excluded", "exclude fewer values");
            return Err(vec![error.key("data.exclude")]);
        }
        notes.extend(roles.infer(Open::of(spec), main, &rows));
        errors.extend(roles.check_missing_rules(spec, main));
        if roles.fields.is_empty() {
            let help = "name columns in `numeric`, `date`, `categorical` or `text`";
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

        let mut is_there = vec![false; part.labels.levels.len()];
        for row in &part.rows {
            is_there[part.labels.codes[*row as usize] as usize] = true;
        }
        let levels = part.labels.levels.iter().zip(&is_there);
        let levels = levels.filter_map(|(level, is_there)| is_there.then_some(level));
        let classes: Vec<String> = in_order(levels).into_iter().map(str::to_owned).collect();
        let kind = target_kind_of(part.labels, &classes, part.rows.len());
        let task = task_of(spec, kind);
        check_target(spec, main, &part, (task, &classes))?;
        for part in [Some(&part), test.as_ref().map(|(_, part, _)| part)]
            .into_iter()
            .flatten()
        {
            summary.add_dropped(part);
        }
        notes.extend(target_notes(spec, &part, (task, kind), &classes));
        summary.notes = notes;
        summary.columns = uses(main, &roles);
        summary.notes.extend(usage_notes(&summary.columns, spec));
        summary.notes.extend(dropped_note(&summary, &part));
        let (style, classes) = match task {
            Task::Classification => (None, classes),
            Task::Regression => (Some(style_of(part.labels)), Vec::new()),
        };
        let mut codes = Codes {
            classes: codes_of(&classes),
            style,
            groups: HashMap::new(),
        };
        let main = codes.source(spec, main, part, (roles, "data.target"))?;
        let test =
            test.map(|(table, part, roles)| codes.source(spec, table, part, (roles, TEST_KEY)));
        Ok(LoadedTable {
            main,
            test: test.transpose()?,
            classes,
            task,
            summary,
        })
    }

    /// Parts of the target that every split gets its share of: classes, or strata of a number.
    pub fn strata(&self) -> usize {
        match self.task {
            Task::Classification => self.classes.len(),
            Task::Regression => STRATA,
        }
    }

    /// What is learned of the numbers of the training rows, if the target is a number.
    pub fn number(&self, spec: &DataSpec, train: &SplitRows<'_>) -> Option<NumberTarget> {
        let numbers = train.numbers.as_ref()?;
        Some(number_target(
            spec.target_transform,
            numbers.iter().copied(),
        ))
    }

    /// The file from which the rows of `side` come.
    pub fn source(&self, split: usize) -> &Source<'a> {
        self.test
            .as_ref()
            .filter(|_| split == TEST)
            .unwrap_or(&self.main)
    }

    /// The preparation `taken`, or else one fitted on the training rows; with features of those rows
    /// that are not what it makes of others.
    pub fn fit(
        &self,
        spec: &DataSpec,
        splits: &Splits,
        taken: Option<Taken>,
        cache: &Path,
    ) -> Result<FittedAll, Vec<DataError>> {
        if let Some((preprocessor, texts)) = taken {
            // The source knows its training rows: its statistics are applied to them as to others.
            return Ok(FittedAll {
                preprocessor,
                texts,
                notes: Vec::new(),
                out_of_fold: Vec::new(),
            });
        }
        let Source {
            table, roles, part, ..
        } = &self.main;
        let places = &splits[TRAIN];
        let rows: Vec<u32> = places
            .iter()
            .map(|place| part.rows[*place as usize])
            .collect();
        let training = Training {
            rows: &rows,
            labels: places
                .iter()
                .map(|place| self.main.labels[*place as usize])
                .collect(),
            numbers: self.main.numbers.as_ref().map(|numbers| {
                let own = places.iter().map(|place| numbers[*place as usize]);
                own.collect()
            }),
            classes: &self.classes,
            groups: self.groups_of(splits, TRAIN),
            seed: spec.split.seed,
        };
        fit(table, &roles.fields, part, &training, spec, cache)
    }

    /// What encodes the rows of each split.
    pub fn encoders<'b>(
        &'b self,
        preprocessor: &'b Preprocessor,
        texts: &[FittedText],
        splits: &Splits,
        out_of_fold: &[Option<Vec<f32>>],
    ) -> Result<[SplitEncoder<'b>; 3], Vec<DataError>> {
        let encoder = |split: usize| {
            let source = self.source(split);
            let out_of_fold = if split == TRAIN { out_of_fold } else { &[] };
            let about = (source.table, source.roles.fields.as_slice());
            let encoder = SplitEncoder::new(
                preprocessor,
                texts,
                about,
                &source.part,
                &splits[split],
                out_of_fold,
            )?;
            let bad = encoder.not_finite().into_iter();
            let errors: Vec<DataError> = bad
                .map(|(row, field)| too_large(source, row, field))
                .collect();
            match errors.is_empty() {
                true => Ok(encoder),
                false => Err(errors),
            }
        };
        let (train, (valid, test)) = both(encoder(TRAIN), both(encoder(VALID), encoder(TEST)))?;
        Ok([train, valid, test])
    }

    pub fn split_rows<'b>(
        &'b self,
        preprocessor: &Preprocessor,
        splits: &Splits,
        encoders: [SplitEncoder<'b>; 3],
    ) -> [SplitRows<'b>; 3] {
        let mut split = TRAIN;
        encoders.map(|x| {
            let source = self.source(split);
            let missing = Mask::of(preprocessor, &source.part, &splits[split]);
            let places = splits[split].iter().map(|place| *place as usize);
            let is_train = split == TRAIN;
            split += 1;
            SplitRows {
                counts: x.counts(),
                x,
                missing,
                y: places.clone().map(|place| source.labels[place]).collect(),
                numbers: source
                    .numbers
                    .as_ref()
                    .map(|numbers| places.clone().map(|place| numbers[place]).collect()),
                weights: source
                    .weights
                    .as_ref()
                    .filter(|_| is_train)
                    .map(|weights| places.clone().map(|place| weights[place]).collect()),
                source: places.map(|place| source.part.rows[place] + 1).collect(),
                hashes: Vec::new(),
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

    /// Likewise, of the validation rows.
    pub fn valid_groups(&self, splits: &Splits) -> Option<Vec<u32>> {
        self.groups_of(splits, VALID)
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

    /// How many rows of each class the splits have, or which numbers.
    pub fn summaries(&self, rows: &[SplitRows<'_>; 3]) -> [SplitSummary; 3] {
        [TRAIN, VALID, TEST].map(|split| {
            let mut per_class = vec![0; self.classes.len()];
            if self.task == Task::Classification {
                let labels = rows[split].y.iter();
                labels.for_each(|label| per_class[*label as usize] += 1);
            }
            let numbers = rows[split]
                .numbers
                .as_ref()
                .filter(|numbers| !numbers.is_empty());
            SplitSummary {
                name: SPLITS[split],
                rows: rows[split].y.len(),
                per_class,
                numbers: numbers.map(|numbers| {
                    let each = || numbers.iter().map(|number| f64::from(*number));
                    let mean = each().sum::<f64>() / numbers.len() as f64;
                    let (low, high) = (
                        each().fold(f64::INFINITY, f64::min),
                        each().fold(f64::NEG_INFINITY, f64::max),
                    );
                    [low, mean, high]
                }),
            }
        })
    }
}

/// A preparation, and what it learned from texts.
pub(super) type Taken = (Preprocessor, Vec<FittedText>);

fn too_large(source: &Source<'_>, row: u32, field: usize) -> DataError {
    let value = match &source.part.values[field] {
        Values::Numbers { values, .. } => values[row as usize],
        Values::Texts(_) | Values::Dates { .. } => f64::NAN,
    };
    let field = &source.roles.fields[field];
    let message = format!("{value:e} becomes too large for a 32-bit feature");
    let help = "correct the cell, or leave the column out";
    let error = source.table.error_at(row, message, help);
    error.key(field.key.clone()).column(&field.name)
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
