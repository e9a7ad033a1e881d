//! Sweeps that are stopped for a while and continued: with the whole job, or by their coordinator alone.

use std::thread::sleep;
use std::time::Duration;

use super::job::{Job, send, state, test_dir};

/// Limits that are long for what these trials do between two messages ...
const SCHEDULE: &str = "trial_timeout = \"6s\"\nstall_timeout = \"3s\"\nretries = 0\n";
/// ... and shorter than this pause.
const SUSPENSION: Duration = Duration::from_secs(7);

fn assert_nothing_failed(job: Job<'_>) {
    let failed = "SELECT count(*) FROM attempts WHERE outcome = 'failed'";
    assert_eq!(job.dir.count(failed), 0, "{}", job.said());
    job.end_stopped();
}

#[test]
fn time_in_which_the_whole_job_was_stopped_counts_for_no_limit() {
    let dir = test_dir(SCHEDULE);
    let mut job = Job::start(&dir);
    let workers = job.workers();
    send(job.coordinator(), libc::SIGSTOP);
    for worker in &workers {
        send(*worker, libc::SIGSTOP);
    }
    sleep(SUSPENSION);
    for worker in &workers {
        send(*worker, libc::SIGCONT);
    }
    send(job.coordinator(), libc::SIGCONT);
    job.wait_for_progress();
    send(job.coordinator(), libc::SIGTERM);
    assert_nothing_failed(job);
}

/// Stops the coordinator alone by `signal`: its workers stop and continue with it.
fn stop_coordinator_alone(signal: i32) {
    let dir = test_dir(SCHEDULE);
    let mut job = Job::start(&dir);
    let workers = job.workers();
    send(job.coordinator(), signal);
    let are_all = |job: &Job<'_>, is_stopped: bool| {
        let mut all = workers
            .iter()
            .chain([&job.coordinator()])
            .copied()
            .collect::<Vec<_>>();
        all.retain(|pid| (state(*pid) == 'T') != is_stopped);
        all.is_empty()
    };
    job.wait_for("all have stopped", |job| are_all(job, true));
    let before = job.progress();
    sleep(SUSPENSION);
    assert!(are_all(&job, true), "they stay stopped");
    assert_eq!(job.progress(), before);
    let said = dir.fail(&["stop", "long"], 1);
    assert!(
        said.contains("is suspended") && said.contains("kill -CONT"),
        "{said}"
    );
    let said = dir.fail(&["run", "long.toml"], 4);
    assert!(said.contains("it is suspended"), "{said}");
    send(job.coordinator(), libc::SIGCONT);
    // It was asked to stop while it could not.
    assert_nothing_failed(job);
    let clean = "SELECT count(*) FROM attempts WHERE message LIKE 'checkpoint after step %'";
    assert_eq!(dir.count(clean), 2);
}

#[test]
fn workers_stop_and_continue_with_a_coordinator_that_is_stopped_alone() {
    stop_coordinator_alone(libc::SIGSTOP);
}

#[test]
fn workers_stop_and_continue_with_a_coordinator_that_ctrl_z_stopped() {
    stop_coordinator_alone(libc::SIGTSTP);
}

#[test]
fn short_stops_again_and_again_leave_no_worker_behind() {
    let dir = test_dir(SCHEDULE.replace("6s", "60s").as_str());
    let mut job = Job::start(&dir);
    for milliseconds in [50, 150, 250, 350, 450, 550, 50, 250] {
        send(job.coordinator(), libc::SIGSTOP);
        sleep(Duration::from_millis(milliseconds));
        send(job.coordinator(), libc::SIGCONT);
        sleep(Duration::from_millis(milliseconds));
    }
    let workers = job.workers();
    job.wait_for("workers run", |_| {
        workers.iter().all(|pid| state(*pid) != 'T')
    });
    job.wait_for_progress();
    send(job.coordinator(), libc::SIGTERM);
    assert_nothing_failed(job);
}
