//! What `gc` asks of the database: which files it refers to, and the unused space inside its file.

use std::collections::HashSet;

use rusqlite::{OptionalExtension, Transaction};

use super::{Store, StoreError};
use sweep_core::trial::Status;

const ACTION: &str = "looking for unused files";

/// What the database knows, while no session can begin.
pub struct GcReferences<'a> {
    transaction: &'a Transaction<'a>,
    fail: &'a dyn Fn(rusqlite::Error) -> StoreError,
}

impl GcReferences<'_> {
    /// Where the trial called `name` stands.
    pub fn status(&self, name: &str) -> Result<Option<Status>, StoreError> {
        let found: Option<String> = self.one("SELECT status FROM trials WHERE name = ?1", name)?;
        Ok(found.and_then(|status| Status::parse(&status)))
    }

    /// Whether a search that has not ended may come back to the trial called `name`.
    pub fn is_searched(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM search_jobs j JOIN searches s ON s.id = j.search
                   WHERE j.trial = ?1 AND s.in_plan = 1 AND s.ended_ms IS NULL LIMIT 1";
        self.one::<i64>(sql, name).map(|found| found.is_some())
    }

    pub fn has_trial(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM trials WHERE name = ?1";
        self.one::<i64>(sql, name).map(|found| found.is_some())
    }

    pub fn has_data(&self, digest: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM datasets WHERE digest = ?1";
        self.one::<i64>(sql, digest).map(|found| found.is_some())
    }

    pub fn has_experiment(&self, name: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM experiments WHERE name = ?1";
        self.one::<i64>(sql, name).map(|found| found.is_some())
    }

    /// The names of all experiments.
    pub fn experiments(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM experiments";
        let mut statement = self.transaction.prepare_cached(sql).map_err(self.fail)?;
        let names = statement.query_map([], |row| row.get(0));
        names
            .and_then(|names| names.collect::<Result<_, _>>())
            .map_err(self.fail)
    }

    /// The names of all trials that `experiment` has asked for.
    pub fn trials_of(&self, experiment: &str) -> Result<HashSet<String>, StoreError> {
        let sql = "SELECT t.name FROM trials t JOIN experiment_trials x ON x.trial = t.id
                   JOIN experiments e ON e.id = x.experiment WHERE e.name = ?1";
        let mut statement = self.transaction.prepare_cached(sql).map_err(self.fail)?;
        let names = statement.query_map([experiment], |row| row.get(0));
        names
            .and_then(|names| names.collect::<Result<_, _>>())
            .map_err(self.fail)
    }

    fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        value: &str,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.transaction.prepare_cached(sql).map_err(self.fail)?;
        statement
            .query_row([value], |row| row.get(0))
            .optional()
            .map_err(self.fail)
    }
}

impl Store {
    /// Does `work` while no session can begin and no trial be asked for, with what the database knows.
    /// Writers wait for its end: it has to be short.
    pub fn with_gc_references<T>(
        &mut self,
        work: impl FnOnce(&GcReferences<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        work(&GcReferences {
            transaction: &transaction,
            fail: &fail,
        })
    }

    /// Bytes inside the file that hold nothing. Later sweeps fill them; [`Store::vacuum`] gives them
    /// back.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        let sql = "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size";
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let bytes = self.database.connection.query_row(sql, [], read);
        bytes
            .map(|bytes| u64::try_from(bytes).unwrap_or(0))
            .map_err(self.database.fail("reading it"))
    }

    /// Writes the whole file anew, without what is free in it. Takes as much space again while at it,
    /// and writers wait.
    pub fn vacuum(&mut self) -> Result<(), StoreError> {
        let fail = self.database.fail("compacting it");
        self.database
            .connection
            .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")
            .map_err(fail)
    }
}
