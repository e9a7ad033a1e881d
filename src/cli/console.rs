//! Progress on standard error: bars on a terminal, now and then a line elsewhere.
//!
//! A pure [`Tally`] follows the events and a [`Face`] shows it; nothing here can end a sweep. What is
//! shown is worked out at most ten times a second, whatever the number of events, and an output that
//! cannot be written to is ignored.

mod tally;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use sweep_app::overview::Overview;
use sweep_core::event::{Event, Observer, ObserverError, Slot, StopReason};
use sweep_core::trial::TrialId;
use tally::Tally;

/// Least time between two pictures of the bars.
const REDRAW: Duration = Duration::from_millis(100);
/// Least time between two lines of progress.
const LINE: Duration = Duration::from_secs(5);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bars that are drawn over.
    Bars,
    /// A line every few seconds.
    Lines,
    /// Failures and the last line only.
    Quiet,
}

impl Mode {
    /// Bars if standard error is a terminal, lines otherwise.
    pub fn for_stderr() -> Mode {
        match std::io::stderr().is_terminal() {
            true => Mode::Bars,
            false => Mode::Lines,
        }
    }
}

/// Shows what happens.
pub struct Console {
    tally: Tally,
    face: Face,
}

impl Console {
    /// On standard error.
    pub fn new(sweep: Overview, mode: Mode) -> Console {
        let face = match mode {
            Mode::Bars => Face::bars(ProgressDrawTarget::stderr_with_hz(10)),
            Mode::Lines => Face::lines(Box::new(std::io::stderr())),
            Mode::Quiet => Face::Quiet(Box::new(std::io::stderr())),
        };
        Console {
            tally: Tally::new(sweep, Instant::now()),
            face,
        }
    }

    /// Takes notice of what every command calls the best of the plan, for the last line: the luckiest trial that was
    /// seen is not always that, and another session may have trained it.
    pub fn learn_best(&mut self, best: Option<(TrialId, f64)>) {
        self.tally.best_at_end = best;
    }

    /// Takes the bars away, after the last event.
    pub fn put_away(&mut self) {
        if let Face::Bars {
            all,
            overall,
            slots,
            ..
        } = &mut self.face
        {
            for bar in slots.values().chain([&*overall]) {
                bar.finish_and_clear();
            }
            let _ = all.clear();
        }
    }

    /// Says how it ended. To be called once, when all is recorded.
    pub fn finish(&mut self) {
        self.finish_at(Instant::now());
    }

    fn observe_at(&mut self, event: &Event, now: Instant) {
        // A limit is told at the end; an interrupt is answered at once.
        let waits = matches!(
            event,
            Event::StopRequested {
                reason: StopReason::TimeLimit(_) | StopReason::TrialLimit(_),
                ..
            }
        );
        // Described first: a failure is told with the slot that the tally is about to forget.
        if !(waits && matches!(self.face, Face::Quiet(_)))
            && let Some(notice) = self.tally.notice(event)
        {
            self.face.tell(&notice);
        }
        self.tally.follow(event);
        self.face.show(&self.tally, now);
    }

    fn finish_at(&mut self, now: Instant) {
        self.put_away();
        self.face.tell(&self.tally.outcome(now));
    }
}

impl Observer for Console {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.observe_at(event, Instant::now());
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        self.face.show(&self.tally, Instant::now());
        Ok(())
    }
}

/// Where a tally is shown.
enum Face {
    Bars {
        all: MultiProgress,
        overall: ProgressBar,
        slots: BTreeMap<Slot, ProgressBar>,
        drawn: Option<Instant>,
    },
    Lines {
        out: Box<dyn Write + Send>,
        written: Option<(Instant, String)>,
    },
    Quiet(Box<dyn Write + Send>),
}

impl Face {
    fn bars(target: ProgressDrawTarget) -> Face {
        let all = MultiProgress::with_draw_target(target);
        let overall = all.add(ProgressBar::new(0).with_style(style("[{bar:30}] {wide_msg}")));
        Face::Bars {
            all,
            overall,
            slots: BTreeMap::new(),
            drawn: None,
        }
    }

    fn lines(out: Box<dyn Write + Send>) -> Face {
        Face::Lines { out, written: None }
    }

    /// Prints a line of its own, above the bars if there are any.
    fn tell(&mut self, notice: &str) {
        // Whoever reads along may have gone; the record is what counts.
        let _ = match self {
            Face::Bars { all, .. } if all.is_hidden() => Ok(()),
            Face::Bars { all, .. } => all.println(notice),
            Face::Lines { out, .. } | Face::Quiet(out) => writeln!(out, "{notice}"),
        };
    }

    /// Shows where things stand, unless that was done a moment ago.
    fn show(&mut self, tally: &Tally, now: Instant) {
        match self {
            Face::Bars {
                all,
                overall,
                slots,
                drawn,
            } => {
                if !is_due(*drawn, now, REDRAW) {
                    return;
                }
                *drawn = Some(now);
                overall.set_length(tally.sweep.total);
                overall.set_position(tally.done());
                overall.set_message(tally.overview(now));
                draw_slots(all, slots, tally);
            }
            Face::Lines { out, written } => {
                let last = written.as_ref().map_or(tally.began, |(last, _)| *last);
                if !is_due(Some(last), now, LINE) {
                    return;
                }
                let line = tally.overview(now);
                // Time going by is no news; the number of trials that are over is.
                let news = format!("{} {} {}", tally.done(), tally.failed, tally.slots.len());
                if written.as_ref().is_none_or(|(_, told)| *told != news) {
                    let _ = writeln!(out, "{line}");
                }
                *written = Some((now, news));
            }
            Face::Quiet(_) => {}
        }
    }
}

fn draw_slots(all: &MultiProgress, bars: &mut BTreeMap<Slot, ProgressBar>, tally: &Tally) {
    bars.retain(|slot, bar| {
        let is_kept = tally.slots.contains_key(slot);
        if !is_kept {
            all.remove(bar);
        }
        is_kept
    });
    for (place, (slot, running)) in tally.slots.iter().enumerate() {
        let bar = bars.entry(slot.clone()).or_insert_with(|| {
            // In the order of slots, below the bar of the whole sweep.
            let bar = all.insert(place + 1, ProgressBar::new(1));
            bar.set_style(style("  {prefix:8} [{bar:20}] {wide_msg}"));
            bar.set_prefix(slot.to_string());
            bar
        });
        let steps = running
            .as_ref()
            .and_then(|running| tally.sweep.epochs.get(&running.trial));
        bar.set_length(steps.copied().unwrap_or(1).into());
        bar.set_position(running.as_ref().map_or(0, |running| running.step.into()));
        bar.set_message(
            running
                .as_ref()
                .map_or("idle".to_owned(), |it| tally.slot_line(it)),
        );
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("a template written here is valid");
    style.progress_chars("=> ")
}

fn is_due(last: Option<Instant>, now: Instant, least: Duration) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= least)
}

#[cfg(test)]
mod tests;
