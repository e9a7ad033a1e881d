//! `constraints`: conditions such as `parameters <= 100000`, over the number of parameters, settings and metrics.

use super::super::diagnostic::{Diagnostic, Problems, listed, nearest};
use super::super::node::Node;
use super::super::table::Table;
use super::metrics::{PARAMETERS, measured_at_each_step};
use super::space::SearchSpace;
use sweep_core::trial::{ModelSpec, Objective, VALID, Value};

/// Most constraints of a search.
const MAX_CONSTRAINTS: usize = 32;
/// Deepest nesting of parentheses.
const MAX_DEPTH: usize = 32;

/// A condition on a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// As the file has it.
    pub text: String,
    left: Expr,
    right: Expr,
    /// Whether the left side is to be at most the right one, and not at least.
    is_upper: bool,
}

/// What a constraint can ask of a trial.
#[derive(Debug, Clone, PartialEq)]
enum Expr {
    Number(f64),
    /// The number of parameters.
    Parameters,
    Setting(String),
    /// A metric of the validation rows, measured.
    Metric(String),
    Operation(Box<Expr>, Operator, Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Divided,
}

/// What is known of a trial.
pub struct Measured<'a> {
    pub model: &'a ModelSpec,
    pub parameters: u64,
    /// Metrics by name; none before training.
    pub metrics: &'a dyn Fn(&str) -> Option<f64>,
}

impl Constraint {
    /// Whether it can be decided before training.
    pub fn is_known_before(&self) -> bool {
        self.left.metrics().is_empty() && self.right.metrics().is_empty()
    }

    /// The metrics that it measures.
    pub fn metrics(&self) -> Vec<&str> {
        let mut all = self.left.metrics();
        all.extend(self.right.metrics());
        all
    }

    /// By how much the condition is missed: at most 0 where it holds. NaN when something is missing.
    pub fn violation(&self, of: &Measured<'_>) -> f64 {
        let difference = self.left.value(of) - self.right.value(of);
        match self.is_upper {
            true => difference,
            false => -difference,
        }
    }
}

impl Expr {
    fn metrics(&self) -> Vec<&str> {
        match self {
            Expr::Metric(name) => vec![name],
            Expr::Operation(left, _, right) => {
                let mut all = left.metrics();
                all.extend(right.metrics());
                all
            }
            Expr::Number(_) | Expr::Parameters | Expr::Setting(_) => Vec::new(),
        }
    }

    fn value(&self, of: &Measured<'_>) -> f64 {
        match self {
            Expr::Number(number) => *number,
            Expr::Parameters => of.parameters as f64,
            // A setting that is no number, such as "auto", has no value to compare.
            Expr::Setting(name) => of
                .model
                .get(name)
                .and_then(Value::as_f64)
                .unwrap_or(f64::NAN),
            Expr::Metric(name) => (of.metrics)(name).unwrap_or(f64::NAN),
            Expr::Operation(left, operator, right) => {
                let (left, right) = (left.value(of), right.value(of));
                match operator {
                    Operator::Plus => left + right,
                    Operator::Minus => left - right,
                    Operator::Times => left * right,
                    Operator::Divided => left / right,
                }
            }
        }
    }
}

/// Reads `constraints` of `table`, the search of a `space`.
pub(super) fn read(
    table: &Table<'_>,
    space: &SearchSpace,
    objective: Option<&Objective>,
    problems: &mut Problems,
) -> Vec<Constraint> {
    let Some(node) = table.get("constraints") else {
        return Vec::new();
    };
    let Some(items) = node.items().filter(|items| items.len() <= MAX_CONSTRAINTS) else {
        table.refuse("constraints", node, problems);
        return Vec::new();
    };
    let kind = space.grid.base.kind();
    let is_open = kind.is_open();
    let searched = (0..space.dimensions()).flat_map(|at| space.keys(at));
    let settings: Vec<&str> = match is_open {
        false => kind.params().iter().map(|param| param.name).collect(),
        true => searched
            .chain(space.grid.fixed.iter().map(String::as_str))
            .collect(),
    };
    let mut found = Vec::new();
    for item in items {
        let Some(text) = item.text() else {
            table.refuse("constraints", item, problems);
            continue;
        };
        match parse(text, is_open, &settings) {
            Ok(constraint) => {
                for metric in constraint.metrics().into_iter().filter(|_| !is_open) {
                    measured_at_each_step(metric, objective, item, problems);
                }
                found.push(constraint);
            }
            Err(problem) => problems.add(report(item, text, problem)),
        }
    }
    found
}

/// What is wrong with a constraint.
enum Wrong {
    Syntax(String),
    Name { name: String, known: Vec<String> },
}

