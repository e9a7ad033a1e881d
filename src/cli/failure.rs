//! Why a command failed, and how that is drawn on standard error.

use std::fmt;

use miette::{Diagnostic as _, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use crate::colour::stderr_has_colour;
use crate::exit::Exit;
use crate::hint;
use sweep_app::Error;
use sweep_core::sanitize::is_unsafe;
use sweep_data::DataError;
use sweep_experiment::{Diagnostic, MAX_DIAGNOSTICS, Origin, Source};
use sweep_store::StoreError;

/// A command that failed: the message and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    drawing: String,
}

impl Failure {
    /// One sentence, and what to do about it.
    pub fn new(exit: Exit, message: impl fmt::Display, help: &str) -> Failure {
        let problem = Drawn {
            message: hint::with_flags(&message.to_string()).into_owned(),
            help: Some(hint::with_flags(help).into_owned()).filter(|help| !help.is_empty()),
            source: None,
            labels: Vec::new(),
            severity: miette::Severity::Error,
        };
        Failure {
            exit,
            drawing: draw(&problem),
        }
    }

    /// A problem of this machine.
    pub fn environment(message: impl fmt::Display, help: &str) -> Failure {
        Failure::new(Exit::Environment, message, help)
    }

    /// Invalid input.
    pub fn input(message: impl fmt::Display, help: &str) -> Failure {
        Failure::new(Exit::Input, message, help)
    }

    /// Several problems of the input, each with what to do about it.
    pub fn all<'a>(problems: impl Iterator<Item = (String, &'a str)>) -> Failure {
        let drawn: Vec<String> = problems
            .map(|(message, help)| Failure::input(message, help).drawing)
            .collect();
        Failure {
            exit: Exit::Input,
            drawing: drawn.concat(),
        }
    }

    /// All problems of a data file.
    pub fn data(errors: &[DataError]) -> Failure {
        let failures = errors.iter().map(|error| (error.to_string(), &*error.help));
        Failure::all(failures)
    }

    /// All problems of an experiment, each at its place in the file or the flag.
    pub fn experiment(source: &Source, flags: &[String], problems: &[Diagnostic]) -> Failure {
        let mut drawing = String::new();
        for problem in problems.iter().take(MAX_DIAGNOSTICS) {
            drawing.push_str(&draw_at(source, flags, problem, miette::Severity::Error));
        }
        let more = problems.len().saturating_sub(MAX_DIAGNOSTICS);
        match (problems.len(), more) {
            (0 | 1, _) => {}
            (all, 0) => drawing.push_str(&format!("{all} errors; nothing was written\n")),
            (all, more) => drawing.push_str(&format!(
                "{all} errors, {more} of them not shown; nothing was written\n"
            )),
        }
        Failure {
            exit: Exit::Input,
            drawing,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let help = error.help().to_owned();
        match error {
            Error::Environment { message, .. } => Failure::environment(message, &help),
            Error::Input { message, .. } => Failure::input(message, &help),
            Error::Busy { message, .. } => Failure::new(Exit::Busy, message, &help),
            Error::Experiment {
                file,
                flags,
                problems,
            } => Failure::experiment(&file, &flags, &problems),
            Error::Data(errors) => Failure::data(&errors),
            Error::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        match error {
            StoreError::OtherName { .. } => Failure::new(Exit::Busy, error, ""),
            _ => Failure::environment(&error, ""),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.drawing)
    }
}

/// A warning, drawn like an error but for its severity.
pub fn draw_warning(source: &Source, flags: &[String], problem: &Diagnostic) -> String {
    draw_at(source, flags, problem, miette::Severity::Warning)
}

fn draw_at(
    source: &Source,
    flags: &[String],
    problem: &Diagnostic,
    severity: miette::Severity,
) -> String {
    let (name, text) = match problem.origin {
        Origin::File => (source.path.display().to_string(), source.text.as_str()),
        Origin::Flag(index) => (
            "--set".to_owned(),
            flags.get(index).map_or("", String::as_str),
        ),
    };
    let start = problem.span.start.min(text.len());
    let length = problem.span.end.min(text.len()) - start;
    let label = Some(problem.label.clone()).filter(|label| !label.is_empty());
    draw(&Drawn {
        message: hint::with_flags(&problem.message).into_owned(),
        help: (problem.help.as_deref()).map(|help| hint::with_flags(help).into_owned()),
        source: Some(NamedSource::new(name, in_place(text))),
        labels: vec![LabeledSpan::new(label, start, length)],
        severity,
    })
}

/// `text` with every character that would act on a terminal replaced by as many bytes, so that places
/// in it stay what they are.
fn in_place(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let ends_line = letter == '\n' || (letter == '\r' && letters.peek() == Some(&'\n'));
        match letter.len_utf8() {
            _ if !is_unsafe(letter) || ends_line || letter == '\t' => shown.push(letter),
            1 => shown.push('?'),
            2 => shown.push('·'),
            3 => shown.push(char::REPLACEMENT_CHARACTER),
            _ => shown.push_str("\u{fffd}?"),
        }
    }
    shown
}

/// What miette draws.
#[derive(Debug)]
struct Drawn {
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    severity: miette::Severity,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source
            .as_ref()
            .map(|source| source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self.labels.is_empty() {
            true => None,
            false => Some(Box::new(self.labels.iter().cloned())),
        }
    }
}

fn draw(problem: &Drawn) -> String {
    let theme = match stderr_has_colour() {
        true => GraphicalTheme::unicode(),
        false => GraphicalTheme::unicode_nocolor(),
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut drawing = String::new();
    match handler.render_report(&mut drawing, problem) {
        Ok(()) => drawing,
        // Spans that miette cannot place must not hide the message.
        Err(_) => format!(
            "{problem}\n{}\n",
            problem.help().map_or(String::new(), |h| h.to_string())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_experiment::Place;

    #[test]
    fn errors_that_are_not_shown_are_counted() {
        let source = Source {
            path: "bad.toml".into(),
            text: "a".to_owned(),
        };
        let place = Place {
            origin: Origin::File,
            span: 0..1,
        };
        let drawn = |number: usize| {
            let problem = |at: usize| Diagnostic::new(&place, format!("problem {at}."));
            let problems: Vec<Diagnostic> = (0..number).map(problem).collect();
            Failure::experiment(&source, &[], &problems).to_string()
        };
        assert!(!drawn(1).contains("nothing was written"));
        assert!(drawn(100).ends_with("\n100 errors; nothing was written\n"));
        let many = drawn(150);
        assert!(many.ends_with("\n150 errors, 50 of them not shown; nothing was written\n"));
        assert!(many.contains("problem 99.") && !many.contains("problem 100."));
    }

    #[test]
    fn a_file_is_drawn_without_what_acts_on_a_terminal_and_places_stay() {
        let text = "a = \u{1b}[31m\r\nb\u{85}c\t\u{202e}d\u{e0041}\re";
        let shown = in_place(text);
        assert_eq!(shown, "a = ?[31m\r\nb·c\t\u{fffd}d\u{fffd}??e");
        assert_eq!(shown.len(), text.len());
    }
}
