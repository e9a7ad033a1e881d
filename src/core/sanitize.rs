//! Text from outside - names, values, logs - made fit to be shown: on a terminal, in a plot, on a page.
//!
//! Invariant: what comes out cannot move a cursor, change colours, break a line, hide, or turn the
//! reading direction.

/// Replaces what does not print: white space by a space, other control characters and those that
/// turn the reading direction or hide by U+FFFD.
pub fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if deceives(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Whether `c` would act on what it is shown with instead of being shown: control characters, marks
/// that turn the reading direction, letters that take no room (Unicode's `Bidi_Control`, most of
/// `Default_Ignorable_Code_Point`, and its noncharacters).
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Columns of a terminal that `letter` takes: letters of East Asia and pictures take two.
pub fn columns_of(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Columns of a terminal that `text`, without colours, takes.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// `1 row`, `2 rows`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A number of bytes in the largest decimal unit, with three digits at least.
pub fn bytes(number: u64) -> String {
    let units = [("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];
    let size = number as f64;
    let unit = units.iter().rev().find(|(_, unit)| size >= 0.9995 * unit);
    match unit {
        None => format!("{number} B"),
        Some((name, unit)) if size < 99.95 * unit => format!("{:.1} {name}", size / unit),
        Some((name, unit)) => format!("{:.0} {name}", size / unit),
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
    fn what_is_shown_can_neither_act_nor_hide() {
        assert_eq!(
            clean("a\u{1b}[31mred\r\nb\tc\u{85}d\u{2028}e\u{7f}\0"),
            "a\u{fffd}[31mred  b c d e\u{fffd}\u{fffd}"
        );
        for c in [
            '\u{9b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{61c}',
            '\u{feff}',
            '\u{ad}',
            '\u{e0041}',
            '\u{1fffe}',
            '\u{3164}',
            '\u{ffff}',
        ] {
            assert_eq!(clean(&format!("a{c}b")), "a\u{fffd}b", "{:x}", u32::from(c));
        }
    }

    #[test]
    fn letters_of_every_script_are_shown_as_they_are() {
        let text = "Ærøskøbing Дом 東京 שלום مرحبا नमस्ते e\u{301} \u{1f3b5} \u{fffd}";
        assert_eq!(clean(text), text);
    }

    #[test]
    fn bytes_are_shown_in_their_largest_unit() {
        let sizes = [
            0,
            999,
            1_000,
            45_678,
            999_700,
            123_456_789,
            5_000_000_000_000,
        ];
        let shown = [
            "0 B", "999 B", "1.0 kB", "45.7 kB", "1.0 MB", "123 MB", "5.0 TB",
        ];
        assert_eq!(sizes.map(bytes), shown);
    }

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
