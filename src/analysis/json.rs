//! What the tables show, for scripts: the same facts as JSON, numbers in full.
//!
//! Keys are part of the public interface: they are added, never renamed. A number that JSON cannot
//! write is `null`.

use serde_json::{Value as Json, json};

use super::axes::Axis;
use super::configuration::{Configuration, Run};
use super::ensemble::{EnsembleMember, EnsembleSummary};
use super::lead::{Lead, ZeroLine};
use super::summary::Summary;
use super::summary_stats::SummaryStats;
use sweep_core::trial::{Objective, Params, Status};
use sweep_store::{
    ArtifactRecord, AttemptRecord, Curve, ExperimentSummary, NoteRecord, TrialRecord,
};

/// `[{name, objective: {metric, goal}, data, created_ms, updated_ms, trials: {status: number},
/// out_of_plan, best, best_trial}]`; times in milliseconds since 1970, UTC.
pub fn experiments(experiments: &[ExperimentSummary]) -> Json {
    let one = |experiment: &ExperimentSummary| {
        json!({
            "name": experiment.name,
            "objective": experiment.objective,
            "data": experiment.data,
            "created_ms": experiment.created_ms,
            "updated_ms": experiment.updated_ms,
            "trials": counts(&experiment.counts),
            "out_of_plan": experiment.out_of_plan,
            "best": experiment.best,
            "best_trial": experiment.best_trial,
        })
    };
    experiments.iter().map(one).collect()
}

/// `{objective, trials: {status: number}, seeds, seconds, best_trial, dummy, ensemble, configurations: [...], axes:
/// [...]}`; the `most` best configurations and the best of each baseline, as in the table.
pub fn leaderboard(summary: &Summary, most: usize) -> Json {
    let axis = |axis: &Axis| {
        let effects: Vec<Json> = (axis.effects.iter())
            .map(|effect| {
                json!({
                    "value": effect.value,
                    "configurations": effect.means.len(),
                    "objective": effect.stats.map(stats),
                })
            })
            .collect();
        json!({ "name": axis.name, "effects": effects })
    };
    let best = summary.best(most);
    json!({
        "objective": summary.objective,
        "trials": counts(&summary.counts),
        "seeds": summary.seeds,
        "seconds": summary.seconds,
        "best_trial": summary.best_trial,
        "dummy": summary.zero_line.as_ref().map(dummy),
        "ensemble": summary.ensemble.as_ref().map(ensemble),
        "configurations":
            best.into_iter().map(|config| configuration(summary, config)).collect::<Json>(),
        "axes": summary.axes.iter().map(axis).collect::<Json>(),
    })
}

/// `{selected_ms, version, loss, method, finished, candidates, stale, members: [{kind, config, seed, trials, weight}], scores:
/// [{metric, value, cross_fitted, single}]}`.
pub fn ensemble(ensemble: &EnsembleSummary) -> Json {
    let member = |member: &EnsembleMember| {
        json!({
            "kind": member.kind.name(),
            "config": member.config,
            "seed": member.seed,
            "trials": member.trials,
            "weight": member.weight,
        })
    };
    let stored = &ensemble.stored;
    json!({
        "selected_ms": stored.selected_ms,
        "version": stored.version,
        "loss": stored.ensemble.loss,
        "method": stored.ensemble.method,
        "finished": stored.ensemble.finished,
        "candidates": ensemble.candidates,
        "stale": ensemble.stale,
        "members": ensemble.members.iter().map(member).collect::<Json>(),
        "scores": stored.ensemble.scores,
    })
}

