//! What an experiment file says of the program that is a trial: how it is started, where its metrics come from, what its
//! exit codes mean. What [`ProgramSpec::canonical`] holds is part of the names of its trials.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

/// What the name of a recorded fact about an input begins with; its path follows.
pub const INPUT_FACT: &str = "input ";
/// The recorded fact that is the digest of a program.
pub const DIGEST_FACT: &str = "program";
/// The same of a variable of the environment that trials depend on.
pub const VARIABLE_FACT: &str = "variable ";

/// The table `[program]`, checked. Texts called templates hold placeholders such as `{lr}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramSpec {
    /// Templates: the program and its arguments, or with `shell` one script for `sh -c`.
    pub command: Vec<String>,
    pub shell: bool,
    /// Template with `{name}` and `{value}` that is appended once for each setting; several words are several arguments.
    pub args: Vec<String>,
    /// A file of settings that is copied for each trial, with the trial's settings written into it.
    pub config: Option<ConfigFile>,
    /// Templates by the name of an environment variable.
    pub env: BTreeMap<String, String>,
    /// Environment variables whose values are part of the names of trials.
    pub depends_on_env: Vec<String>,
    /// Template of the working directory; relative to that of `sweep`.
    pub directory: String,
    pub metrics: MetricSource,
    pub selection: Selection,
    /// The setting that is the number of steps, if one is.
    pub steps: Option<String>,
    /// Patterns of files in the folder of the trial that are kept as artifacts.
    pub artifacts: Vec<String>,
    /// Most bytes of all artifacts of a trial.
    pub artifact_limit: u64,
    pub resources: Resources,
    /// Longest time of an attempt, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// From the request to end (SIGTERM) to the end by force (SIGKILL), in milliseconds.
    pub grace_ms: u64,
    /// What exit codes mean; 0 is [`ExitMeaning::Finished`], 75 [`ExitMeaning::Retry`] and every other one
    /// [`ExitMeaning::Failed`] unless it says otherwise.
    #[serde(deserialize_with = "exit_codes")]
    pub exit_codes: BTreeMap<i32, ExitMeaning>,
}

/// Reads exit codes from the keys of a JSON object, which are strings, also within a tagged message.
fn exit_codes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<i32, ExitMeaning>, D::Error> {
    let named = BTreeMap::<String, ExitMeaning>::deserialize(deserializer)?;
    let coded = named.into_iter().map(|(code, meaning)| {
        let code = code.parse().map_err(serde::de::Error::custom)?;
        Ok((code, meaning))
    });
    coded.collect()
}

/// A configuration file that is written anew for each trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFile {
    /// The file that is copied.
    pub file: PathBuf,
    pub format: ConfigFormat,
    /// Dotted keys by the names of settings: `lr` is written at `train.lr`.
    pub keys: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigFormat {
    Toml,
    Yaml,
    Json,
}

/// Where metrics are read, besides the pipe at `SWEEP_METRICS`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricSource {
    /// `name=value` and `name: value` on standard output.
    Lines,
    /// The matches of these regular expressions in lines of standard output.
    Regex(Vec<String>),
    /// The same lines as [`MetricSource::Lines`], in a file that is followed; a template.
    File(String),
    /// JSON objects, one a line, in a file that is followed; a template.
    Jsonl(String),
    /// Event files of TensorBoard in a folder and those below it; a template.
    Tensorboard(String),
}

/// Which value of the objective counts, of those that a trial reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// The one that was reported last.
    Last,
    /// The best of all steps.
    Best,
}

/// What a trial needs of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Cores; at least 1.
    pub cpus: u32,
    /// Whole GPUs, or a fraction of one below 1; 0 is none.
    pub gpus: f64,
    /// Bytes of memory of all processes of the trial together.
    pub memory: Option<u64>,
}

/// What the end of a program with some exit code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitMeaning {
    Finished,
    Diverged,
    Failed,
    Retry,
}

/// `EX_TEMPFAIL` of sysexits(3).
pub const EXIT_RETRY: i32 = 75;

impl ExitMeaning {
    pub const ALL: [ExitMeaning; 4] = [
        ExitMeaning::Finished,
        ExitMeaning::Diverged,
        ExitMeaning::Failed,
        ExitMeaning::Retry,
    ];

    /// As experiment files spell it.
    pub fn name(self) -> &'static str {
        match self {
            ExitMeaning::Finished => "finished",
            ExitMeaning::Diverged => "diverged",
            ExitMeaning::Failed => "failed",
            ExitMeaning::Retry => "retry",
        }
    }
}
