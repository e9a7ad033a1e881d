//! What was done and what came of it, counted.

use std::collections::BTreeMap;
use std::fmt;

use super::fault::{Action, Trigger};

#[derive(Debug, Default)]
pub struct Counts {
    pub rounds: u64,
    /// Commands that trained, `run` and `resume`.
    pub sessions: u64,
    /// Those of them that named the database by a path through a symbolic link.
    pub linked: u64,
    pub faults: BTreeMap<(Action, Trigger), u64>,
    pub reports_killed: u64,
    /// Temporary files of checkpoints found after a kill: the kill fell inside the write.
    pub torn_checkpoints: u64,
    /// Write-ahead logs found with half a transaction: the kill fell inside the commit.
    pub torn_logs: u64,
    pub trials: u64,
    pub attempts: u64,
    /// Attempts that resumed from a checkpoint.
    pub resumed: u64,
    /// Steps that were trained a second time after a kill, as far as the database knew of the first.
    pub repeated_steps: u64,
    /// Longest training time that was repeated by one attempt, in seconds.
    pub longest_repeat: f64,
}

impl Counts {
    /// Blows that killed a process.
    pub fn kills(&self) -> u64 {
        let kills = self
            .faults
            .iter()
            .filter(|((action, _), _)| action.is_kill());
        kills.map(|(_, count)| count).sum()
    }

    pub fn add(&mut self, action: Action, trigger: Trigger) {
        *self.faults.entry((action, trigger)).or_insert(0) += 1;
    }

    fn of(&self, is: impl Fn(Action, Trigger) -> bool) -> u64 {
        let counted = self
            .faults
            .iter()
            .filter(|((action, trigger), _)| is(*action, *trigger));
        counted.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Counts {
    #[expect(clippy::too_many_lines, reason = "one line for each count")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, count: u64| writeln!(f, "{what:<56} {count:>8}");
        line(
            "rounds, each ending with the tables of one left alone",
            self.rounds,
        )?;
        line("sessions (run, resume)", self.sessions)?;
        line("  on a path through a symbolic link", self.linked)?;
        line("kill -9", self.kills())?;
        for (name, action) in [
            ("  of the coordinator", Action::KillCoordinator),
            ("  of one worker", Action::KillWorker),
            ("  of all workers", Action::KillWorkers),
            ("  of all processes", Action::KillAll),
        ] {
            line(name, self.of(|other, _| other == action))?;
        }
        for (name, trigger) in [
            ("  at any time", Trigger::AnyTime),
            ("  in the first triggers of a session", Trigger::AtTheStart),
            ("  while a checkpoint was written", Trigger::InACheckpoint),
            ("  while a model was written", Trigger::InAModel),
            (
                "  while the write-ahead log was written",
                Trigger::InACommit,
            ),
            (
                "  while the database file was written",
                Trigger::InABackfill,
            ),
            ("  while data were prepared", Trigger::InPreparation),
        ] {
            line(
                name,
                self.of(|action, other| action.is_kill() && other == trigger),
            )?;
        }
        line("kill -9 of `report`", self.reports_killed)?;
        for (name, action) in [
            ("SIGTERM", Action::Terminate),
            ("SIGINT once", Action::Interrupt),
            ("SIGINT twice", Action::InterruptTwice),
            ("a stop by signal to every process", Action::StopAll),
            (
                "a worker stopped for a while (SIGSTOP)",
                Action::FreezeWorker,
            ),
            (
                "the coordinator stopped for a while (SIGSTOP)",
                Action::FreezeCoordinator,
            ),
            (
                "the coordinator stopped for a while (SIGTSTP)",
                Action::Suspend,
            ),
            (
                "every process stopped for a while (SIGSTOP)",
                Action::FreezeAll,
            ),
            (
                "a second coordinator beside the first",
                Action::SecondCoordinator,
            ),
        ] {
            line(name, self.of(|other, _| other == action))?;
        }
        line(
            "checkpoints found half written after a kill",
            self.torn_checkpoints,
        )?;
        line(
            "transactions found half written after a kill",
            self.torn_logs,
        )?;
        line("trials finished", self.trials)?;
        line("attempts", self.attempts)?;
        line("attempts that resumed from a checkpoint", self.resumed)?;
        line("steps trained again", self.repeated_steps)?;
        let longest = self.longest_repeat;
        writeln!(
            f,
            "longest training time repeated by one attempt {longest:>17.2} s"
        )
    }
}
