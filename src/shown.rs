//! Text from outside - names, values, logs - made fit to be shown: on a terminal, in a plot, on a page.
//!
//! Invariant: what comes out cannot move a cursor, change colours, break a line, hide, or turn the
//! reading direction.

/// Replaces what does not print: white space by a space, other control characters and those that
/// turn the reading direction or hide by U+FFFD.
pub fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => '\u{fffd}',
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// `1 row`, `2 rows`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
