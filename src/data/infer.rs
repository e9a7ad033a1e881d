//! What columns are taken as when an experiment does not say.
//!
//! Invariant: a column is only taken if every cell is missing or what it is taken as, and every
//! column that is not taken has a reason.

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use sweep_core::data_config::{DataSpec, Edition};
use sweep_core::format::{pluralize, toml_string};
use sweep_table::date::{DateFormat, Guess, year};
use sweep_table::error::quote;
use sweep_table::{Column, Table, Texts};

use super::cells::{in_order, number};
use super::columns::{Field, Form, NO_COLUMN, Roles, Unused, UseAs};
use super::date_fields::{either, parts_of};
use super::warnings::Note;

/// Share of numbers from which a column of text is mentioned as nearly numeric.
const NEARLY_NUMERIC: f64 = 0.9;
/// Levels up to which a column of text is a category if each stands in two rows on average.
const FEW_LEVELS: usize = 50;
/// Levels up to which it is one if each stands in ten.
const MANY_LEVELS: usize = 1000;
/// Share of distinct values from which a column of text is taken for an identifier.
const NEARLY_DISTINCT: f64 = 0.9;
/// Pairs of words for no and yes, in lower case.
const NO_AND_YES: [[&str; 2]; 5] = [
    ["no", "yes"],
    ["false", "true"],
    ["n", "y"],
    ["f", "t"],
    ["off", "on"],
];

/// What a column is taken as.
enum Finding {
    Use(Form),
    /// Numbers that rise or fall by one from row to row; taken, with a warning.
    Counter,
    Unused {
        why: String,
        use_as: Option<UseAs>,
        is_warning: bool,
    },
}

/// What an experiment leaves to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub edition: Edition,
    pub numbers: bool,
    pub dates: bool,
    pub categories: bool,
}

impl Open {
    pub fn of(spec: &DataSpec) -> Open {
        Open {
            edition: spec.format.edition,
            numbers: spec.numeric.is_none(),
            dates: spec.dates.is_none(),
            categories: spec.categorical.is_none(),
        }
    }

    /// Whether categories, dates and identifiers are found from the cells.
    fn finds_roles(self) -> bool {
        self.edition > Edition::First
    }
}

impl Roles {
    /// The parts of the columns of a table without an experiment: all but target and group are open.
    pub fn of_all(
        table: &Table,
        rows: &[u32],
        (target, group): (Option<usize>, Option<usize>),
        edition: Edition,
    ) -> (Roles, Vec<Note>) {
        let mut roles = Roles {
            target: target.unwrap_or(NO_COLUMN),
            group,
            weight: None,
            split: None,
            exclude: Vec::new(),
            fields: Vec::new(),
            dropped: Vec::new(),
            unused: Vec::new(),
        };
        let open = Open {
            edition,
            numbers: true,
            dates: true,
            categories: true,
        };
        let notes = roles.infer(open, table, rows);
        (roles, notes)
    }

    /// Takes the columns that no one named as what they seem to be, in the order of the file:
    /// numbers before all other fields, dates and categories behind the named ones.
    pub fn infer(&mut self, open: Open, table: &Table, rows: &[u32]) -> Vec<Note> {
        let excluded = |column: usize| self.exclude.iter().any(|one| one.column == column);
        let free: Vec<usize> = (0..table.names.len())
            .filter(|column| !self.uses(*column) && !self.dropped.contains(column))
            .collect();
        let found: Vec<(usize, Finding)> = free
            .into_par_iter()
            .map(|column| (column, look(open, table, rows, column)))
            .collect();
        let mut notes = Vec::new();
        let (mut numbers, mut dates, mut categories) = (Vec::new(), Vec::new(), Vec::new());
        for (column, finding) in found {
            let name = &table.names[column];
            let field = |form: Form, key: &str| Field {
                name: name.clone(),
                form,
                key: key.to_owned(),
                column,
            };
            let mut leave = |why: String, use_as: Option<UseAs>| {
                self.unused.push(Unused {
                    column,
                    why,
                    use_as,
                    is_doubtful: false,
                });
            };
            match finding {
                Finding::Use(Form::Number) => match open.numbers {
                    true => numbers.push(field(Form::Number, "data.numeric")),
                    false => leave("`numeric` does not name it".to_owned(), None),
                },
                Finding::Use(form @ (Form::Year | Form::Date { .. })) => match open.dates {
                    true => dates.push(field(form, "data.date")),
                    false => leave(
                        "`date` does not name it".to_owned(),
                        Some(UseAs::Date("auto".to_owned())),
                    ),
                },
                // What rows are excluded by is a category of its own only where that is asked for.
                Finding::Use(form) => match open.categories {
                    true if !excluded(column) => categories.push(field(form, "data.categorical")),
                    _ => leave(
                        "`categorical` does not name it".to_owned(),
                        Some(UseAs::Category),
                    ),
                },
                Finding::Counter => match open.numbers {
                    true => {
                        notes.push(Note::warning(format!(
                            "column {} only counts the rows up or down; it is taken as a number \
                             because `numeric` is not set; name the numeric columns to leave it out",
                            quote(name)
                        )));
                        numbers.push(field(Form::Number, "data.numeric"));
                    }
                    false => leave("`numeric` does not name it".to_owned(), None),
                },
                Finding::Unused {
                    why,
                    use_as,
                    is_warning,
                } => self.unused.push(Unused {
                    column,
                    why,
                    use_as,
                    is_doubtful: is_warning,
                }),
            }
        }
        let named = std::mem::take(&mut self.fields);
        let is_before =
            |field: &Field| matches!(field.form, Form::Number | Form::Year | Form::Date { .. });
        let (before, after): (Vec<Field>, Vec<Field>) = named.into_iter().partition(is_before);
        self.fields = [numbers, before, dates].concat();
        let (category, text): (Vec<Field>, Vec<Field>) = after
            .into_iter()
            .partition(|field| field.form == Form::Category);
        self.fields
            .extend(category.into_iter().chain(categories).chain(text));
        notes
    }
}

