//! Files that are too long, mangled, or not text: refused in bounded time, never a panic.

use std::path::Path;

use super::{DATA, GOOD, drawn, good, source};
use crate::{MAX_FILE_BYTES, MAX_TRIALS, Source, parse};
use sweep_core::data_config::Edition;

#[test]
fn crlf_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let experiment = parse(&source(&text), &[], Edition::default()).expect("the same file");
    let span = experiment.span_of("data.path").expect("a span");
    assert_eq!(&text[span], "\"data/songs.csv\"");
    assert_eq!(experiment.data, good(&[]).data);
}

#[test]
fn files_too_long_or_not_of_text_are_refused() {
    let path = Path::new("bad.toml");
    let long = Source::from_bytes(path, vec![b'\n'; MAX_FILE_BYTES + 1]);
    assert!(long.is_err_and(|problem| problem.message.contains("longer than")));
    assert!(Source::from_bytes(path, vec![b'\n'; MAX_FILE_BYTES]).is_ok());
    let binary = Source::from_bytes(path, b"a = 1\nb = \"\xff\"\n".to_vec());
    assert!(binary.is_err_and(|problem| problem.message.contains("line 2")));
    assert!(
        parse(
            &source(&"\n".repeat(MAX_FILE_BYTES + 1)),
            &[],
            Edition::default()
        )
        .is_err()
    );
}

#[test]
fn a_thousand_errors_are_all_told() {
    let keys: String = (0..1000).map(|key| format!("k{key} = 1\n")).collect();
    let problems = parse(
        &source(&format!("{DATA}[model]\n{keys}")),
        &[],
        Edition::default(),
    )
    .expect_err("bad keys");
    assert_eq!(problems.len(), 1000);
}

#[test]
fn keys_that_are_long_or_hold_escape_sequences_are_shown_fit_for_a_terminal() {
    let long = "k".repeat(MAX_FILE_BYTES / 2);
    let text = format!("{DATA}[model]\n\"\\u001b[31m\" = 1\n{long} = 1\n");
    let problems = parse(&source(&text), &[], Edition::default()).expect_err("unknown keys");
    assert_eq!(problems[0].message, "unknown key `\\u{1b}[31m` in `model`");
    assert!(problems[1].message.chars().count() < 600);
}

#[test]
fn the_largest_grid_allowed_is_exactly_the_bound() {
    let grid = |steps: u64| {
        let axis = format!("[grid]\nlr = {{ lin = [1, 2], steps = {steps} }}\n");
        format!("{DATA}[experiment]\nseeds = [1, 2]\n{axis}")
    };
    assert!(parse(&source(&grid(MAX_TRIALS / 2 + 1)), &[], Edition::default()).is_err());
    let experiment = parse(&source(&grid(MAX_TRIALS / 2)), &[], Edition::default())
        .expect("just within the bound");
    let networks = experiment.networks.expect("networks");
    assert_eq!(networks.combinations() * 2, MAX_TRIALS);
}

#[test]
fn no_mangled_file_makes_the_reader_panic() {
    let mut rng = Rng(1);
    let mut accepted = 0;
    for end in (0..GOOD.len()).filter(|end| GOOD.is_char_boundary(*end)) {
        accepted += usize::from(sound(&GOOD[..end]));
    }
    let pieces = [
        "=",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\n",
        "-",
        "0",
        "1e999",
        "nan",
        ",",
        ".",
        "é",
        "'",
        "[]",
        "{}",
        "true",
        "1970-01-01",
        "\u{0}",
        "9223372036854775807",
        "0x10",
    ];
    for _ in 0..4000 {
        let mut text: Vec<char> = GOOD.chars().collect();
        for _ in 0..=rng.below(3) {
            let at = rng.below(text.len());
            let piece = pieces[rng.below(pieces.len())];
            let cut = rng.below(12).min(text.len() - at);
            text.splice(at..at + cut, piece.chars());
        }
        accepted += usize::from(sound(&text.into_iter().collect::<String>()));
    }
    assert!(
        accepted > 50,
        "{accepted} of the files should still be sound"
    );
}

#[test]
fn no_mangled_flag_makes_the_reader_panic() {
    let mut rng = Rng(2);
    let keys = [
        "model", "grid", "baseline", "data", "numeric", "0", "1", "9", "lr", "zip", "rounds",
        "kind", "split", "seed", "epochs", "", "é", "\"", " ",
    ];
    let values = [
        "1", "0.1", "[0.1]", "{}", "[]", "x", "x.csv", "[", "\"", "=", "\n", "é", "", "[[1]]",
    ];
    let mut accepted = 0;
    for _ in 0..4000 {
        let path: Vec<&str> = (0..=rng.below(4))
            .map(|_| keys[rng.below(keys.len())])
            .collect();
        let value = values[rng.below(values.len())];
        let equals = ["=", "=", "=", ""][rng.below(4)];
        let flag = format!("{}{equals}{value}", path.join("."));
        let flags = [flag, "data.path=\"x\"".to_owned()];
        match parse(&source(GOOD), &flags, Edition::default()) {
            Ok(_) => accepted += 1,
            Err(diagnostics) => assert!(!drawn(GOOD, &flags, &diagnostics).is_empty()),
        }
    }
    assert!((1..4000).contains(&accepted));
}

/// Whether `text` is accepted; every diagnostic of one that is not must point into it.
fn sound(text: &str) -> bool {
    match parse(&source(text), &[], Edition::default()) {
        Ok(experiment) => {
            assert!(
                experiment
                    .spaces()
                    .all(|space| space.combinations() <= MAX_TRIALS)
            );
            true
        }
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty());
            drawn(text, &[], &diagnostics);
            false
        }
    }
}

/// A linear congruential generator (Knuth's MMIX): good enough to mangle text.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
