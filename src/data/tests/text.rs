//! Columns of text, from the file to rows and to what is kept for new rows.

use std::fs;

use super::{Case, as_text, names, shown, table};
use crate::{Dataset, FittedField, HeldOutTest, Prepared, SavedPreprocessor};
use sweep_core::data_config::{
    Analyzer, DataSpec, Hashing, MissingPolicy, Scale, Terms, TextEncoder, TextSpec, Tfidf,
};

const WORDS: [&str; 7] = [
    "red",
    "green",
    "blue",
    "Blue moon",
    "moon red",
    "sun",
    "gold sun",
];

fn tfidf(analyzer: Analyzer, dims: usize) -> TextEncoder {
    let terms = Terms {
        analyzer,
        ngrams: [1, 2],
        lowercase: true,
    };
    TextEncoder::Tfidf(Tfidf {
        terms,
        sublinear: false,
        min_count: 1,
        max_terms: 1000,
        dims,
    })
}

fn hashing(dims: usize) -> TextEncoder {
    let terms = Terms {
        analyzer: Analyzer::Word,
        ngrams: [1, 1],
        lowercase: true,
    };
    TextEncoder::Hashing(Hashing { terms, dims })
}

pub(super) fn text(columns: &[&str], encoder: TextEncoder) -> TextSpec {
    TextSpec {
        columns: names(columns),
        encoder,
    }
}

/// The rows of [`table`] with a title of words, and a rank that looks like a number.
pub(super) fn titled(rows: usize) -> String {
    let plain = table(rows);
    let lines = plain.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line},title,rank\n"),
        _ => format!("{line},{} {},{row}\n", WORDS[row % 7], WORDS[row * row % 5]),
    });
    lines.collect()
}

pub(super) fn case(text: String, texts: Vec<TextSpec>) -> Case {
    Case::new(text).with(|spec| {
        spec.numeric = Some(names(&["a"]));
        spec.text = texts;
    })
}

pub(super) fn saved(prepared: &Prepared) -> SavedPreprocessor {
    SavedPreprocessor::read(&prepared.preprocessor_path).unwrap()
}

#[test]
fn each_column_and_encoder_gives_features_of_its_own_name() {
    let texts = vec![
        text(&["title", "date"], tfidf(Analyzer::Word, 2)),
        text(&["title"], tfidf(Analyzer::Char, 1)),
        text(&["title"], tfidf(Analyzer::Word, 1)),
        text(&["rank"], hashing(2)),
    ];
    let features = case(titled(60), texts).prepared().meta.features;
    let expected = [
        "a",
        "title:tfidf_word.0",
        "title:tfidf_word.1",
        "date:tfidf_word.0",
        "date:tfidf_word.1",
        "title:tfidf_char.0",
        "title:tfidf_word#2.0",
        "rank:hashing_word.0",
        "rank:hashing_word.1",
    ];
    assert_eq!(features, expected);
}

#[test]
fn what_is_saved_encodes_new_texts_as_the_rows_were_encoded() {
    let texts = vec![
        text(&["title"], tfidf(Analyzer::Word, 4)),
        text(&["title"], hashing(8)),
    ];
    let case = case(titled(60), texts);
    let prepared = case.prepared();
    let test = HeldOutTest::open(&prepared.test_path).unwrap();
    let saved = saved(&prepared);
    let path = case.folder.path().join("new.csv");
    fs::write(&path, titled(60)).unwrap();
    let table = as_text(&path);
    let encoder = saved.on(&table).unwrap();
    for (row, features) in test
        .source()
        .iter()
        .zip(test.rows().x.chunks_exact(1 + 4 + 8))
    {
        let new = encoder.encode(row - 1..*row).unwrap();
        assert_eq!(new.x, features);
        assert!(features[1..5].iter().any(|x| *x != 0.0));
    }
}

