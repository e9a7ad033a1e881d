//! Requests to stop that reach every process of a sweep.

use std::thread::sleep;
use std::time::Duration;

use super::job::{Ignored, Job, hold_back, ignore, send, send_unless_gone, test_dir};
use crate::common::TestDir;

/// In which order processes hear a signal.
#[derive(Debug, Clone, Copy)]
enum Order {
    CoordinatorFirst,
    WorkersFirst,
    /// Workers hear it so early that the coordinator could have seen them die.
    WorkersLongBefore,
}

fn signal_all(job: &Job<'_>, signal: i32, order: Order) {
    let mut all = job.workers();
    match order {
        Order::CoordinatorFirst => all.insert(0, job.coordinator()),
        Order::WorkersFirst | Order::WorkersLongBefore => all.push(job.coordinator()),
    }
    for pid in all {
        if matches!(order, Order::WorkersLongBefore) && pid == job.coordinator() {
            sleep(Duration::from_millis(300));
        }
        match order {
            // The coordinator may have stopped them by now.
            Order::CoordinatorFirst if pid != job.coordinator() => {
                send_unless_gone(pid, signal);
            }
            _ => send(pid, signal),
        }
    }
}

/// Both trials of the last session wrote a checkpoint, and those of the session before it began where they had stopped.
fn assert_nothing_is_repeated(dir: &TestDir, session: i64, case: &str) {
    let count = |query: &str| dir.count(query);
    let clean = format!(
        "SELECT count(*) FROM attempts WHERE session = {session} AND outcome = 'interrupted'
         AND message LIKE 'checkpoint after step %'"
    );
    let told = || {
        let all = "SELECT group_concat(concat_ws(' ', session, outcome, signal, message, resumed_from), char(10))
             FROM attempts";
        dir.text(all)
    };
    assert_eq!(count(&clean), 2, "{case}\n{}", told());
    assert_eq!(
        count("SELECT count(*) FROM trials WHERE status = 'interrupted'"),
        2,
        "{case}\n{}",
        told()
    );
    let repeated = format!(
        "SELECT count(*) FROM attempts a JOIN attempts b ON b.trial = a.trial AND b.session = a.session + 1
         WHERE b.session = {session} AND a.message IS NOT 'checkpoint after step ' || b.resumed_from"
    );
    assert_eq!(count(&repeated), 0, "{case}\n{}", told());
    let folders = std::fs::read_dir(dir.path("runs/trials")).unwrap();
    let checkpoints = folders.filter(|folder| {
        let folder = folder.as_ref().unwrap().path();
        folder.join("checkpoint.safetensors").exists()
    });
    assert_eq!(checkpoints.count(), 2, "{case}");
}

#[test]
fn a_stop_that_every_process_hears_writes_checkpoints_and_repeats_nothing() {
    let dir = test_dir("retries = 0\n");
    let mut session = 0;
    for (signal, order) in [
        (libc::SIGTERM, Order::CoordinatorFirst),
        (libc::SIGTERM, Order::WorkersFirst),
        (libc::SIGTERM, Order::WorkersLongBefore),
        (libc::SIGINT, Order::WorkersFirst),
        (libc::SIGINT, Order::CoordinatorFirst),
        (libc::SIGHUP, Order::WorkersLongBefore),
        (libc::SIGUSR1, Order::WorkersFirst),
        (libc::SIGUSR2, Order::WorkersFirst),
    ] {
        let job = Job::start(&dir);
        session += 1;
        signal_all(&job, signal, order);
        job.end_stopped();
        assert_nothing_is_repeated(&dir, session, &format!("{signal} {order:?}"));
    }
}

#[test]
fn one_stop_that_arrives_twice_is_not_taken_for_two() {
    let dir = test_dir("");
    let job = Job::start(&dir);
    // As timeout(1) does it: the process, then its group; then both are continued.
    for signal in [libc::SIGTERM, libc::SIGTERM, libc::SIGCONT, libc::SIGCONT] {
        send(job.coordinator(), signal);
    }
    // As systemd does it with SendSIGHUP.
    send(job.coordinator(), libc::SIGHUP);
    job.end_stopped();
    assert_nothing_is_repeated(&dir, 1, "twice");
}

#[test]
fn workers_that_are_killed_before_a_stop_comes_count_against_no_configuration() {
    let dir = test_dir("retries = 0\n");
    let job = Job::start(&dir);
    for worker in job.workers() {
        send(worker, libc::SIGKILL);
    }
    sleep(Duration::from_millis(500));
    send(job.coordinator(), libc::SIGTERM);
    job.end_stopped();
    let blamed = "SELECT count(*) FROM attempts WHERE outcome = 'failed'";
    assert_eq!(dir.count(blamed), 0);
    let left = "SELECT count(*) FROM trials WHERE status = 'interrupted'";
    assert_eq!(
        dir.count(left),
        2,
        "both are resumed without --retry-failed"
    );
}

#[test]
fn a_sweep_under_nohup_outlives_its_terminal() {
    let dir = test_dir("");
    let mut job = Job::start_by(&dir, |command| ignore(command, libc::SIGHUP));
    for pid in job.workers().into_iter().chain([job.coordinator()]) {
        send(pid, libc::SIGHUP);
    }
    job.wait_for_progress();
    sleep(Duration::from_millis(300));
    job.wait_for_progress();
    send(job.coordinator(), libc::SIGTERM);
    job.end_stopped();
}

#[test]
fn a_sweep_that_was_started_with_signals_held_back_is_stopped_by_them() {
    let dir = test_dir("");
    let job = Job::start_by(&dir, |command| {
        ignore(command, libc::SIGCHLD);
        hold_back(command, libc::SIGTERM);
    });
    send(job.coordinator(), libc::SIGTERM);
    job.end_stopped();
    assert_nothing_is_repeated(&dir, 1, "held back");
}

#[test]
fn jobs_of_tests_that_were_started_with_hangups_ignored_are_stopped_by_them() {
    let dir = test_dir("");
    // As `nohup` starts the tests. Whatever else they start meanwhile is sent none, or resets it.
    let ignored = Ignored::new(libc::SIGHUP);
    let job = Job::start(&dir);
    drop(ignored);
    send(job.coordinator(), libc::SIGHUP);
    job.end_stopped();
    assert_nothing_is_repeated(&dir, 1, "hangups were ignored");
}
