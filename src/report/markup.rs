//! The pieces of HTML that the page is put together from. Whatever goes in comes out escaped.

use std::fmt::Write;
use std::io;
use sweep_analysis::text;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use sweep_core::format::percent_encode;
use sweep_core::sanitize::is_unsafe;

/// Writing to a string cannot fail.
pub const IN_MEMORY: &str = "memory takes the page";

/// `text` with white space and what does not print replaced, and nothing left that HTML reads.
pub fn escape(text: &str) -> String {
    text::sanitize(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// `text` likewise, with what stands between back quotes, a command most often, as code.
pub fn prose(text: &str) -> String {
    let escaped = escape(text);
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // One that nothing closes is a character like any other.
        return escaped;
    }
    let marked = parts
        .iter()
        .enumerate()
        .map(|(place, part)| match place % 2 {
            0 => (*part).to_owned(),
            _ => format!("<code>{part}</code>"),
        });
    marked.collect()
}

/// `value` as JSON that may stand between `<script type="application/json">` and its end, and in a
/// script as an expression: whatever its texts and keys hold, nothing in it ends or opens an
/// element or a comment. `<`, `>` and `&` are written as `\u` and four digits, which reads back as what
/// it was; white space that is neither space, line feed nor tab becomes a space, and
/// what does not print U+FFFD, since no page can show it. Numbers that JSON lacks are `null`.
///
/// The texts are data still: a page puts them in by `textContent`, never as markup.
pub fn json_in_script(value: &impl Serialize) -> String {
    let mut json = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut json, InScript);
    value.serialize(&mut serializer).expect(IN_MEMORY);
    String::from_utf8(json).expect("JSON is UTF-8")
}

/// Compact JSON without any character that HTML reads.
struct InScript;

impl Formatter for InScript {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        // What is plain is written in one piece.
        let mut rest = fragment;
        let acts = |c: char| matches!(c, '<' | '>' | '&') || (c != ' ' && c.is_whitespace());
        while let Some(at) = rest.find(|c: char| acts(c) || is_unsafe(c)) {
            let (plain, after) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut after = after.chars();
            match after.next() {
                Some(c @ ('<' | '>' | '&')) => write!(writer, "\\u{:04x}", u32::from(c))?,
                Some(c) if c.is_whitespace() => writer.write_all(b" ")?,
                Some(_) => writer.write_all("\u{fffd}".as_bytes())?,
                None => {}
            }
            rest = after.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        writer.write_all(match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::LineFeed => b"\\n",
            CharEscape::Tab => b"\\t",
            CharEscape::CarriageReturn | CharEscape::FormFeed => b" ",
            CharEscape::Backspace | CharEscape::AsciiControl(_) => "\u{fffd}".as_bytes(),
        })
    }
}

/// `svg` as a data address may hold it.
pub fn in_address(svg: &str) -> String {
    percent_encode(svg.as_bytes(), |byte| {
        (b' '..0x7f).contains(&byte) && !b"%#\"<>&'".contains(&byte)
    })
}

/// A paragraph of a class, or of none.
pub fn paragraph(html: &mut String, class: &str, text: &str) {
    match class {
        "" => writeln!(html, "<p>{}</p>", prose(text)),
        class => writeln!(html, "<p class=\"{class}\">{}</p>", prose(text)),
    }
    .expect(IN_MEMORY);
}

/// A name and what it stands for, within a `dl`.
pub fn fact(html: &mut String, name: &str, value: &str) {
    writeln!(
        html,
        "<div><dt>{}</dt><dd>{}</dd></div>",
        escape(name),
        escape(value)
    )
    .expect(IN_MEMORY);
}

/// A row of (text, whether it is text rather than a number).
pub fn row(html: &mut String, class: &str, cells: &[(String, bool)]) {
    write!(html, "<tr{class}>").expect(IN_MEMORY);
    for (cell, is_text) in cells {
        let class = if *is_text { " class=\"text\"" } else { "" };
        write!(html, "<td{class}>{}</td>", escape(cell)).expect(IN_MEMORY);
    }
    html.push_str("</tr>\n");
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(mut words: Vec<String>) -> String {
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}

/// `word` with a capital first letter.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_back_quotes_is_code() {
        assert_eq!(
            prose("`sweep ls` & `a<b`, then"),
            "<code>sweep ls</code> &amp; <code>a&lt;b</code>, then"
        );
        assert_eq!(prose("a ` alone"), "a ` alone");
        assert_eq!(prose("plain"), "plain");
    }

    #[test]
    fn text_cannot_leave_its_element_or_its_word() {
        assert_eq!(
            escape("<script>alert('a & \"b\"')</script>\n"),
            "&lt;script&gt;alert(&#39;a &amp; &quot;b&quot;&#39;)&lt;/script&gt; "
        );
        assert_eq!(
            in_address("<a b=\"#1\">é%</a>"),
            "%3Ca b=%22%231%22%3E%C3%A9%25%3C/a%3E"
        );
    }

    #[test]
    fn json_cannot_leave_the_script_it_stands_in() {
        let hostile = serde_json::json!({
            "</script><script>alert(1)</script>": "<!-- <script> ]]> &amp; \" \\ \u{2028}\u{2029}",
            "lines": "a\nb\tc\rd\u{1b}[31m\0\u{202e}é\u{9b}",
            "numbers": [0.1, 1e300, -3],
        });
        let json = json_in_script(&hostile);
        let acting = |c: char| matches!(c, '<' | '>' | '&') || (c != ' ' && c.is_whitespace());
        assert!(!json.contains(acting), "{json}");
        assert!(!json.contains(is_unsafe), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            read["</script><script>alert(1)</script>"],
            "<!-- <script> ]]> &amp; \" \\   "
        );
        let lines = "a\nb\tc d\u{fffd}[31m\u{fffd}\u{fffd}é\u{fffd}";
        assert_eq!(read["lines"], lines);
        assert_eq!(read["numbers"], hostile["numbers"]);
        assert_eq!(json_in_script(&[f64::NAN, 0.5]), "[null,0.5]");
    }

    #[test]
    fn words_are_listed_as_a_sentence_lists_them() {
        let words = |words: &[&str]| list(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(words(&[]), "");
        assert_eq!(words(&["lr"]), "lr");
        assert_eq!(
            words(&["lr", "dropout", "layers"]),
            "lr, dropout and layers"
        );
    }
}
