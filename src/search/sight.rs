//! What a search sees: results of earlier sweeps, then those of its jobs in the order in which they end on the virtual
//! machine.

use crate::decision::{Outcome, Values};
use crate::history::{Config, Seen, State};
use crate::problem::Problem;
use crate::search::Search;
use crate::space::Point;

/// The outcome of a job that ended on the virtual machine is not known yet.
pub(crate) struct Unknown;

impl<P: Problem> Search<P> {
    /// Results of earlier sweeps become configurations; what is known in full counts as trained.
    pub(crate) fn learn_known(&mut self) {
        for known in self.plan.known.clone() {
            let point = self.problem.space().canonical(known.point);
            let config = self.config(&point, true);
            let Some(mut rung) = self.rungs.iter().rposition(|&rung| rung <= known.step) else {
                continue;
            };
            let values = usable(&known.outcome);
            let ended = values.as_ref().is_none_or(|values| values.ended);
            if ended {
                rung = self.rungs.len() - 1;
            }
            if ended || rung + 1 == self.rungs.len() {
                let state = &mut self.states[config];
                state.closed = true;
                state.reached = values.is_some().then_some(rung);
                state.last = values.is_some().then_some(self.seen.len());
            }
            self.seen.push(Seen {
                config,
                rung,
                values,
            });
        }
    }

    /// The configuration of a point, which is added if it is new.
    pub(crate) fn config(&mut self, point: &Point, known: bool) -> usize {
        let key = self.problem.key(point);
        let next = self.configs.len();
        let config = *self.keys.entry(key.clone()).or_insert(next);
        if config == next {
            self.states.push(State::default());
            self.configs.push(Config {
                point: point.clone(),
                key,
                known,
            });
        }
        config
    }

    /// Makes results visible that have ended on the virtual machine by now, in the order in which they ended there.
    pub(crate) fn see_ended(&mut self) -> Result<(), Unknown> {
        let now = self.clock.now();
        let mut ended: Vec<usize> = (0..self.records.len())
            .filter(|&job| !self.was_seen[job] && self.records[job].end <= now)
            .collect();
        if ended.iter().any(|&job| self.records[job].outcome.is_none()) {
            return Err(Unknown);
        }
        ended.sort_by(|&a, &b| {
            self.records[a]
                .end
                .total_cmp(&self.records[b].end)
                .then(a.cmp(&b))
        });
        for job in ended {
            self.was_seen[job] = true;
            self.saw += 1;
            if self.records[job].decision.job.seed == 0 {
                self.see(job);
            }
        }
        Ok(())
    }

    fn see(&mut self, number: usize) {
        let record = &self.records[number];
        let job = record.decision.job;
        let last = self.rungs.len() - 1;
        let mut rung = self
            .rungs
            .iter()
            .rposition(|&rung| rung <= job.to)
            .unwrap_or(0);
        let values = record.outcome.as_ref().and_then(usable);
        let state = &mut self.states[job.config as usize];
        match &values {
            Some(values) => {
                if values.ended {
                    rung = last;
                }
                state.closed |= values.ended;
                state.reached = Some(rung);
                state.last = Some(self.seen.len());
            }
            None => state.closed = true,
        }
        self.seen.push(Seen {
            config: job.config as usize,
            rung,
            values,
        });
    }

    pub(crate) fn has_pending(&self) -> bool {
        self.was_seen.iter().any(|&seen| !seen)
    }

    /// No decision can be made before another job has ended there.
    pub(crate) fn wait_for_next_end(&mut self) {
        let pending = (0..self.records.len()).filter(|&job| !self.was_seen[job]);
        let next = pending
            .map(|job| self.records[job].end)
            .fold(f64::INFINITY, f64::min);
        self.clock.wait_until(next);
    }
}

/// The values that a model may see: none of a failure or of a number that is not finite.
fn usable(outcome: &Outcome) -> Option<Values> {
    match outcome {
        Outcome::Finished(values) if values.is_finite() => Some(values.clone()),
        _ => None,
    }
}
