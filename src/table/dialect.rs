//! How the rows of a text file are written, as far as the file does not say: found from its first
//! rows.
//!
//! Invariant: what was given is never overruled, and what was found is told if it is not the usual.

use std::path::Path;

use super::error::{DataError, list, quote};
use super::missing::MissingMarkers;
use super::number::NumberStyle;
use super::record::records;
use sweep_core::data_config::{Decimal, Delimiter, Edition, TableFormat};

/// Rows that are looked at.
pub(crate) const MAX_SAMPLE: usize = 1000;
/// Share of numbers in a column from which its header is expected to be none.
const MOSTLY: f64 = 0.8;

/// How the rows of a text file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub delimiter: Delimiter,
    pub has_header: bool,
    pub trims: bool,
    pub surplus: Surplus,
}

/// What a row has more than the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surplus {
    Nothing,
    /// A delimiter at the end: one more cell, which is empty.
    EmptyLast,
    /// The names of rows, as R writes them: the first cell has no column.
    RowName,
}

/// The first rows of a file, and how they are written.
#[derive(Debug)]
pub(crate) struct Probe {
    pub dialect: Dialect,
    /// As in the file; made up where it has none.
    pub names: Vec<String>,
    /// The first rows, without the header.
    pub rows: Vec<Vec<String>>,
    pub notes: Vec<String>,
}

/// Looks at `head`, the beginning of the file at `path`, which is complete if `is_whole`.
pub(crate) fn probe(
    path: &Path,
    head: &str,
    is_whole: bool,
    format: &TableFormat,
) -> Result<Probe, DataError> {
    let mut notes = Vec::new();
    let delimiter = match (format.delimiter, format.edition) {
        (Some(given), _) => given,
        (None, Edition::First) => Delimiter::Byte(by_extension(path)),
        (None, _) => delimiter(path, head, is_whole, &mut notes),
    };
    let mut rows = records(head, delimiter, is_whole, MAX_SAMPLE + 1);
    if rows.is_empty() {
        let help = "the first line must name the columns, the others hold one row each";
        return Err(DataError::new(path, "the file is empty", help));
    }
    let trims = trims(&rows, delimiter, format, &mut notes);
    if trims {
        let cells = rows.iter_mut().flatten();
        cells.for_each(|cell| *cell = cell.trim().to_owned());
    }
    let has_header = match (format.header, format.edition) {
        (Some(given), _) => given,
        (None, Edition::First) => true,
        (None, _) => has_header(path, &rows, format, &mut notes)?,
    };
    let first = match has_header {
        true => rows.remove(0),
        false => Vec::new(),
    };
    let width = match has_header {
        true => first.len(),
        false => rows.first().map_or(0, Vec::len),
    };
    let surplus = match format.edition {
        Edition::First => Surplus::Nothing,
        _ => surplus(&rows, width, &mut notes),
    };
    let names = match has_header {
        true => first,
        false => (1..=width)
            .map(|number| format!("column_{number}"))
            .collect(),
    };
    let dialect = Dialect {
        delimiter,
        has_header,
        trims,
        surplus,
    };
    Ok(Probe {
        dialect,
        names: given_names(path, names, format)?,
        rows,
        notes,
    })
}

/// Tab for `.tsv` and `.tab`, comma otherwise.
pub(crate) fn by_extension(path: &Path) -> u8 {
    // `.tsv.gz` is a `.tsv`.
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let is_tabbed = name.split('.').skip(1).any(|part| {
        ["tsv", "tab"]
            .iter()
            .any(|tab| part.eq_ignore_ascii_case(tab))
    });
    if is_tabbed { b'\t' } else { b',' }
}

