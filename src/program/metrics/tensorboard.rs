//! TensorBoard's event files below a folder, followed as they grow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::events::event;
use super::records::{self, Record};
use super::report::{MAX_NAME, Report};

/// What the names of event files hold.
const MARK: &str = ".tfevents.";
/// Folders within folders that are looked through.
const MAX_DEPTH: usize = 16;
/// Most event files, and most folders.
const MAX_FILES: usize = 10_000;
/// About how many values one look gives.
const MAX_VALUES: usize = 100_000;

/// The scalars in all event files below a folder, which may come to be later.
///
/// Scalars of `torch.utils.tensorboard`, tensorboardX and TensorFlow 2 are read. As in TensorBoard, files in a folder
/// below are a run: `train/loss` is the tag `loss` of the run `train`. Values are 32-bit floats there.
#[derive(Debug)]
pub struct EventFiles {
    folder: PathBuf,
    files: BTreeMap<PathBuf, EventFile>,
    /// Everything that was warned of, so that it is said once.
    warned: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct EventFile {
    /// The run and a slash, or nothing.
    run: String,
    /// All before it was read.
    offset: u64,
    is_damaged: bool,
}

/// What one look gave.
#[derive(Default)]
struct Found {
    /// With the time that they are sorted by.
    reports: Vec<(f64, Report)>,
    values: usize,
    warnings: Vec<String>,
}

impl EventFiles {
    pub fn new(folder: impl Into<PathBuf>) -> EventFiles {
        EventFiles {
            folder: folder.into(),
            files: BTreeMap::new(),
            warned: BTreeSet::new(),
        }
    }

    /// The same, but for what is in event files that are there already: an earlier attempt left it.
    pub fn from_now(folder: impl Into<PathBuf>) -> EventFiles {
        let mut files = EventFiles::new(folder);
        // What is wrong with a folder is told by the first look.
        files.discover(&files.folder.clone(), 0, &mut 0, &mut Vec::new());
        for (path, file) in &mut files.files {
            file.offset = fs::metadata(path).map_or(0, |data| data.len());
        }
        files
    }

    /// What was written since the last look, by time over all files and in its order within each; and what could not
    /// be read. One look gives about a hundred thousand values at most: look again until one gives none.
    pub fn poll(&mut self) -> (Vec<Report>, Vec<String>) {
        let mut found = Found::default();
        let mut folders = 0;
        self.discover(&self.folder.clone(), 0, &mut folders, &mut found.warnings);
        for (path, file) in &mut self.files {
            if found.values >= MAX_VALUES {
                break;
            }
            if let Err(error) = file.follow(path, &mut found) {
                let path = path.display();
                found.warnings.push(format!("cannot read {path}: {error}"));
            }
        }
        found.reports.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let reports = found.reports.into_iter().map(|(_, report)| report);
        let mut warnings = found.warnings;
        warnings
            .retain(|warning| self.warned.len() < MAX_FILES && self.warned.insert(warning.clone()));
        (reports.collect(), warnings)
    }

    /// Adds the event files of `folder` and those below.
    fn discover(
        &mut self,
        folder: &Path,
        depth: usize,
        folders: &mut usize,
        warnings: &mut Vec<String>,
    ) {
        *folders += 1;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // It is not there yet, or no more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return warnings.push(format!("cannot read {}: {error}", folder.display()));
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < MAX_DEPTH && *folders < MAX_FILES {
                self.discover(&path, depth + 1, folders, warnings);
            } else if is_folder {
                warnings.push(format!(
                    "event files in {} are not read: too many folders",
                    path.display()
                ));
            } else if entry.file_name().to_string_lossy().contains(MARK)
                && !self.files.contains_key(&path)
            {
                self.add(path, folder, warnings);
            }
        }
    }

    fn add(&mut self, path: PathBuf, folder: &Path, warnings: &mut Vec<String>) {
        // Not a named pipe, which would block.
        if !fs::metadata(&path).is_ok_and(|data| data.is_file()) {
            return;
        }
        if self.files.len() == MAX_FILES {
            return warnings.push(format!("only {MAX_FILES} event files are read"));
        }
        let run = folder.strip_prefix(&self.folder).unwrap_or(folder);
        let mut run = run.to_string_lossy().into_owned();
        if !run.is_empty() {
            run.push('/');
        }
        let file = EventFile {
            run,
            ..EventFile::default()
        };
        self.files.insert(path, file);
    }
}

