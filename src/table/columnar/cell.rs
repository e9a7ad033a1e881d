//! Typed values as cells.

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span};

use crate::builder::PieceColumn;
use crate::missing::MissingMarkers;
use crate::number::MAX_EXACT;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Adds a whole number.
pub(super) fn push_whole(column: &mut PieceColumn, number: i128, markers: &MissingMarkers) {
    match number.unsigned_abs() as f64 <= MAX_EXACT {
        true => column.push_number(number as f64, markers),
        // As text, it is seen that it is not exact.
        false => column.push(&number.to_string(), markers),
    }
}

/// Adds a number; what is none counts as missing.
pub(super) fn push_float(column: &mut PieceColumn, number: f64, markers: &MissingMarkers) {
    match number {
        number if number.is_nan() => column.push_missing(),
        number if number.is_finite() => column.push_number(number, markers),
        infinite => column.push(&infinite.to_string(), markers),
    }
}

pub(super) fn push_bool(column: &mut PieceColumn, value: bool, markers: &MissingMarkers) {
    column.push(if value { "true" } else { "false" }, markers);
}

/// `unscaled` with the last `scale` digits as decimals.
pub(super) fn decimal(unscaled: i128, scale: i32) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let sign = if unscaled < 0 { "-" } else { "" };
    match usize::try_from(scale) {
        Ok(0) => format!("{sign}{digits}"),
        Ok(scale) => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, decimals) = digits.split_at(digits.len() - scale);
            format!("{sign}{whole}.{decimals}")
        }
        Err(_) => format!(
            "{sign}{digits}{}",
            "0".repeat(scale.unsigned_abs() as usize)
        ),
    }
}

/// An ISO date; `None` beyond the years that a date may have.
pub(super) fn date(days: i64) -> Option<String> {
    let span = Span::new().try_days(days).ok()?;
    Some(EPOCH.checked_add(span).ok()?.to_string())
}

/// An ISO date and time, of `ticks` since 1970 of which a second has `per_second`.
pub(super) fn timestamp(ticks: i64, per_second: i64) -> Option<String> {
    let seconds = ticks.div_euclid(per_second);
    let nanoseconds = ticks.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let since = SignedDuration::new(seconds, i32::try_from(nanoseconds).ok()?);
    let moment = DateTime::from_parts(EPOCH, Time::midnight());
    Some(moment.checked_add(since).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_dates_are_written_as_people_do() {
        assert_eq!(decimal(12345, 2), "123.45");
        assert_eq!(decimal(-5, 3), "-0.005");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(decimal(7, -2), "700");
        assert_eq!(date(0).unwrap(), "1970-01-01");
        assert_eq!(date(-1).unwrap(), "1969-12-31");
        assert_eq!(
            timestamp(1_553_372_469_000, 1000).unwrap(),
            "2019-03-23T20:21:09"
        );
        assert_eq!(timestamp(-1, 1).unwrap(), "1969-12-31T23:59:59");
        assert!(date(i64::from(i32::MAX)).is_none());
    }
}
