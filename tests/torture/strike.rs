//! Signals to the processes of a sweep.

use std::thread::sleep;
use std::time::Duration;

use super::blow::Force;
use super::dice::Dice;
use super::processes;

/// Sends what `force` says; whether it reached anyone. `writer` is the process in whose write the blow falls, where
/// that is known.
pub fn strike(
    force: Force,
    mark: &str,
    coordinator: i32,
    writer: Option<i32>,
    dice: &mut Dice,
) -> bool {
    let send = |pid: i32, signal: i32| processes::signal(pid, mark, signal);
    let kill = |pid: i32| send(pid, libc::SIGKILL);
    match force {
        Force::KillCoordinator => kill(coordinator),
        Force::KillWorker => match writer.filter(|writer| *writer != coordinator) {
            Some(writer) => kill(writer),
            None => one_of(&processes::workers(mark), dice).is_some_and(kill),
        },
        Force::KillWorkers => {
            let workers = processes::workers(mark);
            workers.into_iter().filter(|worker| kill(*worker)).count() > 0
        }
        Force::KillAll => {
            // Looked for before anything is done, so that all go in one moment.
            let mut all = processes::workers(mark);
            match dice.chance(50) {
                true => all.insert(0, coordinator),
                false => all.push(coordinator),
            }
            all.into_iter().filter(|pid| kill(*pid)).count() > 0
        }
        Force::Terminate => send(coordinator, libc::SIGTERM),
        Force::Interrupt => send(coordinator, libc::SIGINT),
        Force::InterruptTwice => {
            let first = send(coordinator, libc::SIGINT);
            sleep(Duration::from_millis(dice.between(5, 60)));
            send(coordinator, libc::SIGINT);
            first
        }
        Force::FreezeWorker => {
            one_of(&processes::workers(mark), dice).is_some_and(|worker| freeze(worker, mark, dice))
        }
        Force::FreezeCoordinator => freeze(coordinator, mark, dice),
        Force::Rival => unreachable!("a rival is no signal"),
    }
}

fn one_of(workers: &[i32], dice: &mut Dice) -> Option<i32> {
    let count = workers.len() as u64;
    (count > 0).then(|| workers[dice.between(0, count) as usize])
}

/// Stops a process for a while.
fn freeze(pid: i32, mark: &str, dice: &mut Dice) -> bool {
    let stopped = processes::signal(pid, mark, libc::SIGSTOP);
    sleep(Duration::from_millis(dice.between(50, 600)));
    processes::signal(pid, mark, libc::SIGCONT);
    stopped
}
