//! A probe: one short job for each table of `[[schedule.slurm]]`, which says what agents would find where they run.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value as Json;

use sweep_core::atomic_fs::{self, StagingFolder};
use sweep_core::awake;
use sweep_core::format::format_seconds;
use sweep_experiment::SlurmJobs;
use sweep_pool::slurm::{self, Submission};

use super::jobs::check_installed;
use crate::app::App;
use crate::error::Error;
use crate::observer::{Notice, Observer};
use crate::pool_notice::PoolNotice;
use crate::run::absolute;

/// Longest that a probe is waited for.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Slurm is asked at most once in this time.
const ASK_INTERVAL: Duration = Duration::from_secs(30);
/// How far a clock may be from that of this machine without being reported.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// What the job of one table found.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The table, from 1.
    pub table: usize,
    pub options: Vec<String>,
    /// The node that it ran on.
    pub host: String,
    /// Findings of `sweep doctor` there: name, whether it is ok, text.
    pub findings: Vec<(String, bool, String)>,
}

/// Submits a probe for each of `tables`, and waits for what they find.
///
/// # Errors
/// When there is no Slurm, it refuses a probe, or a probe does not come back.
pub fn probe(
    app: &App,
    observer: &dyn Observer,
    tables: &[SlurmJobs],
) -> Result<Vec<Probe>, Error> {
    check_installed()?;
    let name = format!("probe.{}.part", std::process::id());
    let folder = absolute(&app.run_dir().all_pools().join(name))?;
    let folder = StagingFolder::create(folder).map_err(|error| {
        Error::environment(
            format!("cannot write in {}: {error}", app.runs().display()),
            "choose a folder with --store that this machine and the nodes of the cluster see",
        )
    })?;
    let mut probes = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        probes.push(of_table(app, observer, folder.path(), place + 1, table)?);
    }
    Ok(probes)
}

fn of_table(
    app: &App,
    observer: &dyn Observer,
    folder: &Path,
    number: usize,
    table: &SlurmJobs,
) -> Result<Probe, Error> {
    let fail = |error: std::io::Error| {
        Error::environment(format!("cannot write in {}: {error}", folder.display()), "")
    };
    let program = std::env::current_exe().map_err(fail)?;
    let out = folder.join(format!("{number}.json"));
    let store = absolute(&app.store)?;
    let words = [&program, &store, &out].map(|path| path.display().to_string());
    let [program, store, out_text] = words;
    let agent = [
        program,
        "--store".to_owned(),
        store,
        "doctor".to_owned(),
        "--to".to_owned(),
        out_text,
    ];
    let script = folder.join(format!("{number}.sh"));
    std::fs::write(&script, slurm::script(&table.before, &agent)).map_err(fail)?;
    let arrays = slurm::submit(&Submission {
        name: "sweep-probe",
        script: &script,
        logs: folder,
        agents: 1,
        time: table.time,
        options: &table.options,
    });
    let arrays = arrays.map_err(|error| {
        let help = "`options` of [[schedule.slurm]] go to sbatch as they are";
        Error::environment(error, help)
    })?;
    observer.notice(&Notice::Pool(PoolNotice::JobsSubmitted {
        sweep: "probe".to_owned(),
        agents: 1,
        arrays: arrays.clone(),
    }));
    let begin = awake::now();
    let mut asked = begin;
    loop {
        if let Ok(text) = std::fs::read(&out) {
            return read(number, table, &out, &text, awake::since(begin));
        }
        let is_due = awake::since(asked) > ASK_INTERVAL;
        if is_due {
            asked = awake::now();
        }
        let known = is_due.then(|| slurm::jobs(&arrays));
        let has_ended = matches!(known, Some(Ok(jobs)) if jobs.pending + jobs.running == 0);
        if has_ended || awake::since(begin) > TIMEOUT {
            let _ = slurm::cancel(&arrays, false);
            let log = std::fs::read_to_string(folder.join(format!("{}_0.out", arrays[0])));
            let log = log.unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(3).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            return Err(Error::environment(
                format!(
                    "the probe in job {} did not come back{}",
                    arrays.join(", "),
                    match last.is_empty() {
                        true => String::new(),
                        false => format!("; it wrote: {}", last.join(" / ")),
                    }
                ),
                "its node may not see this folder or this program: both must lie where all nodes have them under the same \
                 path; `squeue` says whether it still waits for a node",
            ));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn read(
    number: usize,
    table: &SlurmJobs,
    path: &Path,
    text: &[u8],
    waited: Duration,
) -> Result<Probe, Error> {
    let json: Json = serde_json::from_slice(text).map_err(|error| {
        Error::environment(
            format!("{}: {error}", path.display()),
            "install the same release of sweep everywhere",
        )
    })?;
    let text_at = |value: &Json, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let found = json["findings"].as_object().into_iter().flatten();
    let mut findings: Vec<(String, bool, String)> = found
        .map(|(name, value)| {
            let is_ok = value["ok"].as_bool() == Some(true);
            (name.clone(), is_ok, text_at(value, "found"))
        })
        .collect();
    findings.push((
        "folder".to_owned(),
        true,
        format!(
            "written there and read here, {} after the submission",
            format_seconds(waited.as_secs_f64())
        ),
    ));
    let there = json["at_ms"].as_i64().unwrap_or(0);
    let here = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64);
    // The answer is at most this old.
    let off = Duration::from_millis((here - there).unsigned_abs());
    let is_ok = off <= CLOCK_TOLERANCE;
    findings.push((
        "clock".to_owned(),
        is_ok,
        match is_ok {
            true => "agrees with that of this machine".to_owned(),
            false => format!(
                "{} off that of this machine: times of trials are those of their nodes",
                format_seconds(off.as_secs_f64())
            ),
        },
    ));
    Ok(Probe {
        table: number,
        options: table.options.clone(),
        host: text_at(&json, "host"),
        findings,
    })
}

/// Writes what a probe found to `path`, whole or not at all.
///
/// # Errors
/// When the file cannot be written.
pub fn answer(path: &Path, findings: Json) -> Result<(), Error> {
    let at_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64);
    let host = std::env::var("SLURMD_NODENAME").unwrap_or_else(|_| sweep_store::lock::host_name());
    let text = serde_json::json!({ "host": host, "at_ms": at_ms, "findings": findings });
    atomic_fs::write_unsynced(path, text.to_string().as_bytes()).map_err(|error| {
        Error::environment(format!("cannot write {}: {error}", path.display()), "")
    })
}
