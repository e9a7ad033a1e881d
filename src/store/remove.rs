//! Taking an experiment, or one trial of it, out of the database.
//!
//! One transaction, so that the database never points at half of something. A trial goes when no other experiment
//! asks for it; attempts at a trial that stays do so with their session, which then stands under an
//! experiment that asks for the trial. Test-set evaluations are counted for ever:
//! those of an experiment that goes are kept in `removed_evaluations`.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Store, StoreError};
use sweep_core::trial::{DataDigest, FROM, TrialId};

const ACTION: &str = "removing from it";

/// What a removal takes out of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Whether the experiment itself goes.
    pub whole: bool,
    /// Trials that no other experiment asks for, in plan order.
    pub trials: Vec<TrialId>,
    /// Trials that stay, since other experiments ask for them.
    pub shared: u64,
    /// Sessions that go.
    pub sessions: u64,
    /// Sessions that stay, since they trained trials that stay.
    pub sessions_kept: u64,
    pub attempts: u64,
    /// Values of metrics over steps.
    pub metrics: u64,
    pub tags: u64,
    pub notes: u64,
    /// Test-set evaluations, whose number stays.
    pub test_evaluations: u64,
    /// Sweeps whose ensembles go, since they are theirs or have a member that goes, by name; not those that had it as a candidate alone.
    pub ensembles: Vec<String>,
    /// Data sets that no experiment and no trial refers to any more.
    pub datasets: Vec<DataDigest>,
}

impl Store {
    /// What [`Store::remove`] would take out.
    ///
    /// # Errors
    /// As of [`Store::remove`].
    pub fn removal(
        &mut self,
        experiment: &str,
        trial: Option<&TrialId>,
    ) -> Result<Removal, StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        // Dropped without a commit, and so as if nothing had been.
        RemovalTransaction::begin(&transaction, experiment, trial, &fail)?.count()
    }

    /// Takes `experiment`, or only `trial` of it, out of the database, all or nothing. The caller holds
    /// the experiment's [`super::SweepLock`]. Files stay: they are the caller's to remove after this,
    /// so that whatever happens no trial in the database lacks its model.
    ///
    /// # Errors
    /// When transferred networks of another experiment begin with a trial that would go, or when a
    /// test-set evaluation has scored the one trial.
    pub fn remove(
        &mut self,
        experiment: &str,
        trial: Option<&TrialId>,
    ) -> Result<Removal, StoreError> {
        let fail = self.database.fail(ACTION);
        let transaction = self.database.begin(ACTION)?;
        let removing = RemovalTransaction::begin(&transaction, experiment, trial, &fail)?;
        let removal = removing.count()?;
        removing.apply()?;
        transaction.commit().map_err(&fail)?;
        Ok(removal)
    }
}

/// A removal under way: what goes stands in a table of this connection alone.
struct RemovalTransaction<'a> {
    transaction: &'a Transaction<'a>,
    fail: &'a dyn Fn(rusqlite::Error) -> StoreError,
    experiment: i64,
    /// The one trial, unless the whole experiment goes.
    trial: Option<i64>,
}