/// `{trial, config, kind, seed, status, in_plan, params, best, ..., curves: {metric: [[step,
/// value]]}, attempts: [...], artifacts: [...]}`.
pub fn trial(
    objective: &Objective,
    trial: &TrialRecord,
    attempts: &[AttemptRecord],
    curves: &[Curve],
    artifacts: &[ArtifactRecord],
) -> Json {
    let attempt = |attempt: &AttemptRecord| {
        json!({
            "session": attempt.session,
            "number": attempt.number,
            "slot": attempt.slot,
            "engine": attempt.engine,
            "pid": attempt.pid,
            "started_ms": attempt.started_ms,
            "ended_ms": attempt.ended_ms,
            "outcome": attempt.outcome,
            "exit_code": attempt.exit_code,
            "signal": attempt.signal,
            "message": attempt.message,
            "warnings": attempt.warnings,
            "log_tail": attempt.log_tail,
            "resumed_from": attempt.resumed_from,
        })
    };
    let artifact = |artifact: &ArtifactRecord| json!({ "kind": artifact.kind, "path": artifact.path, "bytes": artifact.bytes });
    let mut told = trial_outline(objective, trial);
    told["curves"] = object(
        curves
            .iter()
            .map(|curve| (&curve.metric, json!(curve.points))),
    );
    told["attempts"] = attempts.iter().map(attempt).collect();
    told["artifacts"] = artifacts.iter().map(artifact).collect();
    told
}

/// `{config, kind, params, objective, trials: [...]}`: the trials of one configuration, at least one.
pub fn configuration_trials(objective: &Objective, trials: &[TrialRecord]) -> Json {
    let first = trials.first();
    json!({
        "config": first.map(|trial| &trial.config),
        "kind": first.map(|trial| trial.kind),
        "params": first.map(|trial| params(&trial.params)),
        "objective": objective,
        "trials": trials.iter().map(|trial| trial_outline(objective, trial)).collect::<Json>(),
    })
}

/// What lists have of a trial: all but its curves, attempts and artifacts, which only [`trial`] tells.
pub fn trial_outline(objective: &Objective, trial: &TrialRecord) -> Json {
    json!({
        "trial": trial.id,
        "config": trial.config,
        "kind": trial.kind,
        "seed": trial.seed,
        "fold": trial.fold,
        "status": trial.status,
        "in_plan": trial.in_plan,
        "params": params(&trial.params),
        "objective": objective,
        "best": trial.best,
        "best_step": trial.best_step,
        "last": trial.last,
        "steps": trial.steps,
        "parameters": trial.parameters,
        "seconds": trial.seconds,
        "metrics": object(trial.metrics.iter().map(|(name, value)| (name, json!(value)))),
        "message": trial.message,
        "cause": trial.cause,
        "tags": trial.tags,
        "notes": notes(&trial.notes),
    })
}

/// `[{written_ms, text}]`, oldest first; times in milliseconds since 1970, UTC.
pub fn notes(notes: &[NoteRecord]) -> Json {
    let one = |note: &NoteRecord| json!({ "written_ms": note.written_ms, "text": note.text });
    notes.iter().map(one).collect()
}

/// `{strategy, class, metric, value, metrics: {metric: value}, valid_rows, lead: {by, rows_low, rows_high, seeds_low,
/// seeds_high, verdict}}`: the zero line, and how far the winner is above it (positive `by`).
fn dummy(zero: &ZeroLine) -> Json {
    let ends = |interval: Option<(f64, f64)>| interval.unzip();
    let lead = |lead: &Lead| {
        let (rows_low, rows_high) = ends(lead.over_rows);
        let (seeds_low, seeds_high) = ends(lead.over_seeds);
        json!({
            "by": lead.by,
            "rows_low": rows_low,
            "rows_high": rows_high,
            "seeds_low": seeds_low,
            "seeds_high": seeds_high,
            "verdict": lead.verdict().name(),
        })
    };
    let scores = zero.dummy.scores.iter();
    json!({
        "strategy": zero.score.strategy.name(),
        "class": zero.score.strategy.class(),
        "metric": zero.score.metric,
        "value": zero.score.value,
        "metrics": object(scores.map(|score| (&score.metric, json!(score.value)))),
        "valid_rows": zero.dummy.valid_rows,
        "lead": zero.lead.as_ref().map(lead),
    })
}

