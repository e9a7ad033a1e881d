//! Flags that limit a session, and that select which failed trials are retried.

use std::num::NonZero;
use std::time::Duration;

use clap::builder::PossibleValuesParser;

use sweep_app::options;
use sweep_core::event::CAUSES;
use sweep_experiment::duration;

/// Limits of a session; `resume` trains what is left.
#[derive(Debug, clap::Args)]
pub struct Limits {
    /// Stop after this time, as with Ctrl-C: 90s, 2h or 1h30m
    #[arg(long, value_name = "TIME", value_parser = time)]
    max_time: Option<Duration>,

    /// Stop after this many trials of this session
    #[arg(long, value_name = "N", value_parser = trials)]
    max_trials: Option<NonZero<usize>>,
}

/// Which trials are retried.
#[derive(Debug, clap::Args)]
pub struct Retry {
    /// Retry trials that failed in earlier sessions
    #[arg(long)]
    retry_failed: bool,

    /// With --retry-failed: only trials that failed with these causes
    #[arg(
        long,
        value_name = "CAUSE,...",
        value_delimiter = ',',
        requires = "retry_failed",
        value_parser = PossibleValuesParser::new(CAUSES)
    )]
    only: Vec<String>,

    /// Train finished trials again whose models are lost or damaged; recorded results stay
    #[arg(long)]
    missing_models: bool,
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
            missing_models: self.missing_models,
        }
    }
}

fn trials(text: &str) -> Result<NonZero<usize>, String> {
    let number = text.parse();
    number.map_err(|_| "must be a whole number of 1 or more".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    duration(text)
        .ok_or_else(|| "must be a time from 1ms to a year, such as 90s, 30m or 1h30m".to_owned())
}
