//! Random points, paused at rungs and promoted by rank.

use crate::decision::Why;
use crate::history::View;
use crate::searchers::drawn::Random;
use crate::searchers::promotion;
use crate::searchers::score::{scores, weights};
use crate::searchers::searcher::{Choice, Searcher};

#[derive(Debug, Default)]
pub(crate) struct Asha {
    random: Random,
}

impl Searcher for Asha {
    fn decide(&mut self, view: &View) -> Option<Choice> {
        let scores = scores(view, view.seen.len(), &weights(view));
        let promoted = promotion::by_rank(view, &scores);
        if promoted.is_some() || !view.may_start {
            return promoted;
        }
        match self.random.point(view) {
            Some((point, index)) => {
                let why = Why::Drawn { index };
                Some(Choice::Start { point, to: 0, why })
            }
            None => promotion::leftover(view, &scores),
        }
    }
}
