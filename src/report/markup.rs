//! The pieces of HTML that the page is put together from. Whatever goes in comes out escaped.

use std::fmt::Write;

use super::text;

/// Writing to a string cannot fail.
pub const IN_MEMORY: &str = "memory takes the page";

/// `text` with white space and what does not print replaced, and nothing left that HTML reads.
pub fn escape(text: &str) -> String {
    text::clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// `svg` as a data address may hold it.
pub fn in_address(svg: &str) -> String {
    let mut address = String::with_capacity(svg.len() * 3 / 2);
    for byte in svg.bytes() {
        match byte {
            b'%' | b'#' | b'"' | b'<' | b'>' | b'&' | b'\'' | 0..b' ' | 0x7f.. => {
                write!(address, "%{byte:02X}").expect(IN_MEMORY);
            }
            _ => address.push(char::from(byte)),
        }
    }
    address
}

/// `path` as a shell takes it for one word.
pub fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !path.is_empty() && path.chars().all(is_plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', "'\\''")),
    }
}

/// A paragraph of a class, or of none.
pub fn paragraph(html: &mut String, class: &str, text: &str) {
    match class {
        "" => writeln!(html, "<p>{}</p>", escape(text)),
        class => writeln!(html, "<p class=\"{class}\">{}</p>", escape(text)),
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

/// A number and its noun.
pub fn plural(number: u64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        text::count(number),
        if number == 1 { one } else { several }
    )
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
    fn text_cannot_leave_its_element_or_its_word() {
        assert_eq!(
            escape("<script>alert('a & \"b\"')</script>\n"),
            "&lt;script&gt;alert(&#39;a &amp; &quot;b&quot;&#39;)&lt;/script&gt; "
        );
        assert_eq!(
            in_address("<a b=\"#1\">é%</a>"),
            "%3Ca b=%22%231%22%3E%C3%A9%25%3C/a%3E"
        );
        assert_eq!(quoted("experiments/genres.toml"), "experiments/genres.toml");
        assert_eq!(quoted("my $(x) it's.toml"), "'my $(x) it'\\''s.toml'");
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
