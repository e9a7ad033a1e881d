//! What was checked, counted.

use std::collections::BTreeMap;
use std::fmt;

use super::disk::{Fate, Model};

/// What a state showed.
#[derive(Debug, Default, Clone, Copy)]
pub struct Found {
    pub databases: usize,
    pub results: usize,
    /// Files of models and of output that were held against what they must be.
    pub files: usize,
    /// Trials that were trained after the cut.
    pub trained: usize,
    /// Of these, those that resumed from a checkpoint.
    pub resumed: usize,
}

#[derive(Debug, Default)]
pub struct Counts {
    models: BTreeMap<Model, u64>,
    fates: BTreeMap<Fate, u64>,
    sorts: BTreeMap<&'static str, u64>,
    /// Recordings of commands that resumed after a cut.
    pub again: u64,
    promised: usize,
    found: Found,
}

impl Counts {
    pub fn add(
        &mut self,
        (model, fate): (Model, Fate),
        sort: &'static str,
        promised: usize,
        found: Found,
    ) {
        *self.models.entry(model).or_default() += 1;
        *self.fates.entry(fate).or_default() += 1;
        *self.sorts.entry(sort).or_default() += 1;
        self.promised += promised;
        self.found.databases += found.databases;
        self.found.results += found.results;
        self.found.files += found.files;
        self.found.trained += found.trained;
        self.found.resumed += found.resumed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, count: u64| writeln!(f, "{what:<56} {count:>8}");
        line("states after a power cut", self.models.values().sum())?;
        for (model, count) in &self.models {
            line(&format!("  model: {model:?}"), *count)?;
        }
        for (fate, count) in &self.fates {
            line(&format!("  what was not flushed: {fate:?}"), *count)?;
        }
        for (sort, count) in &self.sorts {
            line(&format!("  at {sort}"), *count)?;
        }
        line("commands that resumed and were cut again", self.again)?;
        let found = self.found;
        line("states with a database", found.databases as u64)?;
        line("results that had been reported", self.promised as u64)?;
        line("results found", found.results as u64)?;
        line("files of models and of output compared", found.files as u64)?;
        line("trials trained after a cut", found.trained as u64)?;
        line("  of which resumed from a checkpoint", found.resumed as u64)
    }
}
