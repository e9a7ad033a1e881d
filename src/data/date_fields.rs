//! Columns of dates: how they are written, and which of their parts become features.

use sweep_core::data_config::DatePart;
use sweep_core::format::toml_string;
use sweep_table::date::{DateFormat, Guess};
use sweep_table::error::quote;
use sweep_table::{Column, Texts};

/// How the dates of a column are written; else a message and what to do.
pub(super) fn date_format(texts: &Texts, name: &str) -> Result<DateFormat, (String, String)> {
    match DateFormat::guess(texts.present_levels().map(|(_, level)| level)) {
        Guess::Found(format) => Ok(format),
        Guess::Ambiguous(formats) => Err((
            format!("the dates may be written as {}", either(&formats)),
            format!(
                "say which: {{ column = {}, format = {} }}",
                toml_string(name),
                toml_string(&formats[0])
            ),
        )),
        Guess::NoDates => Err((
            "no format that is known reads all of its cells as dates".to_owned(),
            format!(
                "say how they are written: {{ column = {}, format = \"%d/%m/%Y\" }}, or correct the \
                 cells",
                toml_string(name)
            ),
        )),
    }
}

/// The parts that dates of a column usually become.
pub(super) fn usual_parts(column: &Column, format: &DateFormat) -> Vec<DatePart> {
    match column {
        Column::Texts(texts) => parts_of(texts.present_levels().map(|(_, level)| level), format),
        Column::Numbers { .. } => parts_of([].into_iter(), format),
    }
}

/// Year, month, weekday and days; the hour too where any time of day is not midnight.
pub(super) fn parts_of<'a>(
    mut cells: impl Iterator<Item = &'a str>,
    format: &DateFormat,
) -> Vec<DatePart> {
    let midnight = jiff::civil::Time::midnight();
    let has_time = cells.any(|cell| {
        let moment = format.parse(cell);
        moment.is_some_and(|moment| moment.time() != midnight)
    });
    let mut parts = vec![
        DatePart::Year,
        DatePart::Month,
        DatePart::Weekday,
        DatePart::Days,
    ];
    if has_time {
        parts.push(DatePart::Hour);
    }
    parts
}

pub(super) fn either(formats: &[String]) -> String {
    let quoted: Vec<String> = formats.iter().map(|format| quote(format)).collect();
    quoted.join(" or ")
}
