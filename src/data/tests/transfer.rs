//! Data for a transfer: who keeps which side, and what is refused.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::{names, shown, spec};
use crate::{DataError, Dataset, HeldOutTest, Prepared, SourceData, prepare, prepare_folds};
use sweep_core::data_config::{DataSpec, MissingPolicy, Scale};
use sweep_core::run_dir::RunDir;
use sweep_core::split_spec::SplitBy;

/// Rows of `id,a,b,team,class`: teams of three rows, the third class only from `new_from` on.
fn rows(from: usize, to: usize) -> String {
    let mut text = "id,a,b,team,class\n".to_owned();
    for row in from..to {
        let class = ["x", "y", "z"][row * 7 / 3 % 3];
        let (a, b) = (row * row % 1009, row * 37 % 1013);
        text.push_str(&format!("{row},{a}.5,{b},t{},{class}\n", row / 3));
    }
    text
}

/// A source without the class z, prepared, and a folder to put files in.
struct Lab {
    folder: tempfile::TempDir,
    spec: DataSpec,
    source: Prepared,
}

impl Lab {
    fn new(change: impl FnOnce(&mut DataSpec)) -> Lab {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.csv");
        fs::write(&path, rows(0, 600)).unwrap();
        let mut spec = spec(&path);
        spec.numeric = Some(names(&["a", "b"]));
        spec.group = Some("team".to_owned());
        spec.exclude = [("class".to_owned(), names(&["z"]))].into();
        change(&mut spec);
        let source = prepare(&spec, &folder.path().join("store")).unwrap();
        Lab {
            folder,
            spec,
            source,
        }
    }

    /// Prepares what `change` makes of the source's experiment, all classes in.
    fn after(&self, change: impl FnOnce(&mut DataSpec, &Path)) -> Result<Prepared, Vec<DataError>> {
        let mut spec = self.spec.clone();
        spec.exclude.clear();
        spec.split.seed = 99;
        change(&mut spec, self.folder.path());
        let run_dir = RunDir::new(self.folder.path().join("store"));
        let source = SourceData {
            spec: &self.spec,
            sha256: &self.source.summary.source_sha256,
            digest: &self.source.meta.digest,
            run_dir: &run_dir,
        };
        prepare_folds(&spec, &self.folder.path().join("store"), Some(source))
            .map(|mut all| all.remove(0))
    }

    fn refusal(&self, change: impl FnOnce(&mut DataSpec, &Path)) -> String {
        let errors = self.after(change).expect_err("this must be refused");
        let text = shown(&errors);
        text.replace(&self.folder.path().display().to_string(), "FOLDER")
    }
}

/// The side of each row by its `id`, which is its number in the file plus `first`.
fn splits(prepared: &Prepared, first: u32) -> HashMap<u32, usize> {
    let seen = Dataset::open(&prepared.path).unwrap();
    let held_out = HeldOutTest::open(&prepared.test_path).unwrap();
    let splits = [seen.train_source(), seen.valid_source(), held_out.source()];
    let of_side = |(side, rows): (usize, &&[u32])| -> Vec<(u32, usize)> {
        rows.iter().map(|row| (row - 1 + first, side)).collect()
    };
    splits.iter().enumerate().flat_map(of_side).collect()
}

/// Fails if a row that the source knows, or one of its team, stands elsewhere than there.
fn assert_nothing_leaks(source: &HashMap<u32, usize>, new: &HashMap<u32, usize>) {
    let teams: HashMap<u32, usize> = source.iter().map(|(id, side)| (id / 3, *side)).collect();
    let mut known = 0;
    for (id, side) in new {
        if let Some(before) = teams.get(&(id / 3)) {
            assert_eq!(side, before, "row {id}");
            known += 1;
        }
    }
    assert!(known > 100 && known < new.len(), "{known} of {}", new.len());
    for side in 0..3 {
        let fresh = |id: &u32| !teams.contains_key(&(id / 3));
        assert!(new.iter().any(|(id, on)| fresh(id) && *on == side));
    }
}

#[test]
fn rows_of_the_same_file_and_their_groups_keep_their_side() {
    let lab = Lab::new(|_| {});
    let new = lab.after(|_, _| {}).unwrap();
    let (before, after) = (splits(&lab.source, 0), splits(&new, 0));
    assert_eq!(after.len(), 600);
    // Every team of three has rows of two or three classes, so all are known but those of z alone.
    for (id, side) in &after {
        let of_team = |id: u32| before.get(&id).copied();
        let team = id / 3 * 3;
        let known = (team..team + 3).find_map(of_team);
        assert!(known.is_none_or(|known| known == *side), "row {id}");
    }
    assert_eq!(new.meta.classes, ["x", "y", "z"]);
    assert_eq!(new.meta.preprocessor, lab.source.meta.preprocessor);
    let note = new.summary.notes.iter().map(ToString::to_string);
    assert!(
        note.into_iter()
            .any(|note| note.contains("by row of the same file"))
    );
}

