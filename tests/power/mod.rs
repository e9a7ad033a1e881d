//! Sweeps under power cuts. Every operation on files is recorded, and the states that a disk may be in after a cut at
//! any point are made of it (`disk.rs` says which): no result that was reported is missing, every result has its
//! model, and the sweep resumes to the end of an undisturbed one.
//!
//! `make test` checks a few dozen states; `make power` at hundreds. `SWEEP_POWER_STATES` and `SWEEP_POWER_SEED` set
//! their number and which are drawn. What a recording holds depends on the machine, so a failure keeps it:
//! `SWEEP_POWER_RECORDING` takes it in place of a new one, and then the same seed gives the same states.

mod check;
mod counts;
mod cuts;
mod disk;
mod files;
mod history;
mod moments;
mod promises;
mod recording;
mod sweep;
mod upgrade;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::torture::rng::Rng;
use crate::torture::variable;
use cuts::{Cuts, recorded};
use disk::{Fate, Model, after_cut};
use history::History;
use promises::Promises;

/// States of a sweep when nothing is said.
const STATES: u64 = 40;
/// States of any other command for as many of a sweep.
const SHARE: u64 = 4;
/// After every so many states, the command that resumes is recorded and cut as well ...
const AGAIN_EVERY: u64 = 8;
/// ... at so many points.
const STATES_AGAIN: u64 = 3;

fn states() -> u64 {
    variable("SWEEP_POWER_STATES", STATES)
}

#[test]
fn a_power_cut_loses_no_reported_result_and_the_sweep_resumes_to_the_same_end() {
    let undisturbed = sweep::undisturbed();
    let (_scratch, recording) = recorded(sweep::record);
    let mut cuts = Cuts::new();
    let again = (AGAIN_EVERY, STATES_AGAIN);
    cuts.check_states(&recording, states(), again, &mut |state, rng| {
        check::sweep(state, &undisturbed, rng)
    });
    cuts.finish();
}

/// A check of the checks: without the flushes on which the promises rest, they are broken, and that is seen.
#[test]
fn a_flush_that_is_left_out_is_noticed() {
    let undisturbed = sweep::undisturbed();
    let (_scratch, recording) = recorded(sweep::record);
    let is_kept = |forgotten: &dyn Fn(&Path, bool) -> bool| {
        let history = History::new(recording::read(&recording)).without_flushes(forgotten);
        let end = history.changes.len();
        let mut promises = Promises::of(&history);
        let mut rng = Rng::new(0);
        let tree = after_cut(&history, end, Model::Strict, Fate::Nothing, &mut rng);
        let folder = check::placed(&tree);
        let checked = || check::results(promises.at(end), &folder, &undisturbed);
        catch_unwind(AssertUnwindSafe(checked)).is_ok()
    };
    assert!(is_kept(&|_, _| false), "all is flushed");
    let begins = |path: &Path, with: &str| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().starts_with(with)
    };
    assert!(!is_kept(&|path, _| begins(path, "model.")), "models");
    assert!(
        !is_kept(&|path, _| begins(path, "sweep.sqlite")),
        "database"
    );
    // Of folders: the one that the run folder is in, that itself, and those of trials and of prepared data.
    for folder in ["", "runs", "runs/trials", "runs/data"] {
        let forgets = |path: &Path, is_folder: bool| is_folder && path == Path::new(folder);
        assert!(!is_kept(&forgets), "the folder `{folder}`");
    }
}

#[test]
fn a_power_cut_leaves_an_old_database_or_an_upgraded_one_with_a_whole_backup() {
    let (_scratch, recording) = recorded(upgrade::record);
    let upgraded = upgrade::undisturbed();
    let mut cuts = Cuts::new();
    cuts.check_states(&recording, states() / SHARE, (0, 0), &mut |state, _| {
        upgrade::check(state, &upgraded)
    });
    cuts.finish();
}

#[test]
fn a_power_cut_while_a_sweep_is_removed_leaves_the_others_whole() {
    let (_scratch, recording) = recorded(files::record_removal);
    let mut removal = files::Removal::of(&recording);
    let mut cuts = Cuts::new();
    cuts.check_states(&recording, states() / SHARE, (0, 0), &mut |state, _| {
        removal.check(state)
    });
    cuts.finish();
}

#[test]
fn a_power_cut_leaves_reports_and_exports_whole() {
    let (_scratch, recording) = recorded(files::record_output);
    let output = files::Output::of(&recording);
    let mut cuts = Cuts::new();
    cuts.check_states(&recording, states() / SHARE, (0, 0), &mut |state, _| {
        output.check(state)
    });
    cuts.finish();
}