impl EventFile {
    /// Reads what is new.
    fn follow(&mut self, path: &Path, found: &mut Found) -> io::Result<()> {
        let length = match fs::metadata(path) {
            Ok(data) => data.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if length < self.offset {
            // It was written anew.
            (self.offset, self.is_damaged) = (0, false);
        }
        if length == self.offset || self.is_damaged {
            return Ok(());
        }
        let mut file = BufReader::new(File::open(path)?);
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        let mut time = f64::NEG_INFINITY;
        let first = found.reports.len();
        while found.values < MAX_VALUES && !self.is_damaged {
            let at = self.offset;
            match records::read(&mut file, length - at, &mut bytes)? {
                Record::Whole { length } => {
                    self.offset += length;
                    self.take(&bytes, path, first, &mut time, found);
                }
                Record::TooLong { length } => self.offset += length,
                Record::Damaged { length } => {
                    self.offset += length;
                    let path = path.display();
                    found.warnings.push(format!(
                        "{path}: the record at byte {at} is damaged; it is passed over"
                    ));
                }
                Record::Lost => {
                    self.is_damaged = true;
                    let path = path.display();
                    found.warnings.push(format!(
                        "{path}: there is no record at byte {at}; the rest is not read"
                    ));
                }
                Record::End => break,
            }
        }
        Ok(())
    }

    /// Adds the scalars of one event to the reports of this file, which begin at `first`.
    fn take(&self, bytes: &[u8], path: &Path, first: usize, time: &mut f64, found: &mut Found) {
        let Ok(event) = event(bytes) else {
            let path = path.display();
            found
                .warnings
                .push(format!("{path}: an event is malformed; it is passed over"));
            return;
        };
        let step = u64::try_from(event.step).ok();
        let mut values = Vec::with_capacity(event.scalars.len());
        for (tag, value) in event.scalars {
            match self.run.len() + tag.len() <= MAX_NAME {
                true => values.push((format!("{}{tag}", self.run), value)),
                false => {
                    let path = path.display();
                    found.warnings.push(format!(
                        "{path}: a name is longer than {MAX_NAME} bytes; its values are not read"
                    ));
                }
            }
        }
        if values.is_empty() {
            return;
        }
        // Clocks may go back, the order within a file stays; what is no number is passed over by `max`.
        *time = time.max(event.wall_time);
        found.values += values.len();
        match found.reports[first..].last_mut() {
            Some((_, last)) if last.step == step => last.values.extend(values),
            _ => found.reports.push((*time, Report { step, values })),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::TempDir;

    use super::*;
    use crate::metrics::event_files::{
        TENSORBOARDX, TENSORFLOW, TORCH, TORCH_DOUBLES, TORCH_TENSORS, bytes,
    };

    const NAME: &str = "events.out.tfevents.1796070600.host";

    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path).join(NAME);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    /// `step name value ...`, one report a line.
    fn shown((reports, warnings): (Vec<Report>, Vec<String>)) -> String {
        assert_eq!(warnings, [""; 0]);
        let line = |report: &Report| {
            let values = report.values.iter();
            let values: Vec<String> = values
                .map(|(name, value)| format!(" {name} {value}"))
                .collect();
            format!("{}{}", report.step.unwrap(), values.concat())
        };
        reports.iter().map(line).collect::<Vec<String>>().join("\n")
    }

    fn record(content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u64).to_le_bytes();
        let sums = [records::masked(&length), records::masked(content)].map(u32::to_le_bytes);
        [&length[..], &sums[0], content, &sums[1]].concat()
    }

    #[test]
    fn files_of_every_writer_are_read() {
        for file in [TENSORBOARDX, TORCH, TORCH_TENSORS, TORCH_DOUBLES] {
            let folder = folder(&[("", &bytes(file))]);
            let mut files = EventFiles::new(folder.path());
            let expected = "0 loss/train 0.5\n1 loss/train 0.25\n7 acc NaN";
            assert_eq!(shown(files.poll()), expected);
            assert_eq!(shown(files.poll()), "");
        }
        let folder = folder(&[("", &bytes(TENSORFLOW))]);
        let expected = "0 epoch_loss 0.5\n1 epoch_loss 0.25";
        assert_eq!(shown(EventFiles::new(folder.path()).poll()), expected);
    }

    #[test]
    fn files_of_folders_below_are_runs_and_come_by_time() {
        let folder = folder(&[
            ("a/train", &bytes(TORCH)[..]),
            ("b", &bytes(TORCH)),
            ("c", b""),
        ]);
        fs::write(folder.path().join("b/notes.txt"), "no events").unwrap();
        // Both were written with the times 1000, 1001, 1002 s.
        let expected = [
            "0 a/train/loss/train 0.5",
            "0 b/loss/train 0.5",
            "1 a/train/loss/train 0.25",
            "1 b/loss/train 0.25",
            "7 a/train/acc NaN",
            "7 b/acc NaN",
        ];
        let expected = expected.join("\n");
        assert_eq!(shown(EventFiles::new(folder.path()).poll()), expected);
    }

    #[test]
    fn a_file_is_followed_wherever_its_writing_stops() {
        let content = bytes(TORCH);
        let folder = TempDir::new().unwrap();
        let below = folder.path().join("later");
        let mut files = EventFiles::new(&below);
        assert_eq!(shown(files.poll()), "");
        fs::create_dir(&below).unwrap();
        let mut file = File::create(below.join(NAME)).unwrap();
        let mut seen = Vec::new();
        for byte in content {
            file.write_all(&[byte]).unwrap();
            let shown = shown(files.poll());
            if !shown.is_empty() {
                seen.push(shown);
            }
        }
        assert_eq!(seen, ["0 loss/train 0.5", "1 loss/train 0.25", "7 acc NaN"]);
    }

    #[test]
    fn a_file_that_is_written_anew_is_read_anew() {
        let folder = folder(&[("", &bytes(TORCH))]);
        let mut files = EventFiles::new(folder.path());
        files.poll();
        fs::write(folder.path().join(NAME), &bytes(TORCH)[..150]).unwrap();
        assert!(shown(files.poll()).starts_with("0 loss/train 0.5"));
    }

    #[test]
    fn damage_is_warned_of_once_and_costs_as_little_as_can_be() {
        let content = bytes(TORCH);
        // The bytes of the second record, then its length.
        let first = 16 + u64::from_le_bytes(*content.first_chunk().unwrap()) as usize;
        for (place, expected, warning) in [
            (first + 20, 2, "damaged; it is passed over"),
            (first + 2, 0, "there is no record at byte"),
        ] {
            let mut content = content.clone();
            content[place] ^= 1;
            let folder = folder(&[("", &content)]);
            let mut files = EventFiles::new(folder.path());
            let (reports, warnings) = files.poll();
            assert_eq!(reports.len(), expected);
            assert!(
                warnings.len() == 1 && warnings[0].contains(warning),
                "{warnings:?}"
            );
            assert_eq!(files.poll(), (Vec::new(), Vec::new()));
        }
    }

    #[test]
    fn long_records_are_passed_over_and_malformed_events_warned_of() {
        let mut content = record(&vec![0; (16 << 20) + 1]);
        content.extend(record(b"\x12\xffno event"));
        content.extend(record(b""));
        content.extend(bytes(TORCH));
        let folder = folder(&[("", &content)]);
        let (reports, warnings) = EventFiles::new(folder.path()).poll();
        assert_eq!(reports.len(), 3);
        assert!(
            warnings.len() == 1 && warnings[0].contains("malformed"),
            "{warnings:?}"
        );
    }

    #[test]
    fn many_values_come_in_several_looks() {
        let file = bytes(TORCH).repeat(MAX_VALUES / 3 + 10);
        let folder = folder(&[("", &file)]);
        let mut files = EventFiles::new(folder.path());
        let count = |(reports, _): (Vec<Report>, Vec<String>)| -> usize {
            reports.iter().map(|report| report.values.len()).sum()
        };
        assert_eq!(count(files.poll()), MAX_VALUES);
        assert_eq!(count(files.poll()), 3 * (MAX_VALUES / 3 + 10) - MAX_VALUES);
        assert_eq!(count(files.poll()), 0);
    }

    #[test]
    fn any_bytes_and_any_damage_can_be_read() {
        let files = [
            TENSORBOARDX,
            TORCH,
            TORCH_TENSORS,
            TORCH_DOUBLES,
            TENSORFLOW,
        ];
        for content in files.map(bytes) {
            let folder = folder(&[("", &content)]);
            for place in 0..content.len() {
                let mut content = content.clone();
                content[place] ^= 0xff;
                fs::write(folder.path().join(NAME), &content).unwrap();
                EventFiles::new(folder.path()).poll();
                // The event itself, past the checksums.
                let _ = event(&content[place..]);
            }
        }
    }
}
