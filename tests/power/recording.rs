//! Commands of the real binary whose operations on files are recorded: what was done, in order, with the bytes.
//!
//! A recording is one file, so that it can be kept and read again. It begins with the files that were there
//! before; `recorder.c`, which is preloaded into every process of the commands, appends what they do.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// An operation as it was recorded.
#[derive(Debug)]
pub enum Operation {
    Create {
        path: PathBuf,
        inode: u64,
    },
    MakeFolder {
        path: PathBuf,
        inode: u64,
    },
    Write {
        inode: u64,
        at: u64,
        bytes: Vec<u8>,
    },
    Resize {
        inode: u64,
        length: u64,
    },
    Sync {
        inode: u64,
    },
    Remove {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    /// The whole file system was flushed.
    SyncAll,
    /// All that came before stood there before the first command.
    Begun,
    /// A command has ended, so that what it said is said.
    Ended,
}

/// Records what commands do to the files of a folder.
pub struct Recorder {
    root: PathBuf,
    path: PathBuf,
    log: File,
}

impl Recorder {
    /// Records into the file `path`, which must lie outside of `root`.
    pub fn new(root: &Path, path: &Path) -> Recorder {
        let root = root.canonicalize().unwrap();
        let log = File::options().append(true).create_new(true).open(path);
        let mut recorder = Recorder {
            root: root.clone(),
            path: path.to_owned(),
            log: log.unwrap(),
        };
        recorder.put_what_is_there(&root).unwrap();
        recorder.put(Kind::Begun, 0, Path::new(""), b"").unwrap();
        recorder
    }

    /// Makes `command` one that is recorded.
    pub fn watch(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("SWEEP_POWER_ROOT", &self.root)
            .env("SWEEP_POWER_LOG", &self.path);
    }

    /// Makes `command` one that is recorded, and kills itself after its first rename.
    pub fn watch_and_kill(&self, command: &mut Command) {
        self.watch(command);
        command.env("SWEEP_POWER_KILL", "1");
    }

    /// Takes down that a command has ended.
    pub fn ended(&mut self) {
        self.put(Kind::Ended, 0, Path::new(""), b"").unwrap();
    }

    /// Takes down a file or a folder with all that is in it, as something that has reached the disk.
    fn put_what_is_there(&mut self, path: &Path) -> io::Result<()> {
        let found = fs::metadata(path)?;
        let inode = found.ino();
        if found.is_dir() {
            self.put(Kind::MakeFolder, inode, path, b"")?;
            for entry in fs::read_dir(path)? {
                self.put_what_is_there(&entry?.path())?;
            }
        } else {
            self.put(Kind::Create, inode, path, b"")?;
            self.put(Kind::Write, inode, Path::new(""), &fs::read(path)?)?;
        }
        self.put(Kind::Sync, inode, Path::new(""), b"")
    }

    fn put(&mut self, kind: Kind, inode: u64, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let path = path.as_os_str().as_bytes();
        let (pid, at, second, unused) = (0_u32, 0_u64, 0_u32, 0_u32);
        let mut entry = Vec::with_capacity(HEAD + path.len() + bytes.len());
        entry.extend((kind as u32).to_ne_bytes());
        entry.extend(pid.to_ne_bytes());
        entry.extend(inode.to_ne_bytes());
        entry.extend(at.to_ne_bytes());
        entry.extend((path.len() as u32).to_ne_bytes());
        entry.extend(second.to_ne_bytes());
        entry.extend((bytes.len() as u32).to_ne_bytes());
        entry.extend(unused.to_ne_bytes());
        entry.extend(path);
        entry.extend(bytes);
        self.log.write_all(&entry)
    }
}

/// The library that is preloaded, compiled at its first use.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Private to this process: two runs of the tests do not meet.
        let library = folder.join(format!("recorder-{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/recorder.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"])
            .arg(source)
            .arg("-o")
            .arg(&library)
            .status();
        assert!(compiled.unwrap().success(), "cc cannot compile recorder.c");
        library
    })
}

/// Kinds of entries, as in `recorder.c`.
#[derive(Clone, Copy)]
enum Kind {
    Create = 1,
    MakeFolder,
    Write,
    Resize,
    Sync,
    Remove,
    Rename,
    Link,
    SyncAll,
    Begun,
    Ended,
}

const KINDS: [Kind; 11] = [
    Kind::Create,
    Kind::MakeFolder,
    Kind::Write,
    Kind::Resize,
    Kind::Sync,
    Kind::Remove,
    Kind::Rename,
    Kind::Link,
    Kind::SyncAll,
    Kind::Begun,
    Kind::Ended,
];

/// Bytes of an entry before its paths and contents: `struct entry` in `recorder.c`.
const HEAD: usize = 40;

/// Reads a recording.
pub fn read(path: &Path) -> Vec<Operation> {
    let log = fs::read(path).unwrap();
    let mut left = log.as_slice();
    let mut operations = Vec::new();
    while !left.is_empty() {
        let head = left.split_off(..HEAD).expect("a whole entry");
        let word = |at: usize| u32::from_ne_bytes(head[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().unwrap());
        let mut part = |length: u32| left.split_off(..length as usize).expect("a whole entry");
        let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
        let (first, second, bytes) = (path(part(word(24))), path(part(word(28))), part(word(32)));
        let (inode, at) = (long(8), long(16));
        operations.push(match KINDS[word(0) as usize - 1] {
            Kind::Create => Operation::Create { path: first, inode },
            Kind::MakeFolder => Operation::MakeFolder { path: first, inode },
            Kind::Write => Operation::Write {
                inode,
                at,
                bytes: bytes.to_vec(),
            },
            Kind::Resize => Operation::Resize { inode, length: at },
            Kind::Sync => Operation::Sync { inode },
            Kind::Remove => Operation::Remove { path: first },
            Kind::Rename => Operation::Rename {
                from: first,
                to: second,
            },
            Kind::Link => Operation::Link {
                from: first,
                to: second,
            },
            Kind::SyncAll => Operation::SyncAll,
            Kind::Begun => Operation::Begun,
            Kind::Ended => Operation::Ended,
        });
    }
    operations
}
