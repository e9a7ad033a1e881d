//! All that is read of a program: its standard streams, the pipe of metrics, files that it writes.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::process::{ChildStderr, ChildStdout};
use std::time::Duration;

use sweep_core::program::MetricSource;
use sweep_core::protocol::ProgramFailure;

use super::begin::{Begun, MetricFiles, Scratch};
use super::follow::Followed;
use super::lines::Lines;
use super::output::Output;
use super::pipe::{self, Found};
use super::progress::Progress;
use super::{Attempt, Watcher};
use crate::metrics::{self, EventFiles, LineReader};

/// Most bytes that are read of one source before the others have their turn.
const MAX_READ: usize = 1 << 20;

/// Everything that is read of a program.
pub struct Sources {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// The pipe of metrics, and the lines in it.
    metrics: std::fs::File,
    metrics_lines: Lines,
    output_lines: Lines,
    /// Reads the lines of standard output.
    reader: Option<Box<dyn LineReader>>,
    json: metrics::Json,
    followed: Option<(Followed, Box<dyn LineReader>)>,
    events: Option<EventFiles>,
    buffer: Vec<u8>,
}

impl Sources {
    pub fn new(
        attempt: &Attempt<'_>,
        begun: &mut Begun,
        scratch: &Scratch,
    ) -> Result<Sources, ProgramFailure> {
        let invalid = |message: String| ProgramFailure::Invalid { message };
        let mut sources = Sources {
            stdout: begun.child.stdout.take(),
            stderr: begun.child.stderr.take(),
            metrics: (scratch.metrics.try_clone()).map_err(|error| invalid(error.to_string()))?,
            metrics_lines: Lines::default(),
            output_lines: Lines::default(),
            reader: None,
            json: metrics::Json,
            followed: None,
            events: None,
            buffer: vec![0; 1 << 16],
        };
        match &attempt.spec.metrics {
            MetricSource::Lines => sources.reader = Some(Box::new(metrics::Lines)),
            MetricSource::Regex(patterns) => {
                let patterns =
                    metrics::patterns(patterns).map_err(|error| invalid(error.to_string()))?;
                sources.reader = Some(Box::new(patterns));
            }
            // Those of files were begun before the program.
            MetricSource::File(_) | MetricSource::Jsonl(_) | MetricSource::Tensorboard(_) => {}
        }
        match begun.files.take() {
            Some(MetricFiles::Lines(followed, reader)) => {
                sources.followed = Some((followed, reader));
            }
            Some(MetricFiles::Events(events)) => sources.events = Some(events),
            None => {}
        }
        let waits = [
            sources.stdout.as_ref().map(pipe::never_wait),
            sources.stderr.as_ref().map(pipe::never_wait),
        ];
        for wait in waits.into_iter().flatten() {
            wait.map_err(|error| invalid(error.to_string()))?;
        }
        Ok(sources)
    }

    /// Waits until there is something to read or the process has `exited`, at most for `limit`.
    pub fn wait(&self, exited: Option<&OwnedFd>, limit: Duration) {
        let open = [
            self.stdout.as_ref().map(|pipe| pipe.as_raw_fd()),
            self.stderr.as_ref().map(|pipe| pipe.as_raw_fd()),
            Some(self.metrics.as_raw_fd()),
            exited.map(|descriptor| descriptor.as_raw_fd()),
        ];
        let mut polled: Vec<libc::pollfd> = (open.into_iter().flatten())
            .map(|fd| libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            })
            .collect();
        let millis = limit.as_millis() as i32;
        // Where nothing tells of the end, it is asked for often.
        let millis = if exited.is_none() {
            millis.min(2)
        } else {
            millis
        };
        // SAFETY: the list outlives the call, which is told its length.
        unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, millis) };
    }

    /// Reads what is there; whether more may come from the standard streams or is waiting in the pipe of metrics.
    pub fn read(
        &mut self,
        output: &mut Output,
        progress: &mut Progress<'_>,
        watcher: &mut dyn Watcher,
    ) -> bool {
        let buffer = &mut self.buffer;
        let mut is_open = false;
        let mut reader = self.reader.take();
        let lines = &mut self.output_lines;
        is_open |= drain(&mut self.stdout, buffer, |bytes| {
            output.add(bytes);
            if let Some(reader) = &mut reader {
                lines.add(bytes, |line| take(&mut **reader, line, progress, watcher));
            }
        });
        self.reader = reader;
        is_open |= drain(&mut self.stderr, buffer, |bytes| output.add(bytes));
        let (json, lines) = (&mut self.json, &mut self.metrics_lines);
        let mut read = 0;
        while let Found::Bytes(count) = pipe::read(&mut self.metrics, buffer) {
            lines.add(&buffer[..count], |line| take(json, line, progress, watcher));
            read += count;
            if read > MAX_READ {
                is_open = true;
                break;
            }
        }
        if let Some((followed, reader)) = &mut self.followed {
            is_open |= followed.poll(|line| take(&mut **reader, line, progress, watcher));
        }
        self.poll_events(progress, watcher);
        is_open
    }

    fn poll_events(&mut self, progress: &mut Progress<'_>, watcher: &mut dyn Watcher) {
        if let Some(events) = &mut self.events {
            let (reports, warnings) = events.poll();
            for report in reports {
                progress.report(report, watcher);
            }
            for warning in warnings {
                progress.say_once("events", &warning, watcher);
            }
        }
    }

    /// Takes lines without an end.
    pub fn finish(&mut self, progress: &mut Progress<'_>, watcher: &mut dyn Watcher) {
        if let Some(reader) = &mut self.reader {
            let lines = &mut self.output_lines;
            lines.finish(|line| take(&mut **reader, line, progress, watcher));
        }
        let json = &mut self.json;
        (self.metrics_lines).finish(|line| take(json, line, progress, watcher));
        if let Some((followed, reader)) = &mut self.followed {
            followed.finish(|line| take(&mut **reader, line, progress, watcher));
        }
        if self.output_lines.too_long + self.metrics_lines.too_long > 0 {
            let message = "lines of more than 65536 bytes were not read for metrics";
            progress.say_once("lines", message, watcher);
        }
    }
}

/// Reads `pipe` until nothing is there, and closes it at its end; whether it is still open.
fn drain<R: std::io::Read>(
    pipe: &mut Option<R>,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]),
) -> bool {
    let mut read = 0;
    while let Some(open) = pipe {
        match pipe::read(open, buffer) {
            Found::Bytes(count) => {
                take(&buffer[..count]);
                read += count;
                if read > MAX_READ {
                    return true;
                }
            }
            Found::Nothing => return true,
            Found::End => *pipe = None,
        }
    }
    false
}

/// Has `reader` read a line, and takes what it says.
fn take(
    reader: &mut dyn LineReader,
    line: &[u8],
    progress: &mut Progress<'_>,
    watcher: &mut dyn Watcher,
) {
    match reader.read(line) {
        Ok(Some(report)) => progress.report(report, watcher),
        Ok(None) => {}
        Err(error) => {
            let shown: String = String::from_utf8_lossy(&line[..line.len().min(400)])
                .chars()
                .take(100)
                .collect();
            progress.say_once(
                "line",
                &format!("a line of metrics cannot be read: {error}: {shown:?}"),
                watcher,
            );
        }
    }
}
