//! A model as an experiment asks for it: a kind and a value for each of its settings.
//!
//! Invariant: there is one canonical value for each setting of the kind, in their order, and after them those that an open
//! kind was given. The only way to change one is [`ModelSpec::set`], which refuses what cannot be trained.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::task::Task;
use super::super::value::{Params, Value};
use super::context::Context;
use super::invalid::InvalidParam;
use super::kind::Kind;
use super::param::{Choice, InBatch, ParamDef, ParamType};
use crate::data_config::Edition;
use crate::program::Selection;

/// What is trained, and how. Clones share their values until one is changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    kind: Kind,
    values: Arc<[Value]>,
    /// Of an open kind.
    open: Option<Arc<OpenSettings>>,
}

/// The settings of a model of an open kind.
#[derive(Debug, Clone, PartialEq, Default)]
struct OpenSettings {
    values: BTreeMap<String, Value>,
    program: ProgramModel,
}

/// What besides its settings a trial that is a program is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgramModel {
    /// Of what decides what it does: its command line, the files that it is made of.
    pub digest: String,
    /// The setting that is the largest number of steps, if one is.
    pub steps: Option<String>,
    pub selection: Selection,
}

impl Default for ProgramModel {
    fn default() -> ProgramModel {
        ProgramModel {
            digest: String::new(),
            steps: None,
            selection: Selection::Last,
        }
    }
}

impl ModelSpec {
    /// A model of `kind` with every setting at what names of trials mean that do not say it.
    pub fn new(kind: Kind) -> ModelSpec {
        let values = kind.params().iter().map(ParamDef::default_value);
        ModelSpec {
            kind,
            values: values.collect(),
            open: kind.is_open().then(Arc::default),
        }
    }

    /// The model of a trial that is recorded with `params`, which other versions may have written: what is not a setting
    /// here says nothing, and what is missing is as names of trials mean it.
    pub fn recorded(kind: Kind, params: &Params) -> ModelSpec {
        let mut model = ModelSpec::new(kind);
        for (name, value) in params {
            let _ = model.set(name, value);
        }
        model
    }

    /// A model of `kind` with every setting at the default of experiment files of `edition`.
    pub fn of_edition(kind: Kind, edition: Edition) -> ModelSpec {
        let values = kind.params().iter();
        ModelSpec {
            kind,
            values: values.map(|param| param.default_in(edition)).collect(),
            open: kind.is_open().then(Arc::default),
        }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Sets `name` to `value`, or says what would be allowed.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), InvalidParam> {
        let params = self.kind.params();
        let index = params.iter().position(|param| param.name == name);
        if let (None, Some(open)) = (index, &mut self.open) {
            let value = open_value(name, value)?;
            let open = Arc::make_mut(open);
            open.values.insert(name.to_owned(), value);
            return Ok(());
        }
        let index = index.ok_or(InvalidParam::Unknown)?;
        let value = params[index].canonical(value)?;
        Arc::make_mut(&mut self.values)[index] = value;
        Ok(())
    }

