//! Signals to the processes of a sweep.

use std::thread::sleep;
use std::time::Duration;

use super::fault::Action;
use super::processes;
use super::rng::Rng;

/// What asks a sweep to stop.
const STOP: [i32; 5] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

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
        Action::StopAll => {
            let signals = STOP.map(|signal| (1, signal));
            let signal = rng.pick(&signals);
            let mut all = all_in_some_order(mark, coordinator, rng);
            // Half the time the coordinator hears it while workers may be dead already, if that is what they do.
            let pause = rng
                .chance(50)
                .then(|| Duration::from_millis(rng.between(1, 100)));
            all.retain(|pid| {
                pause.into_iter().for_each(sleep);
                send(*pid, signal)
            });
            all.contains(&coordinator)
        }
        Action::FreezeWorker => one_of(&processes::workers(mark), rng)
            .is_some_and(|worker| freeze(&[worker], libc::SIGSTOP, mark, rng)),
        Action::FreezeCoordinator => freeze(&[coordinator], libc::SIGSTOP, mark, rng),
        Action::Suspend => freeze(&[coordinator], libc::SIGTSTP, mark, rng),
        Action::FreezeAll => {
            let all = all_in_some_order(mark, coordinator, rng);
            freeze(&all, libc::SIGSTOP, mark, rng)
        }
        Action::SecondCoordinator => unreachable!("a second_coordinator is no signal"),
    }
}

fn one_of(workers: &[i32], rng: &mut Rng) -> Option<i32> {
    let count = workers.len() as u64;
    (count > 0).then(|| workers[rng.between(0, count) as usize])
}

/// The coordinator and its workers: it comes first, last or among them.
fn all_in_some_order(mark: &str, coordinator: i32, rng: &mut Rng) -> Vec<i32> {
    let mut all = processes::workers(mark);
    let place = rng.between(0, all.len() as u64 + 1) as usize;
    all.insert(place, coordinator);
    all
}

/// Stops processes by `signal` for a while, mostly a short one, and continues them in the same order.
fn freeze(pids: &[i32], signal: i32, mark: &str, rng: &mut Rng) -> bool {
    let stopped = pids
        .iter()
        .filter(|pid| processes::signal(**pid, mark, signal))
        .count();
    let longest = if rng.chance(20) { 2500 } else { 600 };
    sleep(Duration::from_millis(rng.between(50, longest)));
    for pid in pids {
        processes::signal(*pid, mark, libc::SIGCONT);
    }
    stopped > 0
}
