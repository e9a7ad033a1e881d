//! The journals of a pool as one: in the order in which things happened, as far as one depends on another.
//!
//! A trial is begun by an agent after another one has let go of it, and a job after it was decided. What comes first is
//! durable in its journal before the second happens, but journals are not read at one moment. Invariant: the beginning of a
//! trial is given after its decision, and after the end of an earlier attempt at it, if that attempt has one. All else is
//! given in the order of times.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use sweep_core::event::Event;
use sweep_core::trial::TrialId;

use crate::error::PoolError;
use crate::folder::PoolFolder;
use crate::journal::{Entry, JournalReader};

/// All journals of a pool, as far as they were given.
#[derive(Debug)]
pub struct MergedJournals {
    folder: PoolFolder,
    sources: BTreeMap<String, Source>,
    /// Trials that may begin: those of the plan, and those that were decided on.
    known: HashSet<TrialId>,
    /// Trials that have begun and not ended, and the agent of the last attempt.
    running: HashMap<TrialId, String>,
}

#[derive(Debug)]
struct Source {
    reader: JournalReader,
    /// What was read and not given, with the place of the journal after each entry.
    entries: VecDeque<(Entry, u64)>,
}

/// What is given of one journal at a time.
#[derive(Debug, PartialEq)]
pub struct Piece {
    pub agent: String,
    pub entries: Vec<Entry>,
    /// Bytes of the journal that have been given when these are.
    pub place: u64,
}

impl MergedJournals {
    /// The journals in `folder`, from the `places` on that were given before.
    pub fn new(
        folder: &PoolFolder,
        places: impl IntoIterator<Item = (String, u64)>,
        known: HashSet<TrialId>,
        running: HashMap<TrialId, String>,
    ) -> MergedJournals {
        let sources = places.into_iter().map(|(agent, place)| {
            let source = Source::new(folder, &agent, place);
            (agent, source)
        });
        MergedJournals {
            sources: sources.collect(),
            folder: folder.clone(),
            known,
            running,
        }
    }

    /// Reads what has come in all journals since the last time.
    ///
    /// # Errors
    /// When the folder or a journal cannot be read.
    pub fn read(&mut self) -> Result<(), PoolError> {
        let path = self.folder.journals();
        for agent in self.folder.agents().map_err(PoolError::io(&path))? {
            if !self.sources.contains_key(&agent) {
                let source = Source::new(&self.folder, &agent, 0);
                self.sources.insert(agent, source);
            }
        }
        let mut sources = self.sources.values_mut();
        sources.try_for_each(|source| match source.entries.is_empty() {
            true => source.read(),
            false => Ok(()),
        })
    }