fn report(item: &Node, text: &str, problem: Wrong) -> Diagnostic {
    match problem {
        Wrong::Syntax(why) => Diagnostic::new(&item.place, format!("{text:?} is not a condition: {why}")).help(
            "compare two sides with <= or >=, such as \"parameters <= 100000\"; a side may have numbers, settings, \
             `parameters`, metrics such as valid/macro_f1, + - * / and parentheses",
        ),
        Wrong::Name { name, known } => {
            let diagnostic = Diagnostic::new(&item.place, format!("there is no setting or metric `{name}`"));
            let help = format!(
                "`parameters`, metrics such as valid/macro_f1, and the settings {}",
                listed(known.iter().map(String::as_str))
            );
            match nearest(&name, known.iter().map(String::as_str)) {
                Some(near) => diagnostic.label(format!("did you mean `{near}`?")).help(help),
                None => diagnostic.label("not known").help(help),
            }
        }
    }
}

fn parse(text: &str, is_open: bool, settings: &[&str]) -> Result<Constraint, Wrong> {
    let sides = [("<=", true), (">=", false)];
    let mut found = sides.iter().filter_map(|(sign, is_upper)| {
        let (left, right) = text.split_once(sign)?;
        Some((left, right, *is_upper))
    });
    let Some((left, right, is_upper)) = found.next() else {
        return Err(Wrong::Syntax("it has neither <= nor >=".to_owned()));
    };
    let side = |text: &str| {
        let mut parser = Parser {
            rest: text.trim(),
            is_open,
            settings,
            depth: 0,
        };
        let expr = parser.sum()?;
        match parser.rest.is_empty() {
            true => Ok(expr),
            false => Err(Wrong::Syntax(format!(
                "{:?} does not belong there",
                parser.rest
            ))),
        }
    };
    Ok(Constraint {
        text: text.to_owned(),
        left: side(left)?,
        right: side(right)?,
        is_upper,
    })
}

/// Reads one side: sums of products of numbers and names.
struct Parser<'a> {
    rest: &'a str,
    /// Whether every other name is a metric, as of programs.
    is_open: bool,
    settings: &'a [&'a str],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<Expr, Wrong> {
        self.chain(
            &[('+', Operator::Plus), ('-', Operator::Minus)],
            Parser::product,
        )
    }

    fn product(&mut self) -> Result<Expr, Wrong> {
        self.chain(
            &[('*', Operator::Times), ('/', Operator::Divided)],
            Parser::atom,
        )
    }

    fn chain(
        &mut self,
        operators: &[(char, Operator)],
        next: fn(&mut Parser<'a>) -> Result<Expr, Wrong>,
    ) -> Result<Expr, Wrong> {
        let mut left = next(self)?;
        loop {
            let Some((sign, operator)) = operators
                .iter()
                .find(|(sign, _)| self.rest.starts_with(*sign))
            else {
                return Ok(left);
            };
            self.skip(sign.len_utf8());
            left = Expr::Operation(Box::new(left), *operator, Box::new(next(self)?));
        }
    }

    fn atom(&mut self) -> Result<Expr, Wrong> {
        if self.rest.starts_with('(') {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(Wrong::Syntax("it has too many parentheses".to_owned()));
            }
            self.skip(1);
            let inner = self.sum()?;
            if !self.rest.starts_with(')') {
                return Err(Wrong::Syntax("a parenthesis is not closed".to_owned()));
            }
            self.skip(1);
            self.depth -= 1;
            return Ok(inner);
        }
        let first = self.rest.chars().next();
        match first {
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() => self.name(),
            Some(_) => Err(Wrong::Syntax(format!(
                "{:?} does not belong there",
                self.rest
            ))),
            None => Err(Wrong::Syntax("a side is empty".to_owned())),
        }
    }

    fn number(&mut self) -> Result<Expr, Wrong> {
        let bytes = self.rest.as_bytes();
        let is_part = |at: usize| {
            let after_e = at > 0 && matches!(bytes[at - 1], b'e' | b'E');
            bytes[at].is_ascii_digit()
                || matches!(bytes[at], b'.' | b'_' | b'e' | b'E')
                || (after_e && matches!(bytes[at], b'+' | b'-'))
        };
        let end = (0..bytes.len())
            .find(|at| !is_part(*at))
            .unwrap_or(bytes.len());
        let text = self.rest[..end].replace('_', "");
        let number: f64 = text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| Wrong::Syntax(format!("{text} is not a number")))?;
        self.skip(end);
        Ok(Expr::Number(number))
    }

    fn name(&mut self) -> Result<Expr, Wrong> {
        // The slash of a metric is part of its name, and the number or class after @, too.
        let is_metric = self.is_open || self.rest.starts_with(VALID);
        let is_part = |c: char| {
            c.is_ascii_alphanumeric() || c == '_' || (is_metric && matches!(c, '/' | '@' | '.'))
        };
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        let expr = if self.settings.contains(&name) {
            Some(Expr::Setting(name.to_owned()))
        } else if self.is_open {
            Some(Expr::Metric(name.to_owned()))
        } else if is_metric {
            Objective::named(name).map(|metric| Expr::Metric(metric.metric))
        } else {
            (name == PARAMETERS).then_some(Expr::Parameters)
        };
        let expr = expr.ok_or_else(|| Wrong::Name {
            name: name.to_owned(),
            known: self
                .settings
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        })?;
        self.skip(end);
        Ok(expr)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }
}
