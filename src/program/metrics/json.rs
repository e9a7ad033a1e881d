//! Metrics as JSON objects, one a line.

use std::borrow::Cow;

use super::number;
use super::report::{Collector, LineError, LineReader, MAX_NAME, MAX_VALUES, Report};

/// Most objects and arrays within each other.
const MAX_DEPTH: usize = 64;

/// Reads one object a line: `{"step": 3, "val_loss": 0.2, "valid": {"acc": 0.9}}`.
///
/// Numbers are metrics, also `NaN`, `Infinity` and `-Infinity` as Python writes them; `true` is 1 and `false` 0. An
/// object within the object gives names such as `valid/acc`. Strings, `null` and arrays are passed over. The step is
/// the number `step`, `global_step`, `iteration`, `iter` or `epoch` of the outer object, in this order.
#[derive(Debug, Default)]
pub struct Json;

impl LineReader for Json {
    fn read(&mut self, line: &[u8]) -> Result<Option<Report>, LineError> {
        let mut parser = Parser {
            line,
            at: 0,
            name: String::new(),
            found: Collector::default(),
        };
        parser.blanks();
        if parser.at == line.len() {
            return Ok(None);
        }
        let read = parser.document();
        let at = parser.at;
        read.map_err(|problem| LineError::Json { at, problem })?;
        Ok(parser.found.report())
    }
}

struct Parser<'a> {
    line: &'a [u8],
    at: usize,
    /// Keys of the objects that the place is in, and of the value.
    name: String,
    found: Collector,
}

/// What is wrong at the place.
type Read<T> = Result<T, &'static str>;

