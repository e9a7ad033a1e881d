//! The terminal: whether there is one, and writing to it without panicking when it goes away.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

/// Least width of a terminal that tables are cut for; less is what programs say that know none.
const NARROWEST: u16 = 20;

pub use crate::colour::{stderr_has_colour, stdout_has_colour};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hint;
use sweep_core::atomic_fs;
use sweep_core::sanitize::{char_width, is_unsafe};
use sweep_report::table::TableStyle;

/// `text` without what acts on a terminal or hides in it, but for line ends, tabs and, if it may be
/// coloured, colours. What is drawn from data is made fit to be shown where it is drawn; this is the
/// last door.
fn harmless(text: &str, has_colour: bool) -> Cow<'_, str> {
    let acts = |c: char| is_unsafe(c) && c != '\n' && c != '\t';
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(acts) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        // "\x1b[", digits and semicolons, "m"
        let colour = rest.strip_prefix("\x1b[").and_then(|sequence| {
            let end = sequence.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            (sequence[end..].starts_with('m')).then_some(2 + end + 1)
        });
        match colour.filter(|_| has_colour) {
            Some(length) => {
                shown.push_str(&rest[..length]);
                rest = &rest[length..];
            }
            None => {
                shown.push(char::REPLACEMENT_CHARACTER);
                let length = rest.chars().next().map_or(0, char::len_utf8);
                rest = &rest[length..];
            }
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Writes `value` and a line's end to standard output. What a terminal would act on is written as
/// an escape (`\u` and four digits), which reads back as what it was.
pub fn print_json(value: &serde_json::Value) {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match is_unsafe(c) {
            // JSON has ASCII's control characters in texts only, and escapes them itself.
            true => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => text.push(c),
        }
    }
    write(&text);
}

/// Writes `text` and a line end to standard output; ends the process if that fails. Commands in it are those for this
/// database.
pub fn print(text: &str) {
    write(&harmless(&hint::with_flags(text), stdout_has_colour()));
}

/// Likewise, with the rows of the tables in `text` cut to the width of the terminal, if it is one: a row that goes
/// round to a second line cannot be read as one.
pub fn print_table(text: &str) {
    match width() {
        Some(width) => print(&fitted(text, width)),
        None => print(text),
    }
}

/// Writes `bytes` to standard output as they are; on a terminal as harmless text.
pub fn print_bytes(bytes: &[u8]) {
    let mut output = io::stdout().lock();
    let written = match output.is_terminal() {
        true => {
            let text = String::from_utf8_lossy(bytes);
            output.write_all(harmless(&text, false).as_bytes())
        }
        false => output.write_all(bytes),
    };
    written
        .and_then(|()| output.flush())
        .unwrap_or_else(|error| end_unwritten(&error));
}

/// The style of tables on standard output.
pub fn table_style() -> TableStyle {
    TableStyle {
        is_colored: stdout_has_colour(),
        width: width(),
    }
}

/// Columns of the terminal that standard output is.
pub fn width() -> Option<usize> {
    // SAFETY: an all-zero winsize is a valid value of that plain C struct.
    let mut size: libc::winsize = unsafe { std::mem::zeroed() };
    // SAFETY: the request fills a winsize, which `size` is; on what is no terminal it fails.
    let code = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (code == 0 && size.ws_col >= NARROWEST).then_some(size.ws_col.into())
}

/// `text` with every line of a table, whose cells stand at least two spaces apart, at most `width` columns wide.
fn fitted(text: &str, width: usize) -> String {
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let is_of_table = body.trim().contains("  ") || body.contains('─');
        match is_of_table && columns(body) > width {
            true => shown.push_str(&cut(body, width)),
            false => shown.push_str(body),
        }
        shown.push_str(&line[body.len()..]);
    }
    shown
}

/// The letters of `line` with the columns that each takes; those of colours take none.
fn letters(line: &str) -> impl Iterator<Item = (char, usize)> {
    let mut is_colour = false;
    line.chars().map(move |letter| {
        is_colour |= letter == '\u{1b}';
        let taken = if is_colour { 0 } else { char_width(letter) };
        is_colour &= letter != 'm';
        (letter, taken)
    })
}

fn columns(line: &str) -> usize {
    letters(line).map(|(_, taken)| taken).sum()
}

/// The first letters of `line`, with an ellipsis in the last of `width` columns, and all of its colours.
fn cut(line: &str, width: usize) -> String {
    let mut shown = String::with_capacity(line.len());
    let (mut used, mut is_cut) = (0, false);
    for (letter, taken) in letters(line) {
        match (taken, is_cut) {
            (0, _) => shown.push(letter),
            (_, true) => {}
            (taken, false) if used + taken < width => {
                used += taken;
                shown.push(letter);
            }
            (_, false) => {
                is_cut = true;
                shown.push(if letter == '─' { letter } else { '…' });
            }
        }
    }
    shown
}

fn write(text: &str) {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.trim_end_matches('\n').as_bytes());
    written
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush())
        .unwrap_or_else(|error| end_unwritten(&error));
}

/// Ends this process, whose standard output cannot be written: `sweep ls | head` closes the pipe, which is no failure,
/// and anything else is one.
pub fn end_unwritten(error: &io::Error) -> ! {
    atomic_fs::remove_partial_files();
    let exit = match error.kind() {
        io::ErrorKind::BrokenPipe => Exit::Success,
        _ => {
            let help = match atomic_fs::is_full(error) {
                true => atomic_fs::how_to_make_room(error),
                false => "see where it is redirected to",
            };
            let said = format!("standard output cannot be written: {error}");
            note_drawn(&Failure::environment(said, help).to_string());
            Exit::Environment
        }
    };
    std::process::exit(exit as i32)
}

/// Writes a line to standard error; commands in it are those for this database.
pub fn note(text: &str) {
    // Nothing can be done about messages that cannot be written.
    note_drawn(&hint::with_flags(text));
}

/// Writes what was drawn on lines of some width, hints included, and a line's end to standard error.
pub fn note_drawn(text: &str) {
    let text = harmless(text.trim_end_matches('\n'), stderr_has_colour());
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tables_are_cut_to_the_terminal_and_sentences_are_not() {
        let text = "a   bbbbbbbbbb\n───────────────\na sentence of many words\n日本  日本日本\n";
        assert_eq!(
            fitted(text, 10),
            "a   bbbbb…\n──────────\na sentence of many words\n日本  日…\n"
        );
        assert_eq!(fitted(text, 80), text);
        let coloured = "\u{1b}[1;31ma   bbbbbbbbbb\u{1b}[0m";
        assert_eq!(fitted(coloured, 10), "\u{1b}[1;31ma   bbbbb…\u{1b}[0m");
    }

    #[test]
    fn nothing_but_colours_and_line_ends_acts_on_a_terminal() {
        let text =
            "a\u{1b}[1;31mred\u{1b}[0m\tb\nc\u{1b}[2Jd\u{1b}]0;title\u{7}\u{9b}K\r\u{202e}e\u{1b}[";
        let plain = "a\u{fffd}[1;31mred\u{fffd}[0m\tb\nc\u{fffd}[2Jd\u{fffd}]0;title\u{fffd}\u{fffd}K\u{fffd}\u{fffd}e\u{fffd}[";
        assert_eq!(harmless(text, false), plain);
        let coloured = plain
            .replace("\u{fffd}[1;31m", "\u{1b}[1;31m")
            .replace("\u{fffd}[0m", "\u{1b}[0m");
        assert_eq!(harmless(text, true), coloured);
        assert!(matches!(harmless("plain é\n", false), Cow::Borrowed(_)));
    }
}
