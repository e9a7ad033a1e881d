//! Progress on standard error: bars on a terminal, occasional lines elsewhere.
//!
//! A pure [`Progress`] follows the events and a [`Display`] shows it. Invariant: nothing here can end a sweep. The
//! display is updated at most ten times a second, whatever the number of events, and an output that cannot be
//! written to is ignored.

mod progress;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use progress::Progress;
use sweep_app::overview::Overview;
use sweep_core::event::{Event, Observer, ObserverError, Slot, StopReason};
use sweep_core::trial::TrialId;

/// Least time between two updates of the bars.
const REDRAW: Duration = Duration::from_millis(100);
/// Least time between two lines of progress.
const LINE: Duration = Duration::from_secs(5);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bars that are redrawn in place.
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

/// Follows events and displays them.
pub struct Console {
    progress: Progress,
    display: Display,
}

impl Console {
    /// On standard error.
    pub fn new(sweep: Overview, mode: Mode) -> Console {
        let display = match mode {
            Mode::Bars => Display::bars(ProgressDrawTarget::stderr_with_hz(10)),
            Mode::Lines => Display::lines(Box::new(std::io::stderr())),
            Mode::Quiet => Display::Quiet(Box::new(std::io::stderr())),
        };
        Console {
            progress: Progress::new(sweep, Instant::now()),
            display,
        }
    }

    /// Sets the best trial of the sweep for the last line, as every command defines it: by configuration first. The
    /// best score among the events may be another trial, and another session may have trained the best one.
    /// `tie` says with how many other configurations its own shares the first rank.
    pub fn learn_best(&mut self, best: Option<(TrialId, f64)>, tie: Option<String>) {
        self.progress.best_at_end = best;
        self.progress.tie_at_end = tie;
    }

    /// Removes the bars, after the last event.
    pub fn clear(&mut self) {
        if let Display::Bars {
            all,
            overall,
            slots,
            ..
        } = &mut self.display
        {
            for bar in slots.values().chain([&*overall]) {
                bar.finish_and_clear();
            }
            let _ = all.clear();
        }
    }

    /// Prints how it ended. To be called once, when everything is in the database.
    pub fn finish(&mut self) {
        self.finish_at(Instant::now());
    }

    fn observe_at(&mut self, event: &Event, now: Instant) {
        // Quiet: a limit is reported at the end, an interrupt is confirmed at once.
        let is_limit = matches!(
            event,
            Event::StopRequested {
                reason: StopReason::TimeLimit(_) | StopReason::TrialLimit(_),
                ..
            }
        );
        // Before the event is applied, which removes the trial from its slot.
        if !(is_limit && matches!(self.display, Display::Quiet(_)))
            && let Some(notice) = self.progress.notice(event)
        {
            self.display.print(&notice);
        }
        self.progress.follow(event);
        self.display.show(&self.progress, now);
    }

    fn finish_at(&mut self, now: Instant) {
        self.clear();
        self.display.print(&self.progress.outcome(now));
    }
}

impl Observer for Console {
    fn observe(&mut self, event: &Event) -> Result<(), ObserverError> {
        self.observe_at(event, Instant::now());
        Ok(())
    }

    fn idle(&mut self) -> Result<(), ObserverError> {
        self.display.show(&self.progress, Instant::now());
        Ok(())
    }
}

/// Where progress is shown.
enum Display {
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

impl Display {
    fn bars(target: ProgressDrawTarget) -> Display {
        let all = MultiProgress::with_draw_target(target);
        let overall = all.add(ProgressBar::new(0).with_style(style("[{bar:30}] {wide_msg}")));
        Display::Bars {
            all,
            overall,
            slots: BTreeMap::new(),
            drawn: None,
        }
    }

    fn lines(out: Box<dyn Write + Send>) -> Display {
        Display::Lines { out, written: None }
    }

    /// Prints a line of its own, above the bars if there are any.
    fn print(&mut self, notice: &str) {
        // The output may be closed; the database is what counts.
        let _ = match self {
            Display::Bars { all, .. } if all.is_hidden() => Ok(()),
            Display::Bars { all, .. } => all.println(notice),
            Display::Lines { out, .. } | Display::Quiet(out) => writeln!(out, "{notice}"),
        };
    }

    /// Shows the state, unless it was shown a moment ago.
    fn show(&mut self, progress: &Progress, now: Instant) {
        match self {
            Display::Bars {
                all,
                overall,
                slots,
                drawn,
            } => {
                if !is_due(*drawn, now, REDRAW) {
                    return;
                }
                *drawn = Some(now);
                overall.set_length(progress.sweep.total);
                overall.set_position(progress.done());
                overall.set_message(progress.overview(now));
                draw_slots(all, slots, progress);
            }
            Display::Lines { out, written } => {
                let last = written.as_ref().map_or(progress.began, |(last, _)| *last);
                if !is_due(Some(last), now, LINE) {
                    return;
                }
                let line = progress.overview(now);
                // No line while only time has passed.
                let counts = format!(
                    "{} {} {}",
                    progress.done(),
                    progress.failed,
                    progress.slots.len()
                );
                if written.as_ref().is_none_or(|(_, last)| *last != counts) {
                    let _ = writeln!(out, "{line}");
                }
                *written = Some((now, counts));
            }
            Display::Quiet(_) => {}
        }
    }
}

fn draw_slots(all: &MultiProgress, bars: &mut BTreeMap<Slot, ProgressBar>, progress: &Progress) {
    bars.retain(|slot, bar| {
        let is_kept = progress.slots.contains_key(slot);
        if !is_kept {
            all.remove(bar);
        }
        is_kept
    });
    for (place, (slot, running)) in progress.slots.iter().enumerate() {
        let bar = bars.entry(slot.clone()).or_insert_with(|| {
            // In the order of slots, below the bar of the whole sweep.
            let bar = all.insert(place + 1, ProgressBar::new(1));
            bar.set_style(style("  {prefix:8} [{bar:20}] {wide_msg}"));
            bar.set_prefix(slot.to_string());
            bar
        });
        let steps = running
            .as_ref()
            .and_then(|running| progress.sweep.epochs.get(&running.trial));
        bar.set_length(steps.copied().unwrap_or(1).into());
        bar.set_position(running.as_ref().map_or(0, |running| running.step.into()));
        bar.set_message(
            running
                .as_ref()
                .map_or("idle".to_owned(), |it| progress.slot_line(it)),
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
