//! Searches: their decisions and outcomes, which are all that a search remembers.
//!
//! Invariant: a decision is written before its trial is trained, and never changed; its outcome is set once.

use rusqlite::{Transaction, params};

use super::clock::now_ms;
use super::records::{SearchJobRecord, SearchRecord};
use super::{SessionId, Store, StoreError};
use sweep_core::trial::TrialId;

const ACTION: &str = "recording a search";

/// A search that is begun.
#[derive(Debug, Clone, Copy)]
pub struct NewSearch<'a> {
    /// Its table in the experiment file.
    pub path: &'a str,
    /// Of all that decides.
    pub digest: &'a str,
    /// What it is told first, as JSON; kept from when it first began.
    pub known: &'a str,
}

impl Store {
    /// The searches of `experiment`, oldest first, with all their jobs; none of an experiment that is not known.
    pub fn searches(&self, experiment: &str) -> Result<Vec<SearchRecord>, StoreError> {
        let snapshot = self.database.snapshot()?;
        let ids = self.rows(
            &snapshot,
            "SELECT id, name FROM experiments WHERE name = ?1",
            [experiment],
            ("experiments", "name"),
            |cells| cells.int::<i64>("id"),
        )?;
        match ids[..] {
            [id] => self.searches_of(&snapshot, id),
            _ => Ok(Vec::new()),
        }
    }

    /// The same of the experiment with the key `experiment`.
    pub(super) fn searches_of(
        &self,
        connection: &rusqlite::Connection,
        experiment: i64,
    ) -> Result<Vec<SearchRecord>, StoreError> {
        self.rows(
            connection,
            "SELECT * FROM searches WHERE experiment = ?1 ORDER BY id",
            [experiment],
            ("searches", "id"),
            |cells| {
                let id = cells.int("id")?;
                Ok(SearchRecord {
                    id,
                    path: cells.text("path")?,
                    digest: cells.text("digest")?,
                    known: cells.text("known")?,
                    in_plan: cells.int::<i64>("in_plan")? == 1,
                    ended: cells.optional_text("ended")?,
                    jobs: self.search_jobs(connection, id)?,
                })
            },
        )
    }

    /// The searches of the experiment that `session` is of.
    pub fn searches_of_session(&self, session: SessionId) -> Result<Vec<SearchRecord>, StoreError> {
        match self.session_experiment(session.get())? {
            Some(experiment) => self.searches(&experiment),
            None => Ok(Vec::new()),
        }
    }

    fn search_jobs(
        &self,
        connection: &rusqlite::Connection,
        search: i64,
    ) -> Result<Vec<SearchJobRecord>, StoreError> {
        self.rows(
            connection,
            "SELECT * FROM search_jobs WHERE search = ?1 ORDER BY number",
            [search],
            ("search_jobs", "number"),
            |cells| {
                let result = cells.optional_text("result")?;
                let outcome = result.map(|text| serde_json::from_str(&text)).transpose();
                Ok(SearchJobRecord {
                    number: cells.int("number")?,
                    trial: TrialId::from_hex(cells.hex("trial", 32)?),
                    from: cells.int("from_step")?,
                    to: cells.int("to_step")?,
                    reason: cells.text("reason")?,
                    decision: cells.text("decision")?,
                    outcome: outcome
                        .map_err(|_| cells.refuse("result", "what came of a job, as JSON"))?,
                })
            },
        )
    }

    /// Begins the searches of `experiment`, which must be known, or opens them again; gives their keys. Others of it fall out
    /// of its plan.
    pub fn begin_searches(
        &mut self,
        experiment: &str,
        searches: &[NewSearch<'_>],
    ) -> Result<Vec<i64>, StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        let mut ids = Vec::with_capacity(searches.len());
        let unknown = || StoreError::unknown_or(format!("experiment {experiment}"), &fail);
        let key: i64 = transaction
            .query_row(
                "SELECT id FROM experiments WHERE name = ?1",
                [experiment],
                |row| row.get(0),
            )
            .map_err(unknown())?;
        transaction
            .execute(
                "UPDATE searches SET in_plan = 0 WHERE experiment = ?1",
                [key],
            )
            .map_err(&fail)?;
        for search in searches {
            let id = transaction.query_row(
                "INSERT INTO searches (experiment, path, digest, known, in_plan, began_ms)
                 VALUES (?1, ?2, ?3, ?4, 1, ?5)
                 ON CONFLICT (experiment, digest) DO UPDATE SET path = excluded.path, in_plan = 1
                 RETURNING id",
                params![key, search.path, search.digest, search.known, now_ms()],
                |row| row.get(0),
            );
            ids.push(id.map_err(&fail)?);
        }
        transaction.commit().map_err(&fail)?;
        Ok(ids)
    }
}

/// Gives the experiment with the key `to` the searches that `from` has in its plan, with their jobs.
pub(super) fn copy_searches(
    transaction: &Transaction<'_>,
    from: i64,
    to: i64,
) -> rusqlite::Result<()> {
    let mut find = transaction
        .prepare("SELECT id FROM searches WHERE experiment = ?1 AND in_plan = 1 ORDER BY id")?;
    let ids: Vec<i64> = find
        .query_map([from], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        let copy: i64 = transaction.query_row(
            "INSERT INTO searches (experiment, path, digest, known, in_plan, began_ms, ended_ms, ended)
             SELECT ?2, path, digest, known, 1, began_ms, ended_ms, ended FROM searches
             WHERE id = ?1 RETURNING id",
            [id, to],
            |row| row.get(0),
        )?;
        transaction.execute(
            "INSERT INTO search_jobs (search, number, trial, from_step, to_step, reason, decision,
                                      decided_ms, outcome, result, ended_ms)
             SELECT ?2, number, trial, from_step, to_step, reason, decision, decided_ms, outcome,
                    result, ended_ms
             FROM search_jobs WHERE search = ?1",
            [id, copy],
        )?;
    }
    Ok(())
}

impl Store {
    /// Forgets what `search` decided from the job numbered `number` on, so that it is decided again. The trials stay.
    pub fn forget_search_jobs(&mut self, search: i64, number: u32) -> Result<(), StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        transaction
            .execute(
                "DELETE FROM search_jobs WHERE search = ?1 AND number >= ?2",
                params![search, number],
            )
            .map_err(&fail)?;
        transaction
            .execute(
                "UPDATE searches SET ended_ms = NULL, ended = NULL WHERE id = ?1",
                [search],
            )
            .map_err(&fail)?;
        transaction.commit().map_err(&fail)
    }
}
