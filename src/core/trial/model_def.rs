//! What the rest of the program has to know of a kind of model.

use super::settings::Key;

/// The facts of a kind; its settings are a struct of their own.
#[derive(Debug)]
pub(super) struct ModelDef {
    /// As spelled in TOML and in the store.
    pub name: &'static str,
    /// As prose, tables and plots call it.
    pub label: &'static str,
    pub is_baseline: bool,
    pub mark: Mark,
    /// Red, green, blue.
    pub color: (u8, u8, u8),
    pub keys: &'static [Key],
}

/// The shape of a point in plots: beside its colour the second sign of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Disc,
    Diamond,
    Square,
}
