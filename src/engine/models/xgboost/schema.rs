//! What is read of a model in XGBoost's own JSON.
//!
//! Invariant: counts, which are texts there, are numbers here, or the file is refused.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

use super::super::boosting::Predicts;
use super::objective::LOGISTIC;

/// A model, less its trees.
pub(super) struct Schema {
    /// Number of columns that it takes.
    pub columns: usize,
    pub predicts: Predicts,
    /// Leaves of all trees.
    pub leaves: u64,
    attributes: HashMap<String, String>,
}

impl Schema {
    /// Reads the model `json`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(json: &[u8]) -> Result<Schema, String> {
        let Model { learner } =
            serde_json::from_slice(&without_nan(json)).map_err(|error| error.to_string())?;
        let mut leaves = 0;
        for Tree { tree_param } in learner.gradient_booster.model.trees {
            let nodes = count(&tree_param.num_nodes)?
                .checked_sub(count(&tree_param.num_deleted)?)
                .ok_or("a tree with more deleted nodes than nodes")?;
            // A binary tree of n nodes has (n + 1) / 2 leaves, and pruned nodes stay in the file.
            leaves += nodes.div_ceil(2) as u64;
        }
        Ok(Schema {
            columns: count(&learner.learner_model_param.num_feature)?,
            predicts: match count(&learner.learner_model_param.num_class)? {
                _ if learner.objective.name == LOGISTIC => Predicts::SecondOfTwo,
                0 => Predicts::Number,
                classes => Predicts::Classes(classes),
            },
            leaves,
            attributes: learner.attributes,
        })
    }

    /// The text that was kept with the model under `name`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" counts nothing"))
}

/// `json` with 0 for `NaN`, which JSON does not have: libraries before 3.1 write it as the threshold of
/// a split on categories, and no threshold is read here.
fn without_nan(json: &[u8]) -> Cow<'_, [u8]> {
    const NAN: &[u8] = b"NaN";
    let (mut in_text, mut escaped) = (false, false);
    let mut places = Vec::new();
    for (place, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'N' if !in_text && json[place..].starts_with(NAN) => places.push(place),
            _ => {}
        }
    }
    if places.is_empty() {
        return Cow::Borrowed(json);
    }
    let mut json = json.to_vec();
    for place in places {
        json[place..place + NAN.len()].copy_from_slice(b"0.0");
    }
    Cow::Owned(json)
}

#[derive(Deserialize)]
struct Model {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    #[serde(default)]
    attributes: HashMap<String, String>,
    gradient_booster: GradientBooster,
    learner_model_param: LearnerParam,
    objective: Objective,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct LearnerParam {
    num_class: String,
    num_feature: String,
}

#[derive(Deserialize)]
struct GradientBooster {
    model: Trees,
}

#[derive(Deserialize)]
struct Trees {
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct Tree {
    tree_param: TreeParam,
}

#[derive(Deserialize)]
struct TreeParam {
    num_nodes: String,
    num_deleted: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_that_are_no_numbers_are_passed_over_and_texts_stay() {
        let json = br#"{"a":[NaN,1E-1,NaN],"NaN \" NaN":"NaN\\"}"#;
        let read = without_nan(json);
        assert_eq!(
            &*read,
            br#"{"a":[0.0,1E-1,0.0],"NaN \" NaN":"NaN\\"}"#.as_slice()
        );
        assert!(matches!(without_nan(b"[1]"), Cow::Borrowed(_)));
    }
}
