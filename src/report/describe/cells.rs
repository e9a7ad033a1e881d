//! Cells of the terminal tables of a description.

use sweep_analysis::text;

/// Characters of a name.
pub const NAME: usize = 32;
/// Characters of a value.
pub const VALUE: usize = 24;

/// How much of a list is not shown, and where it is.
pub fn and_more(number: usize, noun: &str, file: &str) -> String {
    let noun = match (number, noun.strip_suffix("ss")) {
        (1, _) => noun.to_owned(),
        (_, Some(_)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    };
    match number {
        0 => String::new(),
        _ => format!(
            "... and {} more {noun} in {file}\n",
            text::with_thousands(number as u64)
        ),
    }
}

pub fn per_cent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// [`per_cent`] that tells nothing from little.
pub fn fraction(part: usize, whole: usize) -> String {
    let share = part as f64 / whole.max(1) as f64;
    match part {
        0 => "0%".to_owned(),
        _ if share < 0.0005 => "<0.1%".to_owned(),
        _ => per_cent(share),
    }
}

/// Three decimals, never -0.000.
pub fn fixed(value: f64) -> String {
    match value.is_nan() {
        true => "–".to_owned(),
        // Adding zero turns a -0 into 0.
        false => format!("{:.3}", (value * 1e3).round() / 1e3 + 0.0),
    }
}

/// Four digits, or all before the point; whole numbers in full; exponents where those would say
/// nothing.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match () {
        () if value.is_nan() => "–".to_owned(),
        () if size != 0.0 && !(1e-4..1e9).contains(&size) => format!("{value:.3e}"),
        () if value.fract() == 0.0 => format!("{value:.0}"),
        () => {
            let digits = (3.0 - size.log10().floor()).max(0.0) as usize;
            format!("{value:.digits$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign_and_little_is_not_nothing() {
        assert_eq!(
            [-1e-9, 0.0625, -0.5, f64::NAN].map(fixed),
            ["0.000", "0.063", "-0.500", "–"]
        );
        assert_eq!(fraction(0, 9), "0%");
        assert_eq!(fraction(1, 9_999), "<0.1%");
        assert_eq!(fraction(1, 8), "12.5%");
        assert_eq!(fraction(0, 0), "0%");
    }

    #[test]
    fn numbers_have_four_digits_and_whole_ones_all() {
        for (value, wanted) in [
            (0.0, "0"),
            (225_799.81, "225800"),
            (-4.669, "-4.669"),
            (0.084_747, "0.08475"),
            (517_810.0, "517810"),
            (120.8811, "120.9"),
            (1e12, "1.000e12"),
            (1e-9, "1.000e-9"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(short(value), wanted);
        }
    }
}
