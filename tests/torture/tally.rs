//! What was done and what came of it, counted.

use std::collections::BTreeMap;
use std::fmt;

use super::blow::{Force, Moment};

#[derive(Debug, Default)]
pub struct Tally {
    pub rounds: u64,
    /// Commands that trained, `run` and `resume`.
    pub sessions: u64,
    pub blows: BTreeMap<(Force, Moment), u64>,
    pub reports_killed: u64,
    /// Temporary files of checkpoints found after a kill: the kill fell inside the write.
    pub torn_checkpoints: u64,
    /// Write-ahead logs found with half a transaction: the kill fell inside the commit.
    pub torn_logs: u64,
    pub trials: u64,
    pub attempts: u64,
    /// Attempts that went on from a checkpoint.
    pub resumed: u64,
    /// Steps that were trained a second time after a kill, as far as the record knew of the first.
    pub repeated_steps: u64,
    /// Longest training time that was repeated by one attempt, in seconds.
    pub longest_repeat: f64,
}

impl Tally {
    /// Blows that killed a process.
    pub fn kills(&self) -> u64 {
        let kills = self.blows.iter().filter(|((force, _), _)| force.is_kill());
        kills.map(|(_, count)| count).sum()
    }

    pub fn add(&mut self, force: Force, moment: Moment) {
        *self.blows.entry((force, moment)).or_insert(0) += 1;
    }

    fn of(&self, is: impl Fn(Force, Moment) -> bool) -> u64 {
        let counted = self
            .blows
            .iter()
            .filter(|((force, moment), _)| is(*force, *moment));
        counted.map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, count: u64| writeln!(f, "{what:<56} {count:>8}");
        line(
            "rounds, each ending with the tables of one left alone",
            self.rounds,
        )?;
        line("sessions (run, resume)", self.sessions)?;
        line("kill -9", self.kills())?;
        for (name, force) in [
            ("  of the coordinator", Force::KillCoordinator),
            ("  of one worker", Force::KillWorker),
            ("  of all workers", Force::KillWorkers),
            ("  of all processes", Force::KillAll),
        ] {
            line(name, self.of(|other, _| other == force))?;
        }
        for (name, moment) in [
            ("  at any time", Moment::AnyTime),
            ("  in the first moments of a session", Moment::AtTheStart),
            ("  while a checkpoint was written", Moment::InACheckpoint),
            ("  while a model was written", Moment::InAModel),
            ("  while the write-ahead log was written", Moment::InACommit),
            ("  while the database file was written", Moment::InABackfill),
            ("  while data were prepared", Moment::InPreparation),
        ] {
            line(
                name,
                self.of(|force, other| force.is_kill() && other == moment),
            )?;
        }
        line("kill -9 of `report`", self.reports_killed)?;
        for (name, force) in [
            ("SIGTERM", Force::Terminate),
            ("SIGINT once", Force::Interrupt),
            ("SIGINT twice", Force::InterruptTwice),
            (
                "a worker stopped for a while (SIGSTOP)",
                Force::FreezeWorker,
            ),
            (
                "the coordinator stopped for a while",
                Force::FreezeCoordinator,
            ),
            ("a second coordinator beside the first", Force::Rival),
        ] {
            line(name, self.of(|other, _| other == force))?;
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
        line("attempts that went on from a checkpoint", self.resumed)?;
        line("steps trained again", self.repeated_steps)?;
        let longest = self.longest_repeat;
        writeln!(
            f,
            "longest training time repeated by one attempt {longest:>17.2} s"
        )
    }
}
