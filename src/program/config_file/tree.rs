//! What is where in a text of JSON or YAML.

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Bytes, with anchor and tag; without blanks and comments around.
    pub start: usize,
    pub end: usize,
    /// In YAML, the name of its anchor.
    pub anchor: Option<String>,
    /// A list or table in brackets.
    pub is_flow: bool,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// Its text, and something that tells kinds of scalars apart.
    Scalar(String, Mark),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    /// In YAML, of the anchor of this name.
    Alias(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Number, boolean, null, or a text without quotes.
    Plain,
    Text,
    /// In YAML, nothing at all: null.
    Empty,
    /// In YAML, with this tag.
    Tagged(String),
}

impl Node {
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(_, Mark::Empty) => "empty",
            Kind::Scalar(..) => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a table",
            Kind::Alias(_) => "an alias",
        }
    }

    /// The text of a scalar: a name, if the node is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Whether both are the same but for where they stand.
    pub fn is_same(&self, other: &Node) -> bool {
        self.anchor == other.anchor
            && match (&self.kind, &other.kind) {
                (Kind::Scalar(a, mark), Kind::Scalar(b, other)) => a == b && mark == other,
                (Kind::Alias(a), Kind::Alias(b)) => a == b,
                (Kind::List(a), Kind::List(b)) => {
                    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
                }
                (Kind::Map(a), Kind::Map(b)) => {
                    let same = |((a, b), (c, d)): (&(Node, Node), &(Node, Node))| {
                        a.is_same(c) && b.is_same(d)
                    };
                    a.len() == b.len() && a.iter().zip(b).all(same)
                }
                _ => false,
            }
    }

    /// The value of the name, the last one where there are several.
    pub fn entry(&self, name: &str) -> Option<usize> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .rposition(|(key, _)| key.text() == Some(name)),
            _ => None,
        }
    }
}
