//! Lines without the escape sequences of terminals: colours, movements, links.

use std::borrow::Cow;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// `line` without escape sequences (ECMA-48).
pub fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(ESCAPE, line).is_none() {
        return line.into();
    }
    let mut kept = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        kept.extend_from_slice(&rest[..at]);
        let sequence = &rest[at + 1..];
        rest = &sequence[length(sequence)..];
    }
    kept.extend_from_slice(rest);
    kept.into()
}

/// Bytes of the sequence after its escape character. One that does not end goes on to the end of the line.
fn length(sequence: &[u8]) -> usize {
    let until = |is_last: fn(u8) -> bool| {
        sequence[1..]
            .iter()
            .position(|byte| is_last(*byte))
            .map(|last| last + 1)
    };
    let last = match sequence.first() {
        None | Some(&ESCAPE) => return 0,
        Some(b'[') => until(|byte| (0x40..=0x7e).contains(&byte)),
        Some(b']') => until(|byte| byte == BELL || byte == ESCAPE),
        Some(_) => Some(0),
    };
    match last {
        None => sequence.len(),
        // The end of a link or a title: an escape character and a backslash.
        Some(last) if sequence[last] == ESCAPE => (last + 2).min(sequence.len()),
        Some(last) => last + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_left_out_and_all_else_stays() {
        for (line, expected) in [
            ("a\u{1b}[1;32mb\u{1b}[0mc", "abc"),
            ("a\u{1b}]8;;http://b\u{1b}\\c\u{1b}]0;d\u{7}e", "ace"),
            ("a\u{1b}Mb", "ab"),
            ("a\u{1b}\u{1b}[0mb", "ab"),
            ("a\u{1b}", "a"),
            ("a\u{1b}[12", "a"),
            ("a\u{1b}]b\u{1b}", "a"),
            ("é\r\u{8}", "é\r\u{8}"),
        ] {
            assert_eq!(plain(line.as_bytes()), expected.as_bytes(), "{line:?}");
        }
    }
}
