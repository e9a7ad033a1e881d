//! When a checkpoint is worth its time. Pure: time is handed in.
//!
//! Invariant: whenever a checkpoint is chosen for, all checkpoints of the attempt with the one at hand take, as far as
//! can be foretold, at most the share of training time that the rule allows, the first one included.

use std::time::Duration;

use sweep_core::protocol::Checkpointing;

/// What a write is taken to cost before one was measured: a slow disk's flush ...
const UNKNOWN_LATENCY: Duration = Duration::from_millis(50);
/// ... and bytes a second.
const UNKNOWN_RATE: f64 = 50e6;

/// How long checkpoints of this worker take to write; kept from trial to trial.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WriteCost {
    /// Seconds and bytes of a write.
    measured: Option<(f64, usize)>,
}

impl WriteCost {
    /// Seconds that writing `bytes` will take.
    fn estimate(&self, bytes: usize) -> f64 {
        match self.measured {
            Some((seconds, measured)) => seconds * (bytes as f64 / measured.max(1) as f64).max(1.0),
            None => UNKNOWN_LATENCY.as_secs_f64() + bytes as f64 / UNKNOWN_RATE,
        }
    }

    /// Takes in that writing `bytes` took `seconds`; a slow write is forgotten by and by.
    fn learn(&mut self, seconds: f64, bytes: usize) {
        let expected = self.measured.map(|_| self.estimate(bytes));
        let seconds = expected.map_or(seconds, |expected| seconds.max((seconds + expected) / 2.0));
        self.measured = Some((seconds, bytes));
    }
}

/// The checkpoints of one attempt against its training time.
#[derive(Debug)]
pub(super) struct Budget {
    every: f64,
    /// Share of training time.
    cost: f64,
    pub write_cost: WriteCost,
    /// Seconds that checkpoints have taken.
    spent: f64,
    /// Seconds of training after which the next one may be due.
    next: f64,
}

impl Budget {
    pub(super) fn new(rule: Checkpointing, write_cost: WriteCost) -> Budget {
        let every = rule.every_ms as f64 / 1e3;
        Budget {
            every,
            cost: rule.cost,
            write_cost,
            spent: 0.0,
            next: every,
        }
    }

    /// Whether to make a checkpoint, `elapsed` after the attempt began.
    pub(super) fn is_due(&self, elapsed: Duration) -> bool {
        self.training(elapsed) >= self.next
    }

    /// Whether a checkpoint of `bytes` that took `made` to make may be written, `elapsed` after the
    /// attempt began. If not, making it was in vain, and it is due again when it may be.
    pub(super) fn affords(&mut self, elapsed: Duration, made: Duration, bytes: usize) -> bool {
        let made = made.as_secs_f64();
        self.spent += made;
        let total = self.spent + self.write_cost.estimate(bytes);
        if total <= self.cost * self.training(elapsed) {
            return true;
        }
        // By then it has to be made once more.
        self.next = (total + made) / self.cost;
        false
    }

    /// Takes in that `bytes`, which took `made` to make, as [`Budget::affords`] was told, took `wrote` to
    /// write, up to `elapsed` after the attempt began.
    pub(super) fn pay(&mut self, elapsed: Duration, made: Duration, wrote: Duration, bytes: usize) {
        self.write_cost.learn(wrote.as_secs_f64(), bytes);
        self.spent += wrote.as_secs_f64();
        let again = self.spent + made.as_secs_f64() + self.write_cost.estimate(bytes);
        self.next = (self.training(elapsed) + self.every).max(again / self.cost);
    }

    /// Takes in that trying to write took `wrote`, in vain, up to `elapsed` after the attempt began.
    pub(super) fn failed(&mut self, elapsed: Duration, wrote: Duration) {
        self.spent += wrote.as_secs_f64();
        self.next = (self.training(elapsed) + self.every).max(self.spent / self.cost);
    }

    /// Seconds of training among `elapsed`.
    fn training(&self, elapsed: Duration) -> f64 {
        elapsed.as_secs_f64() - self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 1_000_000;

    /// Trains `epochs` of `epoch` seconds each with checkpoints that take `made` and `wrote` seconds; the
    /// times of training at which one was written, and the largest share that they ever had.
    fn train(
        (epochs, epoch): (u32, f64),
        (made, wrote): (f64, f64),
        rule: Checkpointing,
        write_cost: WriteCost,
    ) -> (Vec<f64>, f64) {
        let seconds = Duration::from_secs_f64;
        let mut budget = Budget::new(rule, write_cost);
        let (mut training, mut spent, mut written, mut share) = (0.0, 0.0, Vec::new(), 0.0f64);
        for _ in 0..epochs {
            training += epoch;
            if !budget.is_due(seconds(training + spent)) {
                continue;
            }
            spent += made;
            if budget.affords(seconds(training + spent), seconds(made), BYTES) {
                spent += wrote;
                budget.pay(
                    seconds(training + spent),
                    seconds(made),
                    seconds(wrote),
                    BYTES,
                );
                written.push(training);
            }
            share = share.max(spent / training);
        }
        (written, share)
    }

    const RULE: Checkpointing = Checkpointing {
        every_ms: 5000,
        cost: 0.02,
    };

    #[test]
    fn checkpoints_never_take_more_than_their_share_of_training_the_first_included() {
        for epoch in [0.01, 0.3, 7.0] {
            for (made, wrote) in [(0.0, 0.001), (0.01, 0.03), (0.05, 0.06), (0.02, 0.07)] {
                let epochs = (600.0 / epoch) as u32;
                let (written, share) =
                    train((epochs, epoch), (made, wrote), RULE, WriteCost::default());
                assert!(share <= 0.02 + 1e-9, "{epoch} {made} {wrote}: {share}");
                assert!(!written.is_empty(), "{epoch} {made} {wrote}");
            }
        }
    }

    #[test]
    fn cheap_checkpoints_come_as_often_as_the_rule_says_and_dear_ones_as_the_cost_allows() {
        let (written, _) = train((6000, 0.1), (0.0, 0.001), RULE, WriteCost::default());
        let every_five_seconds = 118..=120;
        assert!(every_five_seconds.contains(&written.len()), "{written:?}");
        let (written, share) = train((6000, 0.1), (0.1, 0.9), RULE, WriteCost::default());
        // A second each, so one in fifty seconds of training.
        assert!((10..=12).contains(&written.len()), "{written:?}");
        assert!(share > 0.015, "what is allowed is used: {share}");
    }

    #[test]
    fn a_disk_slower_than_was_thought_costs_one_overrun_which_is_then_made_up_for() {
        let (written, _) = train((9000, 0.1), (0.0, 10.0), RULE, WriteCost::default());
        assert_eq!(
            written.len(),
            1,
            "ten seconds are 2% of five hundred, twice: {written:?}"
        );
        let known = WriteCost {
            measured: Some((10.0, BYTES)),
        };
        let (written, share) = train((9000, 0.1), (0.0, 10.0), RULE, known);
        assert!(share <= 0.02 + 1e-9, "{share}");
        assert!(written[0] >= 500.0, "{written:?}");
    }

    #[test]
    fn a_write_that_was_slow_once_is_forgotten() {
        let mut write_cost = WriteCost::default();
        write_cost.learn(8.0, BYTES);
        assert_eq!(write_cost.estimate(BYTES), 8.0);
        assert_eq!(write_cost.estimate(2 * BYTES), 16.0);
        for _ in 0..12 {
            write_cost.learn(0.01, BYTES);
        }
        assert!(
            write_cost.estimate(BYTES) < 0.02,
            "{}",
            write_cost.estimate(BYTES)
        );
    }
}
