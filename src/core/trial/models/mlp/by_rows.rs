//! What `"auto"` comes to: settings of training that the number of training rows decides.

use super::super::super::value::Value;
use super::super::context::Context;
use super::super::view::word;

pub(super) const AUTO: &str = "auto";
pub(super) const ALL: &str = "all";

/// Batches of tables with fewer rows than the number, in ascending order.
const BATCHES: [(usize, usize); 2] = [(2_000, 32), (10_000, 128)];
/// Of larger tables.
const LARGEST_BATCH: usize = 256;
/// Epochs of tables whose rows fill enough batches.
const EPOCHS: u64 = 40;
/// Fewest optimiser steps of a training; a small table is passed over more often.
const STEPS: u64 = 1_000;

/// Rows of a batch.
pub(super) fn batch_size(value: &Value, context: &Context<'_>) -> Option<Value> {
    let size = is_auto(value).then(|| batch_rows(context.data.rows))?;
    Some(match size < context.data.rows {
        true => Value::Int(size as i64),
        false => word(ALL),
    })
}

/// Passes over the training rows, with batches of the size that `"auto"` gives them.
pub(super) fn epochs(value: &Value, context: &Context<'_>) -> Option<Value> {
    is_auto(value).then(|| {
        let rows = context.data.rows;
        let batches = rows.div_ceil(batch_rows(rows));
        let enough = STEPS.div_ceil(batches.max(1) as u64);
        Value::Int(enough.max(EPOCHS) as i64)
    })
}

fn is_auto(value: &Value) -> bool {
    matches!(value, Value::Text(word) if word == AUTO)
}

pub(super) fn batch_rows(rows: usize) -> usize {
    let found = BATCHES.into_iter().find(|(limit, _)| rows < *limit);
    found.map_or(LARGEST_BATCH, |(_, size)| size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_config::Edition;
    use crate::trial::models::DatasetSize;
    use crate::trial::{Kind, ModelSpec, Objective, Task};

    /// Batch size, epochs and embedding that the defaults come to.
    fn resolved(data: DatasetSize) -> [String; 3] {
        let objective = Objective::default();
        let context = Context {
            task: Task::Classification,
            classes: 2,
            objective: &objective,
            data,
        };
        let model = ModelSpec::of_edition(Kind::MLP, Edition::Fourth).resolved(&context);
        ["batch_size", "epochs", "embedding"].map(|name| model.get(name).unwrap().to_string())
    }

    fn of_rows(rows: usize) -> [String; 3] {
        resolved(DatasetSize {
            rows,
            features: 10,
            ..DatasetSize::default()
        })
    }

    #[test]
    fn small_tables_are_passed_over_more_often_in_smaller_batches() {
        let ple = "{ bins = 32, kind = ple }";
        for (rows, batch, epochs) in [
            (20, "all", "1000"),
            (90, "32", "334"),
            (1_000, "32", "40"),
            (1_999, "32", "40"),
            (2_000, "128", "63"),
            (9_999, "128", "40"),
            (10_000, "256", "40"),
        ] {
            assert_eq!(of_rows(rows), [batch, epochs, ple], "{rows} rows");
        }
    }

    #[test]
    fn an_embedding_is_of_fewer_bins_where_there_are_many_features_and_never_of_text() {
        for (features, category_features, text_features, embedding) in [
            (64, 0, 0, "{ bins = 32, kind = ple }"),
            (164, 100, 0, "{ bins = 32, kind = ple }"),
            (128, 0, 0, "{ bins = 16, kind = ple }"),
            (512, 0, 0, "{ bins = 4, kind = ple }"),
            (513, 0, 0, "none"),
            (110, 0, 100, "{ bins = 32, kind = ple, text = false }"),
            (100, 0, 100, "none"),
        ] {
            let [.., found] = resolved(DatasetSize {
                rows: 1_000,
                features,
                category_features,
                text_features,
                ..DatasetSize::default()
            });
            assert_eq!(found, embedding, "{features} features");
        }
    }

    #[test]
    fn spelling_out_that_text_is_spread_names_no_other_trial() {
        let set = |text: Option<bool>| {
            let kind = ("kind".to_owned(), word("ple"));
            let text = text.map(|text| ("text".to_owned(), Value::Bool(text)));
            let mut model = ModelSpec::new(Kind::MLP);
            let table = std::iter::once(kind).chain(text).collect();
            model.set("embedding", &Value::Table(table)).unwrap();
            model
        };
        assert_eq!(set(None), set(Some(true)));
        assert_ne!(set(None), set(Some(false)));
    }
}
