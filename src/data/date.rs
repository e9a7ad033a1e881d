//! Years of dates.
//!
//! Invariant: only a day that exists has a year.

/// The year of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, if there is such a day (ISO 8601, proleptic
/// Gregorian calendar, years 0001 to 9999).
pub(super) fn year(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let mut parts = cell.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map(|text| digits(text, 2));
    let day = parts.next().map(|text| digits(text, 2));
    if year == 0 || parts.next().is_some() {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        None => return Some(f64::from(year)),
        Some(None | Some(0 | 13..)) => return None,
        Some(Some(2)) => 28 + u32::from(leap),
        Some(Some(4 | 6 | 9 | 11)) => 30,
        Some(Some(_)) => 31,
    };
    match day {
        None => Some(f64::from(year)),
        Some(Some(day)) if (1..=days).contains(&day) => Some(f64::from(year)),
        Some(_) => None,
    }
}

fn digits(text: &str, length: usize) -> Option<u32> {
    let right = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_that_exist_have_a_year() {
        for (cell, wanted) in [
            ("2019", Some(2019.0)),
            (" 1998-07 ", Some(1998.0)),
            ("2000-02-29", Some(2000.0)),
            ("1900-02-29", None),
            ("2019-04-31", None),
            ("2019-13", None),
            ("2019-1-1", None),
            ("2019-01-00", None),
            ("2019-01-01-01", None),
            ("0000", None),
            ("19", None),
            ("+019", None),
            ("2019-", None),
        ] {
            assert_eq!(year(cell), wanted, "{cell}");
        }
    }
}
