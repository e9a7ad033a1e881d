//! What a cell or a name is by itself.

use sweep_table::NumberStyle;

/// The finite number that `cell` spells, as programs write them.
pub(super) fn number(cell: &str) -> Option<f64> {
    NumberStyle::PLAIN.number(cell)
}

/// Names in the order in which people count: by number when all are numbers, else by letter.
pub(super) fn in_order<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    let numbers: Option<Vec<f64>> = names.iter().map(|name| number(name)).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<(f64, &str)> = numbers.into_iter().zip(names).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        return pairs.into_iter().map(|(_, name)| name).collect();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_count() {
        assert_eq!(in_order(["10", "2", "0", "2"]), ["0", "2", "10"]);
        assert_eq!(in_order(["b", "10", "a"]), ["10", "a", "b"]);
    }
}