fn configuration(summary: &Summary, config: &Configuration) -> Json {
    let run = |run: &Run| {
        let mut json =
            json!({ "trial": run.trial, "seed": run.seed, "value": run.value, "step": run.step });
        if let Some(fold) = run.fold {
            json["fold"] = json!(fold);
        }
        json
    };
    json!({
        "rank": summary.rank(config),
        "tied_with": summary.tied_with(config).count(),
        "config": config.id,
        "kind": config.kind,
        "params": params(&config.params),
        "varying": config.label,
        "planned": config.planned,
        "objective": stats(config.stats),
        "runs": config.runs.iter().map(run).collect::<Json>(),
        "diverged": config.diverged,
        "failed": config.failed,
        "seconds": config.seconds,
        "parameters": config.parameters,
        "loss": config.mean_loss(),
        "calibrated_loss": config.mean_calibrated_loss(),
    })
}

pub fn stats(stats: SummaryStats) -> Json {
    json!({
        "n": stats.n,
        "mean": stats.mean,
        "sd": stats.sd,
        "min": stats.min,
        "max": stats.max,
    })
}

/// Every status, those that no trial has included, so that a script need not ask.
fn counts(counts: &[(Status, u64)]) -> Json {
    object(Status::ALL.into_iter().map(|status| {
        let found = counts.iter().find(|(other, _)| *other == status);
        (status.name(), json!(found.map_or(0, |(_, number)| *number)))
    }))
}

pub fn params(params: &Params) -> Json {
    object(params.iter().map(|(key, value)| (key, json!(value))))
}

pub fn object<K: ToString>(entries: impl Iterator<Item = (K, Json)>) -> Json {
    Json::Object(
        entries
            .map(|(key, value)| (key.to_string(), value))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn the_leaderboard_has_what_the_table_has() {
        let summary = Summary::of(&fixtures::genres().experiment);
        let mut json = leaderboard(&summary, 1);
        let configs = json["configurations"].as_array_mut().unwrap();
        assert_eq!(configs.len(), 3);
        configs.truncate(1);
        insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    }

    #[test]
    fn the_zero_line_and_the_lead_over_it_are_told() {
        let json = leaderboard(&fixtures::imbalanced().summary(), 1);
        insta::assert_snapshot!(serde_json::to_string_pretty(&json["dummy"]).unwrap());
    }

    #[test]
    fn what_json_cannot_write_is_null() {
        let mut input = fixtures::genres();
        let record = &mut input.experiment.trials[0];
        record.best = Some(f64::NAN);
        let curve = Curve {
            metric: "train/loss".to_owned(),
            points: vec![(1, 0.5), (2, f64::INFINITY)],
        };
        let json = trial(
            &input.experiment.objective,
            &input.experiment.trials[0],
            &[],
            &[curve],
            &[],
        );
        assert!(json["best"].is_null());
        assert_eq!(
            json["curves"]["train/loss"].to_string(),
            "[[1,0.5],[2,null]]"
        );
        assert_eq!(json["params"]["layers"].to_string(), "[64,32]");
        assert_eq!(json["status"], "finished");
        assert_eq!(json["kind"], "mlp");
    }

    #[test]
    fn a_trial_tells_what_people_put_on_it() {
        let mut input = fixtures::genres();
        let record = &mut input.experiment.trials[0];
        record.notes = vec![NoteRecord {
            written_ms: 7,
            text: "odd at first".to_owned(),
        }];
        let told = trial_outline(&Objective::default(), record);
        assert_eq!(told["tags"].to_string(), r#"["to_keep"]"#);
        assert_eq!(told["notes"][0]["text"], "odd at first");
        assert_eq!(told["notes"][0]["written_ms"], 7);
    }

    #[test]
    fn every_status_has_a_number() {
        let listed = ExperimentSummary {
            name: "genres".to_owned(),
            objective: Objective::default(),
            data: sweep_core::trial::DataDigest::from_hex("ab"),
            created_ms: 1,
            updated_ms: 2,
            counts: vec![(Status::Finished, 41)],
            out_of_plan: 6,
            best: None,
            best_trial: None,
        };
        insta::assert_snapshot!(experiments(&[listed]).to_string());
    }
}
