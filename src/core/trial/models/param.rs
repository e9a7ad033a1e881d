//! One setting of a model: its name, type, range, default and when it has an effect.
//!
//! A [`ParamDef`] is the only place that knows these: parsing, messages, the reference, trial ids and search spaces
//! are all derived from it.

use super::super::task::Task;
use super::super::value::Value;
use super::context::{Context, Resolve};
use crate::data_config::Edition;
use crate::format::one_of;

/// A setting that a kind of model takes, or an entry of a setting that is a table.
#[derive(Debug)]
pub struct ParamDef {
    pub name: &'static str,
    pub ty: ParamType,
    /// `None`: it has to be given. Only entries of tables may be without.
    ///
    /// What names of trials mean that do not say it, and the default of experiment files of every edition before
    /// that of `since`.
    pub default: Option<Literal>,
    /// The default of experiment files from this edition on, where it is another.
    pub since: Option<(Edition, Literal)>,
    /// What a value comes to once target and objective are known.
    pub resolve: Option<Resolve>,
    /// It has no effect where the setting of this name has this value.
    pub unless: Option<(&'static str, Literal)>,
    /// Its default is how models were trained before there was such a setting, so ids made then must still hold.
    pub is_later: bool,
    /// The task that it is for; `None` is for all.
    pub task: Option<Task>,
    /// In what trials that are trained together may differ.
    pub in_batch: InBatch,
    /// Follows the sentence about what is allowed: examples, what 0 means.
    pub note: &'static str,
    /// For the reference.
    pub about: &'static str,
}

/// What values a setting takes.
#[derive(Debug)]
pub enum ParamType {
    Bool,
    Int(IntRange),
    /// One of these numbers.
    OneOf(&'static [u32]),
    /// A finite number.
    Float(FloatRange),
    Choice(&'static [Choice]),
    /// An integer or one of these words.
    IntOr(IntRange, &'static [&'static str]),
    /// A number or one of these words.
    FloatOr(FloatRange, &'static [&'static str]),
    Ints {
        max_len: usize,
        each: IntRange,
    },
    /// Two numbers.
    Pair(FloatRange),
    /// `"none"`, `"balanced"` or a table from names of classes to numbers above 0.
    ClassWeights,
    Table(&'static TableDef),
}

/// Integers from `min` to `max`, both included.
#[derive(Debug, Clone, Copy)]
pub struct IntRange {
    pub min: u32,
    /// `u32::MAX` is no limit worth telling.
    pub max: u32,
    pub multiple_of: u32,
}

/// Numbers between two bounds, each of which may be included.
#[derive(Debug, Clone, Copy)]
pub struct FloatRange {
    pub min: f64,
    pub includes_min: bool,
    /// Infinite where there is none.
    pub max: f64,
    pub includes_max: bool,
}

/// One word that a setting may be.
#[derive(Debug)]
pub struct Choice {
    pub name: &'static str,
    /// Settings that have no effect with the other choices, unless they use them too.
    pub uses: &'static [&'static str],
}

/// What trials that are trained together as one must have in common in a setting, where it has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InBatch {
    /// Nothing: each has its own.
    Free,
    /// The value.
    Same,
    /// Whether it is above 0.
    SameSwitch,
    /// The settings that the chosen word uses.
    SameUses,
}

