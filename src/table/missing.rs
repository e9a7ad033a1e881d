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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMarkers {
    usual: &'static [&'static str],
    more: Vec<String>,
}

impl MissingMarkers {
    pub fn of(format: &TableFormat) -> MissingMarkers {
        let more = format.missing_values.iter();
        MissingMarkers {
            usual: match format.edition {
                Edition::First => &USUAL[..1],
                Edition::Second => &USUAL,
            },
            more: more.map(|text| text.trim().to_owned()).collect(),
        }
    }

    /// Whether `cell` is blank or one of the markers, blanks around it aside.
    pub fn has(&self, cell: &str) -> bool {
        let cell = cell.trim();
        if cell.is_empty() {
            return true;
        }
        (cell.len() <= LONGEST && self.usual.contains(&cell))
            || (!self.more.is_empty() && self.more.iter().any(|more| more == cell))
    }
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
            "", "  ", "NA", " ? ", "NaN", "null", "-", "unknown", "-999 ", "\t",
        ] {
            assert!(markers.has(cell), "{cell:?}");
        }
        for cell in ["0", "no", "-1", "Unknown", "NAN", "?-", "--"] {
            assert!(!markers.has(cell), "{cell:?}");
        }
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
