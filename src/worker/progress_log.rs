//! What a trial has reported, kept beside its checkpoints.
//!
//! The database is written a little after a report is made, and what waits there goes with a coordinator that is
//! killed, so that a checkpoint may be ahead of the database. Invariant: beside a checkpoint of step `s` stand the
//! reports of all steps up to `s`; an attempt that resumes from it sends them again, and no curve has a gap.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde_json::{Map, Value};
use sweep_core::atomic_fs;
use sweep_core::protocol::FromWorker;
use sweep_core::trial::Metric;

/// A line of JSON for each report.
pub const REPORTS: &str = "checkpoint.reports.jsonl";

/// The reports of one attempt, and those that it resumes after.
#[derive(Debug, Default)]
pub(super) struct ProgressLog {
    /// Those that are not in the file.
    fresh: Vec<u8>,
    /// Whether the file is that of this attempt; one of an earlier attempt is replaced.
    begun: bool,
}

impl ProgressLog {
    pub(super) fn add(&mut self, report: &FromWorker) -> io::Result<()> {
        serde_json::to_writer(&mut self.fresh, report)?;
        self.fresh.push(b'\n');
        Ok(())
    }

    /// Brings the reports added so far to the disk; to be called before a checkpoint is kept.
    pub(super) fn keep(&mut self, folder: &Path) -> io::Result<()> {
        let path = folder.join(REPORTS);
        if self.begun {
            let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
            // Ends the line of a write that was cut short.
            file.write_all(b"\n")?;
            file.write_all(&self.fresh)?;
            file.sync_data()?;
        } else {
            atomic_fs::write(&path, |out| out.write_all(&self.fresh))?;
            // The trial's folder may be new.
            atomic_fs::sync_folder(atomic_fs::parent_dir(folder))?;
        }
        self.begun = true;
        self.fresh.clear();
        Ok(())
    }

    /// The reports of steps up to `step`, by step, for an attempt that resumes from there. Lines that cannot
    /// be read are passed over.
    pub(super) fn recall(folder: &Path, step: u32) -> BTreeMap<u32, Vec<(Metric, f64)>> {
        let bytes = fs::read(folder.join(REPORTS)).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        lines
            .filter_map(read_line)
            .filter(|(of, _)| (1..=step).contains(of))
            .collect()
    }
}

/// Step and values of a line. Files written under protocol 3 or older have the tag `say` in place of
/// `type`; they stay readable, so that a sweep resumes after an upgrade without a gap.
fn read_line(line: &[u8]) -> Option<(u32, Vec<(Metric, f64)>)> {
    let mut message: Map<String, Value> = serde_json::from_slice(line).ok()?;
    if let Some(tag) = message.remove("say") {
        message.insert("type".to_owned(), tag);
    }
    match serde_json::from_value(Value::Object(message)) {
        Ok(FromWorker::Progress { step, values, .. }) => Some((step, values)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(step: u32, loss: f64) -> FromWorker {
        FromWorker::Progress {
            attempt: 1,
            step,
            values: vec![("train/loss".to_owned(), loss)],
        }
    }

    #[test]
    fn reports_up_to_a_step_are_recalled_whatever_a_killed_write_left_between_them() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut reports = ProgressLog::default();
        for step in 1..=2 {
            reports.add(&report(step, f64::from(step))).unwrap();
        }
        reports.keep(folder).unwrap();
        let mut file = OpenOptions::new().append(true).open(folder.join(REPORTS));
        file.as_mut()
            .unwrap()
            .write_all(b"{\"type\":\"prog")
            .unwrap();
        for step in 3..=5 {
            reports.add(&report(step, f64::INFINITY)).unwrap();
        }
        reports.keep(folder).unwrap();
        let told = ProgressLog::recall(folder, 4);
        assert_eq!(told.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(told[&2], [("train/loss".to_owned(), 2.0)]);
        assert_eq!(told[&3], [("train/loss".to_owned(), f64::INFINITY)]);

        // Another attempt begins anew.
        let mut reports = ProgressLog::default();
        reports.add(&report(1, 0.5)).unwrap();
        reports.keep(folder).unwrap();
        assert_eq!(ProgressLog::recall(folder, 9).len(), 1);
        assert!(ProgressLog::recall(&folder.join("gone"), 9).is_empty());
    }

    #[test]
    fn files_of_an_older_protocol_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let old = concat!(
            r#"{"say":"progress","attempt":7,"step":1,"values":[["train/loss",0.1]]}"#,
            "\n",
            r#"{"say":"progress","attempt":7,"step":2,"values":[["train/loss","inf"]]}"#,
            "\n"
        );
        fs::write(folder.path().join(REPORTS), old).unwrap();
        let read = ProgressLog::recall(folder.path(), 9);
        assert_eq!(read[&1], [("train/loss".to_owned(), 0.1)]);
        assert_eq!(read[&2], [("train/loss".to_owned(), f64::INFINITY)]);
    }
}
