//! A plan as tables of text, one for each kind of model, showing what differs between trials.

use super::{Plan, PlannedTrial};
use sweep_core::format::pluralize;
use sweep_core::named::value_of;
use sweep_core::trial::{INIT, Kind, TRAIN_FRACTION};

/// What a plan holds, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// `96 trials: 90 mlp, 6 xgboost; 2 configurations excluded`
    pub summary: String,
    pub tables: Vec<PreviewTable>,
}

/// The trials of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewTable {
    pub kind: Kind,
    /// `trial`, `seed`, `fold` with cross-validation, then the axes in file order.
    pub columns: Vec<String>,
    /// Cells [row][column], in plan order.
    pub rows: Vec<Vec<String>>,
    /// Trials beyond those shown.
    pub hidden: usize,
}

/// Shows at most `limit` trials of each kind.
pub fn preview(plan: &Plan, limit: usize) -> Preview {
    let tables = plan
        .counts
        .iter()
        .map(|(kind, _)| table(plan, *kind, limit));
    Preview {
        summary: summary(plan),
        tables: tables.collect(),
    }
}

fn summary(plan: &Plan) -> String {
    let kinds: Vec<String> = plan
        .counts
        .iter()
        .map(|(kind, count)| format!("{count} {}", kind.name()))
        .collect();
    let mut text = format!(
        "{}: {}",
        pluralize(plan.trials.len(), "trial"),
        kinds.join(", ")
    );
    if plan.excluded > 0 {
        let excluded = pluralize(plan.excluded, "configuration");
        text += &format!("; {excluded} excluded");
    }
    if plan.duplicates > 0 {
        let duplicates = pluralize(plan.duplicates, "duplicate");
        text += &format!("; {duplicates} dropped");
    }
    if plan.deterministic > 0 {
        let seeds = pluralize(plan.deterministic, "other seed");
        text += &format!("; {seeds} of deterministic configurations left out");
    }
    text
}

fn table(plan: &Plan, kind: Kind, limit: usize) -> PreviewTable {
    let mut axes: Vec<&str> = Vec::new();
    for axis in plan.axes.iter().filter(|axis| axis.kind == kind) {
        if !axes.contains(&axis.name.as_str()) {
            axes.push(&axis.name);
        }
    }
    let of_kind = plan
        .trials
        .iter()
        .filter(|trial| trial.spec.model.kind() == kind);
    if of_kind.clone().any(|trial| trial.spec.transfer.is_some()) {
        axes.push(INIT);
    }
    if plan.train_fractions.len() > 1 {
        axes.push(TRAIN_FRACTION);
    }
    let row = |trial: &PlannedTrial| {
        let params = trial.spec.params();
        let cell = |axis: &&str| match value_of(&params, axis) {
            Some(value) => value.to_string(),
            None if *axis == TRAIN_FRACTION => "1".to_owned(),
            None if *axis == INIT => "scratch".to_owned(),
            None => String::new(),
        };
        let head = [trial.id.short().to_owned(), trial.spec.seed.to_string()];
        let fold = trial.fold.map(|fold| fold.to_string());
        (head.into_iter())
            .chain(fold)
            .chain(axes.iter().map(cell))
            .collect()
    };
    let of_kind: Vec<&PlannedTrial> = of_kind.collect();
    let has_folds = of_kind.iter().any(|trial| trial.fold.is_some());
    let head: &[&str] = match has_folds {
        true => &["trial", "seed", "fold"],
        false => &["trial", "seed"],
    };
    let columns = head.iter().chain(&axes);
    PreviewTable {
        kind,
        columns: columns.map(|name| (*name).to_owned()).collect(),
        rows: of_kind.iter().take(limit).map(|trial| row(trial)).collect(),
        hidden: of_kind.len().saturating_sub(limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expand;
    use crate::plan::tests::{classes, digest, experiment};

    #[test]
    fn seeds_without_effect_are_counted() {
        let experiment = experiment(
            "experiment.seeds = [1, 2]
             baseline = [{ kind = \"xgboost\", grid = { max_depth = [5, 10] } }]",
        );
        assert_eq!(
            preview(&expand(&experiment, &[digest()], classes(&[])), 2).summary,
            "2 trials: 2 xgboost; 2 other seeds of deterministic configurations left out"
        );
    }

    #[test]
    fn a_preview_shows_what_differs_between_trials() {
        let experiment = experiment(
            "grid.lr = [0.1, 0.01]
             grid.layers = [[8], [4, 4]]
             grid.exclude = [{ lr = 0.1, layers = [8] }]
             baseline = [{ kind = \"xgboost\", grid = { max_depth = [5, 10] } }]",
        );
        let preview = preview(&expand(&experiment, &[digest()], classes(&[])), 2);
        assert_eq!(
            preview.summary,
            "5 trials: 3 mlp, 2 xgboost; 1 configuration excluded"
        );
        let [networks, boost] = &preview.tables[..] else {
            panic!("two tables");
        };
        assert_eq!(networks.columns, ["trial", "seed", "lr", "layers"]);
        assert_eq!(networks.rows[0][1..], ["1", "0.1", "[4, 4]"]);
        assert_eq!((networks.rows.len(), networks.hidden), (2, 1));
        assert_eq!(boost.rows[1][1..], ["1", "10"]);
    }
}
