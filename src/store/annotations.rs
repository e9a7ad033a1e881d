//! What people put on trials: tags, which are single words, and notes, which are sentences.
//!
//! Invariant: they change nothing else; a trial keeps them whatever becomes of it.

use rusqlite::{Connection, Params as Bound, params};

use super::clock::now_ms;
use super::{NoteRecord, Store, StoreError};
use sweep_core::trial::TrialId;

/// Longest tag, in characters.
const LONGEST_TAG: usize = 64;
/// Longest note, in characters.
const LONGEST_NOTE: usize = 4_096;

/// A tag or a note.
pub(super) enum Annotations {
    Tag(String),
    Note(NoteRecord),
}

impl Store {
    /// Puts `tag` on `trial`; false if it was there.
    ///
    /// # Errors
    /// When the trial is unknown, or the tag is none: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub fn tag(&mut self, trial: &TrialId, tag: &str) -> Result<bool, StoreError> {
        check_tag(tag)?;
        let sql = "INSERT INTO tags (trial, tag) SELECT id, ?2 FROM trials WHERE name = ?1
                   ON CONFLICT DO NOTHING";
        let changed = self.label("tagging a trial", trial, sql, &[&trial.as_str(), &tag])?;
        Ok(changed > 0)
    }

    /// Takes `tag` off `trial`; false if it was not there.
    ///
    /// # Errors
    /// When the trial is unknown.
    pub fn untag(&mut self, trial: &TrialId, tag: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM tags WHERE tag = ?2
                   AND trial = (SELECT id FROM trials WHERE name = ?1)";
        let changed = self.label("untagging a trial", trial, sql, &[&trial.as_str(), &tag])?;
        Ok(changed > 0)
    }

    /// Adds a note to `trial`.
    ///
    /// # Errors
    /// When the trial is unknown, or `text` is empty or longer than 4,096 characters.
    pub fn note(&mut self, trial: &TrialId, text: &str) -> Result<NoteRecord, StoreError> {
        if text.trim().is_empty() || text.chars().count() > LONGEST_NOTE {
            return Err(StoreError::InvalidValue {
                what: "a note".to_owned(),
                found: format!("{} characters", text.chars().count()),
                allowed: "a text of 1 to 4096 characters that are not all blank",
            });
        }
        let note = NoteRecord {
            written_ms: now_ms(),
            text: text.to_owned(),
        };
        let sql = "INSERT INTO notes (trial, written_ms, text)
                   SELECT id, ?2, ?3 FROM trials WHERE name = ?1";
        let values = params![trial.as_str(), note.written_ms, note.text];
        self.label("writing a note", trial, sql, values)?;
        Ok(note)
    }

    /// Runs `sql` on a trial that must be known; gives the number of rows changed.
    fn label(
        &mut self,
        action: &'static str,
        trial: &TrialId,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<usize, StoreError> {
        let fail = self.database.fail(action);
        let transaction = self.database.begin(action)?;
        let known: bool = transaction
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM trials WHERE name = ?1)",
                [trial.as_str()],
                |row| row.get(0),
            )
            .map_err(&fail)?;
        if !known {
            return Err(StoreError::NoSuchTrial {
                prefix: trial.to_string(),
            });
        }
        let changed = transaction.execute(sql, values).map_err(&fail)?;
        transaction.commit().map_err(&fail)?;
        Ok(changed)
    }

    /// Gives `each` every tag and note of the trials that `chosen` gives, with the trial's key; tags
    /// by name, notes oldest first.
    pub(super) fn labels(
        &self,
        connection: &Connection,
        chosen: &str,
        values: impl Bound + Copy,
        mut each: impl FnMut(i64, Annotations),
    ) -> Result<(), StoreError> {
        let tags = format!(
            "SELECT trial, tag FROM tags WHERE trial IN (SELECT id FROM ({chosen})) ORDER BY tag"
        );
        self.rows(connection, &tags, values, ("tags", "trial"), |cells| {
            each(cells.int("trial")?, Annotations::Tag(cells.text("tag")?));
            Ok(())
        })?;
        let notes = format!(
            "SELECT trial, written_ms, text FROM notes
             WHERE trial IN (SELECT id FROM ({chosen})) ORDER BY id"
        );
        self.rows(connection, &notes, values, ("notes", "trial"), |cells| {
            let note = NoteRecord {
                written_ms: cells.int("written_ms")?,
                text: cells.text("text")?,
            };
            each(cells.int("trial")?, Annotations::Note(note));
            Ok(())
        })?;
        Ok(())
    }
}

/// A tag has to stand in a query, on a command line and in a list without quotes.
fn check_tag(tag: &str) -> Result<(), StoreError> {
    let plain = |letter: char| letter.is_alphanumeric() || "._-".contains(letter);
    match (1..=LONGEST_TAG).contains(&tag.chars().count()) && tag.chars().all(plain) {
        true => Ok(()),
        false => Err(StoreError::InvalidValue {
            what: "a tag".to_owned(),
            found: format!("`{}`", tag.escape_debug()),
            allowed: "1 to 64 letters, digits, `.`, `_` or `-`",
        }),
    }
}
