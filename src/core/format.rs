//! Numbers, durations and sizes as text, written the same way in every message.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::sanitize::is_unsafe;

const IN_MEMORY: &str = "writing to a string cannot fail";

/// `1 row`, `2 rows`, `12,345 rows`.
pub fn pluralize(number: impl TryInto<u64>, noun: &str) -> String {
    pluralize_irregular(number, noun, &format!("{noun}s"))
}

/// `1 class`, `2 classes`.
pub fn pluralize_irregular(number: impl TryInto<u64>, singular: &str, plural: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    let noun = if number == 1 { singular } else { plural };
    format!("{} {noun}", with_thousands(number))
}

/// A whole number with thousands separators: `12,345`.
pub fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest decimal unit: `999 B`, `45.7 kB`, `123 MB`.
pub fn format_bytes(number: u64) -> String {
    let units = [("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12)];
    let size = number as f64;
    let unit = units.iter().rev().find(|(_, unit)| size >= 0.9995 * unit);
    match unit {
        None => format!("{number} B"),
        Some((name, unit)) if size < 99.95 * unit => format!("{:.1} {name}", size / unit),
        Some((name, unit)) => format!("{:.0} {name}", size / unit),
    }
}

/// `bytes` as part of an address: those that `is_safe` does not name become `%XX` (RFC 3986, 2.1). Letters, digits and
/// signs of ASCII alone can be safe.
pub fn percent_encode(bytes: &[u8], is_safe: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(bytes.len() * 3 / 2);
    for &byte in bytes {
        match byte.is_ascii() && is_safe(byte) {
            true => text.push(char::from(byte)),
            false => write!(text, "%{byte:02X}").expect(IN_MEMORY),
        }
    }
    text
}

/// `path` as the path of a `file:` address: its unreserved characters (RFC 3986, 2.3) and slashes stay as they are.
pub fn percent_encode_path(path: &Path) -> String {
    percent_encode(path.as_os_str().as_encoded_bytes(), |byte| {
        byte.is_ascii_alphanumeric() || b"/.-_~".contains(&byte)
    })
}

/// A duration as files and flags write it: `1h30m`, `1m30s`, `1s500ms`. Fractions of a millisecond
/// are dropped.
pub fn format_duration(duration: Duration) -> String {
    let mut rest = duration.as_millis();
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

/// A measured duration for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `3 d 04 h`.
pub fn format_seconds(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3_600),
    }
}

/// A signal number with its name on this system, if it has one: `9 (SIGKILL)`.
pub fn format_signal(number: i32) -> String {
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

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect(IN_MEMORY);
    }
    text
}

/// `word`, such as a path, as a shell takes it for one word.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// `text` as a string of TOML: a key or a value. What would act on a terminal or hide is escaped.
pub fn toml_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if is_unsafe(letter) => match u32::from(letter) {
                short @ ..=0xffff => write!(quoted, "\\u{short:04X}").expect(IN_MEMORY),
                long => write!(quoted, "\\U{long:08X}").expect(IN_MEMORY),
            },
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// What is allowed: `a, b or c`.
pub fn one_of(mut options: Vec<String>) -> String {
    let last = options.pop().unwrap_or_default();
    match options.is_empty() {
        true => last,
        false => format!("{} or {last}", options.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_toml_hide_nothing_and_end_where_they_should() {
        assert_eq!(toml_string("plain é.name"), "\"plain é.name\"");
        assert_eq!(toml_string("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(
            toml_string("a\nb\u{7f}\u{202e}\u{e0041}"),
            r#""a\u000Ab\u007F\u202E\U000E0041""#
        );
    }

    #[test]
    fn options_are_listed_as_in_prose() {
        let listed =
            |options: &[&str]| one_of(options.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(listed(&["mlp"]), "mlp");
        assert_eq!(listed(&["mlp", "xgboost"]), "mlp or xgboost");
        assert_eq!(listed(&["a", "b", "c"]), "a, b or c");
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(pluralize(1, "seed"), "1 seed");
        assert_eq!(pluralize(0usize, "seed"), "0 seeds");
        assert_eq!(pluralize(1_000, "trial"), "1,000 trials");
        assert_eq!(pluralize_irregular(1, "class", "classes"), "1 class");
        assert_eq!(pluralize_irregular(3, "class", "classes"), "3 classes");
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(with_thousands(0), "0");
        assert_eq!(with_thousands(999), "999");
        assert_eq!(with_thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn bytes_have_the_largest_unit() {
        let sizes = [
            0,
            999,
            1_000,
            45_678,
            999_700,
            123_456_789,
            5_000_000_000_000,
        ];
        let formatted = [
            "0 B", "999 B", "1.0 kB", "45.7 kB", "1.0 MB", "123 MB", "5.0 TB",
        ];
        assert_eq!(sizes.map(format_bytes), formatted);
    }

    #[test]
    fn durations_are_written_as_files_write_them() {
        let formatted = |millis| format_duration(Duration::from_millis(millis));
        assert_eq!(formatted(5_400_000), "1h30m");
        assert_eq!(formatted(90_500), "1m30s500ms");
        assert_eq!(formatted(0), "0s");
    }

    #[test]
    fn measured_durations_have_two_units_at_most() {
        assert_eq!(format_seconds(0.04), "0.0 s");
        assert_eq!(format_seconds(9.97), "10 s");
        assert_eq!(format_seconds(59.6), "1 min 00 s");
        assert_eq!(format_seconds(3_599.7), "1 h 00 min");
        assert_eq!(format_seconds(90_000.0), "1 d 01 h");
        assert_eq!(format_seconds(f64::NAN), "unknown");
    }

    #[test]
    fn an_address_holds_every_byte() {
        let path = Path::new("/runs/é 1%/a-b_c.d~e");
        assert_eq!(percent_encode_path(path), "/runs/%C3%A9%201%25/a-b_c.d~e");
        assert_eq!(percent_encode("aé%".as_bytes(), |_| true), "a%C3%A9%");
    }

    #[test]
    fn signals_have_their_names() {
        assert_eq!(format_signal(9), "9 (SIGKILL)");
        assert_eq!(
            format_signal(libc::SIGSEGV),
            format!("{} (SIGSEGV)", libc::SIGSEGV)
        );
        assert_eq!(format_signal(99), "99");
    }

    #[test]
    fn hexadecimal_digits_are_two_a_byte() {
        assert_eq!(hex(&[0x00, 0x0f, 0xa0]), "000fa0");
    }

    #[test]
    fn what_a_shell_would_split_or_act_on_is_quoted() {
        assert_eq!(
            shell_word("experiments/genres.toml"),
            "experiments/genres.toml"
        );
        assert_eq!(shell_word("my $(x) it's.toml"), "'my $(x) it'\\''s.toml'");
        assert_eq!(shell_word(""), "''");
    }
}
