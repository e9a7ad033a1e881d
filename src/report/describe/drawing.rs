//! What the pictures of a description share: their names, their number, which classes they show.

use crate::ReportError;
use crate::plot::Picture;
use sweep_describe::{Description, Target};

pub(super) const DISTRIBUTIONS: &str = "distributions";
pub(super) const BOXES: &str = "boxes";
pub(super) const BALANCE: &str = "classes";
pub(super) const TARGET: &str = "target";
pub(super) const CORRELATION: &str = "correlation";
pub(super) const ASSOCIATION: &str = "association";
/// The page to open.
pub(super) const PAGE: &str = "index.html";
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

/// The target whose classes are told apart; none where it is a number.
pub(super) fn classes(description: &Description) -> Option<&Target> {
    let target = description.target.as_ref();
    target.filter(|target| target.numbers.is_none())
}

/// The `most` classes with most rows, in the order of the classes; of equals the first.
pub(super) fn largest(target: &Target, most: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..target.classes.len()).collect();
    classes.sort_by_key(|class| std::cmp::Reverse(target.classes[*class].rows));
    classes.truncate(most);
    classes.sort_unstable();
    classes
}
