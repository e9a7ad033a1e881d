//! From the description of a table to what people read: tables, CSV files, plots, JSON.
//!
//! Pure until [`write`]: the same [`Description`] gives the same files, byte for byte. A picture that
//! cannot show all columns or classes says so in itself and in [`Described::left_out`].

mod association;
mod balance;
mod boxes;
mod cells;
mod csv_tables;
mod distributions;
mod drawing;
mod heat;
mod html;
mod html_sections;
mod omitted;
mod page;
mod relations;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::ReportError;
use super::folder;
use super::plot::Picture;
use drawing::{
    ASSOCIATION, BALANCE, BOXES, CORRELATION, DISTRIBUTIONS, Drawing, MAX_PAGES, PAGE, TARGET,
    page_name,
};
use sweep_describe::Description;

pub use table::tables;

/// The description as JSON.
const JSON: &str = "describe.json";
/// A description on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub folder: PathBuf,
    /// The page to open.
    pub page: PathBuf,
    pub files: Vec<PathBuf>,
    /// What the pictures could not show, one sentence each.
    pub left_out: Vec<String>,
}

/// Writes `description` into `folder`, which is made if need be. Files of an earlier description are
/// replaced, or removed where this one has nothing of the kind; others are left alone.
///
/// `title` says which rows and columns of which file it is of.
pub fn write(
    folder: &Path,
    description: &Description,
    title: &str,
) -> Result<Described, ReportError> {
    let (files, left_out) = make(description, title)?;
    Ok(Described {
        folder: folder.to_owned(),
        page: folder.join(PAGE),
        files: folder::put(folder, &files, names())?,
        left_out,
    })
}

/// Every file by name, and what the pictures leave out.
type Made = (Vec<(String, Vec<u8>)>, Vec<String>);

/// Makes every file, and writes none.
fn make(description: &Description, title: &str) -> Result<Made, ReportError> {
    let mut left_out = Vec::new();
    let mut files = csv_tables::all(description);
    let json = serde_json::to_vec_pretty(description).expect("no map has keys that are no text");
    files.push((JSON.to_owned(), json));
    let mut drawings: Vec<Drawing<'_>> = Vec::new();
    drawings.extend(balance::drawing(description, &mut left_out));
    drawings.extend(distributions::of_target(description));
    drawings.extend(distributions::drawings(description, &mut left_out));
    drawings.extend(boxes::drawings(description, &mut left_out));
    drawings.extend(heat::drawing(description, &mut left_out));
    drawings.extend(association::drawing(description, &mut left_out));
    let pictures: Vec<Picture> = drawings
        .par_iter()
        .map(|draw| draw())
        .collect::<Result<_, _>>()?;
    let page = html::page(description, title, &pictures, &files, &left_out);
    for picture in pictures {
        files.push((format!("{}.png", picture.name), picture.png));
        files.push((format!("{}.svg", picture.name), picture.svg.into_bytes()));
    }
    files.push((PAGE.to_owned(), page.into_bytes()));
    Ok((files, left_out))
}

/// Files that [`make`] may give.
fn names() -> impl Iterator<Item = String> {
    let paged = [DISTRIBUTIONS, BOXES]
        .into_iter()
        .flat_map(|name| (0..MAX_PAGES).map(move |page| page_name(name, page)));
    let single = [BALANCE, TARGET, CORRELATION, ASSOCIATION].map(str::to_owned);
    let pictures = paged.chain(single);
    let pictures = pictures.flat_map(|name| [format!("{name}.png"), format!("{name}.svg")]);
    let tables = csv_tables::NAMES.map(str::to_owned).into_iter();
    let whole = [JSON, PAGE].map(str::to_owned);
    tables.chain(whole).chain(pictures)
}
