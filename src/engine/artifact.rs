//! Model files in the folder of a trial: whole, or not there. They need not be on the disk yet: the
//! record brings them there before it says that their trial finished.

use std::path::{Path, PathBuf};

use super::{Callback, Control, EngineError};
use sweep_core::atomic_fs;
use sweep_core::trial::Artifact;

/// Writes `bytes` to `name` in the job's folder: whole or not at all. While that fails, `callback` says
/// whether to try again; the bytes are kept until it has an end.
pub(super) fn write(
    folder: &Path,
    kind: &str,
    name: &str,
    bytes: &[u8],
    callback: &mut dyn Callback,
) -> Result<Artifact, EngineError> {
    let path = folder.join(name);
    while let Err(source) = atomic_fs::write_unsynced(&path, bytes) {
        let error = EngineError::Write {
            path: path.display().to_string(),
            source,
        };
        if callback.cannot_write(&error) == Control::Stop {
            return Err(error);
        }
    }
    Ok(Artifact {
        kind: kind.to_owned(),
        path: PathBuf::from(name),
        bytes: bytes.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Epoch;

    /// Mends the cause at the second call.
    struct Mender {
        folder: PathBuf,
        asked: u32,
    }

    impl Callback for Mender {
        fn epoch(&mut self, _: &Epoch, _: &mut dyn FnMut() -> Vec<u8>) -> Control {
            unreachable!("nothing is trained")
        }

        fn cannot_write(&mut self, error: &EngineError) -> Control {
            assert!(matches!(error, EngineError::Write { .. }));
            self.asked += 1;
            if self.asked == 2 {
                fs::create_dir(&self.folder).unwrap();
            }
            Control::Continue
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_kept_and_tried_again_as_long_as_the_watch_says() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("trial");
        let mut mender = Mender {
            folder: folder.clone(),
            asked: 0,
        };
        let artifact = write(&folder, "weights", "model", b"numbers", &mut mender).unwrap();
        assert_eq!((mender.asked, artifact.bytes), (2, 7));
        assert_eq!(fs::read(folder.join("model")).unwrap(), b"numbers");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