    /// The value of the setting `name`, if the kind has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut values = self.iter();
        let found = values.find(|(param, _)| param.name == name);
        let found = found.map(|(_, value)| value);
        found.or_else(|| self.open.as_ref()?.values.get(name))
    }

    /// Says which program it is.
    ///
    /// # Panics
    /// When the kind is not open.
    pub fn set_program(&mut self, program: ProgramModel) {
        let open = self.open.as_mut().expect("the kind is open");
        Arc::make_mut(open).program = program;
    }

    /// Which program it is, if it is one.
    pub fn program(&self) -> Option<&ProgramModel> {
        self.open.as_ref().map(|open| &open.program)
    }

    /// The setting that is the largest number of steps, if one is.
    pub fn steps_param(&self) -> Option<&str> {
        match self.program() {
            Some(program) => program.steps.as_deref(),
            None => Some(self.kind.def().steps.param),
        }
    }

    /// The settings of an open kind, by name.
    fn open_values(&self) -> impl Iterator<Item = (&str, &Value)> {
        let open = self.open.iter().flat_map(|open| &open.values);
        open.map(|(name, value)| (name.as_str(), value))
    }

    /// Every setting that the kind defines with its value, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static ParamDef, &Value)> {
        self.kind.params().iter().zip(self.values.iter())
    }

    /// Every setting by name with its value.
    pub fn params(&self) -> Params {
        let defined = self.iter().map(|(param, value)| (param.name, value));
        (defined.chain(self.open_values()))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }

    /// What a step of training costs beside that of the same kind with other settings, in arbitrary units; for kinds whose
    /// steps are trees. Depth and the fraction of columns count, where the kind has them.
    pub fn step_cost(&self) -> f64 {
        let number = |name: &str| self.get(name).and_then(Value::as_f64);
        let leaves = number("num_leaves").map(|leaves| leaves.max(2.0).log2());
        let depth = number("max_depth").filter(|depth| *depth > 0.0);
        let columns = number("colsample_bytree").unwrap_or(1.0);
        leaves.or(depth).unwrap_or(1.0) * columns
    }

    /// Most steps that training takes: epochs, rounds or trees. Of a program of which that is not known it is
    /// [`UNKNOWN_STEPS`].
    pub fn steps(&self) -> u32 {
        match self.steps_param().and_then(|name| self.get(name)) {
            Some(Value::Int(steps)) if *steps > 0 => u32::try_from(*steps).unwrap_or(UNKNOWN_STEPS),
            _ if self.kind.is_open() => UNKNOWN_STEPS,
            _ => 0,
        }
    }

    /// Whether the setting `name` has no effect beside the others, so that it must not name another trial.
    pub fn is_inactive(&self, name: &str) -> bool {
        let Some(param) = self.kind.param(name) else {
            return false;
        };
        if let Some((other, value)) = param.unless
            && self.get(other).is_some_and(|found| *found == value.value())
        {
            return true;
        }
        self.iter().any(|(other, chosen)| match &other.ty {
            ParamType::Choice(choices) => {
                let uses = |choice: &&Choice| choice.uses.contains(&name);
                let mut users = choices.iter().filter(uses).peekable();
                let is_chosen = |name: &str| matches!(chosen, Value::Text(text) if text == name);
                users.peek().is_some() && !users.any(|choice| is_chosen(choice.name))
            }
            _ => false,
        })
    }

    /// The same model with what its settings come to in `context`.
    pub fn resolved(mut self, context: &Context<'_>) -> ModelSpec {
        for (index, param) in self.kind.params().iter().enumerate() {
            let found = (param.resolve).and_then(|resolve| resolve(&self.values[index], context));
            if let Some(value) = found {
                let value = param.canonical(&value);
                let value = value.expect("what a setting comes to is allowed");
                Arc::make_mut(&mut self.values)[index] = value;
            }
        }
        self
    }

    /// Whether the seed has no effect: every replicate has the same result.
    pub fn is_deterministic(&self) -> bool {
        let settings = self.kind.def().deterministic_if;
        settings.is_some_and(|settings| {
            let mut settings = settings.iter();
            settings.all(|(name, value)| self.get(name) == Some(&value.value()))
        })
    }

    /// Settings that are not at their default although they are for another task than `task`.
    pub fn of_other_tasks(&self, task: Task) -> impl Iterator<Item = &'static ParamDef> {
        let set = self.iter().filter(move |(param, value)| {
            let is_other = param.task.is_some_and(|own| own != task);
            is_other && **value != param.default_value()
        });
        set.map(|(param, _)| param)
    }

    /// Whether a trial of each can be trained together with the other as one.
    pub fn can_batch(&self, other: &ModelSpec) -> bool {
        self.kind == other.kind
            && self.kind.def().is_batched
            && self
                .iter()
                .zip(other.values.iter())
                .all(|((param, one), other_value)| {
                    let inactive = (self.is_inactive(param.name), other.is_inactive(param.name));
                    match inactive {
                        (true, true) => true,
                        (false, false) => param.is_alike(one, other_value),
                        _ => param.in_batch == InBatch::Free,
                    }
                })
    }

    /// Settings that decide the result, for a trial's id: those with an effect, less those at a default that
    /// stands for how models were trained before there was such a setting.
    pub fn significant(&self) -> impl Iterator<Item = (&str, &Value)> {
        let defined = self
            .iter()
            .filter(|(param, value)| {
                let is_legacy_default = param.is_later && **value == param.default_value();
                !is_legacy_default && !self.is_inactive(param.name)
            })
            .map(|(param, value)| (param.name, value));
        defined.chain(self.open_values())
    }
}

/// The number of steps of a program of which it is not known; above what any reports.
pub const UNKNOWN_STEPS: u32 = u32::MAX - 1;

/// A step for people: the last one of a program of which the number of steps is not known is its end.
pub fn step_text(step: u32) -> String {
    match step {
        UNKNOWN_STEPS => "end".to_owned(),
        step => step.to_string(),
    }
}

/// What [`is_open_name`] allows, as a sentence fragment.
pub const OPEN_NAME: &str =
    "a name of letters, digits, `_`, `-` and `.` that begins with a letter or `_`";

/// Whether a setting of an open kind can be called `name`.
pub fn is_open_name(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    begins && name.bytes().all(fits)
}

/// `value` as a setting `name` of an open kind: any value that the database can hold.
fn open_value(name: &str, value: &Value) -> Result<Value, InvalidParam> {
    if !is_open_name(name) {
        return Err(InvalidParam::Unknown);
    }
    match is_finite(value) {
        true => Ok(value.clone()),
        false => Err(InvalidParam::Value {
            allowed: "a finite number, a boolean, a string, a list or a table".to_owned(),
        }),
    }
}

/// Whether all numbers in `value` are finite.
fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::List(items) => items.iter().all(is_finite),
        Value::Table(entries) => entries.values().all(is_finite),
        Value::Bool(_) | Value::Int(_) | Value::Text(_) => true,
    }
}

/// As it is written between processes.
#[derive(Serialize, Deserialize)]
struct Written {
    kind: Kind,
    params: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<ProgramModel>,
}

impl Serialize for ModelSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            kind: self.kind,
            params: self.params().into_iter().collect(),
            program: self.program().cloned(),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ModelSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ModelSpec, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let mut model = ModelSpec::new(written.kind);
        if let (Some(program), true) = (written.program, written.kind.is_open()) {
            model.set_program(program);
        }
        for (name, value) in &written.params {
            model.set(name, value).map_err(|problem| {
                D::Error::custom(format!("{name} = {value} is refused: {problem:?}"))
            })?;
        }
        Ok(model)
    }
}