impl<'a> Parser<'a> {
    fn document(&mut self) -> Read<()> {
        if self.peek() != Some(b'{') {
            return Err("`{` is missing");
        }
        self.object(1)?;
        self.blanks();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err("something follows the object"),
        }
    }

    /// From its `{` to behind its `}`.
    fn object(&mut self, depth: usize) -> Read<()> {
        self.deeper(depth)?;
        let outer = self.name.len();
        self.at += 1;
        self.blanks();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            self.expect(b':', "`:` is missing")?;
            if outer > 0 {
                self.name.push('/');
            }
            self.name.push_str(&key);
            self.value(depth)?;
            self.name.truncate(outer);
            self.blanks();
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',', "`,` or `}` is missing")?;
            self.blanks();
        }
    }

    fn value(&mut self, depth: usize) -> Read<()> {
        self.blanks();
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(drop),
            Some(b't') => self.word("true", Some(1.0)),
            Some(b'f') => self.word("false", Some(0.0)),
            Some(b'n') => self.word("null", None),
            Some(b'N') => self.word("NaN", Some(f64::NAN)),
            Some(b'I') => self.word("Infinity", Some(f64::INFINITY)),
            Some(b'-') if self.line.get(self.at + 1) == Some(&b'I') => {
                self.word("-Infinity", Some(f64::NEG_INFINITY))
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err("a value is missing"),
        }
    }

    /// From its `[` to behind its `]`. What is in it is checked, and no metric.
    fn array(&mut self, depth: usize) -> Read<()> {
        self.deeper(depth)?;
        self.at += 1;
        self.blanks();
        if self.take(b']') {
            return Ok(());
        }
        let found = std::mem::take(&mut self.found);
        let name = std::mem::take(&mut self.name);
        loop {
            self.value(depth)?;
            self.found = Collector::default();
            self.blanks();
            if self.take(b']') {
                break;
            }
            self.expect(b',', "`,` or `]` is missing")?;
        }
        (self.found, self.name) = (found, name);
        Ok(())
    }

    fn number(&mut self) -> Read<()> {
        let text = &self.line[self.at..];
        let (value, length) = number::prefix(text).ok_or("this is no number")?;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        let is_odd = digits[0] == b'0' && digits.get(1).is_some_and(u8::is_ascii_digit)
            || !digits[0].is_ascii_digit()
            || text[length - 1] == b'.';
        let follows = text
            .get(length)
            .is_some_and(|byte| !b" \t\r,]}".contains(byte));
        if is_odd || follows {
            return Err("this is no number");
        }
        self.found(value)?;
        self.at += length;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Option<f64>) -> Read<()> {
        if !self.line[self.at..].starts_with(word.as_bytes()) {
            return Err("a value is missing");
        }
        if let Some(value) = value {
            self.found(value)?;
        }
        self.at += word.len();
        Ok(())
    }

    fn found(&mut self, value: f64) -> Read<()> {
        if self.name.len() > MAX_NAME {
            return Err("the name of a metric is longer than 256 bytes");
        }
        if self.found.len() == MAX_VALUES {
            return Err("there are more than 10,000 values");
        }
        self.found.push(&self.name, value);
        Ok(())
    }

    fn key(&mut self) -> Read<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return Err("a name in double quotes is missing");
        }
        let start = self.at;
        let escaped = self.string()?;
        let quoted = &self.line[start..self.at];
        let key = match escaped {
            true => serde_json::from_slice::<String>(quoted)
                .ok()
                .map(Cow::Owned),
            false => std::str::from_utf8(&quoted[1..quoted.len() - 1])
                .ok()
                .map(Cow::Borrowed),
        };
        match key {
            Some(key) if !key.is_empty() => Ok(key),
            Some(_) => Err("a name is empty"),
            None => Err("a name is no text in UTF-8"),
        }
    }

    /// From its quote to behind its last quote; whether there are escapes in it.
    fn string(&mut self) -> Read<bool> {
        let mut at = self.at + 1;
        let mut escaped = false;
        while let Some(found) = self
            .line
            .get(at..)
            .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
        {
            at += found + 1;
            if self.line[at - 1] == b'"' {
                self.at = at;
                return Ok(escaped);
            }
            escaped = true;
            at += 1;
        }
        Err("the string that begins here does not end")
    }

    fn deeper(&self, depth: usize) -> Read<()> {
        match depth > MAX_DEPTH {
            true => Err("more than 64 objects and arrays are within each other"),
            false => Ok(()),
        }
    }

    fn expect(&mut self, byte: u8, missing: &'static str) -> Read<()> {
        self.blanks();
        match self.take(byte) {
            true => Ok(()),
            false => Err(missing),
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn blanks(&mut self) {
        let rest = self.line[self.at..].iter();
        self.at += rest.take_while(|byte| b" \t\r\n".contains(byte)).count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::random::{Purpose, Stream};

    fn read(line: &str) -> Option<Report> {
        Json.read(line.as_bytes()).unwrap()
    }

    fn values(line: &str) -> String {
        let Report { step, values } = read(line).unwrap();
        let values: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        format!("{step:?} {}", values.join(" "))
    }

    fn problem(line: &str) -> String {
        Json.read(line.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn numbers_are_metrics_and_the_step_is_found() {
        assert_eq!(
            values(r#"{"step": 3, "val_loss": 0.2}"#),
            "Some(3) val_loss 0.2"
        );
        assert_eq!(
            values(r#" {"epoch":2,"a":-1e-4,"ok":true,"no":false} "#),
            "Some(2) a -0.0001 ok 1 no 0"
        );
        assert_eq!(
            values(r#"{"a": NaN, "b": Infinity, "c": -Infinity}"#),
            "None a NaN b inf c -inf"
        );
        assert_eq!(
            values(r#"{"step": 4, "epoch": 1, "x": 2}"#),
            "Some(4) epoch 1 x 2"
        );
        assert_eq!(values(r#"{"epoch": 0.5, "x": 2}"#), "None epoch 0.5 x 2");
    }

    #[test]
    fn objects_give_names_with_slashes() {
        let line = r#"{"epoch": 1, "valid": {"acc": 1, "by": {"a": 2, "step": 9}}, "b": {}}"#;
        assert_eq!(
            values(line),
            "Some(1) valid/acc 1 valid/by/a 2 valid/by/step 9"
        );
    }

    #[test]
    fn texts_nulls_and_arrays_are_passed_over() {
        let line = r#"{"run": "a \"b\" 3", "none": null, "w": [1, {"a": 2}, [3], "]"], "x": 4, "é\n\u00e9": 5}"#;
        assert_eq!(values(line), "None x 4 é\né 5");
        assert_eq!(read(r#"{"run": "a"}"#), None);
        assert_eq!(read("{}"), None);
        assert_eq!(read("  "), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_line_that_is_no_object_is_an_error_that_points_at_the_place() {
        assert_eq!(
            problem("loss=0.5"),
            "this is no JSON object: `{` is missing at byte 1"
        );
        assert_eq!(
            problem(r#"{"a": 0.5"#),
            "this is no JSON object: `,` or `}` is missing at byte 10"
        );
        for line in [
            "[1]",
            "3",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} x"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":.5}"#,
            r#"{"a":+1}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
            r#"{"a":-nan}"#,
            r#"{"a":nul}"#,
            r#"{"a":truex}"#,
            r#"{"a":[1 2]}"#,
            r#"{"a":[1}"#,
            r#"{"a":"b}"#,
            r#"{"a\":1}"#,
            r#"{"a\q":1}"#,
            r#"{"":1}"#,
            r#"{a:1}"#,
            "{'a':1}",
        ] {
            assert!(
                problem(line).starts_with("this is no JSON object"),
                "{line}"
            );
        }
        assert!(Json.read(b"{\"\xff\": 1}").is_err());
    }

    #[test]
    fn deep_long_and_large_lines_are_refused() {
        let deep = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert!(read(&deep(MAX_DEPTH)).is_some());
        assert!(problem(&deep(MAX_DEPTH + 1)).contains("within each other"));
        assert!(problem(&r#"{"a":["#.repeat(1_000_000)).contains("within each other"));
        let long = format!(r#"{{"{}": 1}}"#, "n".repeat(MAX_NAME + 1));
        assert!(problem(&long).contains("256 bytes"));
        let many = |count: usize| format!("{{{}}}", vec![r#""a":1"#; count].join(","));
        assert_eq!(read(&many(MAX_VALUES)).unwrap().values.len(), MAX_VALUES);
        assert!(problem(&many(MAX_VALUES + 1)).contains("10,000"));
    }

    #[test]
    fn any_bytes_can_be_read() {
        const TOKENS: [&[u8]; 16] = [
            b"{", b"}", b"[", b"]", b":", b",", b"\"", b"\"a\"", b"\\", b"1", b"-", b"e5", b"NaN",
            b"-Inf", b" ", b"\xff",
        ];
        for seed in 0..20_000 {
            let stream = Stream::new(seed, Purpose::Synthetic, 0, 0);
            let token = |place| TOKENS[stream.below(place, TOKENS.len())];
            let mut line = b"{\"a\":".to_vec();
            line.extend((0..seed as u32 % 20).flat_map(token));
            let _ = Json.read(&line);
        }
    }
}
