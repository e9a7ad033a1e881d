//! From what a program reported to the curve and the result of its trial.

use std::collections::{BTreeMap, HashSet};

use sweep_core::program::Selection;
use sweep_core::protocol::RecordedProgress;
use sweep_core::trial::{Metric, Objective, TrialResult};

use super::Watcher;
use crate::metrics::Report;

/// Most different metrics of a trial, and most values of an attempt that are recorded.
const MAX_METRICS: usize = 1000;
const MAX_VALUES: u64 = 2_000_000;
/// Largest step; above are those that stand for an unknown one.
const MAX_STEP: u64 = u32::MAX as u64 - 2;
/// The metric that is the number of parameters, if a program reports it.
const PARAMETERS: &str = "parameters";

/// What an attempt has reported so far.
pub struct Progress<'a> {
    objective: &'a Objective,
    selection: Selection,
    recorded: Option<RecordedProgress>,
    /// Whether the program found a checkpoint of an earlier attempt.
    is_resumed: bool,
    step: u32,
    /// Whether the program says which step it is at.
    names_steps: bool,
    /// The values of the present step.
    current: BTreeMap<Metric, f64>,
    /// Those of them that have not been told.
    waiting: Vec<(Metric, f64)>,
    first_step: Option<u32>,
    last_step: u32,
    /// The last value of each metric.
    last: BTreeMap<Metric, f64>,
    /// The value of the objective that counts so far, its step and all that was reported for that.
    kept: Option<Kept>,
    values: u64,
    said: HashSet<&'static str>,
}

/// A value of the objective, its step, and the metrics of that step.
type Kept = (f64, u32, BTreeMap<Metric, f64>);

