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

/// A length of time as it is written in files and flags: `1h30m`, `90s` is `1m30s`, `1s500ms`. Parts of
/// a millisecond are left out.
pub fn span(time: std::time::Duration) -> String {
    let mut rest = time.as_millis();
    let mut text = String::new();
    for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    match text.is_empty() {
        true => "0s".to_owned(),
        false => text,
    }
}

/// A signal by its number and, where it has one, its name: `9 (SIGKILL)`. Numbers are this system's.
pub fn signal(number: i32) -> String {
    let name = match number {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGSYS => "SIGSYS",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_it_is_written() {
        let shown = |millis| span(std::time::Duration::from_millis(millis));
        assert_eq!(shown(5_400_000), "1h30m");
        assert_eq!(shown(90_500), "1m30s500ms");
        assert_eq!(shown(0), "0s");
    }

    #[test]
    fn a_signal_is_shown_with_its_name_where_it_has_one() {
        assert_eq!(signal(9), "9 (SIGKILL)");
        assert_eq!(
            signal(libc::SIGSEGV),
            format!("{} (SIGSEGV)", libc::SIGSEGV)
        );
        assert_eq!(signal(99), "99");
    }
}