/// The delimiter by which most of the first rows have the same number of cells, at least two.
fn delimiter(path: &Path, head: &str, is_whole: bool, notes: &mut Vec<String>) -> Delimiter {
    let usual = by_extension(path);
    let mut candidates = vec![usual];
    candidates.extend(
        [b'\t', b';', b'|', b',']
            .into_iter()
            .filter(|one| *one != usual),
    );
    let judged = candidates.into_iter().map(|byte| {
        let rows = records(head, Delimiter::Byte(byte), is_whole, MAX_SAMPLE);
        (regularity(&rows), Delimiter::Byte(byte))
    });
    // The first of equals.
    let best = judged.reduce(|best, next| if next.0 > best.0 + 1e-9 { next } else { best });
    let found = match best {
        Some((regularity, found)) if regularity > 0.0 => found,
        _ if are_blanks(head, is_whole) => Delimiter::Blanks,
        _ => return Delimiter::Byte(usual),
    };
    let name = match found {
        Delimiter::Byte(byte) if byte == usual => return found,
        Delimiter::Byte(b'\t') => "tabs",
        Delimiter::Byte(b';') => "semicolons",
        Delimiter::Byte(b'|') => "bars (`|`)",
        Delimiter::Byte(_) => "commas",
        Delimiter::Blanks => "blanks",
    };
    notes.push(format!("cells are separated by {name}"));
    found
}

/// Share of rows that have the most frequent number of cells; 0 if that is one.
fn regularity(rows: &[Vec<String>]) -> f64 {
    let mut widths: Vec<usize> = rows.iter().map(Vec::len).collect();
    widths.sort_unstable();
    let longest = widths.chunk_by(|a, b| a == b).max_by_key(|run| run.len());
    match longest {
        Some(run) if run[0] >= 2 => {
            // Rows of one cell more than the header are as regular.
            let first = rows[0].len();
            let is_short_header = first >= 2 && first + 1 == run[0];
            (run.len() + usize::from(is_short_header)) as f64 / widths.len() as f64
        }
        _ => 0.0,
    }
}

/// Whether blanks separate cells: as many in every row, and numbers among them.
fn are_blanks(head: &str, is_whole: bool) -> bool {
    let rows = records(head, Delimiter::Blanks, is_whole, MAX_SAMPLE);
    let width = rows.last().map_or(0, Vec::len);
    let is_number = |cell: &String| NumberStyle::PLAIN.number(cell).is_some();
    rows.len() >= 2
        && width >= 2
        && rows.iter().all(|row| row.len() == width)
        && rows[1..].iter().all(|row| row.iter().any(is_number))
}

/// Whether blanks around cells are removed.
fn trims(
    rows: &[Vec<String>],
    delimiter: Delimiter,
    format: &TableFormat,
    notes: &mut Vec<String>,
) -> bool {
    if let Some(given) = format.trim {
        return given;
    }
    let mut later = rows.iter().flat_map(|row| row.iter().skip(1)).peekable();
    let all_begin_blank = later.peek().is_some() && later.all(|cell| cell.starts_with(' '));
    let found = all_begin_blank
        && format.edition > Edition::First
        && matches!(delimiter, Delimiter::Byte(byte) if byte != b' ');
    if found {
        notes.push("a blank follows every delimiter; blanks around cells are removed".to_owned());
    }
    found
}

/// Whether the first row names the columns, judged by the others.
///
/// A name is seldom a number or a value of its own column. Where all that is known is that the first
/// row has numbers where the others do, names that rise (years, places of pixels) are names, and
/// others cannot be told.
fn has_header(
    path: &Path,
    rows: &[Vec<String>],
    format: &TableFormat,
    notes: &mut Vec<String>,
) -> Result<bool, DataError> {
    let (first, others) = rows.split_first().expect("there is a row");
    if others.is_empty() || first.len() < 2 {
        return Ok(true);
    }
    let markers = MissingMarkers::of(format);
    let decimal_comma = format.decimal == Some(Decimal::Comma);
    let style = NumberStyle {
        decimal_comma,
        ..NumberStyle::PLAIN
    };
    let number = |cell: &str| style.number(cell);
    let (mut numeric, mut numbers_above, mut values_above, mut texts) = (0, 0, 0, 0);
    for (place, name) in first.iter().enumerate() {
        let below = || {
            let cells = others.iter().filter_map(move |row| row.get(place));
            cells.filter(|cell| !markers.has(cell))
        };
        let count = below().count();
        // Nothing tells of the first row either: an index has no name.
        if count == 0 || name.trim().is_empty() {
            continue;
        }
        let share = below().filter(|cell| number(cell).is_some()).count() as f64 / count as f64;
        if share >= MOSTLY {
            numeric += 1;
            numbers_above += usize::from(number(name).is_some() || markers.has(name));
        } else {
            texts += 1;
            values_above += usize::from(below().any(|cell| cell == name));
        }
    }
    if numeric == 0 {
        let is_row = texts > 0 && 2 * values_above > texts;
        if is_row {
            notes.push(no_header(first));
        }
        return Ok(!is_row);
    }
    if numbers_above < numeric {
        return Ok(true);
    }
    let names: Vec<f64> = first.iter().filter_map(|name| number(name)).collect();
    let is_rising = names.windows(2).all(|pair| pair[0] < pair[1]);
    let are_whole = names.iter().all(|name| name.fract() == 0.0);
    if values_above > 0 || !are_whole || has_twice(first) {
        notes.push(no_header(first));
        return Ok(false);
    }
    if is_rising && !names.is_empty() {
        return Ok(true);
    }
    let cells: Vec<&str> = first.iter().map(String::as_str).collect();
    let message = format!(
        "it cannot be told whether the first line names the columns: {}",
        list(&cells)
    );
    let help = "say `header = false` (and `columns = [...]` to name the columns), or `header = true`; \
                for `sweep describe` and `sweep init`, `--header no` or `--header yes`";
    Err(DataError::new(path, message, help)
        .line(1)
        .key("data.header"))
}

