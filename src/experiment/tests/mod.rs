//! What the tests of this module share: sound files, and diagnostics drawn as text.

mod accepted;
mod documents;
mod hostile;
mod programs;
mod refused;

use super::{Diagnostic, Experiment, Origin, Source, parse};
use sweep_core::data_config::Edition;

const GOOD: &str = r#"[experiment]
name = "genres"
seeds = [1, 2]
objective = { metric = "valid/loss", goal = "min" }

[data]
path = "data/songs.csv"
target = "class"
group = "track"
exclude = { genre = ["edm"], mode = [1] }
numeric = ["energy", "tempo", "my.odd.column"]
year = ["released"]
categorical = ["key"]
missing = { default = "median", key = "mode" }
scale = "none"
split = { valid = 0.25, test = 0.1, stratify = false, seed = 7 }

[model]
epochs = 20
early_stopping = { patience = 5 }

[grid]
layers = [[64, 32], [16, 16]]
lr = { log = [1e-4, 1e-2], steps = 3 }
batch_size = [16, 32]
dropout = { from = 0.1, to = 0.3, step = 0.1 }
zip = [["layers", "batch_size"]]
exclude = [{ layers = [64, 32], lr = 0.01 }]

[[baseline]]
kind = "xgboost"
rounds = 300
grid = { max_depth = [5, 10] }

[[baseline]]
kind = "random_forest"

[schedule]
slots = { cpu = 2 }
trial_timeout = "30m"
stall_timeout = false
retries = 0
engine = "native"
"#;

fn source(text: &str) -> Source {
    Source {
        path: "experiments/bad.toml".into(),
        text: text.to_owned(),
    }
}

/// Diagnostics as text: line and column, the line, carets under the span.
fn drawn(text: &str, flags: &[String], diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let text = match diagnostic.origin {
            Origin::File => text,
            Origin::Flag(index) => &flags[index],
        };
        let span = diagnostic.span.clone();
        let before = &text[..span.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        let column = text[line_start..span.start].chars().count();
        let inside = &text[span.start..span.end];
        let carets = inside.lines().next().unwrap_or_default().chars().count();
        let name = match diagnostic.origin {
            Origin::File => String::new(),
            Origin::Flag(_) => "--set ".to_owned(),
        };
        out += &format!("{name}{number}:{}: {}\n", column + 1, diagnostic.message);
        out += &format!(
            "  | {line}\n  | {}{} {}\n",
            " ".repeat(column),
            "^".repeat(carets.max(1)),
            diagnostic.label
        );
        if let Some(help) = &diagnostic.help {
            out += &format!("  help: {}\n", help.replace('\n', "\n        "));
        }
    }
    out
}

fn good(flags: &[&str]) -> Experiment {
    let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    match parse(&source(GOOD), &flags, Edition::default()) {
        Ok(experiment) => experiment,
        Err(diagnostics) => panic!("{}", drawn(GOOD, &flags, &diagnostics)),
    }
}

/// A sound `[data]` table, to which a test adds the rest.
const DATA: &str = "[data]\npath = \"songs.csv\"\ntarget = \"genre\"\n";