#[test]
fn a_missing_text_is_an_empty_one_unless_a_rule_of_its_own_refuses_it() {
    for (rule, refused) in [(None, 0), (Some(MissingPolicy::Error), 1)] {
        let case = case(titled(60), vec![text_of_title()]).with(|spec| {
            let rule = rule.map(|rule| ("title".to_owned(), rule));
            spec.missing.columns.extend(rule);
        });
        let saved = saved(&case.prepared());
        let path = case.folder.path().join("new.csv");
        fs::write(&path, "title,a\n,1\n").unwrap();
        let features = saved.on(&as_text(&path)).unwrap().encode(0..1).unwrap();
        assert_eq!(features.refused.len(), refused);
        assert_eq!(features.rows.len(), 1 - refused);
        assert!(features.x.iter().skip(1).all(|x| *x == 0.0));
    }
}

#[test]
fn fitted_texts_that_were_changed_are_refused() {
    let case = case(titled(60), vec![text(&["title"], tfidf(Analyzer::Word, 4))]);
    let prepared = case.prepared();
    let path = prepared
        .preprocessor_path
        .with_extension("text.safetensors");
    let whole = fs::read(&path).unwrap();
    let open = || SavedPreprocessor::read(&prepared.preprocessor_path);
    for place in [9, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 4;
        fs::write(&path, bytes).unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains("damaged or foreign"), "{place}: {error}");
    }
    fs::remove_file(&path).unwrap();
    assert!(open().is_err());
    assert!(!case.prepared().summary.reused);
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert!(case.prepared().summary.reused);
}

#[test]
fn nothing_is_learned_from_rows_held_out() {
    let make = |text: String| {
        let case = case(text, vec![text_of_title()]);
        let prepared = case.prepared();
        (prepared.meta.preprocessor.clone(), case, prepared)
    };
    let (before, _case, prepared) = make(titled(60));
    let data = Dataset::open(&prepared.path).unwrap();
    let held_out = data.valid_source()[0] as usize;
    let changed: Vec<String> = titled(60)
        .lines()
        .enumerate()
        .map(|(row, line)| match row == held_out {
            true => line
                .replace(",yes,", ",yes,sun gold new ")
                .replace(",no,", ",no,sun gold new "),
            false => line.to_owned(),
        })
        .collect();
    let (after, _other_case, other) = make(changed.join("\n"));
    assert_eq!(before, after);
    assert_ne!(prepared.meta.digest, other.meta.digest);
    let other = Dataset::open(&other.path).unwrap();
    assert_eq!(data.train().x, other.train().x);
}

fn text_of_title() -> TextSpec {
    text(&["title"], tfidf(Analyzer::Word, 4))
}

#[test]
fn every_option_of_text_changes_the_digest() {
    let digest = |change: &dyn Fn(&mut DataSpec)| {
        let case = case(titled(60), vec![text_of_title()]).with(change);
        case.prepared().meta.digest
    };
    let set = |change: fn(&mut Tfidf)| {
        move |spec: &mut DataSpec| match &mut spec.text[0].encoder {
            TextEncoder::Tfidf(tfidf) => change(tfidf),
            _ => unreachable!(),
        }
    };
    let mut digests = vec![
        digest(&|_| {}),
        digest(&|spec| spec.scale = Scale::None),
        digest(&|spec| spec.text.clear()),
        digest(&|spec| spec.text[0].encoder = hashing(4)),
        digest(&set(|tfidf| tfidf.dims = 3)),
        digest(&set(|tfidf| tfidf.sublinear = true)),
        digest(&set(|tfidf| tfidf.min_count = 3)),
        digest(&set(|tfidf| tfidf.max_terms = 6)),
        digest(&set(|tfidf| tfidf.terms.lowercase = false)),
        digest(&set(|tfidf| tfidf.terms.ngrams = [1, 1])),
        digest(&set(|tfidf| tfidf.terms.analyzer = Analyzer::Char)),
    ];
    assert_eq!(digests[0], digest(&|_| {}));
    let number = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), number);
}

