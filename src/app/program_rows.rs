//! Scores of single rows that programs leave behind, so that a lead is tested on other rows and not on other seeds alone.
//!
//! A program writes `row_scores.csv` into the folder of its trial: a line for each row that it was validated on, with the
//! row's name, its score, and if rows come in groups the name of its group. The mean of the scores is the objective.

use std::collections::HashMap;
use std::path::Path;

use sweep_analysis::evidence::{Design, Entry, Evidence, Units};
use sweep_analysis::{Configuration, Run, Summary};
use sweep_core::run_dir::ROW_SCORES;
use sweep_store::ExperimentRecord;

use crate::app::App;

/// How far the mean of the scores may be from the recorded value, as a share of it.
const PRECISION: f64 = 1e-3;
/// Most rows of a file.
const MAX_ROWS: usize = 10_000_000;

/// The rows that all trials were validated on.
struct Rows {
    places: HashMap<String, usize>,
    groups: Option<Vec<String>>,
}

/// Of the ranking of `record`, whose trials are programs; `Ok(None)` where none of the best left scores of rows.
///
/// # Errors
/// With a sentence on why the scores cannot be used.
pub fn evidence(app: &App, record: &ExperimentRecord) -> Result<Option<Evidence>, String> {
    let summary = Summary::of(record);
    let Some(winner) = summary
        .ranking
        .first()
        .filter(|_| summary.ranking.len() > 1)
    else {
        return Ok(None);
    };
    let path = |run: &Run| app.run_dir().trial(&run.trial).join(ROW_SCORES);
    let first = winner.best_run(&summary.objective);
    if !path(first).is_file() {
        return Ok(None);
    }
    let rows = rows(&path(first))?;
    let units = match &rows.groups {
        None => Units::rows(rows.places.len()),
        Some(groups) => {
            let mut known: HashMap<&str, u64> = HashMap::new();
            let number = groups.iter().map(|group| {
                let next = known.len() as u64;
                *known.entry(group).or_insert(next)
            });
            let numbers: Vec<u64> = number.collect();
            Units::groups(&numbers)
        }
    };
    let entries: Vec<Entry> = summary.ranking.iter().map(entry).collect();
    let mut scores: HashMap<&str, Vec<f32>> = HashMap::new();
    for run in summary.ranking.iter().flat_map(|config| &config.runs) {
        let own = scores_of(&path(run), &rows)?;
        let mean = own.iter().map(|score| f64::from(*score)).sum::<f64>() / own.len() as f64;
        if (mean - run.value).abs() > PRECISION * run.value.abs().max(PRECISION) {
            return Err(format!(
                "the scores in {ROW_SCORES} of trial {} have the mean {mean}, and the trial reported {}",
                run.trial.short(),
                run.value
            ));
        }
        scores.insert(run.trial.as_str(), own);
    }
    let read = |place: usize, trial: usize, out: &mut [f32]| {
        let seed = entries[place].seeds[trial];
        let run = summary.ranking[place]
            .runs
            .iter()
            .find(|run| run.seed == seed);
        match run.and_then(|run| scores.get(run.trial.as_str())) {
            Some(own) => out.copy_from_slice(own),
            None => out.fill(f32::NAN),
        }
    };
    let design = Design {
        entries: &entries,
        units: &units,
        folds: None,
        goal: summary.objective.goal,
    };
    Ok(Some(Evidence::of(&design, &read)))
}

fn entry(config: &Configuration) -> Entry {
    let mut seeds: Vec<u64> = config.runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    Entry {
        kind: config.kind.index(),
        seeds,
        is_deterministic: config.is_deterministic,
    }
}

/// What a line of the file says: row, score, group.
type Line = (String, f64, Option<String>);

fn lines(path: &Path) -> Result<Vec<Line>, String> {
    let shown = path.display();
    let mut reader = csv::Reader::from_path(path).map_err(|error| format!("{shown}: {error}"))?;
    let heads = reader
        .headers()
        .map_err(|error| format!("{shown}: {error}"))?;
    let column = |name: &str| heads.iter().position(|head| head.trim() == name);
    let (Some(row), Some(score)) = (column("row"), column("score")) else {
        return Err(format!(
            "{shown} needs the columns `row` and `score`, and may have `group`"
        ));
    };
    let group = column("group");
    let mut found = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let line = number + 2;
        let record = record.map_err(|error| format!("{shown}, line {line}: {error}"))?;
        let text = &record[score];
        let value: f64 = text
            .trim()
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| format!("{shown}, line {line}: {text:?} is not a finite number"))?;
        found.push((
            record[row].to_owned(),
            value,
            group.map(|group| record[group].to_owned()),
        ));
        if found.len() > MAX_ROWS {
            return Err(format!("{shown} has more than {MAX_ROWS} rows"));
        }
    }
    match found.is_empty() {
        true => Err(format!("{shown} has no rows")),
        false => Ok(found),
    }
}

fn rows(path: &Path) -> Result<Rows, String> {
    let (mut places, mut groups) = (HashMap::new(), Vec::new());
    for (place, (row, _, group)) in lines(path)?.into_iter().enumerate() {
        groups.extend(group);
        if places.insert(row.clone(), place).is_some() {
            return Err(format!("{}: row {row:?} occurs twice", path.display()));
        }
    }
    Ok(Rows {
        groups: (groups.len() == places.len()).then_some(groups),
        places,
    })
}

/// The scores in the file, in the order of `rows`.
fn scores_of(path: &Path, rows: &Rows) -> Result<Vec<f32>, String> {
    let mut scores = vec![f32::NAN; rows.places.len()];
    for (row, score, _) in lines(path)? {
        let Some(place) = rows.places.get(&row) else {
            return Err(format!(
                "{}: row {row:?} is none of the rows of the best trial",
                path.display()
            ));
        };
        scores[*place] = score as f32;
    }
    match scores.iter().all(|score| score.is_finite()) {
        true => Ok(scores),
        false => Err(format!(
            "{} has fewer rows than that of the best trial: trials can be compared on the same rows alone",
            path.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_put_in_the_order_of_the_first_file_and_other_rows_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let first = write("a.csv", "row,score,group\nx,1,g\ny,0.5,g\nz,0,h\n");
        let rows = rows(&first).unwrap();
        assert_eq!(rows.groups.as_deref().unwrap(), ["g", "g", "h"]);
        let other = write("b.csv", "score,row\n3,z\n1,x\n2,y\n");
        assert_eq!(scores_of(&other, &rows).unwrap(), [1.0, 2.0, 3.0]);
        for (text, why) in [
            ("row,score\nx,1\ny,1\n", "fewer rows"),
            ("row,score\nx,1\ny,1\nq,1\n", "none of the rows"),
            ("row,score\nx,nan\n", "line 2"),
            ("id,score\nx,1\n", "`row` and `score`"),
            ("row,score\n", "no rows"),
        ] {
            let error = scores_of(&write("c.csv", text), &rows).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(super::rows(&write("d.csv", "row,score\nx,1\nx,2\n")).is_err());
    }
}