/// A value that can be written down as a constant.
#[derive(Debug, Clone, Copy)]
pub enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    Ints(&'static [i64]),
    Floats(&'static [f64]),
}

impl ParamDef {
    /// A setting that always has an effect.
    pub(super) const fn new(
        name: &'static str,
        ty: ParamType,
        default: Literal,
        about: &'static str,
    ) -> ParamDef {
        ParamDef {
            default: Some(default),
            ..ParamDef::required(name, ty, about)
        }
    }

    /// An entry of a table that has to be given.
    pub(super) const fn required(
        name: &'static str,
        ty: ParamType,
        about: &'static str,
    ) -> ParamDef {
        ParamDef {
            name,
            ty,
            default: None,
            since: None,
            resolve: None,
            unless: None,
            is_later: false,
            task: None,
            in_batch: InBatch::Free,
            note: "",
            about,
        }
    }

    pub(super) const fn note(mut self, note: &'static str) -> ParamDef {
        self.note = note;
        self
    }

    pub(super) const fn unless(mut self, name: &'static str, value: Literal) -> ParamDef {
        self.unless = Some((name, value));
        self
    }

    pub(super) const fn since(mut self, edition: Edition, default: Literal) -> ParamDef {
        self.since = Some((edition, default));
        self
    }

    pub(super) const fn resolve(mut self, resolve: Resolve) -> ParamDef {
        self.resolve = Some(resolve);
        self
    }

    pub(super) const fn in_batch(mut self, in_batch: InBatch) -> ParamDef {
        self.in_batch = in_batch;
        self
    }

    pub(super) const fn of_task(mut self, task: Task) -> ParamDef {
        self.task = Some(task);
        self
    }

    pub(super) const fn later(mut self) -> ParamDef {
        self.is_later = true;
        self
    }

    /// Whether every value of the setting, one of some words, comes to the same in `context`.
    pub fn is_moot(&self, context: &Context<'_>) -> bool {
        let (Some(resolve), ParamType::Choice(choices)) = (self.resolve, &self.ty) else {
            return false;
        };
        let resolved = choices.iter().map(|choice| {
            let value = Value::Text(choice.name.to_owned());
            resolve(&value, context).unwrap_or(value)
        });
        let resolved: Vec<Value> = resolved.collect();
        resolved.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// What may be given, as a sentence fragment: `a number in [0, 1)`.
    pub fn allowed(&self) -> String {
        format!("{}{}", self.ty.allowed(), self.note)
    }
}

impl ParamDef {
    /// Whether trials with these values can be trained together, as far as this setting goes.
    pub(super) fn is_alike(&self, one: &Value, other: &Value) -> bool {
        let is_on = |value: &Value| value.as_f64().is_some_and(|number| number > 0.0);
        match (self.in_batch, &self.ty) {
            (InBatch::Free, _) => true,
            (InBatch::SameSwitch, _) => is_on(one) == is_on(other),
            (InBatch::SameUses, ParamType::Choice(choices)) => {
                let uses = |value: &Value| {
                    let is_chosen = |choice: &&Choice| matches!(value, Value::Text(name) if name == choice.name);
                    choices.iter().find(is_chosen).map(|choice| choice.uses)
                };
                uses(one) == uses(other)
            }
            (InBatch::Same | InBatch::SameUses, _) => one == other,
        }
    }
}

impl ParamType {
    fn allowed(&self) -> String {
        let quoted = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| format!("\"{word}\"")).collect()
        };
        match self {
            ParamType::Bool => "true or false".to_owned(),
            ParamType::Int(range) => range.allowed(),
            ParamType::OneOf(numbers) => {
                one_of(numbers.iter().map(u32::to_string).collect::<Vec<_>>())
            }
            ParamType::Float(range) => format!("a number {}", range.allowed()),
            ParamType::Choice(choices) => {
                let names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
                one_of(quoted(&names))
            }
            ParamType::IntOr(range, words) => {
                format!("{}, or {}", range.allowed(), one_of(quoted(words)))
            }
            ParamType::FloatOr(range, words) => {
                let mut options = quoted(words);
                options.push(format!("a number {}", range.allowed()));
                one_of(options)
            }
            ParamType::Ints { max_len, each } => format!(
                "a list of at most {max_len} integers from {} to {}",
                each.min, each.max
            ),
            ParamType::Pair(range) => format!("two numbers {}", range.allowed()),
            ParamType::ClassWeights => {
                "\"none\", \"balanced\", or a table from classes to numbers above 0, \
                                        such as { spam = 5 }"
                    .to_owned()
            }
            ParamType::Table(def) => def.allowed.to_owned(),
        }
    }
}

impl IntRange {
    pub(super) const fn new(min: u32, max: u32) -> IntRange {
        IntRange {
            min,
            max,
            multiple_of: 1,
        }
    }

    pub(super) const fn from(min: u32) -> IntRange {
        IntRange::new(min, u32::MAX)
    }

    fn allowed(&self) -> String {
        let what = match self.multiple_of {
            1 => "an integer".to_owned(),
            factor => format!("a multiple of {factor}"),
        };
        match self.max {
            u32::MAX => format!("{what} from {}", self.min),
            max => format!("{what} from {} to {max}", self.min),
        }
    }
}

