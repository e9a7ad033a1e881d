//! The colours of the kinds of model, as style rules of the page: one class for each kind, by its place among them.

use std::fmt::Write;

use sweep_core::trial::Kind;

/// Rules for light and dark pages.
pub(super) fn kind_styles() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for kind in Kind::all() {
        let place = kind.index();
        let rule = |(red, green, blue): (u8, u8, u8)| {
            format!(".k{place} {{ --c: #{red:02x}{green:02x}{blue:02x}; }}")
        };
        // Writing to a string cannot fail.
        let _ = writeln!(light, "{}", rule(kind.def().color));
        let _ = writeln!(dark, "  {}", rule(kind.def().dark_color));
    }
    format!("{light}@media screen and (prefers-color-scheme: dark) {{\n{dark}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_colour_of_its_own_on_light_and_on_dark_pages() {
        let styles = kind_styles();
        let colours: Vec<&str> = styles
            .split("--c: ")
            .skip(1)
            .map(|rule| &rule[..7])
            .collect();
        assert_eq!(colours.len(), 2 * Kind::all().len());
        for (place, colour) in colours.iter().enumerate() {
            assert!(!colours[..place].contains(colour), "{colour} twice");
        }
        assert!(styles.contains(".k0 { --c: #0072b2; }"), "{styles}");
    }
}