#[test]
fn without_groups_each_known_row_keeps_its_own_side() {
    let lab = Lab::new(|spec| spec.group = None);
    let new = lab.after(|_, _| {}).unwrap();
    let (before, after) = (splits(&lab.source, 0), splits(&new, 0));
    for (id, side) in &before {
        assert_eq!(after[id], *side);
    }
    let fresh = after.len() - before.len();
    assert_eq!(fresh, 200);
    let data = Dataset::open(&new.path).unwrap();
    let trained = before.values().filter(|side| **side == 0).count();
    assert_eq!(data.new_train_rows(), Some(data.train().y.len() - trained));
    // The new rows in a share are those of the share alone.
    let part = data.with_share(1, 0.25);
    let new_rows = part.new_train_rows().unwrap();
    assert!(0 < new_rows && new_rows < part.train().y.len());
}

#[test]
fn rows_of_another_file_are_known_by_their_group() {
    let lab = Lab::new(|_| {});
    let new = lab.after(|spec, folder| {
        spec.paths = vec![folder.join("other.csv")];
        fs::write(spec.path(), rows(300, 1200)).unwrap();
    });
    let new = new.unwrap();
    assert_nothing_leaks(&splits(&lab.source, 0), &splits(&new, 300));
}

#[test]
fn rows_of_another_file_without_groups_are_known_by_their_content() {
    let lab = Lab::new(|spec| spec.group = None);
    let new = lab.after(|spec, folder| {
        spec.paths = vec![folder.join("other.csv")];
        fs::write(spec.path(), rows(300, 1200)).unwrap();
    });
    let (before, after) = (splits(&lab.source, 0), splits(&new.unwrap(), 300));
    let mut known = 0;
    for (id, side) in &after {
        if let Some(before) = before.get(id) {
            // Another row may read the same and stand on an earlier side, never on a later one.
            assert!(side <= before, "row {id}");
            known += 1;
        }
    }
    assert!(known > 150);
    let trained = |id: &u32| before.get(id) == Some(&0);
    assert!(after.iter().all(|(id, side)| !trained(id) || *side == 0));
}

#[test]
fn features_that_are_not_those_of_the_source_are_refused_with_the_difference() {
    let lab = Lab::new(|_| {});
    insta::assert_snapshot!(lab.refusal(|spec, _| spec.numeric = Some(names(&["a", "id"]))));
    insta::assert_snapshot!(lab.refusal(|spec, _| spec.numeric = Some(names(&["b", "a"]))));
}

#[test]
fn rules_that_would_have_no_effect_are_refused() {
    let lab = Lab::new(|_| {});
    insta::assert_snapshot!(lab.refusal(|spec, _| spec.scale = Scale::None));
    insta::assert_snapshot!(lab.refusal(|spec, _| spec.missing.default = MissingPolicy::Median));
}

#[test]
fn what_cannot_be_decided_is_refused() {
    let lab = Lab::new(|_| {});
    // The source keeps groups whole and this experiment would not.
    insta::assert_snapshot!(lab.refusal(|spec, _| spec.group = None));
    // A source without groups has rows of one group on two sides.
    let loose = Lab::new(|spec| spec.group = None);
    let text = loose.refusal(|spec, _| spec.group = Some("team".to_owned()));
    assert!(
        text.contains("has rows in two splits of the source"),
        "{text}"
    );
    // The file of the source is needed and has changed.
    let other = |spec: &mut DataSpec, folder: &Path| {
        spec.paths = vec![folder.join("other.csv")];
        fs::write(spec.path(), rows(300, 1200)).unwrap();
        fs::write(folder.join("source.csv"), rows(0, 599)).unwrap();
    };
    insta::assert_snapshot!(lab.refusal(other));
    // So are its prepared data.
    let lab = Lab::new(|_| {});
    fs::remove_file(&lab.source.test_path).unwrap();
    let text = lab.refusal(|_, _| {});
    assert!(
        text.contains("the prepared data of the source cannot be read"),
        "{text}"
    );
}

#[test]
fn a_split_by_time_is_that_of_the_source_and_of_its_rows() {
    let by = |column: &str| SplitBy::Time {
        column: column.to_owned(),
        format: None,
        gap: 0,
    };
    let lab = Lab::new(|spec| {
        spec.split.by = by("id");
        spec.group = None;
    });
    // The source left a class out, whose rows would have to stand somewhere in its order.
    let text = lab.refusal(|_, _| {});
    assert!(text.contains("new to the source of the transfer"), "{text}");
    let text = lab.refusal(|spec, _| spec.split.by = by("b"));
    assert!(text.contains("was not split by `b` in this way"), "{text}");
    let same = lab.after(|spec, _| spec.exclude.clone_from(&lab.spec.exclude));
    let same = same.unwrap_or_else(|errors| panic!("{}", shown(&errors)));
    assert_eq!(same.meta.test_rows, lab.source.meta.test_rows);
}
