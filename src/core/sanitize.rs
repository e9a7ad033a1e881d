//! Makes text from outside (names, values, logs) safe to print on a terminal, in a plot or on a page.
//!
//! Invariant: sanitized text cannot move the cursor, change colours, break a line, hide characters
//! or reverse the reading direction.

/// Replaces each white-space character by a space, and each unsafe character by U+FFFD.
pub fn sanitize(text: &str) -> String {
    let replace = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if is_unsafe(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(replace).collect()
}

/// Whether `c` changes the text around it instead of being visible: control characters, marks that
/// change the reading direction, invisible characters (Unicode's `Bidi_Control`, most of
/// `Default_Ignorable_Code_Point`, and the noncharacters).
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Terminal columns of one character: East Asian characters and emoji take two.
pub fn char_width(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Terminal columns of `text`, which has no colour sequences.
pub fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_replaced() {
        assert_eq!(
            sanitize("a\u{1b}[31mred\r\nb\tc\u{85}d\u{2028}e\u{7f}\0"),
            "a\u{fffd}[31mred  b c d e\u{fffd}\u{fffd}"
        );
        for c in [
            '\u{9b}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{61c}',
            '\u{feff}',
            '\u{ad}',
            '\u{e0041}',
            '\u{1fffe}',
            '\u{3164}',
            '\u{ffff}',
        ] {
            assert_eq!(
                sanitize(&format!("a{c}b")),
                "a\u{fffd}b",
                "{:x}",
                u32::from(c)
            );
        }
    }

    #[test]
    fn characters_of_every_script_are_kept() {
        let text = "Ærøskøbing Дом 東京 שלום مرحبا नमस्ते e\u{301} \u{1f3b5} \u{fffd}";
        assert_eq!(sanitize(text), text);
    }
}
