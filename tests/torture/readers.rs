//! Sixteen readers beside a sweep: commands of their own processes, and plain SQLite connections that wait for
//! no lock and so fail at the first one they meet.

use std::os::unix::process::CommandExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::compare::assert_same;
use super::experiments::{CrashDir, SWEEPS};
use super::processes;
use super::snapshot::Snapshot;

/// What each reader does again and again.
const COMMANDS: [&[&str]; 10] = [
    &["report", "source", "--out", "reports-1"],
    &["report", "source", "--out", "reports-2"],
    &["report", "source", "--out", "reports-3"],
    &["report", "source", "--json", "--out", "reports-4"],
    &["ls"],
    &["ls", "--json"],
    &["show"],
    &["show", "source"],
    &["show", "source", "--json"],
    &["ls"],
];
const QUERIES: [&str; 6] = [
    "SELECT count(*) FROM metrics",
    "SELECT sum(value) FROM metric_rows WHERE metric = 'valid/loss'",
    "SELECT count(*) FROM leaderboard",
    "SELECT count(*) FROM best_trials",
    "SELECT count(*) FROM attempts WHERE outcome = 'running'",
    "SELECT count(*) FROM trials t JOIN params p ON p.trial = t.id",
];
/// Pause between two queries of one connection.
const POLL_INTERVAL: Duration = Duration::from_millis(3);

/// Runs both sweeps with sixteen readers beside them; fails if one of them sees an error, or if anything in the
/// record is not as it is without them.
pub fn beside_a_sweep(epochs: u32) {
    let crash_dir = CrashDir::new(epochs);
    let mut running = crash_dir.start(&["run", "source.toml"]);
    let file = crash_dir.path("runs/sweep.sqlite");
    let begun = |record: &Connection| ask(record, "SELECT count(*) FROM attempts").unwrap_or(0) > 0;
    while !open(&file).is_some_and(|record| begun(&record)) {
        assert!(
            running.child.try_wait().unwrap().is_none(),
            "it ended too early"
        );
        thread::sleep(POLL_INTERVAL);
    }
    let over = AtomicBool::new(false);
    let (crash_dir, over) = (&crash_dir, &over);
    thread::scope(|scope| {
        for command in COMMANDS {
            scope.spawn(move || command_again(crash_dir, command, over));
        }
        for query in QUERIES {
            let file = &file;
            scope.spawn(move || query_again(file, query, over));
        }
        // However this thread ends, the readers end as well.
        let _end = End(over);
        let status = running.child.wait().unwrap();
        running.must(status, &[0]);
        crash_dir.succeed(&["run", "transfer.toml"]);
    });
    let snapshot = Snapshot::read(&crash_dir.runs()).unwrap();
    assert_eq!(
        snapshot.attempts.len(),
        snapshot.results.len(),
        "a trial was begun twice"
    );
    processes::all_gone(&crash_dir.mark);
    assert_eq!(SWEEPS.len(), 2);
    assert_same(crash_dir, &CrashDir::left_alone(epochs));
}

struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn command_again(crash_dir: &CrashDir, command: &[&str], over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        // Readers step back where processors are few: this is about locks.
        let mut running = crash_dir.start_by(command, |command| {
            // SAFETY: setpriority is async-signal-safe; it is all that is called before exec.
            unsafe {
                command.pre_exec(|| {
                    libc::setpriority(libc::PRIO_PROCESS, 0, 19);
                    Ok(())
                });
            }
        });
        let status = running.child.wait().unwrap();
        running.must(status, &[0]);
    }
}

fn query_again(file: &std::path::Path, query: &str, over: &AtomicBool) {
    let record = open(file).expect("a database that can be opened");
    while !over.load(Ordering::Relaxed) {
        assert!(
            ask(&record, query).is_ok(),
            "{query}: {:?}",
            ask(&record, query)
        );
        thread::sleep(POLL_INTERVAL);
    }
}

fn open(file: &std::path::Path) -> Option<Connection> {
    let record = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    record.busy_timeout(Duration::ZERO).ok()?;
    Some(record)
}

fn ask(record: &Connection, query: &str) -> rusqlite::Result<i64> {
    record.query_row(query, [], |row| {
        row.get::<_, Option<f64>>(0)
            .map(|value| value.unwrap_or(0.0) as i64)
    })
}
