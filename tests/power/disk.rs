//! The states that a disk may be in after a power cut.
//!
//! A cut falls after some of the changes. Those before it that a sync has brought to the disk are there; the others
//! may be there, in part or in another order, or not. Two models say what a sync promises and what may be missing:
//!
//! - [`Model::Strict`], what POSIX promises and no more. `fsync` of a file brings its bytes to the disk, not its
//!   name; `fsync` of a folder brings the names in it, not the folder's own name. All else is independent: any
//!   write may be missing, or any of its sectors or pages; a file may be as long as it was made and hold zeros; any
//!   change of a name may be missing while later ones are there. A rename within one folder is atomic; one between
//!   two folders may have reached either.
//! - [`Model::Journal`], file systems with an ordered journal (ext4 with `data=ordered`, XFS). Names change on the
//!   disk in the order in which they were changed, and any sync brings all earlier changes of names with it. A file
//!   grows in the order in which it was written, and may end anywhere; what was overwritten in place may be old or
//!   new, page by page.
//!
//! Under neither does a write damage bytes beside it, or a sync report what it has not done.

use super::history::{Change, Contents, History, Id, Tree, write};
use crate::torture::rng::Rng;

/// Units in which a write may reach the disk in part.
const SECTOR: u64 = 512;
const PAGE: u64 = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Model {
    Strict,
    Journal,
}

/// What becomes of that which no sync has brought to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It is lost.
    Nothing,
    /// It is there: what a killed process leaves.
    Everything,
    /// Names are there, the bytes of files are not.
    Names,
    /// Names and lengths are there, with zeros for bytes.
    Zeros,
    /// Bytes are there, names are not.
    Bytes,
    /// Each as it comes.
    Mixed,
}

/// The files that are found after a power cut that fell when `cut` changes had been made.
pub fn after_cut(history: &History, cut: usize, model: Model, fate: Fate, rng: &mut Rng) -> Tree {
    let changes = &history.changes[..cut];
    let mut synced = vec![0; history.names.len()];
    for (index, change) in changes.iter().enumerate() {
        if let Change::Sync(id) = change {
            synced[*id] = index;
        }
    }
    let mut disk = Contents::new(history);
    let mut names = Names::draw(synced.iter().copied().max(), cut, (model, fate), rng);
    let mut unsynced: Vec<Vec<&Change>> = vec![Vec::new(); history.names.len()];
    for (index, change) in changes.iter().enumerate() {
        match change {
            Change::Names(namings) => {
                for naming in namings {
                    let is_synced = index < synced[naming.folder];
                    if is_synced || names.has_reached(index, naming.folder, rng) {
                        disk.name(naming);
                    }
                }
            }
            Change::Write { file, .. } | Change::Resize { file, .. } if index >= synced[*file] => {
                unsynced[*file].push(change);
            }
            _ => disk.apply(change),
        }
    }
    for (file, changes) in unsynced.iter().enumerate().filter(|(_, it)| !it.is_empty()) {
        apply_some(&mut disk.files[file], changes, (model, fate), rng);
    }
    disk.tree()
}

/// Which changes of names have reached the disk without a sync of their folder.
struct Names {
    model: Model,
    /// In the journal: those before this change.
    journalled: usize,
    /// Otherwise: so many in a hundred.
    percent: u64,
    /// The last change that was asked for, with its folder: both names of a rename share a fate.
    last: Option<((usize, Id), bool)>,
}

impl Names {
    fn draw(
        last_sync: Option<usize>,
        cut: usize,
        (model, fate): (Model, Fate),
        rng: &mut Rng,
    ) -> Names {
        let last_sync = last_sync.unwrap_or(0);
        let (journalled, percent) = match fate {
            Fate::Nothing | Fate::Bytes => (last_sync, 0),
            Fate::Everything | Fate::Names | Fate::Zeros => (cut, 100),
            Fate::Mixed => (
                rng.between(last_sync as u64, cut as u64 + 1) as usize,
                rng.pick(&[(1, 20), (1, 50), (1, 80)]),
            ),
        };
        Names {
            model,
            journalled,
            percent,
            last: None,
        }
    }

