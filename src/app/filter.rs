//! The trials that a query keeps, shared by `ls`, `report` and `export`.

use sweep_analysis::narrow;
use sweep_store::ExperimentRecord;

use crate::error::Error;

/// Keeps of `record` the trials that meet `query`, and says how many those are if there is a query.
///
/// # Errors
/// When the query cannot be understood, or nothing meets it.
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
            format!("no trial of {} meets `{query}`", record.name),
            &format!("`sweep ls {}` lists them", record.name),
        ));
    }
    Ok(Some(format!(
        "{kept} of {all} trials: those that meet `{query}`"
    )))
}
