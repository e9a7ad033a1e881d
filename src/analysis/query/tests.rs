//! The examples that the script of the page answers too, and texts that are no queries.

use serde_json::Value as Json;

use super::{Query, Row};
use sweep_core::trial::Value;

struct Example(Json);

impl Row for Example {
    fn values(&self, key: &str) -> Vec<Value> {
        match &self.0[key] {
            Json::Null => Vec::new(),
            // Several values; a list of one stands in a list of its own.
            Json::Array(values) => {
                let read = |value: &Json| serde_json::from_value(value.clone()).unwrap();
                values.iter().map(read).collect()
            }
            value => vec![serde_json::from_value(value.clone()).unwrap()],
        }
    }

    fn text(&self) -> String {
        self.0["text"].as_str().unwrap().to_owned()
    }
}

#[test]
fn every_example_that_the_page_answers_is_answered_alike() {
    let suite: Json =
        serde_json::from_str(include_str!("../../../tests/browser/queries.json")).unwrap();
    let known: Vec<&str> = (suite["columns"].as_array().unwrap().iter())
        .map(|name| name.as_str().unwrap())
        .collect();
    let rows = suite["rows"].as_array().unwrap();
    let examples = suite["examples"].as_array().unwrap();
    assert!(examples.len() > 40);
    for example in examples {
        let query = example["query"].as_str().unwrap();
        let answer = Query::parse(query).and_then(|parsed| {
            parsed.check(&known)?;
            let wanted = |(_, row): &(usize, &Json)| parsed.holds(&Example((*row).clone()));
            let places = rows
                .iter()
                .enumerate()
                .filter(wanted)
                .map(|(place, _)| place);
            Ok(places.collect::<Vec<usize>>())
        });
        match answer {
            Ok(places) => assert_eq!(serde_json::json!(places), example["rows"], "{query}"),
            Err(error) => {
                let error = serde_json::json!([error.at, error.length, error.message]);
                assert_eq!(error, example["error"], "{query}");
            }
        }
    }
}

#[test]
fn an_error_says_where_as_people_count() {
    let error = Query::parse("lr<fast").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`<` wants a number, and `fast` is none (at character 4)"
    );
}

#[test]
fn no_text_makes_it_stumble() {
    let pieces = [
        "not", "or", "=", "\"", "\\", "[", "]", "|", "<", " ", "é", "a", "~", "!",
    ];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                let text = format!("{first}{second}{third}");
                if let Err(error) = Query::parse(&text) {
                    assert!(error.at <= text.chars().count(), "{text}: {error}");
                }
            }
        }
    }
}
