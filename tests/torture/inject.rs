//! Signals to the processes of a sweep.

use std::thread::sleep;
use std::time::Duration;

use super::fault::Action;
use super::processes;
use super::rng::Rng;

/// Sends what `action` says; whether it reached anyone. `writer` is the process in whose write the fault falls, where
/// that is known.
pub fn inject(
    action: Action,
    mark: &str,
    coordinator: i32,
    writer: Option<i32>,
    rng: &mut Rng,
) -> bool {
    let send = |pid: i32, signal: i32| processes::signal(pid, mark, signal);
    let kill = |pid: i32| send(pid, libc::SIGKILL);
    match action {
        Action::KillCoordinator => kill(coordinator),
        Action::KillWorker => match writer.filter(|writer| *writer != coordinator) {
            Some(writer) => kill(writer),
            None => one_of(&processes::workers(mark), rng).is_some_and(kill),
        },
        Action::KillWorkers => {
            let workers = processes::workers(mark);
            workers.into_iter().filter(|worker| kill(*worker)).count() > 0
        }
        Action::KillAll => {
            // Looked for before anything is done, so that all go in one moment.
            let mut all = processes::workers(mark);
            match rng.chance(50) {
                true => all.insert(0, coordinator),
                false => all.push(coordinator),
            }
            all.into_iter().filter(|pid| kill(*pid)).count() > 0
        }
        Action::Terminate => send(coordinator, libc::SIGTERM),
        Action::Interrupt => send(coordinator, libc::SIGINT),
        Action::InterruptTwice => {
            let first = send(coordinator, libc::SIGINT);
            // Sooner, it would be taken for the same.
            sleep(Duration::from_millis(rng.between(300, 400)));
            send(coordinator, libc::SIGINT);
            first
        }
        Action::FreezeWorker => {
            one_of(&processes::workers(mark), rng).is_some_and(|worker| freeze(worker, mark, rng))
        }
        Action::FreezeCoordinator => freeze(coordinator, mark, rng),
        Action::SecondCoordinator => unreachable!("a second_coordinator is no signal"),
    }
}

fn one_of(workers: &[i32], rng: &mut Rng) -> Option<i32> {
    let count = workers.len() as u64;
    (count > 0).then(|| workers[rng.between(0, count) as usize])
}

/// Stops a process for a while.
fn freeze(pid: i32, mark: &str, rng: &mut Rng) -> bool {
    let stopped = processes::signal(pid, mark, libc::SIGSTOP);
    sleep(Duration::from_millis(rng.between(50, 600)));
    processes::signal(pid, mark, libc::SIGCONT);
    stopped
}
