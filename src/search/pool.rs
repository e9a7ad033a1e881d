//! All points of a small discrete space, so that searchers can look at each of them; larger spaces are drawn from.

use std::collections::HashMap;

use crate::problem::Problem;
use crate::random::Random;
use crate::space::Point;

/// Spaces of at most so many points are searched exhaustively.
pub(crate) const MAX_POOL: u64 = 20_000;
/// Larger discrete spaces are scanned for what is left only up to this size.
const MAX_SCAN: u64 = 2_000_000;
/// Draws before a larger space counts as exhausted.
const MAX_DRAWS: u32 = 4096;

/// The admissible points of a small discrete space, one for each key, or nothing for a larger space.
pub(crate) struct Pool {
    pub points: Vec<Point>,
    pub keys: Vec<String>,
    /// Places by key.
    pub index: HashMap<String, usize>,
    pub is_complete: bool,
}

impl Pool {
    pub fn new(problem: &dyn Problem) -> Pool {
        let mut pool = Pool {
            points: Vec::new(),
            keys: Vec::new(),
            index: HashMap::new(),
            is_complete: false,
        };
        let Some(size) = problem
            .space()
            .cardinality()
            .filter(|&size| size <= MAX_POOL)
        else {
            return pool;
        };
        pool.is_complete = true;
        for point in (0..size).map(|index| problem.space().nth(index)) {
            if problem.is_admissible(&point) {
                let key = problem.key(&point);
                let place = pool.points.len();
                if *pool.index.entry(key.clone()).or_insert(place) == place {
                    pool.points.push(point);
                    pool.keys.push(key);
                }
            }
        }
        pool
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }
}

/// The first point of a random order for which `is_free` holds; `None` if the space is exhausted.
///
/// Small spaces are gone through in a permutation; larger ones are drawn from, then scanned from a random place.
pub(crate) fn random_point(
    problem: &dyn Problem,
    pool: &Pool,
    random: Random,
    cursor: &mut u32,
    is_free: &dyn Fn(&Point) -> bool,
) -> Option<Point> {
    if pool.is_complete {
        let order = random.permutation(pool.len());
        while (*cursor as usize) < order.len() {
            let point = &pool.points[order[*cursor as usize]];
            if is_free(point) {
                return Some(point.clone());
            }
            *cursor += 1;
        }
        return None;
    }
    let space = problem.space();
    let dims = space.dims.len() as u32;
    for _ in 0..MAX_DRAWS {
        let first = cursor.wrapping_mul(dims);
        let units: Vec<f64> = (0..dims)
            .map(|dim| random.uniform(first.wrapping_add(dim)))
            .collect();
        let point = space.at(&units);
        if is_free(&point) {
            return Some(point);
        }
        *cursor = cursor.wrapping_add(1);
    }
    let size = space.cardinality().filter(|&size| size <= MAX_SCAN)?;
    let start = random.below(u32::MAX, size as usize) as u64;
    (0..size)
        .map(|index| space.nth((start + index) % size))
        .find(|point| is_free(point))
}