fn look(open: Open, table: &Table, rows: &[u32], column: usize) -> Finding {
    let finding = match table.column(column) {
        Column::Numbers { values, .. } => look_at_numbers(open, &table.names[column], values, rows),
        Column::Texts(texts) => look_at_texts(open, &table.names[column], table, texts, rows),
    };
    match finding {
        Finding::Unused { .. } => finding,
        _ if table.is_unnamed(column) => unused("it has no name", None),
        finding => finding,
    }
}

fn look_at_numbers(open: Open, name: &str, values: &[f64], rows: &[u32]) -> Finding {
    let known = || {
        let values = rows.iter().map(|row| values[*row as usize]);
        values.filter(|value| !value.is_nan())
    };
    let count = known().count();
    if count == 0 {
        return unused("every cell is missing", None);
    }
    let steps_by = |step: f64| {
        let mut last = None;
        known().all(|value| {
            let holds = last.is_none_or(|last: f64| value == last + step);
            last = Some(value);
            holds
        })
    };
    if count > 2 && (steps_by(1.0) || steps_by(-1.0)) {
        return match open.finds_roles() {
            true => unused("it only counts the rows", None),
            false => Finding::Counter,
        };
    }
    if open.finds_roles() && is_called_identifier(name) && known().all(|value| value.fract() == 0.0)
    {
        let mut sorted: Vec<f64> = known().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted.dedup();
        if count > 2 && sorted.len() as f64 >= NEARLY_DISTINCT * count as f64 {
            return unused(
                "it is an identifier: nearly every row has a value of its own",
                None,
            );
        }
    }
    Finding::Use(Form::Number)
}

fn look_at_texts(open: Open, name: &str, table: &Table, texts: &Texts, rows: &[u32]) -> Finding {
    let mut counts = vec![0usize; texts.levels.len()];
    rows.iter()
        .for_each(|row| counts[texts.codes[*row as usize] as usize] += 1);
    let levels = || {
        texts
            .present_levels()
            .filter(|(code, _)| counts[*code as usize] > 0)
    };
    let present: usize = levels().map(|(code, _)| counts[code as usize]).sum();
    if present == 0 {
        return unused("every cell is missing", None);
    }
    let distinct = levels().count();
    let is_number = |level: &str| number(level).is_some();
    let numeric: usize = levels()
        .filter(|(_, level)| is_number(level))
        .map(|(code, _)| counts[code as usize])
        .sum();
    let others: Vec<(u32, &str)> = levels().filter(|(_, level)| !is_number(level)).collect();
    if others.is_empty() && !open.finds_roles() {
        return Finding::Use(Form::Number);
    }
    if others.is_empty() {
        let why = "it is an identifier: whole numbers beyond 2^53";
        return unused(why, Some(UseAs::Category));
    }
    let share = numeric as f64 / present as f64;
    // Few levels are a category, numbers among them or not.
    let is_few = distinct <= FEW_LEVELS.min(present / 4);
    if let [(code, word)] = others.as_slice()
        && open.finds_roles()
        && counts[*code as usize] > 1
        && share >= 0.5
        && !is_few
    {
        return Finding::Unused {
            why: format!(
                "it is numbers but for {}, in {}",
                quote(word),
                pluralize(counts[*code as usize], "row")
            ),
            use_as: Some(UseAs::Line(format!(
                "missing_values = [{}]",
                toml_string(word)
            ))),
            is_warning: true,
        };
    }
    if share >= NEARLY_NUMERIC && (!is_few || !open.finds_roles()) {
        let is_other = |row: &&u32| {
            let code = texts.codes[**row as usize];
            others.iter().any(|(other, _)| *other == code)
        };
        let row = rows.iter().find(is_other).copied().unwrap_or(0);
        return Finding::Unused {
            why: format!(
                "it is nearly numeric, but line {} reads {}",
                table.line(row),
                quote(texts.cell(row as usize))
            ),
            use_as: None,
            is_warning: true,
        };
    }
    if !open.finds_roles() {
        return unused("it holds text", Some(UseAs::Category));
    }
    category_or_date(
        name,
        &levels().map(|(_, level)| level).collect::<Vec<_>>(),
        present,
    )
}

