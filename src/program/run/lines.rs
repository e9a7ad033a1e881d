//! Bytes cut into lines, at line feeds and at carriage returns, as progress bars have them.

/// Longest line that is read, in bytes. The rest of a longer one is skipped.
const MAX_LINE: usize = 1 << 16;

/// Cuts bytes into lines. Invariant: holds at most [`MAX_LINE`] bytes.
#[derive(Debug, Default)]
pub struct Lines {
    begun: Vec<u8>,
    is_skipping: bool,
    /// Lines whose end was skipped.
    pub too_long: u64,
}

impl Lines {
    /// Takes more bytes, and gives each line that they end to `take`.
    pub fn add(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8])) {
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
        while let Some(end) = bytes.iter().position(ends) {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            match (self.is_skipping, self.begun.is_empty()) {
                (true, _) => self.is_skipping = false,
                (false, true) if line.len() <= MAX_LINE => take(line),
                (false, _) => {
                    self.keep(line);
                    if !std::mem::take(&mut self.is_skipping) {
                        take(&self.begun);
                    }
                    self.begun.clear();
                }
            }
            bytes = rest;
        }
        if !self.is_skipping {
            self.keep(bytes);
        }
    }

    /// Gives the last line to `take`, if it has no end.
    pub fn finish(&mut self, mut take: impl FnMut(&[u8])) {
        if !self.begun.is_empty() && !self.is_skipping {
            take(&self.begun);
        }
        self.begun.clear();
    }

    fn keep(&mut self, bytes: &[u8]) {
        match self.begun.len() + bytes.len() <= MAX_LINE {
            true => self.begun.extend_from_slice(bytes),
            false => {
                self.begun.clear();
                self.is_skipping = true;
                self.too_long += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&[u8]]) -> (Vec<String>, u64) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut take = |line: &[u8]| found.push(String::from_utf8_lossy(line).into_owned());
        for part in parts {
            lines.add(part, &mut take);
        }
        lines.finish(&mut take);
        (found, lines.too_long)
    }

    #[test]
    fn lines_end_at_line_feeds_and_carriage_returns_wherever_reads_are_cut() {
        let text = b"one\ntwo\r\rthree\nfour";
        let whole = ["one", "two", "", "three", "four"].map(str::to_owned);
        for size in 1..text.len() {
            let parts: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(cut(&parts), (whole.to_vec(), 0), "{size}");
        }
    }

    #[test]
    fn a_line_without_end_is_skipped_and_what_follows_it_is_read() {
        let long = vec![b'x'; 3 * MAX_LINE];
        let (found, too_long) = cut(&[&long, &long, b"\nloss=1\n", &long, b"\n", b"end"]);
        assert_eq!(
            (found, too_long),
            (vec!["loss=1".to_owned(), "end".to_owned()], 2)
        );
        let exact = vec![b'y'; MAX_LINE];
        let (found, too_long) = cut(&[&exact, b"\n"]);
        assert_eq!((found[0].len(), too_long), (MAX_LINE, 0));
    }
}
