//! Metrics in ordinary lines of output: `name=value` and `name: value`, wherever they stand.

use std::borrow::Cow;

use super::escapes::plain;
use super::number;
use super::report::{Collector, LineError, LineReader, MAX_NAME, Report, step_rank};

/// Reads every pair `name=value` and `name: value` of a line.
///
/// - A name begins with a letter or `_` and goes on with letters, digits and `_ - . / @`; it may stand in quotes, its
///   value then too. Blanks round `=` and before `:` are allowed. LightGBM's `training's l2` is `training/l2`.
/// - A value is a whole token: a decimal number with an exponent or without, `nan` or `inf`. A blank, one of
///   `, ; ) ] } | ' "` or the end of the line follows it. So `93.2%`, `3s`, `1/2`, `12:30:01` and `1,000` are none.
/// - After `:` comes a blank, or a number with a point or an exponent: `auc:0.93` is a pair, `host:80` is not.
/// - The step is the value of `step`, `global_step`, `iteration`, `iter` or `epoch`, in this order; also `Epoch 3/10`,
///   `Epoch [3/10]`, `Step 100:`, and `[3]` with a tab after it at the beginning, as XGBoost and LightGBM print it.
///
/// Colours and other escape sequences of terminals are passed over.
#[derive(Debug, Default)]
pub struct Lines;

impl LineReader for Lines {
    fn read(&mut self, line: &[u8]) -> Result<Option<Report>, LineError> {
        let line = plain(line);
        let mut found = Collector::default();
        scan(&line, &mut found);
        Ok(found.report())
    }
}

fn scan(line: &[u8], found: &mut Collector) {
    let mut at = 0;
    if let Some((round, end)) = round(line) {
        found.push("iteration", round);
        at = end;
    }
    while at < line.len() {
        let run = name_bytes(&line[at..]);
        if run == 0 {
            at += 1;
            continue;
        }
        let end = at + run;
        at = match name_in(line, at, end) {
            Some(name) => match pair(line, name.start, end) {
                Some((value, end)) => {
                    found.push(&full_name(line, &name), value);
                    end
                }
                None => match counted(line, &name, end) {
                    Some((step, end)) => {
                        found.push(name.text, step);
                        end
                    }
                    None => end,
                },
            },
            None => end,
        };
    }
}

struct Name<'a> {
    text: &'a str,
    start: usize,
}

/// The name that ends at `end` in the run of bytes of names that begins at `start`.
fn name_in(line: &[u8], start: usize, end: usize) -> Option<Name<'_>> {
    let run = &line[start..end];
    if run.is_ascii() {
        let begins = run[0].is_ascii_alphabetic() || run[0] == b'_';
        let fits = begins && run.len() <= MAX_NAME && opens(line, start);
        let text = std::str::from_utf8(run).ok()?;
        return fits.then_some(Name { text, start });
    }
    // Bars and arrows are no part of a name, letters of other alphabets are.
    let text = std::str::from_utf8(run).ok()?;
    let is_part =
        |letter: char| !letter.is_ascii() && letter.is_alphanumeric() || is_name_char(letter);
    let odd = text
        .char_indices()
        .rev()
        .find(|(_, letter)| !is_part(*letter));
    let skipped = odd.map_or(0, |(place, letter)| place + letter.len_utf8());
    let text = &text[skipped..];
    let begins = text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    let fits = begins && text.len() <= MAX_NAME && (skipped > 0 || opens(line, start));
    let start = start + skipped;
    fits.then_some(Name { text, start })
}

/// Whether a name can begin at `start`: not within a path, an address, an option or a nested assignment.
fn opens(line: &[u8], start: usize) -> bool {
    match start.checked_sub(1).map(|before| line[before]) {
        None => true,
        Some(before) => is_blank(before) || b",;([{|'\"".contains(&before),
    }
}

/// The value after the name `line[start..end]`, and where it ends.
fn pair(line: &[u8], start: usize, end: usize) -> Option<(f64, usize)> {
    let quote = start.checked_sub(1).map(|before| line[before]);
    let quote = quote.filter(|quote| is_quote(*quote) && line.get(end) == Some(quote));
    let mut at = end + usize::from(quote.is_some());
    at += blanks(&line[at..]);
    let delimiter = *line.get(at)?;
    at += 1;
    let gap = blanks(&line[at..]);
    at += gap;
    let opening = line
        .get(at)
        .filter(|byte| quote.is_some() && is_quote(**byte));
    at += usize::from(opening.is_some());
    let (value, length) = number::prefix(line.get(at..)?)?;
    let token = &line[at..at + length];
    let separated = match delimiter {
        b'=' => true,
        b':' => {
            gap > 0 || quote.is_some() || number::digits(unsigned(token)) < unsigned(token).len()
        }
        _ => false,
    };
    let end = at + length;
    let ended = match opening {
        Some(quote) => line.get(end) == Some(quote),
        None => closes(line, end),
    };
    (separated && ended).then_some((value, end))
}

