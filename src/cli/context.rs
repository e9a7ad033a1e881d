//! What every command needs: the database, how to print, and the display of notices and events.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sweep_app::overview::{Overview, StopHandle};
use sweep_app::{App, Notice, Observer};
use sweep_core::event::{Event, Observer as _};
use sweep_core::trial::TrialId;

use crate::console::{Console, Mode};
use crate::failure::draw_warning;
use crate::signals::{self, Request};
use crate::terminal;

/// Flags that hold for every command.
pub struct Context {
    pub app: App,
    pub json: bool,
    /// Only errors and the last line are printed.
    pub is_quiet: bool,
    /// The progress of a session, while one trains.
    console: Mutex<Option<Console>>,
}

impl Context {
    pub fn new(database: &Path, json: bool, is_quiet: bool) -> Context {
        Context {
            app: App::new(database),
            json,
            is_quiet,
            console: Mutex::new(None),
        }
    }

    /// Prints something inessential on standard error.
    pub fn note(&self, text: &str) {
        if !self.is_quiet {
            terminal::note(text);
        }
    }

    fn with_console(&self, work: impl FnOnce(&mut Console)) {
        let mut console = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(console) = console.as_mut() {
            work(console);
        }
    }
}

impl Observer for Context {
    fn notice(&self, notice: &Notice) {
        if let Notice::Warning {
            file,
            flags,
            problem,
        } = notice
        {
            if !self.is_quiet {
                terminal::note_drawn(&draw_warning(file, flags, problem));
            }
            return;
        }
        let text = notice.to_string();
        if notice.is_essential() {
            terminal::note(&text);
        } else {
            self.note(&text);
        }
    }

    fn training(&self, overview: Overview, stop: StopHandle) {
        let mut count = 0;
        // The third signal ends without asking anybody.
        signals::interrupt(move |request| match request {
            Request::Stop => {
                count += 1;
                if count > 2 {
                    signals::end();
                }
                stop.interrupt();
            }
            Request::Continue => stop.continued(),
        });
        let mode = match self.is_quiet {
            true => Mode::Quiet,
            false => Mode::for_stderr(),
        };
        let mut console = self.console.lock().unwrap_or_else(PoisonError::into_inner);
        *console = Some(Console::new(overview, mode));
    }

    fn event(&self, event: &Event) {
        // A console never fails.
        self.with_console(|console| drop(console.observe(event)));
    }

    fn idle(&self) {
        self.with_console(|console| drop(console.idle()));
    }

    fn trained(&self) {
        self.with_console(Console::clear);
    }

    fn recorded(&self, best: Option<(TrialId, f64)>, tie: Option<String>) {
        self.with_console(|console| {
            console.learn_best(best, tie);
            console.finish();
        });
    }
}