impl FloatRange {
    pub(super) const ABOVE_0: FloatRange = FloatRange::new(0.0, false, f64::INFINITY, false);
    pub(super) const FROM_0: FloatRange = FloatRange::new(0.0, true, f64::INFINITY, false);
    /// [0, 1)
    pub(super) const BELOW_1: FloatRange = FloatRange::new(0.0, true, 1.0, false);
    /// (0, 1)
    pub(super) const INSIDE_0_TO_1: FloatRange = FloatRange::new(0.0, false, 1.0, false);
    /// (0, 1]
    pub(super) const FRACTION: FloatRange = FloatRange::new(0.0, false, 1.0, true);
    /// [0, 1]
    pub(super) const FROM_0_TO_1: FloatRange = FloatRange::new(0.0, true, 1.0, true);

    const fn new(min: f64, includes_min: bool, max: f64, includes_max: bool) -> FloatRange {
        FloatRange {
            min,
            includes_min,
            max,
            includes_max,
        }
    }

    /// `in [0, 1)`, `above 0`, `from 0`
    fn allowed(&self) -> String {
        match (self.max.is_finite(), self.includes_min) {
            (false, true) => format!("from {}", self.min),
            (false, false) => format!("above {}", self.min),
            (true, _) => format!(
                "in {}{}, {}{}",
                if self.includes_min { '[' } else { '(' },
                self.min,
                self.max,
                if self.includes_max { ']' } else { ')' },
            ),
        }
    }
}

impl Choice {
    /// A word that no other setting depends on.
    pub(super) const fn new(name: &'static str) -> Choice {
        Choice { name, uses: &[] }
    }
}

impl Literal {
    pub fn value(self) -> Value {
        match self {
            Literal::Bool(value) => Value::Bool(value),
            Literal::Int(value) => Value::Int(value),
            Literal::Float(value) => Value::Float(value),
            Literal::Text(value) => Value::Text(value.to_owned()),
            Literal::Ints(values) => Value::List(values.iter().copied().map(Value::Int).collect()),
            Literal::Floats(values) => {
                Value::List(values.iter().copied().map(Value::Float).collect())
            }
        }
    }
}

/// The entry that tells which variant a table is.
pub(super) const KIND: &str = "kind";

/// A setting that is a table, or a word or `false` that stands for one.
#[derive(Debug)]
pub struct TableDef {
    pub form: Form,
    pub variants: &'static [Variant],
    /// What may be given, as a sentence fragment.
    pub allowed: &'static str,
}

/// How a table is written.
#[derive(Debug)]
pub enum Form {
    /// `false`, or a table without a kind; there is one variant.
    Optional,
    /// A table with a kind, or the kind's name alone.
    Tagged {
        /// Of the entry `kind`, for the reference.
        about: &'static str,
        /// Whether a table with every entry at its default is kept as the kind's name alone.
        is_shortened: bool,
    },
}

/// The entries that tables of one kind have.
#[derive(Debug)]
pub struct Variant {
    pub kind: &'static str,
    pub params: &'static [ParamDef],
}

/// A row of the reference.
pub struct EntryDoc {
    pub name: &'static str,
    pub allowed: String,
    pub about: &'static str,
}

impl TableDef {
    /// Every entry that any variant has, once.
    pub fn entries(&self) -> Vec<EntryDoc> {
        let mut docs = Vec::new();
        if let Form::Tagged { about, .. } = self.form {
            docs.push(EntryDoc {
                name: KIND,
                allowed: self.kinds(),
                about,
            });
        }
        for param in self.variants.iter().flat_map(|variant| variant.params) {
            if docs.iter().all(|doc| doc.name != param.name) {
                docs.push(EntryDoc {
                    name: param.name,
                    allowed: param.allowed(),
                    about: param.about,
                });
            }
        }
        docs
    }

    /// `"constant", "cosine" or "step"`
    pub(super) fn kinds(&self) -> String {
        let kinds = self.variants.iter();
        one_of(
            kinds
                .map(|variant| format!("\"{}\"", variant.kind))
                .collect(),
        )
    }
}
