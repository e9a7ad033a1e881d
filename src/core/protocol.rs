//! The messages between coordinator and worker: one JSON object per line, on the worker's standard
//! input and output. Nothing here depends on pipes or processes, so that any launcher can carry it.
//!
//! The worker speaks first ([`FromWorker::Ready`]); a worker with another protocol version is rejected. A
//! closed standard input means that the coordinator is gone: the worker exits at once.

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::program::ProgramSpec;
use crate::trial::{Metric, TrialId, TrialResult, TrialSpec};

/// Raised with every change that an older peer would misread. Versions 4 and 5 renamed tags and fields; 6 pauses trials; 7 runs
/// programs; 8 pings workers that run elsewhere.
pub const PROTOCOL_VERSION: u32 = 8;

/// Longest line either side accepts, in bytes.
pub const MAX_LINE: usize = 64 << 20;

/// What [`read_line`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Whole,
    /// The beginning of a line that is longer than [`MAX_LINE`].
    TooLong,
    /// The end of the input; an incomplete last line is dropped.
    End,
}

/// Reads the next line into `line`; never holds more than [`MAX_LINE`] bytes of it.
///
/// # Errors
/// When `reader` fails.
pub fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let read = reader
        .by_ref()
        .take(MAX_LINE as u64)
        .read_until(b'\n', line)?;
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Line::Whole);
    }
    Ok(match read {
        MAX_LINE => Line::TooLong,
        _ => Line::End,
    })
}

/// From the coordinator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToWorker {
    /// Train this trial; one at a time.
    Train(Box<TrainRequest>),
    /// Train these trials, networks of one shape, as one batched model; answers are those of single
    /// trials. Only for a worker whose capacity is not 0.
    TrainBatch { requests: Vec<TrainRequest> },
    /// Checkpoint the running trials after the current epoch, interrupt them and wait for more.
    Stop,
    /// The coordinator is still there. A worker whose end of the connection may outlive the other one ends itself if
    /// nothing is sent for long; no answer is expected.
    Ping,
}

/// Everything a worker needs to train one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainRequest {
    pub attempt: u64,
    pub trial: TrialId,
    pub spec: TrialSpec,
    /// The prepared data set: training and validation rows only.
    pub data: PathBuf,
    /// The folder of the trial: model files and checkpoint. Folders of trials are siblings, named by
    /// trial; a trial finds the pretrained weights of another one there.
    pub folder: PathBuf,
    pub checkpoint: Checkpointing,
    /// The step after which the trial writes a checkpoint and pauses, if it has not ended by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_at: Option<u32>,
    /// How the program is run; for trials that are programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Box<ProgramRequest>>,
}

/// What a worker needs to run a program, besides its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramRequest {
    pub spec: ProgramSpec,
    /// What the database has of earlier attempts, if it has anything.
    pub recorded: Option<RecordedProgress>,
    /// Names the run directory and the sweep in the environment of every process of the program, so that what a dead
    /// coordinator has left behind can be found.
    pub owner: String,
}

/// What the database has of earlier attempts at a trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RecordedProgress {
    /// The last step.
    pub step: u32,
    /// The best value of the objective and its step.
    pub best: Option<(f64, u32)>,
    /// The last value of the objective, if it is finite.
    pub last: Option<f64>,
}

/// When a trial writes checkpoints. A stop request always writes one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Checkpointing {
    /// Minimum training time between two checkpoints, in milliseconds.
    pub every_ms: u64,
    /// Largest fraction of training time that they may take, in (0, 1].
    pub cost: f64,
}

/// From a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromWorker {
    Ready {
        protocol: u32,
        engine: String,
        pid: u32,
        /// How many numbers the networks of a batch may hold in total; 0 for one trial at a time.
        #[serde(default)]
        capacity: u64,
    },
    /// Training resumes from the checkpoint written after `step`.
    Resumed { attempt: u64, step: u32 },
    Progress {
        attempt: u64,
        step: u32,
        #[serde(with = "crate::trial::metric_values")]
        values: Vec<(Metric, f64)>,
    },
    Finished {
        attempt: u64,
        result: Box<TrialResult>,
    },
    /// Something to tell the user about the trial, such as a checkpoint that could not be used.
    Warning { attempt: u64, message: String },
    /// The trial waits for the machine, such as for space on a full disk, and has waited `millis` since
    /// the last such message. That time counts towards no limit.
    Blocked { attempt: u64, millis: u64 },
    /// The trial has come to the step it was to pause at, and continues from a checkpoint of that step.
    Paused { attempt: u64, step: u32 },
    /// The trial was stopped on request.
    Interrupted { attempt: u64, step: Option<u32> },
    /// The engine cannot train this trial; the worker stays.
    Rejected { attempt: u64, message: String },
    /// A program ended without a result; the worker stays.
    Failed {
        attempt: u64,
        failure: ProgramFailure,
        /// The last lines that it wrote.
        log_tail: String,
    },
}

/// Why a program has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum ProgramFailure {
    /// It ended by itself, with this exit code or by this signal.
    Ended {
        exit_code: Option<i32>,
        signal: Option<i32>,
        message: String,
        /// Its exit code asks for another attempt.
        is_temporary: bool,
    },
    /// It ran longer than it may, in milliseconds.
    TimedOut { after_ms: u64 },
    /// Its processes held more memory than they may, or the kernel ended one for want of it.
    OutOfMemory { message: String },
    /// It could not be started, or did not report its objective: another attempt would not either.
    Invalid { message: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_up_to_the_maximum_length() {
        let endless = io::repeat(b'x').take(3 * MAX_LINE as u64);
        let mut reader = io::BufReader::new(io::Cursor::new(b"one\n\ntwo").chain(endless));
        let mut line = Vec::new();
        for expected in ["one", ""] {
            assert_eq!(read_line(&mut reader, &mut line).unwrap(), Line::Whole);
            assert_eq!(line, expected.as_bytes());
        }
        assert_eq!(read_line(&mut reader, &mut line).unwrap(), Line::TooLong);
        assert_eq!(line.len(), MAX_LINE);
        let mut rest = io::Cursor::new(b"half a li");
        assert_eq!(read_line(&mut rest, &mut line).unwrap(), Line::End);
    }

    #[test]
    fn values_that_json_has_no_number_for_are_transmitted() {
        let said = FromWorker::Progress {
            attempt: 3,
            step: 1,
            values: vec![
                ("train/loss".to_owned(), f64::INFINITY),
                ("lr".to_owned(), 0.1),
                ("grad_norm".to_owned(), f64::NEG_INFINITY),
            ],
        };
        let line = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<FromWorker>(&line).unwrap(), said);
    }
}
