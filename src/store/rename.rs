//! Experiments under another name: renamed, or copied with their plan.
//!
//! Invariant: an experiment never replaces another one, and each is written whole or not at all.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::cells::to_json;
use super::clock::now_ms;
use super::searches::copy_searches;
use super::{Store, StoreError};

impl Store {
    /// Gives the experiment `old` the name `new`; sessions, plan, extra seeds and test-set evaluations stay with it.
    /// `flags` are its keys set on top of the file from now on. The caller holds both [`super::SweepLock`]s.
    ///
    /// # Errors
    /// When there is no experiment `old`, or one is called `new`.
    pub fn rename(&mut self, old: &str, new: &str, flags: &[String]) -> Result<(), StoreError> {
        let fail = self.database.fail("renaming a sweep");
        let transaction = self.database.begin("renaming a sweep")?;
        let id = free(&transaction, old, new, &fail)?;
        transaction
            .execute(
                "UPDATE experiments SET name = ?2, flags = ?3 WHERE id = ?1",
                params![id, new, to_json(flags)],
            )
            .map_err(&fail)?;
        transaction.commit().map_err(&fail)
    }

    /// Makes an experiment `new` with the file, the plan and the extra seeds of `old`, and the keys `flags` set on top of
    /// the file. The trials are the same ones; sessions and test-set evaluations stay with `old`. Gives the number of
    /// trials in the plan. The caller holds the [`super::SweepLock`] of `new`.
    ///
    /// # Errors
    /// As of [`Store::rename`].
    pub fn copy(&mut self, old: &str, new: &str, flags: &[String]) -> Result<u64, StoreError> {
        let fail = self.database.fail("copying a sweep");
        let transaction = self.database.begin("copying a sweep")?;
        let id = free(&transaction, old, new, &fail)?;
        let copy: i64 = transaction
            .query_row(
                "INSERT INTO experiments (name, file_path, file_text, flags, metric, goal, dataset,
                                          created_ms, updated_ms, extra_seeds, edition)
                 SELECT ?2, file_path, file_text, ?3, metric, goal, dataset, ?4, ?4, extra_seeds,
                        edition
                 FROM experiments WHERE id = ?1 RETURNING id",
                params![id, new, to_json(flags), now_ms()],
                |row| row.get(0),
            )
            .map_err(&fail)?;
        let trials = transaction
            .execute(
                "INSERT INTO experiment_trials (experiment, trial, position, in_plan)
                 SELECT ?2, trial, position, 1 FROM experiment_trials
                 WHERE experiment = ?1 AND in_plan = 1",
                [id, copy],
            )
            .map_err(&fail)?;
        copy_searches(&transaction, id, copy).map_err(&fail)?;
        transaction.commit().map_err(&fail)?;
        Ok(trials as u64)
    }
}

/// The key of the experiment `old`, if none is called `new`.
fn free(
    transaction: &Transaction<'_>,
    old: &str,
    new: &str,
    fail: &impl Fn(rusqlite::Error) -> StoreError,
) -> Result<i64, StoreError> {
    let find = |name: &str| {
        let sql = "SELECT id FROM experiments WHERE name = ?1";
        let found = transaction.query_row(sql, [name], |row| row.get::<_, i64>(0));
        found.optional().map_err(fail)
    };
    if find(new)?.is_some() {
        return Err(StoreError::NameTaken {
            name: new.to_owned(),
        });
    }
    let what = || format!("sweep `{old}`");
    find(old)?.ok_or_else(|| StoreError::NotFound { what: what() })
}
