//! A recording as changes of files and folders, which a disk may have or not have after a power cut.
//!
//! Invariant: all changes together give the files that the commands left ([`History::whole`]); the test holds
//! that against the real folder, so that an operation that was not recorded does not go unnoticed.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::recording::Operation;

/// A file or a folder, whatever its names are.
pub type Id = usize;

/// The folder in which commands ran.
pub const ROOT: Id = 0;

/// Paths from the root: folders, which hold nothing here, and files with their contents.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

pub enum Change {
    Write {
        file: Id,
        at: u64,
        bytes: Vec<u8>,
    },
    Resize {
        file: Id,
        length: u64,
    },
    /// Names come and go, of a rename two together.
    Names(Vec<Naming>),
    /// All that was written to a file, or all names in a folder, reached the disk.
    Sync(Id),
    /// A command ended.
    Ended,
}

/// What a name in a folder stands for from now on.
pub struct Naming {
    pub folder: Id,
    pub name: OsString,
    pub target: Option<Id>,
}

pub struct History {
    pub changes: Vec<Change>,
    /// How many of the changes came before the first command; they are on the disk.
    pub begun: usize,
    /// The first name of each file and folder, a path from the root.
    pub names: Vec<PathBuf>,
    pub folders: Vec<bool>,
}

impl History {
    pub fn new(operations: Vec<Operation>) -> History {
        let mut reader = Reader::default();
        for operation in operations {
            reader.read(operation);
        }
        reader.history.expect("a recording has a beginning")
    }

    /// As if the program had forgotten to flush some files, by their first names, or folders.
    pub fn without_flushes(mut self, forgotten: impl Fn(&Path, bool) -> bool) -> History {
        let (names, folders) = (&self.names, &self.folders);
        self.changes.retain(|change| match change {
            Change::Sync(id) => !forgotten(&names[*id], folders[*id]),
            _ => true,
        });
        self
    }

    /// How many commands had ended when `cut` changes had been made.
    pub fn ended(&self, cut: usize) -> usize {
        let is_end = |change: &&Change| matches!(change, Change::Ended);
        self.changes[..cut].iter().filter(is_end).count()
    }

    /// The files after the first `cut` changes, as processes see them: nothing is lost.
    pub fn whole(&self, cut: usize) -> Tree {
        let mut disk = Contents::new(self);
        for change in &self.changes[..cut] {
            disk.apply(change);
        }
        disk.tree()
    }
}

/// What files and folders hold.
pub struct Contents<'a> {
    history: &'a History,
    pub files: Vec<Vec<u8>>,
    pub folders: Vec<BTreeMap<OsString, Id>>,
}

impl Contents<'_> {
    pub fn new(history: &History) -> Contents<'_> {
        Contents {
            history,
            files: vec![Vec::new(); history.names.len()],
            folders: vec![BTreeMap::new(); history.names.len()],
        }
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { file, at, bytes } => write(&mut self.files[*file], *at, bytes),
            Change::Resize { file, length } => self.files[*file].resize(*length as usize, 0),
            Change::Names(names) => names.iter().for_each(|naming| self.name(naming)),
            Change::Sync(_) | Change::Ended => {}
        }
    }

    pub fn name(&mut self, naming: &Naming) {
        let folder = &mut self.folders[naming.folder];
        match naming.target {
            Some(target) => folder.insert(naming.name.clone(), target),
            None => folder.remove(&naming.name),
        };
    }

    /// All that can be reached from the root.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut left = vec![(ROOT, PathBuf::new())];
        while let Some((folder, path)) = left.pop() {
            for (name, id) in &self.folders[folder] {
                let path = path.join(name);
                match self.history.folders[*id] {
                    true => {
                        tree.insert(path.clone(), None);
                        left.push((*id, path));
                    }
                    false => {
                        tree.insert(path, Some(self.files[*id].clone()));
                    }
                }
            }
        }
        tree
    }
}