fn category_or_date(name: &str, levels: &[&str], present: usize) -> Finding {
    let guess = DateFormat::guess(levels.iter().copied());
    if guess != Guess::Found(DateFormat::Iso) && levels.iter().all(|level| year(level).is_some()) {
        return Finding::Use(Form::Year);
    }
    match guess {
        Guess::Found(format) => {
            let parts = parts_of(levels.iter().copied(), &format);
            return Finding::Use(Form::Date {
                format,
                parts,
                cyclic: false,
            });
        }
        Guess::Ambiguous(formats) => {
            let why = format!("its dates may be written as {}", either(&formats));
            return Finding::Unused {
                why,
                use_as: Some(UseAs::Date(formats[0].clone())),
                is_warning: true,
            };
        }
        Guess::NoDates => {}
    }
    let distinct = levels.len();
    if let [first, second] = levels {
        return Finding::Use(Form::Binary {
            base: base_of(first, second).to_owned(),
        });
    }
    let is_category = (distinct <= FEW_LEVELS && present >= 2 * distinct)
        || (distinct <= MANY_LEVELS && present >= 10 * distinct);
    if is_category {
        return Finding::Use(Form::Category);
    }
    let column = toml_string(name);
    if let Some(example) = with_unit(levels) {
        let why = format!(
            "it reads like numbers with a unit, such as {}",
            quote(example)
        );
        return Finding::Unused {
            why,
            use_as: Some(UseAs::Category),
            is_warning: true,
        };
    }
    let is_distinct = distinct as f64 >= NEARLY_DISTINCT * present as f64;
    if (is_distinct || is_called_identifier(name)) && !are_sentences(levels) {
        let why = format!(
            "it looks like an identifier: {} in {}",
            pluralize(distinct, "distinct value"),
            pluralize(present, "row")
        );
        return unused(&why, Some(UseAs::Category));
    }
    let why = format!("it holds text of {}", pluralize(distinct, "distinct value"));
    let line = format!("text = {{ columns = [{column}], encoder = \"tfidf\", dims = 50 }}");
    unused(&why, Some(UseAs::Line(line)))
}

/// Which of two levels is 0.
fn base_of<'a>(first: &'a str, second: &'a str) -> &'a str {
    let (one, other) = (first.trim().to_lowercase(), second.trim().to_lowercase());
    for [no, yes] in NO_AND_YES {
        if one == no && other == yes {
            return first;
        }
        if one == yes && other == no {
            return second;
        }
    }
    in_order([first, second])[0]
}

/// One of `levels`, if nearly all are numbers with a few letters behind.
fn with_unit<'a>(levels: &[&'a str]) -> Option<&'a str> {
    let has_unit = |level: &&&str| {
        let level = level.trim();
        let digits = level.trim_end_matches(|letter: char| letter.is_alphabetic());
        let unit = level.len() - digits.len();
        (1..=4).contains(&unit) && number(digits.trim_end()).is_some()
    };
    let many =
        levels.iter().filter(has_unit).count() as f64 >= NEARLY_NUMERIC * levels.len() as f64;
    many.then(|| levels.iter().find(has_unit).copied())?
}

/// Whether most of `levels` are of several words.
fn are_sentences(levels: &[&str]) -> bool {
    let several = levels
        .iter()
        .filter(|level| level.split_whitespace().count() > 2);
    2 * several.count() > levels.len()
}

/// Whether a column is called as identifiers are: `id`, `user_id`, `PassengerId`.
pub(super) fn is_called_identifier(name: &str) -> bool {
    let name = name.trim();
    let lower = name.to_lowercase();
    let words = [
        "id",
        "index",
        "uuid",
        "guid",
        "rowid",
        "row_number",
        "rownames",
    ];
    words.contains(&lower.as_str())
        || ["_id", " id", "-id", ".id"]
            .iter()
            .any(|end| lower.ends_with(end))
        || name.ends_with("Id")
        || (name.ends_with("ID") && name.len() > 2)
}

fn unused(why: &str, use_as: Option<UseAs>) -> Finding {
    Finding::Unused {
        why: why.to_owned(),
        use_as,
        is_warning: false,
    }
}
