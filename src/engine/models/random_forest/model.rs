//! A grown forest as flat arrays, and its file: safetensors.
//!
//! Invariant: children come after their parent, and every index is checked when a file is read, so
//! that walking a tree ends and stays inside the arrays.

use std::collections::HashMap;

use sweep_core::trial::Task;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// In place of a feature's index at a leaf.
pub(super) const LEAF: i32 = -1;

/// Raised when the meaning of the arrays changes; others are refused.
const MODEL_FORMAT: &str = "1";
const FORMAT_KEY: &str = "sweep_forest";

/// One tree; the node arrays have one length, and node 0 is the root.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tree {
    /// Index of the feature asked, or [`LEAF`].
    pub feature: Vec<i32>,
    /// Rows with a value of at most this go left.
    pub threshold: Vec<f32>,
    /// Left child; at a leaf, which leaf it is.
    pub left: Vec<u32>,
    /// Right child; 0 at a leaf.
    pub right: Vec<u32>,
    /// Class probabilities, row-major [leaves, classes].
    pub leaves: Vec<f32>,
}

impl Tree {
    /// Adds a node whose kind is still open.
    pub fn add_node(&mut self) -> u32 {
        self.feature.push(LEAF);
        self.threshold.push(0.0);
        self.left.push(0);
        self.right.push(0);
        (self.feature.len() - 1) as u32
    }

    /// Makes `node` ask for `feature`; gives its new children, left and right.
    pub fn split(&mut self, node: u32, feature: i32, threshold: f32) -> (u32, u32) {
        let children = (self.add_node(), self.add_node());
        self.feature[node as usize] = feature;
        self.threshold[node as usize] = threshold;
        (self.left[node as usize], self.right[node as usize]) = children;
        children
    }

    /// Makes `node` a leaf.
    pub fn close(&mut self, node: u32, probabilities: impl Iterator<Item = f32>) {
        let before = self.leaves.len();
        self.leaves.extend(probabilities);
        self.left[node as usize] = (before / (self.leaves.len() - before)) as u32;
    }

    /// Class probabilities of `row`, [features].
    pub fn leaf(&self, row: &[f32], classes: usize) -> &[f32] {
        let mut node = 0;
        while self.feature[node] != LEAF {
            let goes_left = row[self.feature[node] as usize] <= self.threshold[node];
            node = if goes_left {
                self.left[node]
            } else {
                self.right[node]
            } as usize;
        }
        &self.leaves[self.left[node] as usize * classes..][..classes]
    }

    /// Whether every walk from the root ends at a leaf inside the arrays.
    fn is_sound(&self, features: usize, classes: usize) -> bool {
        let nodes = self.feature.len();
        let sound = |node: usize| {
            let (left, right) = (self.left[node] as usize, self.right[node] as usize);
            match self.feature[node] {
                LEAF => left < self.leaves.len() / classes,
                feature => {
                    usize::try_from(feature).is_ok_and(|feature| feature < features)
                        && (node + 1..nodes).contains(&left)
                        && (node + 1..nodes).contains(&right)
                }
            }
        };
        nodes > 0 && (0..nodes).all(sound)
    }
}

/// All trees of a forest.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    pub(super) task: Task,
    pub(super) features: usize,
    pub(super) classes: usize,
    pub(super) trees: Vec<Tree>,
}

impl Forest {
    /// Number of inputs.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of outputs: classes, or 1 of a number.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Leaves of all trees.
    pub fn leaves(&self) -> u64 {
        let numbers: usize = self.trees.iter().map(|tree| tree.leaves.len()).sum();
        (numbers / self.classes) as u64
    }

    /// Class probabilities, row-major [rows, classes], of `x`, row-major [rows, features]: the mean over trees.
    ///
    /// # Panics
    /// When `x` is not whole rows.
    pub fn predict(&self, x: &[f32]) -> Vec<f32> {
        assert!(x.len().is_multiple_of(self.features), "x is whole rows");
        let mut votes = vec![0.0; x.len() / self.features * self.classes];
        for tree in &self.trees {
            add_votes(tree, x, self.features, &mut votes, self.classes);
        }
        means(&votes, self.trees.len())
    }

