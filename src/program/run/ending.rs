//! What the end of a program means. Pure.

use std::collections::BTreeMap;

use sweep_core::format::format_signal;
use sweep_core::program::{EXIT_RETRY, ExitMeaning};
use sweep_core::protocol::ProgramFailure;

/// Longest last line that a message repeats, in characters.
const MAX_SHOWN: usize = 200;

/// How the first process of a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

impl Exit {
    /// By a status of wait(2).
    pub fn of(status: i32) -> Exit {
        match libc::WIFSIGNALED(status) {
            true => Exit::Signal(libc::WTERMSIG(status)),
            false => Exit::Code(libc::WEXITSTATUS(status)),
        }
    }

    /// What it means by the table of the experiment file; `None` of a signal.
    pub fn meaning(self, table: &BTreeMap<i32, ExitMeaning>) -> Option<ExitMeaning> {
        let Exit::Code(code) = self else {
            return None;
        };
        let usual = match code {
            0 => ExitMeaning::Finished,
            EXIT_RETRY => ExitMeaning::Retry,
            _ => ExitMeaning::Failed,
        };
        Some(table.get(&code).copied().unwrap_or(usual))
    }

    /// The failure that it is; `tail` is the end of the output.
    pub fn failure(self, meaning: Option<ExitMeaning>, tail: &str) -> ProgramFailure {
        let (exit_code, signal, how) = match self {
            Exit::Code(code) => (Some(code), None, format!("exited with code {code}")),
            Exit::Signal(signal) => {
                let how = format!("was killed by signal {}", format_signal(signal));
                (None, Some(signal), how)
            }
        };
        let last = tail
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty());
        let message = match last {
            Some(line) => format!("the program {how}: {}", shortened(line)),
            None => format!("the program {how} and wrote nothing"),
        };
        ProgramFailure::Ended {
            exit_code,
            signal,
            message,
            is_temporary: meaning == Some(ExitMeaning::Retry),
        }
    }
}

fn shortened(line: &str) -> String {
    match line.chars().count() > MAX_SHOWN {
        true => format!("{}...", line.chars().take(MAX_SHOWN).collect::<String>()),
        false => line.to_owned(),
    }
}

/// What is said of a program that ended well and did not report `objective`; `names` have been reported, and `left` of its
/// processes were still running.
pub fn without_objective(
    objective: &str,
    names: &[&str],
    left: usize,
    is_lines: bool,
) -> ProgramFailure {
    let mut message = format!("the program ended without reporting its objective `{objective}`");
    match names {
        [] => message.push_str(": it reported no metrics at all"),
        names => {
            let shown: Vec<String> = names
                .iter()
                .take(12)
                .map(|name| format!("`{name}`"))
                .collect();
            message.push_str(&format!("; it reported {}", shown.join(", ")));
        }
    }
    if left > 0 {
        message.push_str(&format!(
            "; {left} of its processes still ran and were ended: a program has to wait for what it starts"
        ));
    } else if names.is_empty() && is_lines {
        message.push_str(&format!(
            ". Print a line such as `{objective}=0.5`, or say in `metrics` of [program] where metrics are"
        ));
    }
    ProgramFailure::Invalid { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_mean_what_the_table_says_and_otherwise_what_is_usual() {
        let table = BTreeMap::from([(3, ExitMeaning::Diverged), (75, ExitMeaning::Failed)]);
        for (code, usual, tabled) in [
            (0, ExitMeaning::Finished, ExitMeaning::Finished),
            (1, ExitMeaning::Failed, ExitMeaning::Failed),
            (3, ExitMeaning::Failed, ExitMeaning::Diverged),
            (75, ExitMeaning::Retry, ExitMeaning::Failed),
        ] {
            assert_eq!(
                Exit::Code(code).meaning(&BTreeMap::new()),
                Some(usual),
                "{code}"
            );
            assert_eq!(Exit::Code(code).meaning(&table), Some(tabled), "{code}");
        }
        assert_eq!(Exit::Signal(9).meaning(&table), None);
    }

    #[test]
    fn a_failure_is_told_with_the_last_line_of_the_output() {
        let message = |exit: Exit, tail: &str| match exit.failure(None, tail) {
            ProgramFailure::Ended { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            message(Exit::Code(1), "Traceback\nValueError: no\n\n"),
            "the program exited with code 1: ValueError: no"
        );
        assert_eq!(
            message(Exit::Signal(11), ""),
            "the program was killed by signal 11 (SIGSEGV) and wrote nothing"
        );
        assert!(message(Exit::Code(1), &"x".repeat(1000)).len() < 300);
    }
}
