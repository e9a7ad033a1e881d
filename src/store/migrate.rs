//! The steps of the schema, from one version to the next.
//!
//! Invariant: a step is a transaction, so that no reader ever sees it half done.

use super::StoreError;
use super::database::{APPLICATION_ID, Database};

/// Step n brings a database from schema version n to n + 1.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
    include_str!("schema/0006.sql"),
    include_str!("schema/0007.sql"),
    include_str!("schema/0008.sql"),
    include_str!("schema/0009.sql"),
];

impl Database {
    /// Steps the schema up to `steps.len()`, one transaction a step; a new file takes all steps in one,
    /// so that no reader ever sees it half made.
    pub(super) fn migrate(&mut self, steps: &[&str]) -> Result<(), StoreError> {
        const ACTION: &str = "bringing its schema up to date";
        loop {
            let fail = self.fail(ACTION);
            let transaction = self.begin(ACTION)?;
            // Read within the transaction: another process may just have done the step.
            let version: i64 = transaction
                .query_row("PRAGMA user_version", [], |row| row.get(0))
                .map_err(&fail)?;
            let from = usize::try_from(version).unwrap_or(usize::MAX);
            let to = match from {
                0 => steps.len(),
                from => from.saturating_add(1),
            };
            let Some(due) = steps.get(from..to).filter(|due| !due.is_empty()) else {
                return Ok(());
            };
            for step in due {
                transaction.execute_batch(step).map_err(&fail)?;
            }
            transaction
                .execute_batch(&format!(
                    "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {to};"
                ))
                .map_err(&fail)?;
            transaction.commit().map_err(&fail)?;
        }
    }
}
