//! Dates and times as people write them, and their parts.
//!
//! Invariant: a format is a property of a column; only a day that exists is a date.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::fmt::strtime::BrokenDownTime;

use sweep_core::data_config::DatePart;

/// What people write, most exact first. ISO 8601 is read without a format; see [`DateFormat::Iso`].
const KNOWN: [&str; 40] = [
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%y %H:%M:%S",
    "%d/%m/%y %H:%M:%S",
    "%m/%d/%y %H:%M",
    "%d/%m/%y %H:%M",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d.%m.%y",
    "%m-%d-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%m-%d-%Y %H:%M",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%a, %d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%b %d %Y",
];

/// How the dates of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateFormat {
    /// `2019-03-23`, with a time of day behind `T` or a blank, and an offset that is not looked at.
    Iso,
    /// As for `strptime`.
    Pattern(String),
}

/// What a column of texts may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    Found(DateFormat),
    /// Every cell is a date by each of these formats, and they differ in which.
    Ambiguous(Vec<String>),
    NoDates,
}

impl DateFormat {
    /// The name of the format for messages and files.
    pub fn name(&self) -> &str {
        match self {
            DateFormat::Iso => "iso",
            DateFormat::Pattern(pattern) => pattern,
        }
    }

    /// The format with this name.
    pub fn named(name: &str) -> DateFormat {
        match name {
            "iso" => DateFormat::Iso,
            pattern => DateFormat::Pattern(pattern.to_owned()),
        }
    }

    /// Why `pattern` is none that can be read; `None` if it is one.
    pub fn problem(pattern: &str) -> Option<String> {
        // Written and read back, a day shows whether all of it is told.
        let day = DateTime::constant(2019, 3, 23, 20, 21, 9, 0);
        let written = match jiff::fmt::strtime::format(pattern, day) {
            Ok(written) => written,
            Err(error) => return Some(error.to_string()),
        };
        match DateFormat::Pattern(pattern.to_owned()).parse(&written) {
            Some(read) if read.date() == day.date() => None,
            _ => Some("it does not tell year, month and day".to_owned()),
        }
    }

    /// The moment that `cell` names, blanks around it aside.
    pub fn parse(&self, cell: &str) -> Option<DateTime> {
        let cell = cell.trim();
        match self {
            DateFormat::Iso => parse_iso(cell),
            DateFormat::Pattern(pattern) => {
                let parsed = BrokenDownTime::parse(pattern, cell).ok()?;
                let date: Date = parsed.to_date().ok()?;
                // A year of two digits is not one of four.
                if pattern.contains("%Y") && date.year() < 1000 {
                    return None;
                }
                let time = parsed.to_time().unwrap_or_default();
                Some(date.to_datetime(time))
            }
        }
    }

    /// How `cells`, distinct texts of a column, are written if all of them are dates.
    pub fn guess<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Guess {
        /// Cells by which formats are chosen before all are looked at.
        const FEW: usize = 200;
        if cells.clone().next().is_none() {
            return Guess::NoDates;
        }
        let holds = |format: &DateFormat| {
            let mut first = cells.clone().take(FEW);
            first.all(|cell| format.parse(cell).is_some())
                && cells.clone().all(|cell| format.parse(cell).is_some())
        };
        if holds(&DateFormat::Iso) {
            return Guess::Found(DateFormat::Iso);
        }
        let patterns = KNOWN.iter().map(|name| DateFormat::named(name));
        let found: Vec<DateFormat> = patterns.filter(|format| holds(format)).collect();
        let Some(first) = found.first() else {
            return Guess::NoDates;
        };
        // Day before month or month before day matters only where they give different days.
        let differs = |other: &&DateFormat| {
            cells
                .clone()
                .any(|cell| other.parse(cell) != first.parse(cell))
        };
        let others: Vec<&DateFormat> = found[1..].iter().filter(differs).collect();
        match others.is_empty() {
            true => Guess::Found(first.clone()),
            false => Guess::Ambiguous(
                std::iter::once(first)
                    .chain(others)
                    .map(|format| format.name().to_owned())
                    .collect(),
            ),
        }
    }
}

/// The number that `part` of `moment` is.
pub fn part(moment: DateTime, part: DatePart) -> f64 {
    match part {
        DatePart::Year => f64::from(moment.year()),
        DatePart::Month => f64::from(moment.month()),
        DatePart::Day => f64::from(moment.day()),
        DatePart::Weekday => f64::from(moment.weekday().since(Weekday::Monday)),
        DatePart::Hour => f64::from(moment.hour()),
        DatePart::Days => {
            let days = moment.date().since(Date::constant(1970, 1, 1));
            let days = days.map_or(0, |span| span.get_days());
            let time = moment.time();
            let seconds = f64::from(time.hour()) * 3600.0
                + f64::from(time.minute()) * 60.0
                + f64::from(time.second());
            f64::from(days) + seconds / 86_400.0
        }
    }
}