    fn has_reached(&mut self, change: usize, folder: Id, rng: &mut Rng) -> bool {
        if self.model == Model::Journal {
            return change < self.journalled;
        }
        match self.last {
            Some((of, reached)) if of == (change, folder) => reached,
            _ => {
                let reached = rng.chance(self.percent);
                self.last = Some(((change, folder), reached));
                reached
            }
        }
    }
}

/// Applies to a file what has reached the disk of `changes`, none of which a sync has brought there.
fn apply_some(
    content: &mut Vec<u8>,
    changes: &[&Change],
    (model, fate): (Model, Fate),
    rng: &mut Rng,
) {
    let fate = match fate {
        Fate::Mixed => rng.pick(&[
            (2, Fate::Nothing),
            (2, Fate::Everything),
            (1, Fate::Zeros),
            (4, Fate::Mixed),
        ]),
        fate => fate,
    };
    match (fate, model) {
        (Fate::Nothing | Fate::Names, _) => {}
        (Fate::Everything | Fate::Bytes, _) => {
            changes.iter().for_each(|change| apply(content, change));
        }
        (Fate::Zeros, Model::Strict) => content.resize(length(content.len(), changes), 0),
        (Fate::Mixed, Model::Strict) => tear(content, changes, rng),
        (Fate::Zeros | Fate::Mixed, Model::Journal) => cut_short(content, changes, rng),
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes, .. } => write(content, *at, bytes),
        Change::Resize { length, .. } => content.resize(*length as usize, 0),
        Change::Names(_) | Change::Sync(_) | Change::Ended => {}
    }
}

/// The length of a file of `length` bytes after `changes`.
fn length(length: usize, changes: &[&Change]) -> usize {
    changes.iter().fold(length, |before, change| match change {
        Change::Write { at, bytes, .. } => before.max(*at as usize + bytes.len()),
        Change::Resize { length, .. } => *length as usize,
        Change::Names(_) | Change::Sync(_) | Change::Ended => before,
    })
}

/// Any of `changes`, and of a write any of its sectors or pages; the length as it was last, or as far as bytes are
/// there.
fn tear(content: &mut Vec<u8>, changes: &[&Change], rng: &mut Rng) {
    let last = length(content.len(), changes);
    for change in changes {
        match (change, rng.between(0, 3)) {
            (_, 0) => {}
            (Change::Write { at, bytes, .. }, 1) => {
                let unit = rng.pick(&[(1, SECTOR), (1, PAGE)]);
                for (at, piece) in pieces(*at, bytes, unit) {
                    if rng.chance(50) {
                        write(content, at, piece);
                    }
                }
            }
            (change, _) => apply(content, change),
        }
    }
    if rng.chance(50) {
        content.resize(last, 0);
    }
}

/// The first of `changes`, and of the one after them the first pages; of all later ones what lies within the file,
/// page by page.
fn cut_short(content: &mut Vec<u8>, changes: &[&Change], rng: &mut Rng) {
    let whole = rng.between(0, changes.len() as u64 + 1) as usize;
    let (done, rest) = changes.split_at(whole);
    done.iter().for_each(|change| apply(content, change));
    for (number, change) in rest.iter().enumerate() {
        let Change::Write { at, bytes, .. } = change else {
            continue;
        };
        let pieces: Vec<_> = pieces(*at, bytes, PAGE).collect();
        let first = match number {
            0 => rng.between(0, pieces.len() as u64 + 1) as usize,
            _ => 0,
        };
        for (place, (at, piece)) in pieces.into_iter().enumerate() {
            let is_within = at as usize + piece.len() <= content.len();
            if place < first || (is_within && rng.chance(50)) {
                write(content, at, piece);
            }
        }
    }
}

/// A write, cut where units of the disk meet.
fn pieces(at: u64, bytes: &[u8], unit: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let mut left = bytes;
    let mut at = at;
    std::iter::from_fn(move || {
        let length = (unit - at % unit).min(left.len() as u64);
        let piece = left
            .split_off(..length as usize)
            .filter(|piece| !piece.is_empty())?;
        let begin = at;
        at += length;
        Some((begin, piece))
    })
}
