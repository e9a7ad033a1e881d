//! A file that a program writes and that is followed as it grows.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::lines::Lines;

/// Most bytes that are read at once, so that a stop is noticed in the middle of a long file.
const MAX_READ: u64 = 1 << 20;

/// A file that is followed by its path: one that is replaced, or made shorter, is read from its beginning.
#[derive(Debug)]
pub struct Followed {
    path: PathBuf,
    open: Option<(File, u64)>,
    lines: Lines,
}

impl Followed {
    /// The file at `path`, which need not be there yet. What an earlier attempt left there is not read again: the file is
    /// followed from its present end.
    pub fn new(path: PathBuf) -> Followed {
        let mut followed = Followed {
            path,
            open: None,
            lines: Lines::default(),
        };
        if let Ok(file) = File::open(&followed.path) {
            let end = file.metadata().map_or(0, |meta| meta.len());
            followed.open = Some((file, end));
        }
        followed
    }

    #[cfg(test)]
    fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Gives each new line to `take`; whether there may be more.
    pub fn poll(&mut self, mut take: impl FnMut(&[u8])) -> bool {
        self.reopen();
        let Some((file, place)) = &mut self.open else {
            return false;
        };
        let mut bytes = Vec::new();
        let read = {
            use std::io::{Seek as _, SeekFrom};
            let sought = file.seek(SeekFrom::Start(*place));
            sought.and_then(|_| file.take(MAX_READ).read_to_end(&mut bytes))
        };
        let Ok(read) = read else {
            return false;
        };
        *place += read as u64;
        self.lines.add(&bytes, &mut take);
        read as u64 == MAX_READ
    }

    /// The last line, if it has no end.
    pub fn finish(&mut self, take: impl FnMut(&[u8])) {
        self.lines.finish(take);
    }

    /// Opens the file if it has come into being, was replaced, or is shorter than what was read of it.
    fn reopen(&mut self) {
        let Ok(now) = std::fs::metadata(&self.path) else {
            return;
        };
        let is_same = self.open.as_ref().is_some_and(|(file, place)| {
            let open = file.metadata();
            open.is_ok_and(|open| open.ino() == now.ino() && open.dev() == now.dev())
                && now.len() >= *place
        });
        if !is_same {
            self.open = File::open(&self.path).ok().map(|file| (file, 0));
            self.lines = Lines::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_followed_from_its_end_as_it_grows_and_from_the_start_when_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        std::fs::write(&path, "old\n").unwrap();
        let mut followed = Followed::new(path.clone());
        let poll = |followed: &mut Followed| {
            let mut found = Vec::new();
            while followed.poll(|line| found.push(String::from_utf8_lossy(line).into_owned())) {}
            found
        };
        assert_eq!(poll(&mut followed), Vec::<String>::new());
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        file.write_all(b"a=1\nhalf").unwrap();
        assert_eq!(poll(&mut followed), ["a=1"]);
        file.write_all(b" a line\n").unwrap();
        assert_eq!(poll(&mut followed), ["half a line"]);
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(poll(&mut followed), ["new"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(poll(&mut followed), Vec::<String>::new());
        std::fs::write(&path, "again\n").unwrap();
        assert_eq!(poll(&mut followed), ["again"]);
        let mut late = Followed::new(folder.path().join("later.txt"));
        assert!(poll(&mut late).is_empty());
        std::fs::write(late.path(), "first\n").unwrap();
        assert_eq!(poll(&mut late), ["first"]);
    }
}