/// `YYYY-MM-DD` with an optional time of day.
fn parse_iso(cell: &str) -> Option<DateTime> {
    let date_text = cell.get(..10)?;
    let is_date = date_text
        .bytes()
        .enumerate()
        .all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_date {
        return None;
    }
    let number = |text: &str| text.parse().ok();
    let month = number(&date_text[5..7])?;
    let day = number(&date_text[8..10])?;
    let date = Date::new(date_text[..4].parse().ok()?, month, day).ok()?;
    let rest = &cell[10..];
    if rest.is_empty() {
        return Some(date.to_datetime(jiff::civil::Time::midnight()));
    }
    let time = rest.strip_prefix(['T', 't', ' '])?.trim_start();
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let is_offset = offset.is_empty()
        || offset.eq_ignore_ascii_case("z")
        || (offset.len() >= 3
            && offset[1..]
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b':'));
    if !is_offset {
        return None;
    }
    let mut parts = time.trim_end().split(':');
    let hour = number(parts.next()?)?;
    let minute = number(parts.next()?)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (second, fraction) = text.split_once('.').unwrap_or((text, ""));
            if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let nanoseconds = format!("{fraction:0<9}");
            (number(second)?, nanoseconds.get(..9)?.parse().ok()?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let time = jiff::civil::Time::new(hour, minute, second, fraction).ok()?;
    Some(date.to_datetime(time))
}

/// The year of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, if there is such a day (ISO 8601, proleptic
/// Gregorian calendar, years 0001 to 9999).
pub fn year(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let mut parts = cell.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map(|text| digits(text, 2));
    let day = parts.next().map(|text| digits(text, 2));
    if year == 0 || parts.next().is_some() {
        return None;
    }
    let (month, day) = match (month, day) {
        (None, _) => (1, 1),
        (Some(month), None) => (month?, 1),
        (Some(month), Some(day)) => (month?, day?),
    };
    let exists = Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    exists.is_ok().then(|| f64::from(year))
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

    #[test]
    fn iso_dates_are_read_with_and_without_time() {
        for (cell, wanted) in [
            ("2019-03-23", Some("2019-03-23T00:00:00")),
            ("2019-03-23 20:21:09", Some("2019-03-23T20:21:09")),
            ("2019-03-23T20:21", Some("2019-03-23T20:21:00")),
            ("2019-03-23T20:21:09.25Z", Some("2019-03-23T20:21:09.25")),
            ("2019-03-23T20:21:09+02:00", Some("2019-03-23T20:21:09")),
            ("2019-02-29", None),
            ("2019-03-23 25:00", None),
            ("2019-03-23x", None),
            ("2019-03", None),
            ("äöüäöüäöü", None),
        ] {
            let parsed = DateFormat::Iso.parse(cell).map(|moment| moment.to_string());
            assert_eq!(parsed.as_deref(), wanted, "{cell}");
        }
    }

    #[test]
    fn formats_are_found_and_ambiguous_ones_are_not_guessed() {
        let guess = |cells: &[&str]| DateFormat::guess(cells.iter().copied());
        let found = |name: &str| Guess::Found(DateFormat::named(name));
        assert_eq!(guess(&["2019-03-23", "2020-01-01 10:00"]), found("iso"));
        assert_eq!(guess(&["6/16/14", "1/2/15"]), found("%m/%d/%y"));
        assert_eq!(guess(&["16/06/2014", "01/02/2015"]), found("%d/%m/%Y"));
        assert_eq!(
            guess(&["16/06/2014 13:05", "01/02/2015 1:00"]),
            found("%d/%m/%Y %H:%M")
        );
        assert_eq!(
            guess(&["January 7, 2018", "May 31, 2018"]),
            found("%B %d, %Y")
        );
        assert_eq!(guess(&["7 Jan 2018", "31 Dec 2018"]), found("%d %b %Y"));
        assert_eq!(guess(&["31.12.2018", "1.2.2019"]), found("%d.%m.%Y"));
        assert!(matches!(
            guess(&["1/2/2014", "3/4/2015"]),
            Guess::Ambiguous(_)
        ));
        assert_eq!(guess(&["1/1/2014", "3/3/2015"]), found("%m/%d/%Y"));
        assert_eq!(guess(&["x", "2019-01-01"]), Guess::NoDates);
        assert_eq!(guess(&[]), Guess::NoDates);
    }

    #[test]
    fn parts_are_those_of_python() {
        // datetime(2019, 3, 23, 18, 0).weekday() == 5; date(2019, 3, 23).toordinal() - 719163
        let moment = DateTime::constant(2019, 3, 23, 18, 0, 0, 0);
        let parts: Vec<f64> = DatePart::ALL.iter().map(|one| part(moment, *one)).collect();
        assert_eq!(parts, [2019.0, 3.0, 23.0, 5.0, 18.0, 17978.75]);
        let before = DateTime::constant(1969, 12, 31, 0, 0, 0, 0);
        assert_eq!(part(before, DatePart::Days), -1.0);
    }

    #[test]
    fn patterns_that_tell_no_day_are_refused() {
        assert_eq!(DateFormat::problem("%d/%m/%Y"), None);
        assert_eq!(DateFormat::problem("%m/%d/%y %H:%M"), None);
        assert!(DateFormat::problem("%H:%M").is_some());
        assert!(DateFormat::problem("%Q").is_some());
    }
}
