//! Which paused trainings go on: asynchronous successive halving (Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt,
//! Recht, Talwalkar 2020). Of the results at a rung, the best of every `eta` go on, highest rung first; nothing waits
//! for a rung to fill up.

use crate::decision::Why;
use crate::history::View;
use crate::searchers::score::{Scored, better_first};
use crate::searchers::searcher::Choice;

/// The next promotion by rank at the rung, if one is due.
pub(crate) fn by_rank(view: &View, scores: &[Scored]) -> Option<Choice> {
    (0..view.rungs.len() - 1).rev().find_map(|rung| {
        let ranked = ranked(view, scores, rung);
        let due = ranked.len() / view.plan.eta as usize;
        let place = ranked[..due]
            .iter()
            .position(|&config| goes_on(view, config, rung))?;
        Some(promote(ranked[place], rung, place))
    })
}

/// Nothing new can be started: the best of what is paused goes on, highest rung first.
pub(crate) fn leftover(view: &View, scores: &[Scored]) -> Option<Choice> {
    (0..view.rungs.len() - 1).rev().find_map(|rung| {
        let ranked = ranked(view, scores, rung);
        let config = ranked
            .into_iter()
            .find(|&config| goes_on(view, config, rung))?;
        let to = rung + 1;
        let why = Why::Leftover { rung: to as u32 };
        Some(Choice::Continue { config, to, why })
    })
}

fn promote(config: usize, rung: usize, place: usize) -> Choice {
    let to = rung + 1;
    let why = Why::Promotion {
        rung: to as u32,
        rank: Some(place as u32),
        score: None,
    };
    Choice::Continue { config, to, why }
}

fn goes_on(view: &View, config: usize, rung: usize) -> bool {
    let state = &view.states[config];
    state.is_paused(view.rungs.len()) && state.reached == Some(rung)
}

/// Configurations with a result of the search at a rung, best first; of equal ones the first.
fn ranked(view: &View, scores: &[Scored], rung: usize) -> Vec<usize> {
    let at_rung = scores
        .iter()
        .filter(|score| score.rung == rung && score.value.is_some());
    let mut at_rung: Vec<&Scored> = at_rung
        .filter(|score| view.states[score.config].sent.is_some())
        .collect();
    at_rung.sort_by(|a, b| better_first(a.rank(), b.rank()).then(a.config.cmp(&b.config)));
    at_rung.dedup_by_key(|score| score.config);
    at_rung.iter().map(|score| score.config).collect()
}
