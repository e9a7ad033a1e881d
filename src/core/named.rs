//! Lists of named values, such as settings and metrics, in the order in which they are shown. A name occurs once in a
//! list.

use std::collections::HashSet;

/// The value of `name` in `entries`.
pub fn value_of<'a, T>(entries: &'a [(String, T)], name: &str) -> Option<&'a T> {
    let found = entries.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value)
}

/// Every name in `lists` once, in the order in which they first occur.
pub fn distinct_names<'a, T: 'a>(
    lists: impl Iterator<Item = &'a Vec<(String, T)>>,
) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    lists
        .flatten()
        .map(|(name, _)| name.as_str())
        .filter(|name| seen.insert(*name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_once_in_the_order_of_their_first_occurrence() {
        let list = |names: &[&str]| -> Vec<(String, usize)> {
            let named = names.iter().enumerate();
            named
                .map(|(place, name)| ((*name).to_owned(), place))
                .collect()
        };
        let lists = [list(&["lr", "layers"]), list(&[]), list(&["dropout", "lr"])];
        assert_eq!(distinct_names(lists.iter()), ["lr", "layers", "dropout"]);
        assert_eq!(value_of(&lists[2], "lr"), Some(&1));
        assert_eq!(value_of(&lists[0], "dropout"), None);
    }
}