/// Writes `bytes` at `at`, over or behind what is there; a gap is filled with zeros.
pub fn write(content: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let (at, end) = (at as usize, at as usize + bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// Follows the names that processes saw, to know which file a path meant.
#[derive(Default)]
struct Reader {
    history: Option<History>,
    root: PathBuf,
    inodes: HashMap<u64, Id>,
    /// What each folder holds now.
    folders: Vec<BTreeMap<OsString, Id>>,
}

impl Reader {
    fn read(&mut self, operation: Operation) {
        let Some(history) = &mut self.history else {
            // The first entry is the root itself.
            let Operation::MakeFolder { path, inode } = operation else {
                panic!("{operation:?} comes before the root");
            };
            self.root = path;
            self.history = Some(History {
                changes: Vec::new(),
                begun: 0,
                names: Vec::new(),
                folders: Vec::new(),
            });
            self.add(PathBuf::new(), inode, true);
            return;
        };
        let begun = history.changes.len();
        let change = match operation {
            Operation::Begun => {
                history.begun = begun;
                return;
            }
            Operation::SyncAll => {
                let all = 0..history.names.len();
                history.changes.extend(all.map(Change::Sync));
                return;
            }
            Operation::Ended => Some(Change::Ended),
            Operation::Create { path, inode } => self.make(&path, inode, false),
            Operation::MakeFolder { path, inode } => self.make(&path, inode, true),
            // Files outside of the root are recorded as well, and unknown here.
            Operation::Write { inode, at, bytes } => {
                let file = self.inodes.get(&inode).copied();
                file.map(|file| Change::Write { file, at, bytes })
            }
            Operation::Resize { inode, length } => {
                let file = self.inodes.get(&inode).copied();
                file.map(|file| Change::Resize { file, length })
            }
            Operation::Sync { inode } => self.inodes.get(&inode).copied().map(Change::Sync),
            Operation::Remove { path } => {
                let (folder, name) = self.find(&path);
                Some(self.names(vec![(folder, name, None)]))
            }
            Operation::Rename { from, to } => {
                let (old, new) = (self.find(&from), self.find(&to));
                let target = self.folders[old.0].get(&old.1).copied();
                assert!(target.is_some(), "{} is not there", from.display());
                // The new name first, so that the file is never without.
                Some(self.names(vec![(new.0, new.1, target), (old.0, old.1, None)]))
            }
            Operation::Link { from, to } => {
                let (old, new) = (self.find(&from), self.find(&to));
                let target = self.folders[old.0].get(&old.1).copied();
                assert!(target.is_some(), "{} is not there", from.display());
                Some(self.names(vec![(new.0, new.1, target)]))
            }
        };
        let history = self.history.as_mut().expect("set above");
        history.changes.extend(change);
    }

    /// A new file or folder, and its number.
    fn add(&mut self, name: PathBuf, inode: u64, is_folder: bool) -> Id {
        let history = self.history.as_mut().expect("there is a root");
        let id = history.names.len();
        history.names.push(name);
        history.folders.push(is_folder);
        self.folders.push(BTreeMap::new());
        self.inodes.insert(inode, id);
        id
    }

    fn make(&mut self, path: &Path, inode: u64, is_folder: bool) -> Option<Change> {
        let (folder, name) = self.find(path);
        let from_root = path.strip_prefix(&self.root).unwrap().to_owned();
        let id = self.add(from_root, inode, is_folder);
        Some(self.names(vec![(folder, name, Some(id))]))
    }

    fn names(&mut self, names: Vec<(Id, OsString, Option<Id>)>) -> Change {
        let mut namings = Vec::new();
        for (folder, name, target) in names {
            let before = match target {
                Some(target) => self.folders[folder].insert(name.clone(), target),
                None => self.folders[folder].remove(&name),
            };
            self.forget_unnamed(before);
            namings.push(Naming {
                folder,
                name,
                target,
            });
        }
        Change::Names(namings)
    }

    /// Forgets the inode number of a file that lost its last name: it may be given to a file elsewhere.
    fn forget_unnamed(&mut self, file: Option<Id>) {
        let mut named = self.folders.iter().flat_map(BTreeMap::values);
        if let Some(file) = file
            && !named.any(|other| *other == file)
        {
            self.inodes.retain(|_, other| *other != file);
        }
    }

    /// The folder that `path` stands in, and its name there.
    fn find(&self, path: &Path) -> (Id, OsString) {
        let inside = path.strip_prefix(&self.root);
        let inside = inside.unwrap_or_else(|_| panic!("{} is outside", path.display()));
        let mut folder = ROOT;
        for part in inside.parent().expect("a path below the root") {
            let found = self.folders[folder].get(part);
            folder = *found.unwrap_or_else(|| panic!("no folder {}", path.display()));
        }
        (folder, inside.file_name().expect("a name").to_owned())
    }
}
