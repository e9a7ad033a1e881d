//! The database, opened: what other files of this crate add methods to.

use std::path::Path;

use rusqlite::{Connection, Params as Bound};

use super::StoreError;
use super::cells::Cells;
use super::database::{Database, Upgrade};

/// A database of sweeps.
pub struct Store {
    pub(super) database: Database,
}

impl Store {
    /// Opens the database at `path` for writing; creates folder, file and schema where they are
    /// missing, and brings an older schema up to date, with a copy of the old file beside it.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        Database::create(path).map(|database| Store { database })
    }

    /// Opens the database at `path` for reading only: while a sweep writes it, or on a file system
    /// that cannot be written. There must be one. Of one with an older schema, an up-to-date copy in
    /// memory is read.
    pub fn open_existing(path: &Path) -> Result<Store, StoreError> {
        Database::read(path).map(|database| Store { database })
    }

    /// Whether the file at `path` is a database, of whatever schema, by its first bytes.
    pub fn is_database(path: &Path) -> bool {
        Database::is_ours(path)
    }

    /// What was done to the file when it was opened, if its schema was older than this program's.
    pub fn upgraded(&self) -> Option<&Upgrade> {
        self.database.upgraded.as_ref()
    }

    pub fn path(&self) -> &Path {
        &self.database.path
    }

    /// Reads every row that `sql` gives; `(table, key)` name a row that cannot be read.
    pub(super) fn rows<T>(
        &self,
        connection: &Connection,
        sql: &str,
        values: impl Bound,
        (table, key): (&'static str, &'static str),
        mut read: impl FnMut(&Cells<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let fail = self.database.fail("reading it");
        let mut statement = connection.prepare_cached(sql).map_err(&fail)?;
        let mut rows = statement.query(values).map_err(&fail)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(&fail)? {
            found.push(read(&Cells {
                path: &self.database.path,
                table,
                key,
                row,
            })?);
        }
        Ok(found)
    }
}
