//! Durations and sizes with units: `1h30m`, `2GB`.

use std::time::Duration;

/// Longest duration: a year.
const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);
/// Smallest memory limit with which a worker runs.
const LEAST_MEMORY: u64 = 64_000_000;

/// Parses a duration such as `1h30m`: whole numbers, each with a unit, larger units first; above 0,
/// and at most a year.
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total = 0u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (_, unit) = UNITS
            .into_iter()
            .find(|(name, _)| *name == &rest[..letters])?;
        rest = &rest[letters..];
        if unit >= last {
            return None;
        }
        last = unit;
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    let total = Duration::from_millis(total);
    (!total.is_zero() && total <= MAX_TIMEOUT).then_some(total)
}

/// Parses a memory limit such as `2GB`: a whole number with a decimal (`MB`) or binary (`MiB`) unit, and
/// at least what a worker needs.
pub fn memory_size(text: &str) -> Option<u64> {
    size(text).filter(|bytes| *bytes >= LEAST_MEMORY)
}

/// Parses a size such as `2GB`: a whole number with a decimal or binary unit.
pub(super) fn size(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let (_, unit) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    count.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let seconds = |text| duration(text).map(|time| time.as_secs_f64());
        assert_eq!(seconds("30m"), Some(1800.0));
        assert_eq!(seconds("1h30m"), Some(5400.0));
        assert_eq!(seconds("1m2s500ms"), Some(62.5));
        for bad in [
            "", "30", "m", "0s", "1.5h", "-1s", "30m1h", "1s1s", "9999999h", "1d", "٣s",
        ] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(duration("99999999999999999999h"), None);
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        assert_eq!(memory_size("64MB"), Some(LEAST_MEMORY));
        assert_eq!(memory_size("2GB"), Some(2_000_000_000));
        assert_eq!(memory_size("3GiB"), Some(3 << 30));
        for bad in [
            "",
            "2",
            "GB",
            "2gb",
            "2 GB",
            "-1GB",
            "1.5GB",
            "63MB",
            "0TB",
            "1KB",
            "99999999999TB",
            "٣GB",
        ] {
            assert_eq!(memory_size(bad), None, "{bad}");
        }
    }
}
