//! Numbers in text: decimal, with an exponent or without, and what is not finite.

/// The longest number that `text` begins with, and its length in bytes. Signs are allowed, `nan`, `inf` and
/// `infinity` in any case too; no other base, no blanks.
pub fn prefix(text: &[u8]) -> Option<(f64, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let body = &text[sign..];
    if body.first()?.is_ascii_alphabetic() {
        let word = ["infinity", "inf", "nan"].into_iter().find(|word| {
            body.get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        })?;
        return parsed(text, sign + word.len());
    }
    let whole = digits(body);
    let mut length = whole;
    if body.get(whole) == Some(&b'.') {
        let fraction = digits(&body[whole + 1..]);
        if whole + fraction > 0 {
            length += 1 + fraction;
        }
    }
    if length == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = body.get(length) {
        let sign = usize::from(matches!(body.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(&body[length + 1 + sign..]);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    parsed(text, sign + length)
}

/// The number that all of `text` is.
pub fn whole(text: &[u8]) -> Option<f64> {
    let (value, length) = prefix(text)?;
    (length == text.len()).then_some(value)
}

pub fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn parsed(text: &[u8], length: usize) -> Option<(f64, usize)> {
    let text = std::str::from_utf8(&text[..length]).ok()?;
    Some((text.parse().ok()?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_far_as_they_go() {
        let read = |text: &str| prefix(text.as_bytes());
        assert_eq!(read("0.5"), Some((0.5, 3)));
        assert_eq!(read("-1e-4,"), Some((-1e-4, 5)));
        assert_eq!(read("+.5e+3 "), Some((500.0, 6)));
        assert_eq!(read("5."), Some((5.0, 2)));
        assert_eq!(read("3s"), Some((3.0, 1)));
        assert_eq!(read("3e"), Some((3.0, 1)));
        assert_eq!(read("3e+"), Some((3.0, 1)));
        assert_eq!(read("-Infinity"), Some((f64::NEG_INFINITY, 9)));
        assert_eq!(read("INFx"), Some((f64::INFINITY, 3)));
        assert!(read("-NaN").unwrap().0.is_nan());
        for none in ["", "-", ".", "e5", "-.", "x", "+-1", "in", "é"] {
            assert_eq!(read(none), None, "{none}");
        }
        assert_eq!(whole(b"1.2.3"), None);
        assert_eq!(whole(b"1_000"), None);
    }
}