    /// As a safetensors file: `feature` i32 (-1 = leaf), `threshold` f32, `left` and `right` u32 [nodes] of all
    /// trees one after another, children and leaves counted within their tree; `leaves` f32 [leaves, classes];
    /// `nodes_of_tree` and `leaves_of_tree` u32 [trees].
    pub fn to_bytes(&self) -> Vec<u8> {
        let nodes: usize = self.trees.iter().map(|tree| tree.feature.len()).sum();
        let (trees, leaves) = (self.trees.len(), self.leaves() as usize);
        let sizes = |size: &dyn Fn(&Tree) -> usize| -> Vec<u8> {
            let bytes = |tree| (size(tree) as u32).to_le_bytes();
            self.trees.iter().flat_map(bytes).collect()
        };
        let arrays = [
            (
                "feature",
                Dtype::I32,
                vec![nodes],
                self.gather(|tree| &tree.feature, i32::to_le_bytes),
            ),
            (
                "threshold",
                Dtype::F32,
                vec![nodes],
                self.gather(|tree| &tree.threshold, f32::to_le_bytes),
            ),
            (
                "left",
                Dtype::U32,
                vec![nodes],
                self.gather(|tree| &tree.left, u32::to_le_bytes),
            ),
            (
                "right",
                Dtype::U32,
                vec![nodes],
                self.gather(|tree| &tree.right, u32::to_le_bytes),
            ),
            (
                "leaves",
                Dtype::F32,
                vec![leaves, self.classes],
                self.gather(|tree| &tree.leaves, f32::to_le_bytes),
            ),
            (
                "nodes_of_tree",
                Dtype::U32,
                vec![trees],
                sizes(&|tree| tree.feature.len()),
            ),
            (
                "leaves_of_tree",
                Dtype::U32,
                vec![trees],
                sizes(&|tree| tree.leaves.len() / self.classes),
            ),
        ];
        let views = arrays.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes);
            (*name, view.expect("shapes are counted from the same trees"))
        });
        // One entry only: a map of several would be written in an order of its own each time.
        let about = HashMap::from([(FORMAT_KEY.to_owned(), MODEL_FORMAT.to_owned())]);
        safetensors::serialize(views, Some(about)).expect("names and shapes are valid")
    }

    fn gather<T: Copy>(&self, array: fn(&Tree) -> &Vec<T>, bytes: fn(T) -> [u8; 4]) -> Vec<u8> {
        let values = self.trees.iter().flat_map(array);
        values.flat_map(|value| bytes(*value)).collect()
    }

    /// Reads what [`Forest::to_bytes`] wrote, for rows of `features` features; says what is wrong with it if it
    /// cannot be walked safely.
    pub fn from_bytes(bytes: &[u8], features: usize) -> Result<Forest, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
        let format = metadata
            .metadata()
            .as_ref()
            .and_then(|about| about.get(FORMAT_KEY));
        if format.map(String::as_str) != Some(MODEL_FORMAT) {
            return Err(format!(
                "it has format {}, and this version reads format {MODEL_FORMAT}",
                format.map_or("unknown", String::as_str)
            ));
        }
        let feature = array(&file, "feature", Dtype::I32, i32::from_le_bytes)?;
        let threshold = array(&file, "threshold", Dtype::F32, f32::from_le_bytes)?;
        let left = array(&file, "left", Dtype::U32, u32::from_le_bytes)?;
        let right = array(&file, "right", Dtype::U32, u32::from_le_bytes)?;
        let leaves = array(&file, "leaves", Dtype::F32, f32::from_le_bytes)?;
        let nodes_of = array(&file, "nodes_of_tree", Dtype::U32, u32::from_le_bytes)?;
        let leaves_of = array(&file, "leaves_of_tree", Dtype::U32, u32::from_le_bytes)?;
        let shape = file.tensor("leaves").map_err(|error| error.to_string())?;
        let classes = match *shape.shape() {
            [_, classes] if classes > 0 => classes,
            _ => return Err("`leaves` is not [leaves, classes]".to_owned()),
        };
        let (mut node, mut number) = (0usize, 0usize);
        let mut trees = Vec::with_capacity(nodes_of.len());
        for (place, nodes) in nodes_of.iter().enumerate() {
            let nodes = node..node.saturating_add(*nodes as usize);
            let count = leaves_of.get(place).copied().unwrap_or(0) as usize;
            let ends = count
                .checked_mul(classes)
                .and_then(|count| number.checked_add(count))
                .ok_or_else(|| format!("tree {place} is damaged"))?;
            let slice = |values: Option<&[f32]>| values.map(<[f32]>::to_vec);
            let tree = || {
                Some(Tree {
                    feature: feature.get(nodes.clone())?.to_vec(),
                    threshold: slice(threshold.get(nodes.clone()))?,
                    left: left.get(nodes.clone())?.to_vec(),
                    right: right.get(nodes.clone())?.to_vec(),
                    leaves: slice(leaves.get(number..ends))?,
                })
            };
            let tree = tree()
                .filter(|tree| tree.is_sound(features, classes))
                .ok_or_else(|| format!("tree {place} is damaged"))?;
            trees.push(tree);
            (node, number) = (nodes.end, ends);
        }
        if trees.is_empty() {
            return Err("it has no trees".to_owned());
        }
        Ok(Forest {
            task: Task::default(),
            features,
            classes,
            trees,
        })
    }
}

/// Adds the class probabilities that `tree` gives each row of `x` to `votes`, row-major [rows, classes].
pub(super) fn add_votes(
    tree: &Tree,
    x: &[f32],
    features: usize,
    votes: &mut [f64],
    classes: usize,
) {
    for (row, votes) in x
        .chunks_exact(features)
        .zip(votes.chunks_exact_mut(classes))
    {
        for (vote, probability) in votes.iter_mut().zip(tree.leaf(row, classes)) {
            *vote += f64::from(*probability);
        }
    }
}

/// Summed votes of `trees` trees as mean probabilities.
pub(super) fn means(votes: &[f64], trees: usize) -> Vec<f32> {
    votes
        .iter()
        .map(|vote| (vote / trees as f64) as f32)
        .collect()
}

fn array<T>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    value: fn([u8; 4]) -> T,
) -> Result<Vec<T>, String> {
    let tensor = file.tensor(name).map_err(|error| error.to_string())?;
    if tensor.dtype() != dtype {
        return Err(format!("`{name}` is {:?}, not {dtype:?}", tensor.dtype()));
    }
    let (words, _) = tensor.data().as_chunks::<4>();
    Ok(words.iter().map(|word| value(*word)).collect())
}
