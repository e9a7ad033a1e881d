//! Columns of text: each distinct cell once, and a code for every row.
//!
//! Invariant: every code is below the number of levels, and levels are distinct.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A column of text.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The level of each row.
    pub codes: Vec<u32>,
    pub levels: Levels,
    /// Of each level, whether it stands for a missing value.
    pub is_missing: Vec<bool>,
}

/// Distinct texts, in the order in which they first come.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    text: String,
    /// Where each level ends in `text`; it starts where the one before ends.
    ends: Vec<usize>,
}

/// Finds the code of a text while a column is read.
#[derive(Debug, Default)]
pub(crate) struct Index {
    hasher: DefaultHashBuilder,
    codes: HashTable<u32>,
}

impl Texts {
    /// The cell of `row`, whether or not it stands for a missing value.
    pub fn cell(&self, row: usize) -> &str {
        self.levels.get(self.codes[row])
    }

    /// The cell of `row`; `None` where it stands for a missing value.
    pub fn present(&self, row: usize) -> Option<&str> {
        let code = self.codes[row];
        (!self.is_missing[code as usize]).then(|| self.levels.get(code))
    }

    /// Levels that do not stand for a missing value, with their codes.
    pub fn present_levels(&self) -> impl Iterator<Item = (u32, &str)> + Clone {
        let levels = self.levels.iter().zip(&self.is_missing).zip(0u32..);
        levels.filter_map(|((text, is_missing), code)| (!is_missing).then_some((code, text)))
    }
}

impl Levels {
    pub fn get(&self, code: u32) -> &str {
        let at = code as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start..self.ends[at]]
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len() as u32).map(|code| self.get(code))
    }

    fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends.push(self.text.len());
        (self.ends.len() - 1) as u32
    }
}

impl Index {
    /// The code of `text` among `levels`, to which it is added if it is new.
    pub fn code(&mut self, levels: &mut Levels, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        if let Some(code) = self.codes.find(hash, |code| levels.get(*code) == text) {
            return *code;
        }
        let code = levels.push(text);
        let hasher = &self.hasher;
        self.codes
            .insert_unique(hash, code, |code| hasher.hash_one(levels.get(*code)));
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_code() {
        let (mut levels, mut index) = (Levels::default(), Index::default());
        let cells = ["b", "", "a", "b", "", "ab"];
        let codes: Vec<u32> = cells
            .iter()
            .map(|cell| index.code(&mut levels, cell))
            .collect();
        assert_eq!(codes, [0, 1, 2, 0, 1, 3]);
        assert_eq!(levels.iter().collect::<Vec<_>>(), ["b", "", "a", "ab"]);
        let many: Vec<String> = (0..5000).map(|i| format!("level {i}")).collect();
        let first: Vec<u32> = many
            .iter()
            .map(|cell| index.code(&mut levels, cell))
            .collect();
        let again: Vec<u32> = many
            .iter()
            .map(|cell| index.code(&mut levels, cell))
            .collect();
        assert_eq!(first, again);
        assert_eq!(levels.len(), 5004);
    }
}