/// The number after a name of the step without a pair: `Epoch 3/10`, `Epoch: [3/10]`, `Step 100:`.
fn counted(line: &[u8], name: &Name, end: usize) -> Option<(f64, usize)> {
    step_rank(name.text)?;
    let rest = &line[end..];
    let mut at = usize::from(matches!(rest.first(), Some(b':' | b'=')));
    at += blanks(&rest[at..]);
    at += usize::from(rest.get(at) == Some(&b'['));
    let length = number::digits(&rest[at..]);
    if at == 0 || length == 0 {
        return None;
    }
    let (value, _) = number::prefix(&rest[at..at + length])?;
    at += length;
    let next = rest.get(at + 1);
    let ended = match rest.get(at) {
        Some(b'/') => next.is_some_and(u8::is_ascii_digit),
        Some(b':') => !next.is_some_and(u8::is_ascii_digit),
        _ => closes(rest, at),
    };
    ended.then_some((value, end + at))
}

/// The round in `[3]` and a tab, at the beginning of the line.
fn round(line: &[u8]) -> Option<(f64, usize)> {
    let inner = line.strip_prefix(b"[")?;
    let length = number::digits(inner);
    inner[length..].strip_prefix(b"]\t")?;
    let value = number::whole(&inner[..length])?;
    Some((value, length + 3))
}

/// `training/l2` for `training's l2`, which would otherwise be one name with `valid's l2`.
fn full_name<'a>(line: &[u8], name: &Name<'a>) -> Cow<'a, str> {
    let owner = line[..name.start].strip_suffix(b"'s ").and_then(|before| {
        let run = before.iter().rev().take_while(|byte| is_name_byte(**byte));
        name_in(before, before.len() - run.count(), before.len())
    });
    match owner {
        Some(owner) if owner.text.len() + 1 + name.text.len() <= MAX_NAME => {
            format!("{}/{}", owner.text, name.text).into()
        }
        _ => name.text.into(),
    }
}

/// Whether a value can end before `end`.
fn closes(line: &[u8], end: usize) -> bool {
    match line.get(end) {
        None => true,
        Some(b',') => !line.get(end + 1).is_some_and(u8::is_ascii_digit),
        Some(byte) => is_blank(*byte) || b";)]}|'\"".contains(byte),
    }
}

fn unsigned(token: &[u8]) -> &[u8] {
    match token.first() {
        Some(b'+' | b'-') => &token[1..],
        _ => token,
    }
}

fn name_bytes(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_name_byte(**byte)).count()
}

/// Bytes of names, and those of characters beyond ASCII, which [`name_in`] looks at.
fn is_name_byte(byte: u8) -> bool {
    !byte.is_ascii() || is_name_char(char::from(byte))
}

fn is_name_char(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | '@')
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(**byte)).count()
}

/// Control characters too: progress bars go back with them.
fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control()
}

fn is_quote(byte: u8) -> bool {
    byte == b'\'' || byte == b'"'
}

#[cfg(test)]
mod tests {
    use super::*;
    use sweep_core::random::{Purpose, Stream};

    /// `step | name value ...` or nothing.
    fn read(line: impl AsRef<[u8]>) -> String {
        let Some(report) = Lines.read(line.as_ref()).unwrap() else {
            return String::new();
        };
        let step = report.step.map_or(String::new(), |step| format!("{step} "));
        let values = report.values.iter();
        let values: Vec<String> = values
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        format!("{step}| {}", values.join(" "))
    }