impl<'a> RemovalTransaction<'a> {
    fn begin(
        transaction: &'a Transaction<'a>,
        experiment: &str,
        trial: Option<&TrialId>,
        fail: &'a dyn Fn(rusqlite::Error) -> StoreError,
    ) -> Result<RemovalTransaction<'a>, StoreError> {
        let find = |sql: &str, values: &[&dyn rusqlite::ToSql], what: String| {
            let found = transaction
                .query_row(sql, values, |row| row.get::<_, i64>(0))
                .optional()
                .map_err(fail)?;
            found.ok_or(StoreError::NotFound { what })
        };
        let id = find(
            "SELECT id FROM experiments WHERE name = ?1",
            &[&experiment],
            format!("sweep `{experiment}`"),
        )?;
        let one = trial
            .map(|trial| {
                let sql = "SELECT t.id FROM trials t JOIN experiment_trials x ON x.trial = t.id
                           WHERE x.experiment = ?1 AND t.name = ?2";
                let what = format!("trial {trial} of sweep `{experiment}`");
                find(sql, &[&id, &trial.as_str()], what)
            })
            .transpose()?;
        transaction
            .execute_batch("CREATE TEMP TABLE going (trial INTEGER PRIMARY KEY)")
            .map_err(fail)?;
        transaction
            .execute(
                "INSERT INTO going SELECT trial FROM experiment_trials
                 WHERE experiment = ?1 AND (?2 IS NULL OR trial = ?2)
                   AND trial NOT IN (SELECT trial FROM experiment_trials WHERE experiment <> ?1)",
                params![id, one],
            )
            .map_err(fail)?;
        let removing = RemovalTransaction {
            transaction,
            fail,
            experiment: id,
            trial: one,
        };
        removing.refuse()?;
        Ok(removing)
    }

    /// What keeps trials in the database.
    fn refuse(&self) -> Result<(), StoreError> {
        let needed = self.first(
            "SELECT g.name, (SELECT e.name FROM experiments e JOIN experiment_trials x
                             ON x.experiment = e.id WHERE x.trial = p.trial ORDER BY e.name LIMIT 1)
             FROM going JOIN trials g ON g.id = going.trial
             JOIN params p ON p.name = ?1 AND p.value = g.name
             WHERE p.trial NOT IN (SELECT trial FROM going) LIMIT 1",
            &[&FROM],
        )?;
        if let Some((trial, by)) = needed {
            return Err(StoreError::UsedByTransfer { trial, by });
        }
        let Some(one) = self.trial else {
            return Ok(());
        };
        let scored = self.first(
            "SELECT t.name, e.name FROM
                 (SELECT evaluation, trial FROM test_scores UNION ALL
                  SELECT s.evaluation, m.trial FROM ensemble_test_scores s
                  JOIN ensemble_trials m ON m.ensemble = s.ensemble AND m.weight > 0) s
             JOIN trials t ON t.id = s.trial
             JOIN evaluations v ON v.id = s.evaluation JOIN experiments e ON e.id = v.experiment
             WHERE s.trial = ?1 AND (v.experiment = ?2 OR s.trial IN (SELECT trial FROM going)) LIMIT 1",
            &[&one, &self.experiment],
        )?;
        match scored {
            Some((trial, by)) => Err(StoreError::HasTestScores { trial, by }),
            None => Ok(()),
        }
    }

    /// Two texts of the first row that `sql` gives.
    fn first(
        &self,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Option<(String, String)>, StoreError> {
        let text = |row: &rusqlite::Row<'_>, at| {
            row.get::<_, Option<String>>(at)
                .map(Option::unwrap_or_default)
        };
        self.transaction
            .query_row(sql, values, |row| Ok((text(row, 0)?, text(row, 1)?)))
            .optional()
            .map_err(self.fail)
    }

    fn count(&self) -> Result<Removal, StoreError> {
        let number = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            self.transaction
                .query_row(sql, values, |row| row.get::<_, i64>(0))
                .map(|number| u64::try_from(number).unwrap_or(0))
                .map_err(self.fail)
        };
        let of = |table: &str| {
            let sql =
                format!("SELECT count(*) FROM {table} WHERE trial IN (SELECT trial FROM going)");
            number(&sql, &[])
        };
        let whole = self.trial.is_none();
        let asked = match whole {
            true => "SELECT count(*) FROM experiment_trials WHERE experiment = ?1",
            false => "SELECT 1 WHERE ?1 IS NOT NULL",
        };
        let trials = self.names(
            "SELECT t.name FROM going JOIN trials t ON t.id = going.trial
             JOIN experiment_trials x ON x.trial = t.id ORDER BY x.in_plan DESC, x.position, t.id",
        )?;
        let sessions = |condition: &str| match whole {
            true => number(
                &format!(
                    "SELECT count(*) FROM sessions s WHERE s.experiment = ?1 AND {condition} EXISTS
                         (SELECT 1 FROM attempts a WHERE a.session = s.id
                          AND a.trial NOT IN (SELECT trial FROM going))"
                ),
                &[&self.experiment],
            ),
            false => Ok(0),
        };
        Ok(Removal {
            whole,
            shared: number(asked, &[&self.experiment])? - trials.len() as u64,
            trials: trials.into_iter().map(TrialId::from_hex).collect(),
            sessions: sessions("NOT")?,
            sessions_kept: sessions("")?,
            attempts: of("attempts")?,
            metrics: of("metrics")?,
            tags: of("tags")?,
            notes: of("notes")?,
            test_evaluations: match whole {
                true => number(
                    "SELECT count(*) FROM evaluations WHERE experiment = ?1",
                    &[&self.experiment],
                )?,
                false => 0,
            },
            ensembles: self.names(&format!(
                "SELECT DISTINCT e.name FROM ensembles s JOIN experiments e ON e.id = s.experiment
                 WHERE {} ORDER BY e.name",
                self.ensembles()
            ))?,
            datasets: (self.names(&format!(
                "SELECT d.digest FROM datasets d WHERE {} ORDER BY d.digest",
                self.unused_datasets()
            ))?)
            .into_iter()
            .map(DataDigest::from_hex)
            .collect(),
        })
    }

    /// A condition on `datasets d`: that nothing refers to it once the removal is done.
    fn unused_datasets(&self) -> String {
        let going = match self.trial {
            Some(_) => String::new(),
            None => format!("AND id <> {}", self.experiment),
        };
        let by_experiment = format!("SELECT 1 FROM experiments WHERE dataset = d.id {going}");
        let evaluated = match self.trial {
            Some(_) => String::new(),
            None => format!("AND experiment <> {}", self.experiment),
        };
        let ensembles = self.ensembles();
        format!(
            "NOT EXISTS (SELECT 1 FROM ensembles s WHERE s.dataset = d.id AND NOT ({ensembles})) AND
             NOT EXISTS ({by_experiment}) AND NOT EXISTS (SELECT 1 FROM trials WHERE dataset = d.id
                 AND id NOT IN (SELECT trial FROM going))
             AND NOT EXISTS (SELECT 1 FROM evaluations WHERE dataset = d.id {evaluated})"
        )
    }

    /// A condition on `ensembles s`: that they go, with their sweep or with one of their trials.
    fn ensembles(&self) -> String {
        let own = match self.trial {
            Some(_) => String::new(),
            None => format!("s.experiment = {} OR ", self.experiment),
        };
        format!(
            "{own}EXISTS (SELECT 1 FROM ensemble_trials m WHERE m.ensemble = s.id
                          AND m.weight > 0 AND m.trial IN (SELECT trial FROM going))"
        )
    }

    fn names(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let mut statement = self.transaction.prepare(sql).map_err(self.fail)?;
        let names = statement.query_map([], |row| row.get(0));
        names
            .and_then(|names| names.collect::<Result<_, _>>())
            .map_err(self.fail)
    }

    fn apply(&self) -> Result<(), StoreError> {
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            self.transaction.execute(sql, values).map_err(self.fail)
        };
        let experiment: &[&dyn rusqlite::ToSql] = &[&self.experiment];
        let idle = self.unused_datasets();
        let of_ensembles = format!("(SELECT s.id FROM ensembles s WHERE {})", self.ensembles());
        for sql in [
            format!("DELETE FROM ensemble_test_scores WHERE ensemble IN {of_ensembles}"),
            format!("DELETE FROM ensemble_scores WHERE ensemble IN {of_ensembles}"),
            "CREATE TEMP TABLE going_ensembles (ensemble INTEGER PRIMARY KEY)".to_owned(),
            format!(
                "INSERT INTO going_ensembles SELECT id FROM ensembles WHERE id IN {of_ensembles}"
            ),
            "DELETE FROM ensemble_trials WHERE ensemble IN (SELECT ensemble FROM going_ensembles)"
                .to_owned(),
            "DELETE FROM ensembles WHERE id IN (SELECT ensemble FROM going_ensembles)".to_owned(),
            "DROP TABLE temp.going_ensembles".to_owned(),
            // Of ensembles that stay they were candidates alone.
            "DELETE FROM ensemble_trials WHERE trial IN (SELECT trial FROM going)".to_owned(),
        ] {
            run(&sql, &[])?;
        }
        if self.trial.is_none() {
            self.keep_evaluation_count()?;
            self.reassign_sessions()?;
        }
        for table in [
            "attempts",
            "metrics",
            "artifacts",
            "confusion",
            "importance",
            "tags",
            "notes",
            "params",
        ] {
            let sql = format!("DELETE FROM {table} WHERE trial IN (SELECT trial FROM going)");
            run(&sql, &[])?;
        }
        run(
            "DELETE FROM experiment_trials WHERE experiment = ?1 AND (?2 IS NULL OR trial = ?2)",
            &[&self.experiment, &self.trial],
        )?;
        if self.trial.is_none() {
            for table in ["slot_events", "agents"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE session IN
                         (SELECT id FROM sessions WHERE experiment = ?1)"
                );
                run(&sql, experiment)?;
            }
            run("DELETE FROM sessions WHERE experiment = ?1", experiment)?;
        }
        run(
            "DELETE FROM trials WHERE id IN (SELECT trial FROM going)",
            &[],
        )?;
        if self.trial.is_none() {
            // Of a trial that is removed alone, what a search decided stays.
            let own = "IN (SELECT id FROM searches WHERE experiment = ?1)";
            let jobs = format!("DELETE FROM search_jobs WHERE search {own}");
            run(&jobs, experiment)?;
            run("DELETE FROM searches WHERE experiment = ?1", experiment)?;
            run("DELETE FROM experiments WHERE id = ?1", experiment)?;
        }
        run(&format!("DELETE FROM datasets AS d WHERE {idle}"), &[])?;
        self.transaction
            .execute_batch("DROP TABLE temp.going")
            .map_err(self.fail)
    }

    /// The evaluations still count; their scores go with the experiment.
    fn keep_evaluation_count(&self) -> Result<(), StoreError> {
        let own = "SELECT id FROM evaluations WHERE experiment = ?1";
        for sql in [
            "INSERT INTO removed_evaluations (data, experiment, evaluated_ms, version, test_rows)
             SELECT data, experiment, evaluated_ms, version, test_rows FROM test_evaluations
             WHERE removed = 0 AND experiment = (SELECT name FROM experiments WHERE id = ?1)
             ORDER BY evaluated_ms"
                .to_owned(),
            format!("DELETE FROM test_scores WHERE evaluation IN ({own})"),
            format!("DELETE FROM test_intervals WHERE evaluation IN ({own})"),
            "DELETE FROM evaluations WHERE experiment = ?1".to_owned(),
        ] {
            self.transaction
                .execute(&sql, [self.experiment])
                .map_err(self.fail)?;
        }
        Ok(())
    }

    /// Sessions that trained trials which stay go over to an experiment that asks for one of them.
    fn reassign_sessions(&self) -> Result<(), StoreError> {
        self.transaction
            .execute(
                "UPDATE sessions SET experiment = k.experiment FROM
                     (SELECT a.session, min(x.experiment) AS experiment FROM attempts a
                      JOIN experiment_trials x ON x.trial = a.trial AND x.experiment <> ?1
                      GROUP BY a.session) k
                 WHERE k.session = sessions.id AND sessions.experiment = ?1",
                [self.experiment],
            )
            .map(drop)
            .map_err(self.fail)
    }
}