fn has_twice(cells: &[String]) -> bool {
    let mut sorted: Vec<&String> = cells.iter().filter(|cell| !cell.is_empty()).collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

fn no_header(first: &[String]) -> String {
    let shown: Vec<&str> = first.iter().map(String::as_str).take(4).collect();
    format!(
        "the file seems to have no header row, since the first line reads like the others ({}): its \
         columns are called `column_1` and so on; `columns = [...]` names them, and `header = true` \
         takes the first line for names",
        list(&shown)
    )
}

/// What rows have more than the header has columns.
fn surplus(rows: &[Vec<String>], width: usize, notes: &mut Vec<String>) -> Surplus {
    if rows.is_empty() || rows.iter().any(|row| row.len() != width + 1) {
        return Surplus::Nothing;
    }
    if rows.iter().all(|row| row[width].trim().is_empty()) {
        notes
            .push("every row ends in a delimiter; the empty cell behind it is left out".to_owned());
        return Surplus::EmptyLast;
    }
    notes.push(
        "every row has one cell more than the header: the first is taken for the name of the row \
         and left out"
            .to_owned(),
    );
    Surplus::RowName
}

/// `names`, or those that the experiment gives.
fn given_names(
    path: &Path,
    names: Vec<String>,
    format: &TableFormat,
) -> Result<Vec<String>, DataError> {
    let Some(given) = &format.columns else {
        return Ok(names);
    };
    if given.len() == names.len() {
        return Ok(given.clone());
    }
    let message = format!(
        "`columns` names {} columns, and the file has {}",
        given.len(),
        names.len()
    );
    let first: Vec<&str> = names.iter().map(String::as_str).collect();
    let help = format!(
        "give one name for each column; the first row is {}",
        list(&first)
    );
    Err(DataError::new(path, message, help)
        .key("data.columns")
        .line(1))
}

/// `names` as pandas reads them: those that are there already get a number, and columns without a
/// name are called by their place. Also which columns had no name.
pub(crate) fn distinct_names(
    path: &Path,
    names: Vec<String>,
    edition: Edition,
    notes: &mut Vec<String>,
) -> Result<(Vec<String>, Vec<bool>), Vec<DataError>> {
    let unnamed: Vec<bool> = names.iter().map(|name| name.trim().is_empty()).collect();
    if edition == Edition::First {
        let errors = twice(path, &names);
        return if errors.is_empty() {
            Ok((names, unnamed))
        } else {
            Err(errors)
        };
    }
    let mut made: Vec<String> = Vec::with_capacity(names.len());
    let mut seen = std::collections::HashSet::new();
    let mut renamed = Vec::new();
    for (place, name) in names.into_iter().enumerate() {
        let plain = match unnamed[place] {
            true => format!("Unnamed: {place}"),
            false => name,
        };
        let mut distinct = plain.clone();
        let mut number = 0;
        while !seen.insert(distinct.clone()) {
            number += 1;
            distinct = format!("{plain}.{number}");
        }
        if number > 0 {
            renamed.push(format!("{} is read as {}", quote(&plain), quote(&distinct)));
        }
        made.push(distinct);
    }
    if !renamed.is_empty() {
        renamed.truncate(5);
        notes.push(format!(
            "column names occur more than once: {}",
            renamed.join(", ")
        ));
    }
    Ok((made, unnamed))
}

fn twice(path: &Path, names: &[String]) -> Vec<DataError> {
    let mut seen = std::collections::HashMap::new();
    let mut errors = Vec::new();
    for (place, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
    {
        if let Some(first) = seen.insert(name, place) {
            let message = format!(
                "two columns are called {}: number {} and number {}",
                quote(name),
                first + 1,
                place + 1
            );
            errors.push(DataError::new(path, message, "rename one of them").line(1));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Probe {
        probe(Path::new("in.csv"), text, true, &TableFormat::default())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn delimiters_are_found() {
        for (text, wanted) in [
            ("a,b\n1,2\n", Delimiter::Byte(b',')),
            ("a;b\n1,5;2,5\n1,0;3,5\n", Delimiter::Byte(b';')),
            ("a\tb c\n1\t2\n", Delimiter::Byte(b'\t')),
            ("a|b|c\nx,y|2|3\n", Delimiter::Byte(b'|')),
            ("  1.5   2  x\n 3    4.5 y\n", Delimiter::Blanks),
            ("one\ntwo\n", Delimiter::Byte(b',')),
            ("words\ngood day\nbad day\n", Delimiter::Byte(b',')),
            ("a,note\n1,x;y\n2,z;w\n3,\"u, v\"\n", Delimiter::Byte(b',')),
        ] {
            assert_eq!(look(text).dialect.delimiter, wanted, "{text:?}");
        }
    }

    #[test]
    fn a_first_row_that_reads_like_the_others_is_no_header() {
        for (text, wanted) in [
            ("5.1,3.5,setosa\n4.9,3.0,setosa\n", false),
            ("5,3,x\n4,1,y\n4,2,x\n", false),
            ("a,b\n1,2\n", true),
            ("name,2019,2020,2021\nx,1,2,3\ny,4,5,6\n", true),
            ("0,1,2,3\n7,2,9,1\n3,4,4,4\n", true),
            ("x,y\nx,y\ny,x\n", false),
            ("colour,kind\nred,a\nblue,b\n", true),
            ("a,b\n", true),
            ("?,1.5\n2,2.5\n", false),
            (",class,sex\n1,first,male\n2,first,female\n", true),
        ] {
            assert_eq!(look(text).dialect.has_header, wanted, "{text:?}");
        }
        let error = probe(
            Path::new("in.csv"),
            "9,1\n3,4\n",
            true,
            &TableFormat::default(),
        );
        assert!(error.unwrap_err().message.contains("cannot be told"));
    }

    #[test]
    fn names_are_made_distinct_as_pandas_does() {
        let mut notes = Vec::new();
        let names = ["PTS", "", "PTS", "PTS", "x"].map(str::to_owned).to_vec();
        let (names, unnamed) =
            distinct_names(Path::new("in"), names, Edition::Second, &mut notes).unwrap();
        assert_eq!(names, ["PTS", "Unnamed: 1", "PTS.1", "PTS.2", "x"]);
        assert_eq!(unnamed, [false, true, false, false, false]);
        assert_eq!(notes.len(), 1);
    }

    #[test]
    fn rows_with_a_cell_more_than_the_header_are_understood() {
        let trailing = look("a,b\n1,2,\n3,4,\n");
        assert_eq!(trailing.dialect.surplus, Surplus::EmptyLast);
        let named = look("a,b\nr1,1,2\nr2,3,4\n");
        assert_eq!(named.dialect.surplus, Surplus::RowName);
        assert_eq!(look("a,b\n1,2\n").dialect.surplus, Surplus::Nothing);
        let blank = look("age, job\n39, x\n40, y\n");
        assert!(blank.dialect.trims);
        assert_eq!(blank.names, ["age", "job"]);
    }
}
