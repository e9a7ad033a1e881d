//! Claims to pieces of work: files that only one of several agents can create.
//!
//! `KEY.GENERATION` holds the name of its owner. The next generation is for who takes over from an owner that is dead;
//! `KEY.done` says that there is nothing left to do. The work of a trial is called after the trial.
//!
//! What is known of all claims is read from the names in the folder at once, and may be old: a claim that was made
//! meanwhile shows itself when it is tried. Only [`Claims::refresh`] asks the file system.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::folder::PoolFolder;

const DONE: &str = "done";

/// A claim of this agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub key: String,
    pub generation: u32,
}

/// What is known of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimStatus {
    Free,
    /// Claimed; the highest generation.
    Held(u32),
    Done,
}

/// The claims of a pool, as one agent sees them.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    owner: String,
    known: HashMap<String, ClaimStatus>,
    /// Owners of claims, which never change.
    owners: HashMap<(String, u32), String>,
}

impl Claims {
    /// Those of the pool in `folder`, for the agent called `owner`. Nothing is known before [`Claims::refresh`].
    pub fn new(folder: &PoolFolder, owner: &str) -> Claims {
        Claims {
            folder: folder.claims(),
            owner: owner.to_owned(),
            known: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// Reads what others have claimed and done.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn refresh(&mut self) -> io::Result<()> {
        let mut known: HashMap<String, ClaimStatus> = HashMap::with_capacity(self.known.len());
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let Some((key, ending)) = name.to_str().and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            let status = match ending.parse() {
                Ok(generation) => ClaimStatus::Held(generation),
                Err(_) if ending == DONE => ClaimStatus::Done,
                Err(_) => continue,
            };
            let before = known.get(key).copied().unwrap_or(ClaimStatus::Free);
            let status = match (before, status) {
                (ClaimStatus::Done, _) | (_, ClaimStatus::Done) => ClaimStatus::Done,
                (ClaimStatus::Held(one), ClaimStatus::Held(other)) => {
                    ClaimStatus::Held(one.max(other))
                }
                (_, status) => status,
            };
            known.insert(key.to_owned(), status);
        }
        // A folder that was read from a stale cache takes back nothing that is for ever.
        for (key, status) in self.known.drain() {
            if status == ClaimStatus::Done {
                known.insert(key, status);
            }
        }
        self.known = known;
        Ok(())
    }

    /// What was known at the last look, or has been learned since.
    pub fn status(&self, key: &str) -> ClaimStatus {
        self.known.get(key).copied().unwrap_or(ClaimStatus::Free)
    }

