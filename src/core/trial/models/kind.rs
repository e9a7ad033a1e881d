//! What the rest of the program has to know of a kind of model, besides how it is trained.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::param::{Literal, ParamDef};

/// The definition of a kind: one constant in the kind's own file.
#[derive(Debug)]
pub struct KindDef {
    /// As spelled in TOML and in the database.
    pub name: &'static str,
    /// As prose, tables and plots call it.
    pub label: &'static str,
    /// Declared in `[[baseline]]`, not in `[model]`.
    pub is_baseline: bool,
    /// The shape of its points in plots.
    pub mark: Mark,
    /// Its colour in plots: red, green, blue.
    pub color: (u8, u8, u8),
    /// Its colour on a dark page.
    pub dark_color: (u8, u8, u8),
    /// Every setting, in the order in which they are shown and hashed.
    pub params: &'static [ParamDef],
    /// Whether it takes settings of any other names as well, which experiment files declare by using them.
    pub is_open: bool,
    pub steps: Steps,
    /// Settings, other than the defaults, in an experiment file that names no model.
    pub of_no_model: &'static [(&'static str, Literal)],
    /// Settings beside which the seed has no effect, if all have these values; `None`: it always has one.
    pub deterministic_if: Option<&'static [(&'static str, Literal)]>,
    /// The library that it is trained with, where that is not always there.
    pub library: Option<&'static str>,
    /// Whether trials that are alike can be trained together as one; see [`super::param::InBatch`].
    pub is_batched: bool,
}

/// What a kind counts its training in.
#[derive(Debug)]
pub struct Steps {
    /// The setting that is the largest number of them; of an open kind the experiment file names it.
    pub param: &'static str,
    /// One of them: `epoch`.
    pub name: &'static str,
    /// Whether each reports its losses.
    pub has_curve: bool,
}

/// The shape of a point in plots: beside its colour the second sign of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Disc,
    Diamond,
    Square,
    Triangle,
}

impl Mark {
    /// As the page's script spells it.
    pub fn name(self) -> &'static str {
        match self {
            Mark::Disc => "disc",
            Mark::Diamond => "diamond",
            Mark::Square => "square",
            Mark::Triangle => "triangle",
        }
    }
}

/// A kind of model. The registry has them all, in order.
#[derive(Clone, Copy)]
pub struct Kind(pub(super) &'static KindDef);

impl Kind {
    pub fn def(self) -> &'static KindDef {
        self.0
    }

    pub fn name(self) -> &'static str {
        self.0.name
    }

    pub fn label(self) -> &'static str {
        self.0.label
    }

    pub fn is_baseline(self) -> bool {
        self.0.is_baseline
    }

    /// Whether it takes settings of any names.
    pub fn is_open(self) -> bool {
        self.0.is_open
    }

    /// Whether it is a network: these alone are trained in epochs.
    pub fn is_network(self) -> bool {
        self.0.steps.name == "epoch"
    }

    pub fn params(self) -> &'static [ParamDef] {
        self.0.params
    }

    /// The setting called `name`, if the kind has it.
    pub fn param(self, name: &str) -> Option<&'static ParamDef> {
        self.0.params.iter().find(|param| param.name == name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kind {}

impl Hash for Kind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