    /// The next piece of what was read; `None` when there is none that may be given before more is read.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, PoolError> {
        // Those whose next entry waits for a decision that was not read yet.
        let mut waiting = BTreeSet::new();
        loop {
            let heads = self.sources.iter().filter_map(|(agent, source)| {
                let (entry, _) = source.entries.front()?;
                Some((time_of(entry), agent.clone()))
            });
            let mut heads: Vec<(i64, String)> = heads
                .filter(|(_, agent)| !waiting.contains(agent))
                .collect();
            heads.sort_unstable();
            let mut heads = heads.into_iter();
            let Some((_, agent)) = heads.next() else {
                return Ok(None);
            };
            let until = heads.next().map_or(i64::MAX, |(time, _)| time);
            if let Some(trial) = self.begun_next(&agent) {
                if !self.known.contains(&trial) {
                    waiting.insert(agent);
                    continue;
                }
                let before = self.running.get(&trial).filter(|other| **other != agent);
                if let Some(other) = before.cloned()
                    && let Some(count) = self.up_to_end(&other, &trial)?
                {
                    return self.take(&other, |index, _| index < count).map(Some);
                }
            }
            // Each further beginning is looked at by itself.
            let goes_on = |index: usize, entry: &Entry| {
                index == 0 || (time_of(entry) <= until && begins(entry).is_none())
            };
            return self.take(&agent, goes_on).map(Some);
        }
    }

    /// The trial that begins with the next entry of `agent`.
    fn begun_next(&self, agent: &str) -> Option<TrialId> {
        let (entry, _) = self.sources.get(agent)?.entries.front()?;
        begins(entry).cloned()
    }

    /// How many entries of `agent` there are up to the one that ends `trial`; its journal is read once more for it.
    fn up_to_end(&mut self, agent: &str, trial: &TrialId) -> Result<Option<usize>, PoolError> {
        let Some(source) = self.sources.get_mut(agent) else {
            return Ok(None);
        };
        source.read()?;
        let mut entries = source.entries.iter();
        Ok(entries
            .position(|(entry, _)| ends(entry) == Some(trial))
            .map(|index| index + 1))
    }

    /// Takes entries of `agent` while `goes_on` says so: at least the first.
    fn take(
        &mut self,
        agent: &str,
        goes_on: impl Fn(usize, &Entry) -> bool,
    ) -> Result<Piece, PoolError> {
        let mut piece = Piece {
            agent: agent.to_owned(),
            entries: Vec::new(),
            place: 0,
        };
        let source = self.sources.get_mut(agent);
        let source = source.expect("only journals with entries are taken from");
        while let Some((entry, place)) = source
            .entries
            .pop_front_if(|(entry, _)| goes_on(piece.entries.len(), entry))
        {
            piece.entries.push(entry);
            piece.place = place;
        }
        if source.entries.is_empty() {
            source.read()?;
        }
        for entry in &piece.entries {
            self.note(agent, entry);
        }
        Ok(piece)
    }

    /// Takes note of what follows from `entry`.
    fn note(&mut self, agent: &str, entry: &Entry) {
        if let Entry::Event { event, .. } = entry
            && let Event::SearchJobDecided { job } = &**event
        {
            self.known.insert(job.trial.clone());
        }
        if let Some(trial) = begins(entry) {
            self.running.insert(trial.clone(), agent.to_owned());
        }
        if let Some(trial) = ends(entry)
            && self.running.get(trial).is_some_and(|other| other == agent)
        {
            self.running.remove(trial);
        }
    }
}

impl Source {
    fn new(folder: &PoolFolder, agent: &str, place: u64) -> Source {
        Source {
            reader: JournalReader::new(&folder.journal(agent), place),
            entries: VecDeque::new(),
        }
    }

    /// Adds what has come to what was read.
    fn read(&mut self) -> Result<(), PoolError> {
        if let Some(read) = self.reader.read()? {
            self.entries.extend(read);
        }
        Ok(())
    }
}

fn time_of(entry: &Entry) -> i64 {
    match entry {
        Entry::Agent(record) => record.at_ms,
        Entry::Event { at_ms, .. } | Entry::End { at_ms, .. } => *at_ms,
    }
}

/// The trial that begins with `entry`.
fn begins(entry: &Entry) -> Option<&TrialId> {
    match entry {
        Entry::Event { event, .. } => match &**event {
            Event::TrialStarted { trial, .. } => Some(trial),
            _ => None,
        },
        _ => None,
    }
}

