//! Filtering trials by a query, for `ls`, `report` and `export`.

use sweep_analysis::narrow;
use sweep_store::ExperimentRecord;

use crate::error::Error;

/// Keeps the trials of `record` that match `query`, and gives a sentence on how many those are.
///
/// # Errors
/// When the query is invalid, or no trial matches it.
pub fn apply(record: &mut ExperimentRecord, query: Option<&str>) -> Result<Option<String>, Error> {
    let Some(query) = query else {
        return Ok(None);
    };
    let all = narrow(record, query).map_err(|error| {
        let before: String = query.chars().take(error.at).collect();
        let arrows = "^".repeat(error.length.max(1));
        let pointer = format!(
            "--query {query}\n        {}{arrows}",
            " ".repeat(before.chars().count())
        );
        Error::input(
            format!("{}\n{pointer}", error.message),
            "docs/REPORT.md describes queries",
        )
    })?;
    let kept = record.trials.len();
    if kept == 0 {
        return Err(Error::input(
            format!("no trial of {} matches `{query}`", record.name),
            &format!("`sweep ls {}` lists its trials", record.name),
        ));
    }
    Ok(Some(format!(
        "{kept} of {all} trials: those that match `{query}`"
    )))
}
