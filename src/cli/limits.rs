//! What of a session can be limited on the command line, and which failures it tries again.

use std::num::NonZero;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use sweep_app::options;
use sweep_core::event::CAUSES;
use sweep_experiment::duration;

/// Flags on where a session ends. What is left is for `resume`.
#[derive(Debug, clap::Args)]
pub struct Limits {
    /// End after this time as at Ctrl-C, say 2h or 1h30m
    #[arg(long, value_name = "TIME", value_parser = time)]
    max_time: Option<Duration>,

    /// End when this many trials have ended in this session
    #[arg(long, value_name = "N", value_parser = trials)]
    max_trials: Option<NonZero<usize>>,
}

/// Flags on what is trained again.
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// Train again what failed before
    #[arg(long)]
    retry_failed: bool,

    /// With --retry-failed: only what failed of these causes
    #[arg(
        long,
        value_name = "CAUSE,...",
        value_delimiter = ',',
        requires = "retry_failed",
        value_parser = PossibleValuesParser::new(CAUSES)
    )]
    only: Vec<String>,
}

impl Limits {
    pub fn options(&self) -> options::Limits {
        options::Limits {
            max_time: self.max_time,
            max_trials: self.max_trials,
        }
    }
}

impl Retry {
    pub fn options(&self) -> options::Retry {
        options::Retry {
            failed: self.retry_failed,
            only: self.only.clone(),
        }
    }
}

fn trials(text: &str) -> Result<NonZero<usize>, String> {
    let number = text.parse();
    number.map_err(|_| "a number of trials is a whole number from 1".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| {
        "a time is whole numbers with units, from 1ms to a year: 90s, 30m, 1h30m".to_owned()
    })
}
