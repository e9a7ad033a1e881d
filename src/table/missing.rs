//! Which cells stand for a missing value.

use sweep_core::data_config::{Edition, TableFormat};

/// What people and programs write for a missing value, blanks around it aside.
pub const USUAL: [&str; 17] = [
    "NA", "N/A", "n/a", "na", "NaN", "nan", "-NaN", "-nan", "null", "NULL", "Null", "None", "<NA>",
    "#N/A", "#NA", "?", "-",
];
/// The longest of them, in bytes.
const LONGEST: usize = 4;

/// Tells missing cells from others.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingMarkers {
    usual: &'static [&'static str],
    more: Vec<String>,
    /// Those of `more` that are numbers.
    numbers: Vec<f64>,
}

impl MissingMarkers {
    pub fn of(format: &TableFormat) -> MissingMarkers {
        let more = format.missing_values.iter();
        let more: Vec<String> = more.map(|text| text.trim().to_owned()).collect();
        MissingMarkers {
            usual: match format.edition {
                Edition::First => &USUAL[..1],
                _ => &USUAL,
            },
            numbers: more.iter().filter_map(|text| plain_number(text)).collect(),
            more,
        }
    }

    /// Whether `cell` is blank or one of the markers, blanks around it aside.
    pub fn has(&self, cell: &str) -> bool {
        let cell = cell.trim();
        if cell.is_empty() {
            return true;
        }
        (cell.len() <= LONGEST && self.usual.contains(&cell))
            || self.more.iter().any(|more| more == cell)
            || (!self.numbers.is_empty() && plain_number(cell).is_some_and(|own| self.is_one(own)))
    }

    /// The `number` that `cell` is, or not a number if it stands for a missing value.
    pub fn number(&self, cell: &str, number: f64) -> f64 {
        match self.more.is_empty() || !self.has(cell) {
            true => self.without(number),
            false => f64::NAN,
        }
    }

    /// `number`, or not a number if it stands for a missing value.
    pub fn without(&self, number: f64) -> f64 {
        if self.is_one(number) {
            f64::NAN
        } else {
            number
        }
    }

    fn is_one(&self, number: f64) -> bool {
        self.numbers.contains(&number)
    }
}

/// The number that `text` is, so that `-999` and `-999.0` are one marker. Codes such as `007` are not numbers.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let number: f64 = text.parse().ok()?;
    (!is_code && number.is_finite()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_markers_and_those_given_are_missing() {
        let format = TableFormat {
            missing_values: vec!["unknown".to_owned(), " -999".to_owned()],
            ..TableFormat::default()
        };
        let markers = MissingMarkers::of(&format);
        for cell in [
            "", "  ", "NA", " ? ", "NaN", "null", "-", "unknown", "-999 ", "-999.0", "\t",
        ] {
            assert!(markers.has(cell), "{cell:?}");
        }
        for cell in ["0", "no", "-1", "Unknown", "NAN", "?-", "--", "-0999"] {
            assert!(!markers.has(cell), "{cell:?}");
        }
        assert!(markers.without(-999.0).is_nan());
        assert!(markers.number("-999,0", -999.0).is_nan());
        assert_eq!(
            (markers.without(999.0), markers.number("7", 7.0)),
            (999.0, 7.0)
        );
        assert_eq!(USUAL.iter().map(|text| text.len()).max(), Some(LONGEST));
    }

    #[test]
    fn the_first_edition_knows_blank_cells_and_na_alone() {
        let format = TableFormat {
            edition: Edition::First,
            ..TableFormat::default()
        };
        let markers = MissingMarkers::of(&format);
        assert!(markers.has(" ") && markers.has("NA"));
        assert!(!markers.has("?") && !markers.has("NaN"));
    }
}