/// The trial of which an attempt ends with `entry`.
fn ends(entry: &Entry) -> Option<&TrialId> {
    let Entry::Event { event, .. } = entry else {
        return None;
    };
    match &**event {
        Event::TrialFinished { trial, .. }
        | Event::TrialFailed { trial, .. }
        | Event::TrialPaused { trial, .. }
        | Event::TrialInterrupted { trial, .. } => Some(trial),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;
    use sweep_core::event::{AttemptNo, Slot};

    fn trial(number: u32) -> TrialId {
        TrialId::from_hex(format!("{number:032x}"))
    }

    fn started(number: u32, at_ms: i64) -> Entry {
        let event = Event::TrialStarted {
            trial: trial(number),
            attempt: AttemptNo(1),
            slot: Slot("cpu:0".to_owned()),
            engine: "native".to_owned(),
            pid: 1,
        };
        Entry::Event {
            at_ms,
            event: Box::new(event),
        }
    }

    fn interrupted(number: u32, at_ms: i64) -> Entry {
        let event = Event::TrialInterrupted {
            trial: trial(number),
            attempt: AttemptNo(1),
            step: Some(1),
        };
        Entry::Event {
            at_ms,
            event: Box::new(event),
        }
    }

    fn write(pool: &PoolFolder, agent: &str, entries: &[Entry]) {
        let open = OpenOptions::new()
            .create(true)
            .append(true)
            .open(pool.journal(agent));
        let mut file = open.unwrap();
        for entry in entries {
            let line = serde_json::to_string(entry).unwrap();
            writeln!(file, "{line}").unwrap();
        }
    }

    fn merged(pool: &PoolFolder, known: u32) -> MergedJournals {
        let known = (0..known).map(trial).collect();
        MergedJournals::new(pool, [], known, HashMap::new())
    }

    /// Agents and times of what may be given now.
    fn given(journals: &mut MergedJournals) -> Vec<(String, i64)> {
        journals.read().unwrap();
        let mut all = Vec::new();
        while let Some(piece) = journals.next_piece().unwrap() {
            let times = piece.entries.iter().map(time_of);
            all.extend(times.map(|time| (piece.agent.clone(), time)));
        }
        all
    }

    fn pool() -> (tempfile::TempDir, PoolFolder) {
        let folder = tempfile::tempdir().unwrap();
        let pool = PoolFolder::new(folder.path());
        pool.create().unwrap();
        (folder, pool)
    }

    fn pairs(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
        let pairs = pairs.iter();
        pairs
            .map(|(agent, at)| ((*agent).to_owned(), *at))
            .collect()
    }

    #[test]
    fn entries_are_given_in_the_order_of_times_and_once() {
        let (_folder, pool) = pool();
        write(
            &pool,
            "a",
            &[started(0, 1), interrupted(0, 4), started(1, 5)],
        );
        write(
            &pool,
            "b",
            &[started(2, 2), interrupted(2, 3), started(0, 6)],
        );
        let mut journals = merged(&pool, 3);
        let all = [("a", 1), ("b", 2), ("b", 3), ("a", 4), ("a", 5), ("b", 6)];
        assert_eq!(given(&mut journals), pairs(&all));
        assert_eq!(given(&mut journals), []);
        write(&pool, "b", &[interrupted(0, 7)]);
        assert_eq!(given(&mut journals), pairs(&[("b", 7)]));
    }

    #[test]
    fn a_trial_begins_again_after_its_end_whatever_the_clocks_say_and_whenever_journals_are_read() {
        let (_folder, pool) = pool();
        write(&pool, "a", &[started(0, 10)]);
        let mut journals = merged(&pool, 1);
        assert_eq!(given(&mut journals), pairs(&[("a", 10)]));
        // The clock of `b` is behind.
        write(&pool, "b", &[started(0, 5)]);
        journals.read().unwrap();
        // It comes between the reading of the two.
        write(&pool, "a", &[interrupted(0, 11)]);
        let first = journals.next_piece().unwrap().unwrap();
        assert_eq!(
            (first.agent.as_str(), first.entries),
            ("a", vec![interrupted(0, 11)])
        );
        let second = journals.next_piece().unwrap().unwrap();
        assert_eq!(
            (second.agent.as_str(), second.entries),
            ("b", vec![started(0, 5)])
        );
    }

    #[test]
    fn a_trial_of_a_lost_agent_begins_again_without_an_end() {
        let (_folder, pool) = pool();
        write(&pool, "a", &[started(0, 1)]);
        write(&pool, "b", &[started(0, 9)]);
        assert_eq!(given(&mut merged(&pool, 1)), pairs(&[("a", 1), ("b", 9)]));
    }

    #[test]
    fn a_trial_that_was_decided_on_waits_for_its_decision() {
        let (_folder, pool) = pool();
        write(
            &pool,
            "a",
            &[started(0, 1), started(7, 2), interrupted(7, 3)],
        );
        let mut journals = merged(&pool, 1);
        assert_eq!(given(&mut journals), pairs(&[("a", 1)]));
        assert_eq!(given(&mut journals), []);
        journals.known.insert(trial(7));
        assert_eq!(given(&mut journals), pairs(&[("a", 2), ("a", 3)]));
    }
}