#[test]
fn a_missing_text_is_empty_unless_a_rule_of_its_own_says_otherwise() {
    let gaps = format!("{}1,1,x,2001,yes,NA,7\n1,1,x,2001,yes,,7\n", titled(60));
    let texts = || vec![text_of_title(), text(&["title"], hashing(3))];
    let lenient = case(gaps.clone(), texts());
    let prepared = lenient.prepared();
    assert_eq!(
        prepared.summary.imputed,
        [("title".to_owned(), 2), ("title".to_owned(), 2)]
    );
    let rows: usize = prepared.summary.splits.iter().map(|side| side.rows).sum();
    assert_eq!(rows, 62);

    let ruled = |policy| {
        case(gaps.clone(), texts()).with(|spec| {
            spec.missing.columns.insert("title".to_owned(), policy);
        })
    };
    let dropped = ruled(MissingPolicy::Drop).prepared();
    assert_eq!(dropped.summary.dropped_by, [("title".to_owned(), 2)]);
    assert_eq!(dropped.summary.dropped, 2);
    let refused = shown(&ruled(MissingPolicy::Error).errors()[..1]);
    let expected = "in.csv:62: column `title`: the cell reads `NA`, which stands for a missing \
                    value (and 1 more cell further down)";
    assert!(refused.starts_with(expected), "{refused}");
    let refused = shown(&ruled(MissingPolicy::Mode).errors()[..1]);
    assert!(refused.contains("`title` holds text, which cannot be filled in"));
}

#[test]
fn columns_that_are_not_there_or_have_too_few_dimensions_are_refused_by_name() {
    let case = case(
        titled(60),
        vec![
            text(&["title"], tfidf(Analyzer::Word, 40)),
            text(&["kind"], tfidf(Analyzer::Word, 1)),
        ],
    );
    let text = shown(&case.errors());
    assert!(
        text.contains("column `title`: 40 dimensions are asked for"),
        "{text}"
    );
    assert!(text.contains("key: data.text[0].columns[0]"), "{text}");
    assert!(
        text.contains("column `kind`: 1 dimensions are asked for"),
        "{text}"
    );
    let case = case.with(|spec| spec.text[0].columns = names(&["titel"]));
    let text = shown(&case.errors());
    assert!(text.contains("there is no column `titel`"), "{text}");
    assert!(text.contains("did you mean `title`?"), "{text}");
}

#[test]
fn text_is_never_inferred_as_numbers_and_can_stand_alone() {
    let alone = Case::new(titled(60)).with(|spec| {
        spec.numeric = Some(Vec::new());
        spec.text = vec![text_of_title()];
    });
    let features = alone.prepared().meta.features;
    assert_eq!(features.len(), 4);
    let inferred = Case::new(titled(60)).with(|spec| {
        spec.text = vec![text(&["rank"], hashing(2))];
    });
    let prepared = inferred.prepared();
    let numbers = prepared
        .meta
        .preprocessor
        .fields
        .iter()
        .filter_map(|field| match field {
            FittedField::Number { column, .. } => Some(column.as_str()),
            _ => None,
        });
    assert_eq!(numbers.collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_column_whose_whole_text_names_the_class_is_warned_about_once() {
    let text = titled(60)
        .replace(",yes,", ",yes,aye ")
        .replace(",no,", ",no,nay ");
    let telling: String = text
        .lines()
        .enumerate()
        .map(|(row, line)| {
            let cells: Vec<&str> = line.split(',').collect();
            match row {
                0 => format!("{line}\n"),
                _ => format!("{},{} rows,1\n", cells[..5].join(","), cells[4]),
            }
        })
        .collect();
    let texts = vec![text_spec(2), text_spec(1)];
    let notes = case(telling, texts).prepared().summary.notes;
    let about = notes
        .iter()
        .filter(|note| note.text.contains("`title` gives the target"));
    assert_eq!(about.count(), 1, "{notes:#?}");
}

fn text_spec(dims: usize) -> TextSpec {
    text(&["title"], tfidf(Analyzer::Word, dims))
}
