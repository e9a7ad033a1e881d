//! A report as a whole: what it says of ordinary sweeps and how it bears extreme ones.

use super::*;
use crate::trial::{Status, Value};

fn file<'a>(report: &'a Report, name: &str) -> Option<&'a [u8]> {
    report
        .files
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, bytes)| bytes.as_slice())
}

fn text_of(report: &Report, name: &str) -> String {
    String::from_utf8(file(report, name).unwrap().to_vec()).unwrap()
}

/// Writes the report's files where `SWEEP_REPORT_SAMPLES` says, for people to look at.
fn keep(name: &str, report: &Report) {
    if let Some(folder) = std::env::var_os("SWEEP_REPORT_SAMPLES") {
        let folder = PathBuf::from(folder).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, bytes) in &report.files {
            std::fs::write(folder.join(file), bytes).unwrap();
        }
    }
}

#[test]
fn looks() {
    let report = make(&samples::genres()).unwrap();
    keep("genres", &report);
}
