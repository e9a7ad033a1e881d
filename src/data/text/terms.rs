//! From a text to its terms: words that follow each other, or characters within words.
//!
//! Invariant: the terms are those that scikit-learn's `word` and `char_wb` analyzers give, in any
//! script in which a word is letters and digits alone.

use sweep_core::data_config::{Analyzer, Terms};

/// Calls `each` with every term of `text`, as often as it occurs.
pub(super) fn for_each_term(terms: &Terms, text: &str, each: impl FnMut(&str)) {
    let lowered;
    let text = match terms.lowercase {
        true => {
            lowered = text.to_lowercase();
            &lowered
        }
        false => text,
    };
    match terms.analyzer {
        Analyzer::Word => words(text, terms.ngrams, each),
        Analyzer::Char => characters(text, terms.ngrams, each),
    }
}

/// Runs of words, joined by blanks. A word is the longest run of two or more letters, digits and
/// underscores (Unicode's alphabetic and numeric characters): `\b\w\w+\b`.
fn words(text: &str, [least, most]: [usize; 2], mut each: impl FnMut(&str)) {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words: Vec<&str> = text
        .split(|letter| !inside(letter))
        .filter(|word| word.chars().nth(1).is_some())
        .collect();
    let mut term = String::new();
    for length in least..=most.min(words.len()) {
        for run in words.windows(length) {
            if let [word] = run {
                each(word);
                continue;
            }
            term.clear();
            for (place, word) in run.iter().enumerate() {
                if place > 0 {
                    term.push(' ');
                }
                term.push_str(word);
            }
            each(&term);
        }
    }
}

/// Runs of characters of each piece of `text` between white space, with a blank on both sides. A
/// piece shorter than a run is one term, once.
fn characters(text: &str, [least, most]: [usize; 2], mut each: impl FnMut(&str)) {
    let mut padded = String::new();
    let mut starts = Vec::new();
    for piece in text.split_whitespace() {
        padded.clear();
        padded.push(' ');
        padded.push_str(piece);
        padded.push(' ');
        starts.clear();
        starts.extend(padded.char_indices().map(|(at, _)| at));
        starts.push(padded.len());
        for length in least..=most {
            if starts.len() <= length + 1 {
                each(&padded);
                break;
            }
            for ends in starts.windows(length + 1) {
                each(&padded[ends[0]..ends[length]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(analyzer: Analyzer, ngrams: [usize; 2], text: &str) -> Vec<String> {
        let options = Terms {
            analyzer,
            ngrams,
            lowercase: true,
        };
        let mut found = Vec::new();
        for_each_term(&options, text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn words_are_two_letters_or_more_and_runs_do_not_skip() {
        let found = terms(Analyzer::Word, [1, 2], "I don't -- stop_me at 22, ÉTÉ!");
        let expected = [
            "don",
            "stop_me",
            "at",
            "22",
            "été",
            "don stop_me",
            "stop_me at",
            "at 22",
            "22 été",
        ];
        assert_eq!(found, expected);
        assert!(terms(Analyzer::Word, [2, 3], "alone").is_empty());
        assert!(terms(Analyzer::Word, [1, 2], " !? a b").is_empty());
    }

    #[test]
    fn characters_stay_within_a_word_and_a_short_word_counts_once() {
        let found = terms(Analyzer::Char, [3, 4], "Ab  né\tX");
        let expected = [" ab", "ab ", " ab ", " né", "né ", " né ", " x "];
        assert_eq!(found, expected);
        assert!(terms(Analyzer::Char, [1, 3], " \n ").is_empty());
    }
}
