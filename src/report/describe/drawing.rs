//! What the pictures of a description share: their names, their number, which classes they show.

use crate::ReportError;
use crate::plot::Picture;
use sweep_describe::Target;

pub(super) const DISTRIBUTIONS: &str = "distributions";
pub(super) const BOXES: &str = "boxes";
pub(super) const BALANCE: &str = "classes";
pub(super) const CORRELATION: &str = "correlation";
pub(super) const ASSOCIATION: &str = "association";
/// Pictures of one kind, at most.
pub(super) const MAX_PAGES: usize = 10;

/// Draws one picture; pictures are drawn side by side.
pub(super) type Drawing<'a> = Box<dyn Fn() -> Result<Picture, ReportError> + Send + Sync + 'a>;

/// `boxes`, `boxes-2`, ...; pages count from 0 here.
pub(super) fn page_name(name: &str, page: usize) -> String {
    match page {
        0 => name.to_owned(),
        _ => format!("{name}-{}", page + 1),
    }
}

/// The `most` classes with most rows, in the order of the classes; of equals the first.
pub(super) fn largest(target: &Target, most: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..target.classes.len()).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(target.classes[*class].rows));
    classes.truncate(most);
    classes.sort_unstable();
    classes
}
