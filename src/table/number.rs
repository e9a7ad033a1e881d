//! Numbers as people write them: decimal comma, thousands separators, currency and per cent signs.
//!
//! Invariant: a style is a property of a column; a cell is a number only in the style of its column.

use serde::{Deserialize, Serialize};

/// Whole numbers up to this are exact in 64-bit floats.
pub const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
/// Shortest whole number, in characters, that may lie beyond it.
const LONG: usize = 16;
/// Signs of currencies; around a number, blanks aside.
const CURRENCIES: [&str; 8] = ["$", "€", "£", "¥", "USD", "EUR", "GBP", "CHF"];

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NumberStyle {
    /// A comma separates decimals.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub decimal_comma: bool,
    /// Digits before the decimals stand in groups of three.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub grouped: bool,
    /// A sign of currency stands before or after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub currency: bool,
    /// A per cent sign stands after; the number is that before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub percent: bool,
}

/// A cell read as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Parsed {
    /// A finite number.
    Number(f64),
    /// A whole number that a 64-bit float does not hold exactly, rounded.
    Rounded(f64),
    NotANumber,
}

impl NumberStyle {
    pub const PLAIN: NumberStyle = NumberStyle {
        decimal_comma: false,
        grouped: false,
        currency: false,
        percent: false,
    };

    /// Whether numbers are written as programs write them.
    pub fn is_plain(&self) -> bool {
        *self == NumberStyle::PLAIN
    }

    /// The number that `cell` spells, blanks around it aside.
    pub fn parse(&self, cell: &str) -> Parsed {
        let cell = cell.trim_ascii();
        if self.is_plain() {
            return parse_plain(cell);
        }
        match self.plain_text(cell) {
            Some(text) => parse_plain(&text),
            None => Parsed::NotANumber,
        }
    }

    /// The finite number that `cell` spells, rounded if need be.
    pub fn number(&self, cell: &str) -> Option<f64> {
        match self.parse(cell) {
            Parsed::Number(number) | Parsed::Rounded(number) => Some(number),
            Parsed::NotANumber => None,
        }
    }

    /// What is unusual about it: `a decimal comma and a per cent sign`.
    pub fn about(&self) -> String {
        let parts = [
            (self.decimal_comma, "a decimal comma"),
            (self.grouped, "thousands separators"),
            (self.currency, "a sign of currency"),
            (self.percent, "a per cent sign"),
        ];
        let parts: Vec<&str> = parts
            .iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, name)| *name)
            .collect();
        parts.join(" and ")
    }

    /// `cell` as programs write numbers.
    fn plain_text(&self, cell: &str) -> Option<String> {
        let mut text = cell;
        let (sign, unsigned) = sign_of(text);
        let mut is_negative = sign;
        text = unsigned;
        // Accountants put what is negative in parentheses.
        if self.currency
            && let Some(inner) = text
                .strip_prefix('(')
                .and_then(|text| text.strip_suffix(')'))
        {
            (is_negative, text) = (true, inner);
        }
        if self.percent {
            text = text.strip_suffix('%').unwrap_or(text).trim_end();
        }
        if self.currency {
            for mark in CURRENCIES {
                text = text.strip_prefix(mark).unwrap_or(text).trim_start();
                text = text.strip_suffix(mark).unwrap_or(text).trim_end();
            }
            let (sign, unsigned) = sign_of(text);
            is_negative |= sign;
            text = unsigned;
        }
        let decimal = if self.decimal_comma { ',' } else { '.' };
        let (whole, decimals) = match text.split_once(decimal) {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        let whole = match self.grouped {
            true => ungrouped(whole, self.decimal_comma)?,
            false => whole.to_owned(),
        };
        let is_other = |text: &str| text.starts_with(['+', '-']) || text.contains(['.', ',']);
        if is_other(&whole) || decimals.is_some_and(is_other) {
            return None;
        }
        let sign = if is_negative { "-" } else { "" };
        Some(match decimals {
            Some(decimals) => format!("{sign}{whole}.{decimals}"),
            None => format!("{sign}{whole}"),
        })
    }

    /// The style in which every one of `cells` is a number; plain if possible. With `decimal_comma`
    /// given, no other sign separates decimals. `None` if there is none, or no cell.
    pub fn find<'a>(
        cells: impl Iterator<Item = &'a str> + Clone,
        decimal_comma: Option<bool>,
    ) -> Option<NumberStyle> {
        cells.clone().next()?;
        let has = |wanted: &dyn Fn(&str) -> bool| cells.clone().any(wanted);
        let currency = has(&|cell| CURRENCIES.iter().any(|mark| cell.contains(mark)));
        let percent = has(&|cell| cell.trim_end().ends_with('%'));
        let separated = has(&|cell| cell.contains([',', '.', '\'', ' ', '\u{a0}', '\u{202f}']));
        let commas = match decimal_comma {
            Some(given) => vec![given],
            None => vec![false, true],
        };
        // Groups of three first: `1,234` in every cell is a thousand, not one and a quarter.
        let groupings: &[bool] = if separated { &[false, true] } else { &[false] };
        for decimal_comma in commas {
            for grouped in groupings {
                let style = NumberStyle {
                    decimal_comma,
                    grouped: *grouped,
                    currency,
                    percent,
                };
                if cells.clone().all(|cell| style.number(cell).is_some()) {
                    return Some(style);
                }
            }
        }
        None
    }
}

fn parse_plain(cell: &str) -> Parsed {
    if let Some(number) = short_decimal(cell.as_bytes()) {
        return Parsed::Number(number);
    }
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            let is_long = cell.len() >= LONG && number.abs() >= MAX_EXACT;
            if is_long
                && cell
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'-')
            {
                Parsed::Rounded(number)
            } else {
                Parsed::Number(number)
            }
        }
        _ => Parsed::NotANumber,
    }
}

