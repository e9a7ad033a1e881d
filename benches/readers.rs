//! What sixteen readers cost a running sweep: the same sweep alone, beside readers of another record, and beside
//! readers of its own, in turn. `cargo bench --bench readers [ROUNDS]`; writes to the system's temporary folder.
//!
//! The sweep, coordinator and worker, is bound to one processor and the readers to another. Two processors still share
//! caches and memory; readers of another record take as much of those, so that the ratio of the last two is what is lost
//! to the database being read. Linux with two processors at least; on one that is busy otherwise, `nice -n -20` keeps
//! the others from the sweep's.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// Interleaved rounds when nothing is said.
const ROUNDS: usize = 7;
/// The processors of the sweep and of its readers.
const SWEEP: usize = 0;
const READERS: usize = 1;

const COMMANDS: [&[&str]; 10] = [
    &["report", "busy", "--out", "reports-1"],
    &["report", "busy", "--out", "reports-2"],
    &["report", "busy", "--out", "reports-3"],
    &["report", "busy", "--out", "reports-4"],
    &["report", "busy", "--out", "reports-5"],
    &["ls"],
    &["ls", "--json"],
    &["show", "busy"],
    &["show", "busy", "--json"],
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

/// Many short trials with many epochs: as much to record as there can be.
const EXPERIMENT: &str = "[experiment]
seeds = [1, 2, 3, 4, 5, 6, 7, 8]

[data]
path = \"demo.csv\"
target = \"playlist_genre\"
group = \"track_id\"
numeric = [\"danceability\", \"energy\", \"loudness\", \"tempo\", \"valence\"]

[model]
epochs = 60
layers = [64, 32]

[grid]
dropout = [0.0, 0.3]
lr = [0.001, 0.003, 0.01]
";

/// What is read beside a sweep.
const ARMS: [&str; 3] = ["nothing", "another record", "its own record"];

fn main() {
    let said = std::env::args().skip(1).find_map(|word| word.parse().ok());
    let rounds = said.unwrap_or(ROUNDS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    for place in [&own, &other] {
        std::fs::create_dir(place).expect("a folder");
        let synth = ["data", "synth", "demo.csv", "--rows", "6000"];
        let done = command(place, &synth, SWEEP).status();
        assert!(done.expect("the program").success());
        std::fs::write(place.join("busy.toml"), EXPERIMENT).expect("an experiment file");
    }
    sweep(&other, None);
    let mut seconds = [const { Vec::new() }; ARMS.len()];
    for round in 0..rounds {
        // Each goes first as often as the others.
        for turn in 0..ARMS.len() {
            let arm = (round + turn) % ARMS.len();
            let (took, reads) = sweep(
                &own,
                [None, Some(&other), Some(&own)][arm].map(|path| path.as_path()),
            );
            println!(
                "round {round}, {reads:>6} reads of {}: {took:.2} s",
                ARMS[arm]
            );
            seconds[arm].push(took);
        }
    }
    for (name, (over, under)) in [
        ("readers of another record / alone", (1, 0)),
        ("readers of its own record / alone", (2, 0)),
        ("readers of its own record / of another", (2, 1)),
    ] {
        let pairs = seconds[over].iter().zip(&seconds[under]);
        let mut ratios: Vec<f64> = pairs.map(|(over, under)| over / under).collect();
        let middle = median(&mut ratios);
        let (least, most) = (ratios[0], ratios[rounds - 1]);
        println!("{name}: median {middle:.3} of {rounds} rounds, from {least:.3} to {most:.3}");
    }
    let medians = seconds.each_mut().map(|seconds| median(seconds));
    println!("medians: {medians:.2?} s");
}

/// Runs the sweep of `folder` on a new record, with readers of that of `read` if there is one; seconds by the wall,
/// and how much was read meanwhile.
fn sweep(folder: &Path, read: Option<&Path>) -> (f64, u64) {
    let runs = folder.join("runs");
    let _ = std::fs::remove_dir_all(&runs);
    let (over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    let (over, reads) = (&over, &reads);
    let begin = Instant::now();
    let mut child = command(folder, &["run", "busy.toml", "--workers", "1"], SWEEP)
        .spawn()
        .expect("the program");
    thread::scope(|scope| {
        if let Some(folder) = read {
            let record = folder.join("runs/sweep.sqlite");
            for arguments in COMMANDS {
                let record = record.clone();
                scope.spawn(move || {
                    wait_for(&record);
                    while !over.load(Ordering::Relaxed) {
                        let status = command(folder, arguments, READERS).status();
                        assert!(status.expect("the program").success(), "{arguments:?}");
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            for query in QUERIES {
                let record = record.clone();
                scope.spawn(move || {
                    bind(READERS);
                    wait_for(&record);
                    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                    let record = Connection::open_with_flags(&record, flags).expect("a database");
                    while !over.load(Ordering::Relaxed) {
                        let row = record.query_row(query, [], |_| Ok(()));
                        row.expect("a row");
                        reads.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        assert!(child.wait().expect("its end").success());
        let seconds = begin.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        (seconds, reads.load(Ordering::Relaxed))
    })
}

/// Waits until there is something to read.
fn wait_for(record: &Path) {
    let begun = || {
        let record = Connection::open_with_flags(record, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        let trials = record.query_row("SELECT count(*) FROM attempts", [], |row| {
            row.get::<_, i64>(0)
        });
        trials.ok().filter(|count| *count > 0)
    };
    while begun().is_none() {
        thread::sleep(Duration::from_millis(5));
    }
}

fn command(folder: &Path, arguments: &[&str], processor: usize) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("SWEEP_STORE")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // SAFETY: between fork and exec only sched_setaffinity is called, which is a plain system call.
    unsafe {
        command.pre_exec(move || {
            bind(processor);
            Ok(())
        });
    }
    command
}

/// Binds the calling thread, and what it starts, to one processor.
fn bind(processor: usize) {
    // SAFETY: a set of processors may be all zeros; it is handed over with its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set);
    }
}

/// The median; sorts `values`.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
