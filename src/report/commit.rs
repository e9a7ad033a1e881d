//! The commit that a session ran at, and whether the working tree had changes, in words.

use sweep_analysis::text;
use sweep_store::{SessionRecord, WorkingTree};

/// Digits of a commit where it is shortened, as `git log --oneline` does.
pub const SHORT: usize = 7;

/// `abc1234 with uncommitted changes and 2 untracked files`, with the first `digits` of the commit.
pub fn describe(session: &SessionRecord, digits: usize) -> Option<String> {
    let commit: String = session.git_commit.as_ref()?.chars().take(digits).collect();
    let commit = text::sanitize(&commit);
    Some(match changes(session.working_tree.as_ref()) {
        Some(changes) => format!("{commit} with {changes}"),
        None => commit,
    })
}

/// What differs from the commit; `None` if nothing does, or if that is not known.
fn changes(tree: Option<&WorkingTree>) -> Option<String> {
    let tree = tree?;
    let untracked = text::pluralize(tree.untracked_count, "untracked file");
    match (tree.is_changed(), tree.untracked_count) {
        (true, 0) => Some("uncommitted changes".to_owned()),
        (true, _) => Some(format!("uncommitted changes and {untracked}")),
        (false, 0) => None,
        (false, _) => Some(untracked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_analysis::fixtures;
    use sweep_store::Patch;

    #[test]
    fn changes_stand_beside_the_commit() {
        let mut session = fixtures::genres().experiment.sessions.remove(0);
        assert_eq!(describe(&session, SHORT), None);
        session.git_commit = Some("abc1234567".to_owned());
        assert_eq!(describe(&session, SHORT).unwrap(), "abc1234");
        let mut with = |patch, untracked_count| {
            session.working_tree = Some(WorkingTree {
                patch,
                untracked: Vec::new(),
                untracked_count,
            });
            describe(&session, SHORT).unwrap()
        };
        let patch = || Patch::Kept(b"diff".to_vec());
        assert_eq!(with(Patch::Empty, 0), "abc1234");
        assert_eq!(with(Patch::Empty, 1), "abc1234 with 1 untracked file");
        assert_eq!(with(patch(), 0), "abc1234 with uncommitted changes");
        assert_eq!(
            with(patch(), 2),
            "abc1234 with uncommitted changes and 2 untracked files"
        );
    }
}
