//! From the record to what people read: ranking, CSV files, plots, one HTML page, tables, JSON.
//!
//! Pure until [`write`]: the same [`Input`] gives the same files, byte for byte. What a record has
//! no data for is left out and named in [`Report::left_out`], never drawn empty.

pub mod anova;
mod axes;
mod bounds;
pub mod calibration;
mod configuration;
pub mod describe;
pub mod diff;
mod folder;
mod grid;
mod growth;
pub mod inference;
pub mod joint;
pub mod json;
mod markup;
pub mod order;
mod page;
mod plot;
pub mod query;
mod rows;
mod sheets;
mod spread;
pub mod story;
mod summary;
pub mod table;
pub mod test;
pub mod text;
mod transfer;
mod winners;

pub use anova::Anova;
pub use folder::{Written, write};
pub use inference::Inference;
pub use query::QueryError;
pub use rows::narrow;
pub use sheets::guarded;
pub use summary::{Axis, Configuration, Effect, Run, Spread, Summary, labels};
pub use transfer::sentences as transfer_sentences;

use std::collections::HashMap;
use std::path::PathBuf;

use calibration::Calibration;

use sweep_core::trial::{Kind, TrialId};
use sweep_store::{AttemptRecord, Curve, EvaluationRecord, ExperimentRecord, SlotEventRecord};

/// Configurations in `best.csv`, in the plot of the best runs and on the page, besides the best of
/// each baseline.
pub const BEST: usize = 10;

/// All that a report is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    pub experiment: ExperimentRecord,
    /// Of every trial that `curves.csv` is to hold; the plots need those of [`wanted`].
    pub curves: HashMap<TrialId, Vec<Curve>>,
    /// Validation rows by `[actual][predicted]` class, in the order of the data set's classes; of
    /// the trials of [`wanted`].
    pub confusion: HashMap<TrialId, Vec<Vec<u64>>>,
    /// Share of each feature by name; of the trials of [`wanted`] that have such a thing.
    pub importance: HashMap<TrialId, Vec<(String, f64)>>,
    /// The last look at the sealed test rows, if there was one.
    pub test: Option<EvaluationRecord>,
    /// Of the best configuration of each kind, as far as its models could be asked.
    pub calibration: Vec<Calibration>,
    /// Every attempt in the sessions of the experiment, with its trial, oldest first.
    pub attempts: Vec<(TrialId, AttemptRecord)>,
    pub slot_events: Vec<SlotEventRecord>,
    /// How often the test rows have been looked at, by whatever sweep.
    pub looks: u64,
    /// The sweeps that were joined into `experiment`, if it is several.
    pub parts: Vec<joint::Part>,
    /// Sweeps of these that a process is at.
    pub running: Vec<String>,
    /// The query that chose the trials; `None` where all of the sweep are here.
    pub query: Option<String>,
    /// What whoever filled this in could not get, one sentence each.
    pub lacking: Vec<String>,
}

impl Input {
    /// What the report says of its trials.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.experiment)
            .while_running(&self.running)
            .narrowed_to(self.query.as_deref())
    }
}

/// A report in memory: files by name, in the order in which the page speaks of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub summary: Summary,
    pub files: Vec<(String, Vec<u8>)>,
    /// What could not be shown, and why, one sentence each.
    pub left_out: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("cannot draw {name}: {message}")]
    Draw { name: String, message: String },
    #[error("cannot write {path}: {source}; the earlier report is as it was", path = .path.display())]
    Stage {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "cannot put {missing} in place in {folder}: {source}; these files are missing or of an \
         earlier report, so write the report again",
        missing = .missing.join(", "),
        folder = .folder.display()
    )]
    Replace {
        folder: PathBuf,
        missing: Vec<String>,
        source: std::io::Error,
    },
}

/// The trials whose curves, confusion and importance the plots show: all seeds of the best
/// configurations, those of each baseline and of the best transfer among them.
pub fn wanted(experiment: &ExperimentRecord) -> Vec<TrialId> {
    let summary = Summary::of(experiment);
    let mut configs = summary.best(BEST);
    // When baselines fill the first places, the learning curves still want networks.
    for config in summary
        .ranking
        .iter()
        .filter(|config| config.kind == Kind::Mlp)
        .take(BEST)
    {
        if !configs.iter().any(|other| other.id == config.id) {
            configs.push(config);
        }
    }
    if let Some(best) = transfer::all(experiment, &summary).first() {
        for pair in [best.transferred, best.scratch] {
            if !configs.iter().any(|other| other.id == pair.id) {
                configs.push(pair);
            }
        }
    }
    configs
        .into_iter()
        .flat_map(|config| config.runs.iter().map(|run| run.trial.clone()))
        .collect()
}

/// Makes every file of the report, and writes none.
pub fn make(input: &Input) -> Result<Report, ReportError> {
    let summary = input.summary();
    let mut left_out = input.lacking.clone();
    let mut files = sheets::all(input, &summary);
    files.extend(winners::all(input, &summary));
    let pictures = plot::all(input, &summary, &mut left_out)?;
    let page = page::page(input, &summary, &pictures, &files, &left_out);
    for picture in pictures {
        files.push((format!("{}.png", picture.name), picture.png));
        files.push((format!("{}.svg", picture.name), picture.svg.into_bytes()));
    }
    files.push(("index.html".to_owned(), page.into_bytes()));
    Ok(Report {
        summary,
        files,
        left_out,
    })
}

#[cfg(any(test, feature = "samples"))]
pub mod samples;
#[cfg(test)]
mod tests;
