//! Tables whose cells are separated by blanks: runs of blanks become single tabs.
//!
//! Invariant: lines stay lines, and what stands between quotes stays as it is.

use std::io::{self, Read};

/// Collapses runs of blanks while it reads.
pub(crate) struct Collapsing<R> {
    inner: R,
    collapse: Collapse,
    ready: Vec<u8>,
    given: usize,
}

/// The state between two bytes.
#[derive(Debug, Default)]
struct Collapse {
    in_quotes: bool,
    /// Whether a cell of this line has begun.
    in_line: bool,
    /// Blanks since the last cell.
    is_pending: bool,
}

impl<R: Read> Collapsing<R> {
    pub fn new(inner: R) -> Collapsing<R> {
        Collapsing {
            inner,
            collapse: Collapse::default(),
            ready: Vec::new(),
            given: 0,
        }
    }
}

impl<R: Read> Read for Collapsing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut raw = [0; 1 << 16];
        while self.given == self.ready.len() {
            let length = self.inner.read(&mut raw)?;
            if length == 0 {
                return Ok(0);
            }
            self.ready.clear();
            self.given = 0;
            self.collapse.take(&raw[..length], &mut self.ready);
        }
        let length = buffer.len().min(self.ready.len() - self.given);
        buffer[..length].copy_from_slice(&self.ready[self.given..][..length]);
        self.given += length;
        Ok(length)
    }
}

impl Collapse {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            match byte {
                b' ' | b'\t' if !self.in_quotes => self.is_pending = true,
                b'\n' | b'\r' if !self.in_quotes => {
                    *self = Collapse::default();
                    out.push(*byte);
                }
                _ => {
                    if self.is_pending && self.in_line {
                        out.push(b'\t');
                    }
                    self.in_quotes ^= *byte == b'"';
                    self.is_pending = false;
                    self.in_line = true;
                    out.push(*byte);
                }
            }
        }
    }
}

/// `text` with single tabs between cells.
pub(crate) fn collapsed(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    Collapse::default().take(text.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_blanks_become_one_tab_outside_quotes() {
        let text = "  1.5   2\t\"a  b\"  \r\n3 4 \"c\"\n";
        let wanted = "1.5\t2\t\"a  b\"\r\n3\t4\t\"c\"\n";
        assert_eq!(collapsed(text), wanted);
        let mut read = String::new();
        let mut reader = Collapsing::new(text.as_bytes());
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, wanted);
    }
}
