//! Records of a text file, one by one.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr_iter, memrchr};

use super::blanks::collapsed;
use sweep_core::data_config::Delimiter;

/// The first `most` records of `head`; the last one is left out where it may be cut off.
pub(crate) fn records(
    head: &str,
    delimiter: Delimiter,
    is_whole: bool,
    most: usize,
) -> Vec<Vec<String>> {
    let single;
    let head = match delimiter {
        Delimiter::Blanks => {
            single = collapsed(head);
            single.as_str()
        }
        Delimiter::Byte(_) => head,
    };
    let mut reader = reader(delimiter);
    let (mut out, mut ends) = (vec![0; 4096], vec![0; 64]);
    let mut rows = Vec::new();
    let mut at = skip_ends(head.as_bytes(), 0);
    while rows.len() < most && at < head.len() {
        let bytes = &head.as_bytes()[at..];
        let record = next_record(&mut reader, bytes, is_whole, &mut out, &mut ends);
        let Some((length, cells)) = record else {
            break;
        };
        let mut start = 0;
        let cell = |end: &usize| {
            let cell = String::from_utf8_lossy(&out[start..*end]).into_owned();
            start = *end;
            cell
        };
        rows.push(ends[..cells].iter().map(cell).collect());
        at = skip_ends(head.as_bytes(), at + length);
    }
    rows
}

/// A reader of records.
pub(crate) fn reader(delimiter: Delimiter) -> Reader {
    let byte = match delimiter {
        Delimiter::Byte(byte) => byte,
        // What is read is collapsed to single tabs first.
        Delimiter::Blanks => b'\t',
    };
    ReaderBuilder::new().delimiter(byte).build()
}

/// Reads the record at the beginning of `input`: its length with the end of its line, and its number
/// of cells, which end in `out` at `ends`. `None` if there is none, or not all of it.
pub(crate) fn next_record(
    reader: &mut Reader,
    input: &[u8],
    is_last: bool,
    out: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) -> Option<(usize, usize)> {
    reader.reset();
    let (mut read, mut written, mut cells) = (0, 0, 0);
    loop {
        let (result, more_read, more_written, more_cells) =
            reader.read_record(&input[read..], &mut out[written..], &mut ends[cells..]);
        read += more_read;
        written += more_written;
        cells += more_cells;
        match result {
            ReadRecordResult::InputEmpty if !is_last => return None,
            // Nothing more to read tells the reader that the record ends here.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => out.resize(out.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record => return Some((read, cells)),
            ReadRecordResult::End => return None,
        }
    }
}

/// The first place from `at` on that does not end a line.
pub(crate) fn skip_ends(block: &[u8], at: usize) -> usize {
    let rest = &block[at.min(block.len())..];
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    at + ends.count()
}

/// Ends of lines in `bytes`: LF, CR LF or CR.
pub(crate) fn count_ends(bytes: &[u8]) -> u64 {
    let feeds = memchr_iter(b'\n', bytes).count();
    let mut lone = 0;
    if memrchr(b'\r', bytes).is_some() {
        let returns = memchr_iter(b'\r', bytes);
        lone = returns
            .filter(|at| bytes.get(at + 1) != Some(&b'\n'))
            .count();
    }
    (feeds + lone) as u64
}
