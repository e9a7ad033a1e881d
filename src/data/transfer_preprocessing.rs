//! Data for a network that begins with layers of another one: the preparation of its data is taken over.
//!
//! Invariant: a preparation is only given for the very columns, in the order, and the rules that it was
//! fitted for.

use std::collections::HashMap;

use sweep_core::data_config::DataSpec;
use sweep_core::run_dir::RunDir;
use sweep_core::trial::DataDigest;

use sweep_table::error::quote;
use sweep_table::{DataError, Table};

use super::columns::{Form, Roles};
use super::dataset::Dataset;
use super::held_out::HeldOutTest;
use super::loaded_table::LoadedTable;
use super::meta::DatasetMeta;
use super::preprocessor::{FittedField, Preprocessor};
use super::saved::SavedPreprocessor;
use super::text::FittedText;

/// What is known of the data that the source of a transfer was trained on.
#[derive(Debug, Clone, Copy)]
pub struct SourceData<'a> {
    /// What its experiment asked of its data.
    pub spec: &'a DataSpec,
    /// SHA-256 of its file then, hexadecimal.
    pub sha256: &'a str,
    /// The prepared data, in `run_dir`.
    pub digest: &'a DataDigest,
    pub run_dir: &'a RunDir,
}

/// The prepared data of the source, opened.
pub(super) struct TransferSource<'a> {
    pub source: SourceData<'a>,
    pub meta: DatasetMeta,
    preprocessor: SavedPreprocessor,
    /// The side of each row of the source's file that it knows; rows count from 1.
    pub split_of_row: HashMap<u32, usize>,
}

/// The key to blame when the source is at fault.
pub(super) const FROM_KEY: &str = "transfer.from";

impl<'a> TransferSource<'a> {
    /// Opens the prepared data of `source`.
    pub fn open(source: SourceData<'a>) -> Result<TransferSource<'a>, DataError> {
        let run_dir = source.run_dir;
        if source.spec.split.test_path.is_some() {
            let message = "the source has its test rows in a file of their own, so it cannot be \
                           told which rows it knows";
            let help = "train the source again with all rows in one file and `split.test`";
            return Err(DataError::new(source.spec.path(), message, help).key(FROM_KEY));
        }
        let path = run_dir.dataset(source.digest);
        let test_path = run_dir.held_out_test(source.digest);
        let missing = |error: std::io::Error| {
            let help = "run the sweep of the source again, or `sweep data check` on its file: that \
                        prepares its data anew";
            let message = format!("the prepared data of the source cannot be read: {error}");
            DataError::new(&path, message, help).key(FROM_KEY)
        };
        let seen = Dataset::open(&path).map_err(missing)?;
        let held_out = HeldOutTest::open(&test_path).map_err(missing)?;
        let preprocessor = run_dir.preprocessor(source.digest);
        let preprocessor = SavedPreprocessor::read(&preprocessor).map_err(missing)?;
        let splits = [seen.train_source(), seen.valid_source(), held_out.source()];
        let split_of_row = splits
            .iter()
            .enumerate()
            .flat_map(|(split, rows)| rows.iter().map(move |row| (*row, split)))
            .collect();
        Ok(TransferSource {
            source,
            meta: seen.meta().clone(),
            preprocessor,
            split_of_row,
        })
    }

    /// The preparation of the source, if the experiment asks for the same features by the same rules.
    pub fn preprocessor(
        &self,
        spec: &DataSpec,
        content: &LoadedTable<'_>,
    ) -> Result<(Preprocessor, Vec<FittedText>), Vec<DataError>> {
        let table = content.main.table;
        let blame = |message: String, help: &str, key: String| {
            vec![DataError::new(&table.path, message, help).key(key)]
        };
        self.check_features(&content.main.roles, table)?;
        self.check_texts(spec, content)?;
        let theirs = self.source.spec;
        if spec.scale != theirs.scale {
            let message = "features are scaled by other rules than in the source, whose scaling is \
                           used";
            let help = "give `scale` the value it has in the experiment of the source";
            return Err(blame(message.to_owned(), help, "data.scale".to_owned()));
        }
        for field in &content.main.roles.fields {
            let (own, other) = (spec.missing.of(&field.name), theirs.missing.of(&field.name));
            if own != other && (own.fills() || other.fills()) {
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
        let saved = &self.preprocessor;
        Ok((saved.preprocessor.clone(), saved.texts.clone()))
    }

    /// Refuses texts that are encoded otherwise than in the source.
    fn check_texts(
        &self,
        spec: &DataSpec,
        content: &LoadedTable<'_>,
    ) -> Result<(), Vec<DataError>> {
        let theirs = self.preprocessor.texts.iter().map(FittedText::field);
        let fields = content.main.roles.fields.iter();
        let own = fields.filter_map(|field| match field.form {
            Form::Text(at) => Some((field, &spec.text[at].encoder)),
            _ => None,
        });
        for ((field, own), theirs) in own.zip(theirs) {
            let required = spec.missing.columns.contains_key(&field.name);
            if *own != theirs.encoder || required != theirs.required {
                let message = format!(
                    "the texts of column {} are encoded otherwise than in the source, whose encoder \
                     is used",
                    quote(&field.name)
                );
                let help = "give the column the table under `text`, and the rule under `missing`, \
                            that it has in the experiment of the source";
                let error = DataError::new(&content.main.table.path, message, help);
                return Err(vec![error.key(field.key.clone())]);
            }
        }
        Ok(())
    }

    fn check_features(&self, roles: &Roles, table: &Table) -> Result<(), Vec<DataError>> {
        let own: Vec<(&str, &str)> = roles
            .fields
            .iter()
            .map(|field| (form_name(&field.form), field.name.as_str()))
            .collect();
        let theirs: Vec<(&str, &str)> = self
            .meta
            .preprocessor
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

/// What a field is called; forms that give the same kind of field share a name.
fn form_name(form: &Form) -> &'static str {
    match form {
        Form::Binary { .. } => Form::Category.role(),
        form => form.role(),
    }
}

fn kind_name(field: &FittedField) -> &'static str {
    match field {
        FittedField::Number { .. } => "number",
        FittedField::Year { .. } => "year",
        FittedField::Date { .. } => "date",
        FittedField::Category { .. } | FittedField::Target { .. } => "category",
        FittedField::Text { .. } => "text",
    }
}