impl<'a> Progress<'a> {
    pub fn new(
        objective: &'a Objective,
        selection: Selection,
        recorded: Option<RecordedProgress>,
    ) -> Progress<'a> {
        Progress {
            objective,
            selection,
            recorded,
            is_resumed: false,
            step: 1,
            names_steps: false,
            current: BTreeMap::new(),
            waiting: Vec::new(),
            first_step: None,
            last_step: 0,
            last: BTreeMap::new(),
            kept: None,
            values: 0,
            said: HashSet::new(),
        }
    }

    /// The same for an attempt that is resumed from a checkpoint, if it is.
    pub fn resumed(self, is_resumed: bool) -> Progress<'a> {
        Progress { is_resumed, ..self }
    }

    /// Takes what the program reported. Values without a step are those of the present one; a metric that comes again before
    /// any step was named begins the next.
    pub fn report(&mut self, report: Report, watcher: &mut dyn Watcher) {
        if let Some(step) = report.step {
            match step <= MAX_STEP {
                true => {
                    self.names_steps = true;
                    self.go_to(step as u32, watcher);
                }
                false => self.say_once(
                    "step",
                    &format!("step {step} is too large to be recorded"),
                    watcher,
                ),
            }
        }
        for (name, value) in report.values {
            if !self.names_steps && self.current.contains_key(&name) {
                self.go_to(self.step.saturating_add(1), watcher);
            }
            self.value(name, value, watcher);
        }
    }

    fn value(&mut self, name: Metric, value: f64, watcher: &mut dyn Watcher) {
        if self.last.len() >= MAX_METRICS && !self.last.contains_key(&name) {
            let message = format!(
                "more than {MAX_METRICS} different metrics; `{name}` and others are left out"
            );
            self.say_once("metrics", &message, watcher);
            return;
        }
        if self.first_step.is_none() {
            self.first_step = Some(self.step);
            if self.is_resumed && self.step > 1 {
                watcher.resumed(self.step - 1);
            }
        }
        self.last_step = self.last_step.max(self.step);
        self.last.insert(name.clone(), value);
        self.current.insert(name.clone(), value);
        self.values += 1;
        if self.values <= MAX_VALUES {
            self.waiting.push((name, value));
        } else {
            let message = format!(
                "more than {MAX_VALUES} values were reported; curves end there, and further values count for the result alone"
            );
            self.say_once("values", &message, watcher);
        }
    }

    fn go_to(&mut self, step: u32, watcher: &mut dyn Watcher) {
        if step != self.step {
            self.end_step(watcher);
            self.step = step;
        }
    }

    fn end_step(&mut self, watcher: &mut dyn Watcher) {
        self.flush(watcher);
        let current = std::mem::take(&mut self.current);
        let Some(value) = current.get(&self.objective.metric).copied() else {
            return;
        };
        let goal = self.objective.goal;
        let is_kept = match (self.selection, &self.kept) {
            (Selection::Last, _) => true,
            (Selection::Best, None) => !value.is_nan(),
            (Selection::Best, Some((best, _, _))) => goal.is_better(value, *best),
        };
        if is_kept {
            self.kept = Some((value, self.step, current));
        }
    }

    /// Tells what has not been told.
    pub fn flush(&mut self, watcher: &mut dyn Watcher) {
        if !self.waiting.is_empty() {
            watcher.progressed(self.step, std::mem::take(&mut self.waiting));
        }
    }

    /// Whether the objective has been reported at `step` or later.
    pub fn has_come_to(&self, step: u32) -> bool {
        self.step >= step && self.current.contains_key(&self.objective.metric)
            || self.step > step && self.last_step > step
    }

    /// The last step of which anything was reported, in this attempt or an earlier one.
    pub fn last_step(&self) -> Option<u32> {
        match self.first_step {
            Some(_) => Some(self.last_step),
            None => self.recorded.map(|recorded| recorded.step),
        }
    }

    /// The metrics that have come, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.last.keys().map(String::as_str)
    }

    /// The result of a program that has come to its end; `None` if it never reported the objective. What is resumed from a
    /// checkpoint of its last step has nothing left to report: the last value of the earlier attempt counts.
    pub fn result(&mut self, watcher: &mut dyn Watcher) -> Option<TrialResult> {
        self.end_step(watcher);
        let own = self.last.get(&self.objective.metric).copied();
        let earlier = self.recorded.filter(|_| self.is_resumed);
        let last = own.or(earlier.and_then(|earlier| earlier.last))?;
        if own.is_none() {
            self.last_step = (self.last_step).max(earlier.map_or(0, |earlier| earlier.step));
        }
        let kept = self.kept.take().filter(|(value, _, _)| value.is_finite());
        let before = earlier.and_then(|earlier| match self.selection {
            Selection::Last => Some((earlier.last?, earlier.step)).filter(|_| own.is_none()),
            Selection::Best => None,
        });
        let before = before.or(self.best_before());
        let objective = &self.objective.metric;
        let (best, best_step, metrics) = match (kept, before) {
            (Some((value, step, metrics)), before)
                if before.is_none_or(|(old, _)| self.objective.goal.is_better(value, old)) =>
            {
                (Some(value), step, metrics)
            }
            (_, Some((value, step))) => {
                let metrics = BTreeMap::from([(objective.clone(), value)]);
                (Some(value), step, metrics)
            }
            (_, None) => (None, self.last_step, BTreeMap::new()),
        };
        let diverged = best
            .is_none()
            .then(|| format!("`{objective}` was {last} at its last step"));
        let parameters = self.last.get(PARAMETERS).copied().unwrap_or(0.0);
        Some(TrialResult {
            diverged,
            best,
            best_step,
            last: Some(last).filter(|last| last.is_finite()),
            steps: self.last_step,
            parameters: parameters.max(0.0) as u64,
            metrics: metrics.into_iter().collect(),
            ..TrialResult::default()
        })
    }

    /// The best value of an earlier attempt before the step at which this one began, where the best one counts.
    fn best_before(&self) -> Option<(f64, u32)> {
        let (value, step) = self
            .recorded
            .filter(|_| self.selection == Selection::Best)?
            .best?;
        let is_before = match self.first_step {
            Some(first) => step < first,
            None => self.is_resumed,
        };
        is_before.then_some((value, step))
    }

    /// Warns once of each `subject`.
    pub fn say_once(&mut self, subject: &'static str, message: &str, watcher: &mut dyn Watcher) {
        if self.said.insert(subject) {
            watcher.warn(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::trial::Goal;

    #[derive(Default)]
    struct Heard(Vec<(u32, Vec<(Metric, f64)>)>, Vec<String>);

    impl Watcher for Heard {
        fn resumed(&mut self, _step: u32) {}

        fn progressed(&mut self, step: u32, values: Vec<(Metric, f64)>) {
            self.0.push((step, values));
        }

        fn warn(&mut self, message: &str) {
            self.1.push(message.to_owned());
        }

        fn is_stopped(&self) -> bool {
            false
        }
    }

    fn objective() -> Objective {
        Objective {
            metric: "loss".to_owned(),
            goal: Goal::Min,
        }
    }

    fn report(step: Option<u64>, values: &[(&str, f64)]) -> Report {
        Report {
            step,
            values: values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        }
    }

    fn told(heard: &Heard) -> Vec<(u32, String)> {
        let text = |values: &Vec<(Metric, f64)>| {
            let all: Vec<String> = values.iter().map(|(n, v)| format!("{n}={v}")).collect();
            all.join(" ")
        };
        heard
            .0
            .iter()
            .map(|(step, values)| (*step, text(values)))
            .collect()
    }

    #[test]
    fn steps_that_are_named_hold_until_another_is_and_unnamed_ones_are_counted() {
        let objective = objective();
        let mut heard = Heard::default();
        let mut named = Progress::new(&objective, Selection::Last, None);
        named.report(report(Some(3), &[]), &mut heard);
        named.report(report(None, &[("loss", 0.5)]), &mut heard);
        named.report(report(None, &[("acc", 0.1), ("loss", 0.4)]), &mut heard);
        named.report(report(Some(4), &[("loss", 0.3)]), &mut heard);
        let result = named.result(&mut heard).unwrap();
        assert_eq!(
            told(&heard),
            [
                (3, "loss=0.5 acc=0.1 loss=0.4".to_owned()),
                (4, "loss=0.3".to_owned())
            ]
        );
        assert_eq!(
            (result.best, result.best_step, result.steps),
            (Some(0.3), 4, 4)
        );
        let mut heard = Heard::default();
        let mut counted = Progress::new(&objective, Selection::Last, None);
        for value in [0.5, 0.4, 0.6] {
            counted.report(report(None, &[("lr", 0.1)]), &mut heard);
            counted.report(report(None, &[("loss", value)]), &mut heard);
        }
        let result = counted.result(&mut heard).unwrap();
        assert_eq!(told(&heard).len(), 3);
        assert_eq!((result.best, result.steps), (Some(0.6), 3));
        // What was reported for other steps is not said to be of the one that counts.
        let mut apart = Progress::new(&objective, Selection::Last, None);
        apart.report(report(Some(3), &[("loss", 1.0), ("acc", 0.2)]), &mut heard);
        apart.report(report(Some(6), &[("loss", 0.5)]), &mut heard);
        apart.report(report(Some(9), &[("acc", 0.3)]), &mut heard);
        let result = apart.result(&mut heard).unwrap();
        assert_eq!((result.best_step, result.steps), (6, 9));
        assert_eq!(result.metrics, [("loss".to_owned(), 0.5)]);
    }

    #[test]
    fn the_best_value_counts_where_it_is_asked_for_with_the_metrics_of_its_step() {
        let objective = objective();
        let run = |recorded, values: &[(u64, f64, f64)]| {
            let mut heard = Heard::default();
            let mut progress = Progress::new(&objective, Selection::Best, recorded);
            for (step, loss, acc) in values {
                progress.report(
                    report(Some(*step), &[("loss", *loss), ("acc", *acc)]),
                    &mut heard,
                );
            }
            progress.result(&mut heard).unwrap()
        };
        let values = [
            (1, 0.9, 0.1),
            (2, 0.4, 0.8),
            (3, 0.6, 0.7),
            (4, f64::NAN, 0.0),
        ];
        let result = run(None, &values);
        assert_eq!(
            (result.best, result.best_step, result.last),
            (Some(0.4), 2, None)
        );
        let acc = |result: &TrialResult| {
            let mut metrics = result.metrics.iter();
            metrics.find(|(name, _)| name == "acc").unwrap().1
        };
        assert_eq!(acc(&result), 0.8);
        let earlier = |best, step| {
            Some(RecordedProgress {
                step,
                best: Some(best),
                last: None,
            })
        };
        let result = run(earlier((0.2, 3), 5), &[(6, 0.5, 0.5), (7, 0.3, 0.6)]);
        assert_eq!((result.best, result.best_step), (Some(0.2), 3));
        // It has begun anew: what it did before is of another run.
        let result = run(earlier((0.2, 3), 5), &[(1, 0.5, 0.5), (2, 0.3, 0.6)]);
        assert_eq!((result.best, result.best_step), (Some(0.3), 2));
    }

    #[test]
    fn what_is_resumed_with_nothing_left_to_do_has_the_result_of_the_earlier_attempt() {
        let objective = objective();
        let recorded = Some(RecordedProgress {
            step: 9,
            best: Some((0.2, 3)),
            last: Some(0.5),
        });
        let result = |selection, is_resumed| {
            let mut progress = Progress::new(&objective, selection, recorded).resumed(is_resumed);
            progress.report(report(None, &[("acc", 1.0)]), &mut Heard::default());
            progress.result(&mut Heard::default())
        };
        let last = result(Selection::Last, true).unwrap();
        assert_eq!((last.best, last.best_step, last.steps), (Some(0.5), 9, 9));
        let mut silent = Progress::new(&objective, Selection::Best, recorded).resumed(true);
        let best = silent.result(&mut Heard::default()).unwrap();
        assert_eq!(
            (best.best, best.best_step, best.last, best.steps),
            (Some(0.2), 3, Some(0.5), 9)
        );
        // One that began anew has to report its own.
        assert!(result(Selection::Last, false).is_none());
    }

    #[test]
    fn what_is_no_number_at_the_end_has_diverged_and_what_never_came_is_no_result() {
        let objective = objective();
        let mut heard = Heard::default();
        let mut progress = Progress::new(&objective, Selection::Last, None);
        progress.report(report(None, &[("loss", 0.5)]), &mut heard);
        progress.report(report(None, &[("loss", f64::INFINITY)]), &mut heard);
        let result = progress.result(&mut heard).unwrap();
        assert_eq!(
            result.diverged.as_deref(),
            Some("`loss` was inf at its last step")
        );
        assert_eq!(result.best, None);
        let mut other = Progress::new(&objective, Selection::Last, None);
        other.report(report(None, &[("acc", 0.5)]), &mut heard);
        assert!(other.result(&mut heard).is_none());
        assert_eq!(other.names().collect::<Vec<_>>(), ["acc"]);
    }

    #[test]
    fn a_flood_of_metrics_is_bounded_and_told_once() {
        let objective = objective();
        let mut heard = Heard::default();
        let mut progress = Progress::new(&objective, Selection::Last, None);
        for number in 0..2 * MAX_METRICS {
            progress.report(report(None, &[(&format!("m{number}"), 1.0)]), &mut heard);
        }
        assert_eq!((progress.last.len(), heard.1.len()), (MAX_METRICS, 1));
    }
}