/// The number that a decimal of at most fifteen digits without exponent spells: whole number and power
/// of ten are exact, so that their quotient is rounded once, as the standard library rounds (Clinger
/// 1990). Nothing for other texts.
fn short_decimal(text: &[u8]) -> Option<f64> {
    const MAX_DIGITS: usize = 15;
    const POWERS: [f64; MAX_DIGITS + 1] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // One more for the point.
    if digits.is_empty() || digits.len() > MAX_DIGITS + 1 {
        return None;
    }
    let (mut whole, mut point, mut count) = (0u64, None, 0);
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                whole = whole * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(digits.len() - 1 - place),
            _ => return None,
        }
    }
    if count == 0 || count > MAX_DIGITS {
        return None;
    }
    let number = whole as f64 / POWERS[point.unwrap_or(0)];
    Some(if is_negative { -number } else { number })
}

fn sign_of(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// The digits of `whole` without the separators between groups of three; `None` if those do not
/// stand where they should, or are of several kinds.
fn ungrouped(whole: &str, decimal_comma: bool) -> Option<String> {
    let marks = match decimal_comma {
        true => ['.', '\'', ' ', '\u{a0}', '\u{202f}'],
        false => [',', '\'', ' ', '\u{a0}', '\u{202f}'],
    };
    let Some(mark) = whole.chars().find(|letter| marks.contains(letter)) else {
        return Some(whole.to_owned());
    };
    let mut groups = whole.split(mark);
    let first = groups.next()?;
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let holds = (1..=3).contains(&first.len()) && is_digits(first);
    let mut digits = first.to_owned();
    for group in groups {
        if !holds || group.len() != 3 || !is_digits(group) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(cells: &[&str]) -> Option<NumberStyle> {
        NumberStyle::find(cells.iter().copied(), None)
    }

    fn numbers(cells: &[&str]) -> Vec<f64> {
        let style = find(cells).unwrap_or_else(|| panic!("{cells:?}"));
        cells
            .iter()
            .map(|cell| style.number(cell).unwrap())
            .collect()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(
            numbers(&["1", "-2.5", " 3e2 ", "+4"]),
            [1.0, -2.5, 300.0, 4.0]
        );
        assert_eq!(
            numbers(&["$1,234.00 ", "$5", "-$7.50"]),
            [1234.0, 5.0, -7.5]
        );
        assert_eq!(numbers(&["45%", "1.5 %", "-3%"]), [45.0, 1.5, -3.0]);
        assert_eq!(
            numbers(&["12,345", "999", "1,000,000"]),
            [12345.0, 999.0, 1e6]
        );
        assert_eq!(numbers(&["1,5", "-2,25", "3"]), [1.5, -2.25, 3.0]);
        assert_eq!(numbers(&["1.234,5", "7,1"]), [1234.5, 7.1]);
        assert_eq!(numbers(&["1 234,5 €", "(7,10 €)"]), [1234.5, -7.1]);
        assert_eq!(numbers(&["1'234.5", "7"]), [1234.5, 7.0]);
        assert_eq!(numbers(&["\u{2212}3,5 %", "4 %"]), [-3.5, 4.0]);
    }

    #[test]
    fn what_is_no_number_in_one_style_is_none() {
        for cells in [
            &["1", "two"][..],
            &["1,23,4"],
            &["1.5", "1,5"],
            &["19M"],
            &["$"],
            &["%"],
            &["--1"],
            &["1,2,3"],
            &["inf"],
            &["NaN"],
            &["1 2"],
            &[],
        ] {
            assert_eq!(find(cells), None, "{cells:?}");
        }
    }

    #[test]
    fn short_decimals_are_those_of_the_standard_library_to_the_bit() {
        let mut state = 9u64;
        let mut next = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..200_000 {
            let digits = 1 + next(15) as usize;
            let mut text: String = (0..digits)
                .map(|_| char::from(b'0' + next(10) as u8))
                .collect();
            if next(4) > 0 {
                text.insert(next(digits as u64 + 1) as usize, '.');
            }
            if next(2) > 0 {
                text.insert(0, '-');
            }
            let wanted: f64 = text.parse().unwrap();
            let found = short_decimal(text.as_bytes());
            assert_eq!(found.map(f64::to_bits), Some(wanted.to_bits()), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "-.",
            "1e5",
            "1.2.3",
            "+1",
            "1234567890123456",
            "0x1",
            "1,5",
        ] {
            assert_eq!(short_decimal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_decimal_sign_that_is_given_decides() {
        let cells = ["1,234", "2,500"];
        let style = NumberStyle::find(cells.into_iter(), Some(true)).unwrap();
        assert_eq!(style.number("1,234"), Some(1.234));
        let style = NumberStyle::find(cells.into_iter(), None).unwrap();
        assert_eq!(style.number("1,234"), Some(1234.0));
    }

    #[test]
    fn whole_numbers_beyond_two_to_the_53_are_known() {
        let parse = |cell| NumberStyle::PLAIN.parse(cell);
        assert_eq!(
            parse("9007199254740991"),
            Parsed::Number(9007199254740991.0)
        );
        assert!(matches!(parse("1234567890123456789"), Parsed::Rounded(_)));
        assert!(matches!(parse("-1234567890123456789"), Parsed::Rounded(_)));
        assert_eq!(
            parse("1234567890123456.5"),
            Parsed::Number(1234567890123456.5)
        );
        assert_eq!(parse("1e300"), Parsed::Number(1e300));
    }
}
