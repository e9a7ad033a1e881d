//! `sweep diff`: two trials side by side.

use super::context::store_failure;
use super::{Context, Exit, Failure, listing, terminal, which};
use crate::report::diff::{self, Line, Side};
use crate::report::text;
use crate::store::{SessionRecord, Store};

/// Longest value in the table, in characters.
const WIDEST: usize = 48;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The first digits of a trial, or of a configuration, of which the best trial is taken
    left: String,

    /// Those of another
    right: String,

    /// Show what both have alike as well
    #[arg(long)]
    all: bool,
}

/// `sweep diff TRIAL TRIAL`.
pub fn diff(context: &Context, arguments: &Arguments) -> Result<Exit, Failure> {
    let store = context.read()?;
    let (left, right) = (
        side(context, &store, &arguments.left)?,
        side(context, &store, &arguments.right)?,
    );
    let sections = diff::sections(&left, &right);
    if context.json {
        let json = diff::json(&left, &right, &sections, arguments.all);
        terminal::print_json(&json);
        return Ok(Exit::Success);
    }
    let columns = |name: &str| {
        let (left, right) = (left.trial.id.short(), right.trial.id.short());
        [name, left, right, "difference"].map(str::to_owned)
    };
    for section in &sections {
        let lines = section
            .lines
            .iter()
            .filter(|line| arguments.all || line.differs());
        let rows: Vec<Vec<String>> = lines.map(row).collect();
        match rows.is_empty() {
            true => terminal::print(&format!("{}: no difference\n", section.name)),
            false => terminal::print_table(&listing::plain(&columns(section.name), &rows)),
        }
    }
    Ok(Exit::Success)
}

fn row(line: &Line) -> Vec<String> {
    let cell = |value: &Option<String>| {
        let value = value.as_deref().map(|value| text::cut(value, WIDEST));
        value.unwrap_or_else(|| "–".to_owned())
    };
    let difference = line.difference.filter(|difference| *difference != 0.0);
    vec![
        text::cut(&line.name, WIDEST),
        cell(&line.left),
        cell(&line.right),
        difference.map_or(String::new(), |difference| format!("{difference:+.6}")),
    ]
}

/// The trial that `prefix` means, with what it ran on and was trained on.
fn side(context: &Context, store: &Store, prefix: &str) -> Result<Side, Failure> {
    let trial = which::best(context, store, prefix)?;
    let dataset = store.dataset_of(&trial.id).map_err(store_failure)?;
    let attempts = context.attempts(store, &trial.id)?;
    let last = match attempts.last() {
        Some(attempt) => {
            let session = session(store, &trial.id, attempt.session)?;
            Some((attempt.clone(), session))
        }
        None => None,
    };
    Ok(Side {
        trial,
        dataset,
        last,
    })
}

/// The session `id`, of whichever experiment asked for `trial`.
fn session(
    store: &Store,
    trial: &crate::trial::TrialId,
    id: i64,
) -> Result<Option<SessionRecord>, Failure> {
    for name in store.experiments_of(trial).map_err(store_failure)? {
        let record = store.experiment(&name).map_err(store_failure)?;
        let sessions = record.map(|record| record.sessions).unwrap_or_default();
        if let Some(session) = sessions.into_iter().find(|session| session.id == id) {
            return Ok(Some(session));
        }
    }
    Ok(None)
}
