//! Sees files being written from outside, at once: inotify on the folders of a database.

use std::collections::HashMap;
use std::ffi::CString;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

const MASK: u32 = libc::IN_CREATE | libc::IN_MODIFY | libc::IN_MOVED_TO | libc::IN_ONLYDIR;
/// Bytes of events taken at a time.
const BUFFER: usize = 16 << 10;

/// A file that was created, written to or renamed.
#[derive(Debug)]
pub struct Sign {
    pub folder: PathBuf,
    pub name: String,
}

/// Watches `runs/`, `runs/data/`, `runs/trials/` and each folder in the latter, also those to come.
pub struct Watch {
    queue: OwnedFd,
    trials: PathBuf,
    folders: HashMap<i32, PathBuf>,
}

impl Watch {
    pub fn new(runs: &Path) -> Watch {
        // SAFETY: inotify_init1 takes flags alone; the descriptor it gives is no other owner's.
        let queue = unsafe {
            let raw = libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC);
            assert!(raw >= 0, "{}", Error::last_os_error());
            OwnedFd::from_raw_fd(raw)
        };
        let trials = runs.join("trials");
        let mut watch = Watch {
            queue,
            trials: trials.clone(),
            folders: HashMap::new(),
        };
        for folder in [runs, &runs.join("data"), &trials] {
            watch.add(folder);
        }
        for entry in std::fs::read_dir(&trials).unwrap() {
            watch.add(&entry.unwrap().path());
        }
        watch
    }

    /// A folder that went away in the meantime is passed over.
    fn add(&mut self, folder: &Path) {
        let name = CString::new(folder.as_os_str().as_bytes()).unwrap();
        // SAFETY: the name ends in a zero and lives through the call.
        let raw = unsafe { libc::inotify_add_watch(self.queue.as_raw_fd(), name.as_ptr(), MASK) };
        if raw >= 0 {
            self.folders.insert(raw, folder.to_owned());
        }
    }

    /// What was seen since the last call; waits for it at most `milliseconds`.
    pub fn signs(&mut self, milliseconds: i32) -> Vec<Sign> {
        let mut ready = libc::pollfd {
            fd: self.queue.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry is handed over, and one is said to be there.
        if unsafe { libc::poll(&raw mut ready, 1, milliseconds) } <= 0 {
            return Vec::new();
        }
        let mut bytes = [0_u8; BUFFER];
        // SAFETY: the buffer may be written to for its whole length.
        let read = unsafe { libc::read(self.queue.as_raw_fd(), bytes.as_mut_ptr().cast(), BUFFER) };
        let Ok(read) = usize::try_from(read) else {
            assert_eq!(Error::last_os_error().kind(), ErrorKind::WouldBlock);
            return Vec::new();
        };
        self.parse(&bytes[..read])
    }

    /// Reads `struct inotify_event`s: descriptor, mask, cookie, length of the name, and the name with zeros.
    fn parse(&mut self, mut bytes: &[u8]) -> Vec<Sign> {
        let mut signs = Vec::new();
        while let Some((head, rest)) = bytes.split_first_chunk::<16>() {
            let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
            let (name, others) = rest.split_at(word(12) as usize);
            bytes = others;
            let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
            let name = String::from_utf8_lossy(name).into_owned();
            let Some(folder) = self.folders.get(&(word(0) as i32)).cloned() else {
                continue;
            };
            if word(4) & libc::IN_ISDIR != 0 {
                if folder == self.trials {
                    self.add(&folder.join(name));
                }
            } else {
                signs.push(Sign { folder, name });
            }
        }
        signs
    }
}
