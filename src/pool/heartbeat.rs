//! Signs of life. An agent raises a counter in a file of its own; whoever wants to know whether it lives compares two looks by
//! a clock of its own, so that no two machines have to agree on the time.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sweep_core::awake;

use crate::folder::PoolFolder;
use crate::plan::Lease;

/// What stands in place of the counter when an agent has ended and holds nothing.
const ENDED: &str = "ended               \n";

/// The beat of this agent, until it is dropped or ended.
#[derive(Debug)]
pub struct Heartbeat {
    path: PathBuf,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    /// Starts the beat of the agent called `agent`. `lost` is called once when no beat could be written for so long that
    /// others may take this agent for dead: it must not go on as if it held its claims.
    ///
    /// # Errors
    /// When the first beat cannot be written.
    pub fn start(
        folder: &PoolFolder,
        agent: &str,
        lease: Lease,
        lost: impl FnOnce() + Send + 'static,
    ) -> io::Result<Heartbeat> {
        let path = folder.beat(agent);
        write(&path, &counter(0))?;
        let (stop, stopped) = channel();
        let mut lost = Some(lost);
        let beat = {
            let path = path.clone();
            move || {
                let mut count = 0u64;
                let mut written = awake::now();
                while stopped.recv_timeout(lease.beat()) == Err(RecvTimeoutError::Timeout) {
                    count += 1;
                    match write(&path, &counter(count)) {
                        Ok(()) => written = awake::now(),
                        Err(_) if awake::since(written) > lease.lease() * 2 / 3 => {
                            if let Some(lost) = lost.take() {
                                lost();
                            }
                        }
                        Err(_) => {}
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("beat".to_owned());
        Ok(Heartbeat {
            path,
            stop: Some(stop),
            thread: Some(thread.spawn(beat)?),
        })
    }

    /// Says that this agent has ended and holds nothing any more.
    pub fn end(mut self) {
        self.halt();
        // Without it, others wait until the beat has stood still for long enough.
        let _ = write(&self.path, ENDED);
    }

    fn halt(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.halt();
    }
}

/// As long as [`ENDED`], so that a beat is one write in place.
fn counter(count: u64) -> String {
    format!("{count:<20}\n")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // Opened anew each time: network file systems look again at a file that is opened.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    file.write_all_at(text.as_bytes(), 0)
}

/// Whether an agent lives, as far as one can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Its beat has changed since it was first looked at; the time since it last did.
    Alive(Duration),
    /// It has not been looked at for long enough.
    Unknown,
    /// Its beat has stood still for a lease, or it has said that it has ended.
    Dead,
}

/// What this process has seen of the beats of others.
#[derive(Debug)]
pub struct Leases {
    folder: PoolFolder,
    lease: Duration,
    seen: HashMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    beat: Option<String>,
    /// When it was first seen as it is.
    at: Instant,
    has_changed: bool,
}

impl Leases {
    pub fn new(folder: &PoolFolder, lease: Lease) -> Leases {
        Leases {
            folder: folder.clone(),
            lease: lease.lease(),
            seen: HashMap::new(),
        }
    }

    /// Looks at the beat of the agent called `agent`.
    pub fn look(&mut self, agent: &str) -> Life {
        let beat = read(&self.folder.beat(agent));
        self.judge(agent, beat, awake::now())
    }

    fn judge(&mut self, agent: &str, beat: Option<String>, now: Instant) -> Life {
        if beat.as_deref() == Some(ENDED) {
            return Life::Dead;
        }
        let seen = self.seen.entry(agent.to_owned()).or_insert_with(|| Seen {
            beat: beat.clone(),
            at: now,
            has_changed: false,
        });
        if seen.beat != beat {
            *seen = Seen {
                beat,
                at: now,
                has_changed: true,
            };
        }
        let still = now.saturating_duration_since(seen.at);
        match seen.has_changed {
            _ if still > self.lease => Life::Dead,
            true => Life::Alive(still),
            false => Life::Unknown,
        }
    }
}

fn read(path: &Path) -> Option<String> {
    let mut text = [0; ENDED.len()];
    let file = File::open(path).ok()?;
    file.read_exact_at(&mut text, 0).ok()?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_dead_when_its_beat_has_stood_still_by_the_clock_of_who_looks() {
        let pool = PoolFolder::new("pool");
        let lease = Lease {
            beat_ms: 1_000,
            lease_ms: 10_000,
        };
        let mut leases = Leases::new(&pool, lease);
        let begin = Instant::now();
        let mut look = |beat: Option<u64>, seconds: u64| {
            leases.judge(
                "agent",
                beat.map(counter),
                begin + Duration::from_secs(seconds),
            )
        };
        assert_eq!(look(Some(3), 0), Life::Unknown);
        assert_eq!(look(Some(3), 9), Life::Unknown);
        assert_eq!(look(Some(4), 10), Life::Alive(Duration::ZERO));
        assert_eq!(look(Some(4), 19), Life::Alive(Duration::from_secs(9)));
        assert_eq!(look(Some(4), 21), Life::Dead);
        assert_eq!(look(Some(5), 22), Life::Alive(Duration::ZERO), "it is back");
        let mut none = Leases::new(&pool, lease);
        let mut look = |seconds| none.judge("none", None, begin + Duration::from_secs(seconds));
        assert_eq!(look(0), Life::Unknown);
        assert_eq!(look(11), Life::Dead);
    }

    #[test]
    fn a_beat_goes_on_until_its_agent_ends() {
        let folder = tempfile::tempdir().unwrap();
        let pool = PoolFolder::new(folder.path());
        pool.create().unwrap();
        let lease = Lease {
            beat_ms: 5,
            lease_ms: 60_000,
        };
        let beat = Heartbeat::start(&pool, "agent", lease, || {}).unwrap();
        let mut leases = Leases::new(&pool, lease);
        while !matches!(leases.look("agent"), Life::Alive(_)) {
            std::thread::sleep(Duration::from_millis(1));
        }
        beat.end();
        assert_eq!(leases.look("agent"), Life::Dead);
    }

    #[test]
    fn an_agent_hears_that_others_may_take_it_for_dead() {
        let folder = tempfile::tempdir().unwrap();
        let pool = PoolFolder::new(folder.path().join("pool"));
        pool.create().unwrap();
        let lease = Lease {
            beat_ms: 5,
            lease_ms: 60,
        };
        let (sender, lost) = channel();
        let _beat = Heartbeat::start(&pool, "agent", lease, move || {
            sender.send(()).unwrap();
        })
        .unwrap();
        std::fs::rename(pool.path(), folder.path().join("elsewhere")).unwrap();
        lost.recv_timeout(Duration::from_secs(60)).unwrap();
    }
}
