//! Which settings matter, as values.

/// How much each setting of the networks matters.
#[derive(Debug, Clone, PartialEq)]
pub struct Anova {
    /// Settings that vary, in the order of their keys; settings that always move together are one factor.
    pub factors: Vec<Factor>,
    /// Of every factor and of every pair of factors, the largest share first.
    pub shares: Vec<Share>,
    /// Share of the variance that takes three or more factors together.
    pub rest: f64,
    pub method: Method,
    /// Networks that all this is made from.
    pub configurations: usize,
    /// Seeds that all of them have; 1 and more when means and tests are of those, 0 when there is no such seed and
    /// each mean is of the seeds at hand.
    pub seeds: usize,
    /// Mean over all configurations, in the unit of the objective.
    pub mean: f64,
    /// Standard deviation over configurations of their means.
    pub sd: f64,
    /// Mean objective by pair of factors, for every pair of [`Anova::shares`], in the order of (first, second).
    pub tables: Vec<Table>,
}

/// Where shares come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Every combination of the levels was trained.
    Grid,
    /// Some were not; a forest of so many trees stands in for them.
    Forest { trees: usize },
}

/// What one factor, or two beyond what each does alone, explains.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Places in [`Anova::factors`].
    pub first: usize,
    pub second: Option<usize>,
    /// Of the variance over configurations, from 0 to 1.
    pub share: f64,
    /// Share that chance (seeds) alone would give it on average; `None` below two seeds and from a forest.
    pub chance: Option<f64>,
    /// Of an F-test that it is chance alone, not corrected for the other tests; `None` likewise.
    pub p: Option<f64>,
}

/// Mean objective for each pair of levels of two factors.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub first: usize,
    pub second: usize,
    /// [level of first][level of second]; `None` where no such configuration has finished.
    pub means: Vec<Vec<Option<f64>>>,
}

/// A setting that varies, or several that always move together.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// `lr`; `layers, lr` for two that move together.
    pub name: String,
    /// Numbers ascending, other values as they come.
    pub levels: Vec<Level>,
}

/// One value of a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// As tables show it; `–` for configurations that do not have the setting.
    pub label: String,
    pub configurations: usize,
    /// Mean objective of these configurations, each the mean of its seeds.
    pub mean: f64,
    /// 95% interval of `mean` for other seeds and the same configurations, cut to what the metric can be; `None` below
    /// two seeds.
    pub interval: Option<(f64, f64)>,
}

/// A configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Of each factor.
    pub levels: Vec<usize>,
    /// (seed, objective), by seed.
    pub values: Vec<(u64, f64)>,
}

impl Anova {
    /// What a share belongs to: `lr`, `dropout x lr`.
    pub fn title(&self, share: &Share) -> String {
        let first = &self.factors[share.first].name;
        match share.second {
            Some(second) => format!("{first} x {}", self.factors[second].name),
            None => first.clone(),
        }
    }
}

impl Method {
    /// `grid` or `forest`, as files have it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Grid => "grid",
            Method::Forest { .. } => "forest",
        }
    }
}

/// A part of the variance.
pub(super) struct Part {
    pub(super) first: usize,
    pub(super) second: Option<usize>,
    /// In the unit of the objective squared on a grid, as a share from a forest.
    pub(super) amount: f64,
}