    #[test]
    fn pairs_are_found_wherever_they_stand() {
        for (line, expected) in [
            (
                "2026-11-29 12:00:01 INFO train - epoch=3, loss=0.5 val_loss: 0.4",
                "3 | loss 0.5 val_loss 0.4",
            ),
            (
                "Epoch 3/10 - loss: 0.4 - val/acc: 0.9",
                "3 | loss 0.4 val/acc 0.9",
            ),
            ("epoch: 3 | lr: 1e-4", "3 | lr 0.0001"),
            ("{'loss': 0.5, 'epoch': 1.0}", "1 | loss 0.5"),
            (
                "{'loss': '0.5', 'learning_rate': '5e-05', 'epoch': '0.25'}",
                "| loss 0.5 learning_rate 0.00005 epoch 0.25",
            ),
            ("\"loss\": 0.5", "| loss 0.5"),
            (r#"{"step":7,"loss":0.5}"#, "7 | loss 0.5"),
            ("loss = 0.5 ; acc = .9", "| loss 0.5 acc 0.9"),
            ("Loss : -2", "| Loss -2"),
            ("(loss=nan) [auc=-INF]", "| loss NaN auc -inf"),
            ("a=1|b=2", "| a 1 b 2"),
            (
                "precision@5=0.25 model.fc-1/w=3.",
                "| precision@5 0.25 model.fc-1/w 3",
            ),
            ("точность: 0.75 │loss=1", "| точность 0.75 loss 1"),
            ("_x=+1E+2", "| _x 100"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_plain_number_is_no_value() {
        for line in [
            "at 12:30:01",
            "time: 12:30:01",
            "acc: 93.2%",
            "took: 3s",
            "address=0x1f",
            "torch=1.2.3",
            "version: 1.2.3",
            "http://host:80",
            "http://host:80/a?b=1&c=2",
            "see host:80 or train.py:12",
            "device=cuda:0",
            "loss: 1/2",
            "seen: 1,000",
            "loss = tensor(0.5)",
            "lr=fast",
            "--lr=0.1 --lr 0.2",
            "-D a/b",
            "/tmp/x=1",
            "a==1 a<=1 a!=1 a+=1",
            "x=a=1",
            "3x=1",
            "loss:",
            "loss=",
            "=1",
            ": 1",
            "name=1e",
            "name=1_0",
            "steps 3",
            "epoch 3.5",
            "epoch -3",
            "epoch3",
            "step 12:30:01",
            "",
        ] {
            assert_eq!(read(line), "", "{line}");
        }
    }

    #[test]
    fn steps_are_read_from_headings_too() {
        for (line, expected) in [
            ("Epoch 3/10", "3 | "),
            ("Epoch [3/10]", "3 | "),
            ("Epoch: [3][10/391] Time 0.5", "3 | "),
            ("epoch 3", "3 | "),
            ("Step 100: lr=0.5", "100 | lr 0.5"),
            ("[Epoch 2] loss=1", "2 | loss 1"),
            (
                "Epoch [1/5], Step [100/600], Loss: 0.25",
                "100 | Epoch 1 Loss 0.25",
            ),
            ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.3", "1 | Loss 2.3"),
            ("epoch=2 step=40 loss=1", "40 | epoch 2 loss 1"),
            ("epoch=0.5 loss=1", "| epoch 0.5 loss 1"),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn lines_as_libraries_print_them_are_read() {
        for (line, expected) in [
            // XGBoost, LightGBM, tqdm, Keras.
            (
                "[12]\ttrain-rmse:0.48213\tval-rmse:0.51",
                "12 | train-rmse 0.48213 val-rmse 0.51",
            ),
            (
                "[2]\ttraining's l2: 0.24\tvalid_0's l2: 0.3",
                "2 | training/l2 0.24 valid_0/l2 0.3",
            ),
            (
                "Epoch 3:  45%|████▌     | 45/100 [00:10<00:12, 4.4it/s, loss=0.5, v_num=0]",
                "3 | loss 0.5 v_num 0",
            ),
            (
                "\u{8}\u{8}\u{1b}[1m10/10\u{1b}[0m \u{1b}[32m━━━━\u{1b}[0m \u{1b}[1m0s\u{1b}[0m 5ms/step - \
                 accuracy: 0.5 - loss: 0.69",
                "| accuracy 0.5 loss 0.69",
            ),
            (
                "\u{1b}[32mloss\u{1b}[0m: \u{1b}[1m0.5\u{1b}[0m",
                "| loss 0.5",
            ),
            (
                "\u{1b}]8;;http://a=1\u{1b}\\loss=1\u{1b}]0;b=2\u{7}",
                "| loss 1",
            ),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_no_metric() {
        let line = |length: usize| format!("{}=1", "n".repeat(length));
        assert_ne!(read(line(MAX_NAME)), "");
        assert_eq!(read(line(MAX_NAME + 1)), "");
        assert_eq!(read(format!("{}=1", "é".repeat(MAX_NAME))), "");
    }

    #[test]
    fn any_bytes_can_be_read() {
        const AWKWARD: &[u8] = b"=: '\"[]/\x1b\xffe1.-n,a\t";
        for seed in 0..20_000 {
            let stream = Stream::new(seed, Purpose::Synthetic, 0, 0);
            let byte = |place: u32| match stream.below(2 * place, 4) {
                0 => stream.below(2 * place + 1, 256) as u8,
                _ => AWKWARD[stream.below(2 * place + 1, AWKWARD.len())],
            };
            let line: Vec<u8> = (0..seed as u32 % 50).map(byte).collect();
            if let Some(report) = Lines.read(&line).unwrap() {
                assert!(report.values.len() < line.len());
            }
        }
    }
}