    /// Claims `key` in `generation`; `None` if somebody else has.
    ///
    /// # Errors
    /// When the claim cannot be written.
    pub fn claim(&mut self, key: &str, generation: u32) -> io::Result<Option<Claim>> {
        self.note(key, generation);
        let path = self.path(key, generation);
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(error),
        };
        // A claim without an owner would have to be waited for.
        file.write_all(self.owner.as_bytes()).inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        Ok(Some(Claim {
            key: key.to_owned(),
            generation,
        }))
    }

    fn note(&mut self, key: &str, generation: u32) {
        let status = self
            .known
            .entry(key.to_owned())
            .or_insert(ClaimStatus::Free);
        *status = match *status {
            ClaimStatus::Done => ClaimStatus::Done,
            ClaimStatus::Held(known) => ClaimStatus::Held(known.max(generation)),
            ClaimStatus::Free => ClaimStatus::Held(generation),
        };
    }

    /// Who has claimed `key` in `generation`; `None` if that claim is gone, or its owner not written yet.
    pub fn owner(&mut self, key: &str, generation: u32) -> Option<String> {
        let place = (key.to_owned(), generation);
        if let Some(owner) = self.owners.get(&place) {
            return Some(owner.clone());
        }
        let owner = fs::read_to_string(self.path(key, generation)).ok()?;
        if owner.is_empty() {
            return None;
        }
        self.owners.insert(place, owner.clone());
        Some(owner)
    }

    /// Takes note that there is nothing left to do for `key`; to be called when its result is durable.
    ///
    /// # Errors
    /// When it cannot be written. Others then find the result in the journal, or do the work again.
    pub fn done(&mut self, key: &str) -> io::Result<()> {
        self.known.insert(key.to_owned(), ClaimStatus::Done);
        fs::write(self.folder.join(format!("{key}.{DONE}")), "")
    }

    /// Lets go of `claim`, for others to take.
    ///
    /// # Errors
    /// When it cannot be removed. Others then wait until this agent counts as dead.
    pub fn let_go(&mut self, claim: &Claim) -> io::Result<()> {
        // The lowest first: as long as one stands, nobody claims the first generation anew.
        for generation in 0..=claim.generation {
            match fs::remove_file(self.path(&claim.key, generation)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.owners.remove(&(claim.key.clone(), generation));
        }
        self.known.remove(&claim.key);
        Ok(())
    }

    fn path(&self, key: &str, generation: u32) -> PathBuf {
        self.folder.join(format!("{key}.{generation}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    fn pool() -> (tempfile::TempDir, PoolFolder) {
        let folder = tempfile::tempdir().unwrap();
        let pool = PoolFolder::new(folder.path().join("pool"));
        pool.create().unwrap();
        (folder, pool)
    }

    #[test]
    fn of_several_agents_that_want_the_same_one_gets_it() {
        let (_folder, pool) = pool();
        const AGENTS: usize = 8;
        const KEYS: usize = 200;
        let barrier = Barrier::new(AGENTS);
        let won: Vec<Vec<String>> = thread::scope(|scope| {
            let agents = (0..AGENTS).map(|number| {
                let (pool, barrier) = (&pool, &barrier);
                scope.spawn(move || {
                    let mut claims = Claims::new(pool, &format!("agent-{number}"));
                    barrier.wait();
                    let keys = (0..KEYS).map(|key| format!("{key}"));
                    keys.filter(|key| claims.claim(key, 0).unwrap().is_some())
                        .collect()
                })
            });
            let agents: Vec<_> = agents.collect();
            agents
                .into_iter()
                .map(|agent| agent.join().unwrap())
                .collect()
        });
        let mut all: Vec<&String> = won.iter().flatten().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), KEYS);
        assert_eq!(won.iter().map(Vec::len).sum::<usize>(), KEYS);
    }

    #[test]
    fn a_claim_is_seen_by_others_with_its_owner_until_it_is_let_go() {
        let (_folder, pool) = pool();
        let (mut one, mut other) = (Claims::new(&pool, "one"), Claims::new(&pool, "other"));
        let first = one.claim("a", 0).unwrap().unwrap();
        assert_eq!(other.status("a"), ClaimStatus::Free, "nothing was read yet");
        assert_eq!(other.claim("a", 0).unwrap(), None);
        assert_eq!(other.status("a"), ClaimStatus::Held(0));
        assert_eq!(other.owner("a", 0).as_deref(), Some("one"));

        let taken = other.claim("a", 1).unwrap().unwrap();
        one.refresh().unwrap();
        assert_eq!(one.status("a"), ClaimStatus::Held(1));
        other.let_go(&taken).unwrap();
        one.refresh().unwrap();
        assert_eq!(one.status("a"), ClaimStatus::Free);
        assert!(one.claim("a", 0).unwrap().is_some());
        one.let_go(&first).unwrap();
        assert_eq!(one.status("a"), ClaimStatus::Free);
    }

    #[test]
    fn what_is_done_stays_done() {
        let (_folder, pool) = pool();
        let (mut one, mut other) = (Claims::new(&pool, "one"), Claims::new(&pool, "other"));
        one.claim("a", 0).unwrap().unwrap();
        one.done("a").unwrap();
        other.refresh().unwrap();
        assert_eq!(other.status("a"), ClaimStatus::Done);
        other.claim("a", 1).unwrap();
        assert_eq!(other.status("a"), ClaimStatus::Done);
        // A stale cache shows the folder as it was.
        fs::remove_file(pool.claims().join("a.done")).unwrap();
        other.refresh().unwrap();
        assert_eq!(other.status("a"), ClaimStatus::Done);
    }
}
