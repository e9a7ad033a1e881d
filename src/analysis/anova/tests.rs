//! Shares of variance against the classical analysis of variance (statsmodels 0.15) and against a known function.

use super::*;
use sweep_core::trial::Kind;

/// A factor of each size, called a, b, c, ...
fn factors(sizes: &[usize]) -> Vec<Factor> {
    let level = |at: usize| Level {
        label: at.to_string(),
        configurations: 0,
        mean: 0.0,
        interval: None,
    };
    let factor = |(place, size): (usize, &usize)| Factor {
        name: char::from(b'a' + place as u8).to_string(),
        levels: (0..*size).map(level).collect(),
    };
    sizes.iter().enumerate().map(factor).collect()
}

/// Every combination of levels, the last factor moving fastest.
fn grid(sizes: &[usize], value: &dyn Fn(&[usize], usize) -> f64, seeds: usize) -> Vec<Point> {
    let count: usize = sizes.iter().product();
    (0..count)
        .map(|mut rest| {
            let mut levels = vec![0; sizes.len()];
            for (level, size) in levels.iter_mut().zip(sizes).rev() {
                *level = rest % size;
                rest /= size;
            }
            Point {
                values: (0..seeds)
                    .map(|seed| (seed as u64, value(&levels, seed)))
                    .collect(),
                levels,
            }
        })
        .collect()
}

fn made_up(levels: &[usize], seed: usize) -> f64 {
    let (a, b, c) = (levels[0], levels[1], levels[2]);
    let wobble = (7 * a + 5 * b + 3 * c + 11 * seed * (a + 2 * b + 1) + seed * c) % 13;
    0.5 + 0.02 * (a * a) as f64 - 0.03 * b as f64
        + 0.01 * (a * b) as f64
        + 0.004 * seed as f64
        + 0.001 * wobble as f64
}

fn share<'a>(anova: &'a Anova, title: &str) -> &'a Share {
    let found = anova
        .shares
        .iter()
        .find(|share| anova.title(share) == title);
    found.unwrap_or_else(|| panic!("no share of {title}"))
}

#[test]
fn a_full_grid_gives_the_sums_of_squares_and_the_tests_of_classical_anova() {
    let sizes = [3, 2, 2];
    let anova = Anova::of_points(factors(&sizes), &grid(&sizes, &made_up, 3)).unwrap();
    assert_eq!((anova.method, anova.seeds), (Method::Grid, 3));
    // statsmodels: y ~ C(a)*C(b)*C(c) + C(seed), sums of squares over those of all but seed and residual.
    for (title, expected, p) in [
        ("a", 0.930615436722984, 1.905021114956321e-24),
        ("b", 0.058258288173413934, 1.9482956267972066e-12),
        ("c", 0.000510041440867063, 0.2036863803313817),
        ("a x b", 0.00893269843799814, 7.677864331188102e-05),
        ("a x c", 0.00016835352247368738, 0.7560338949583221),
        ("b x c", 0.0003367070449474046, 0.2986763918692036),
    ] {
        let share = share(&anova, title);
        assert!(
            (share.share - expected).abs() < 1e-10,
            "{title}: {}",
            share.share
        );
        assert!(
            (share.p.unwrap() / p - 1.0).abs() < 1e-6,
            "{title}: {:?}",
            share.p
        );
    }
    assert!((anova.rest - 0.0011784746573158982).abs() < 1e-10);
    assert!((share(&anova, "a").chance.unwrap() - 0.0005943540441069942).abs() < 1e-10);
    assert_eq!(anova.title(&anova.shares[0]), "a");
    let levels = &anova.factors[0].levels;
    let means = [0.49491666666666667, 0.5205833333333334, 0.5851666666666665];
    for (level, mean) in levels.iter().zip(means) {
        let (low, high) = level.interval.unwrap();
        assert_eq!(level.configurations, 4);
        assert!((level.mean - mean).abs() < 1e-12);
        assert!(((high - low) / 2.0 - 0.002437222382540073).abs() < 1e-9);
    }
}

#[test]
fn with_one_seed_there_are_shares_and_no_tests() {
    let sizes = [3, 2, 2];
    let anova = Anova::of_points(factors(&sizes), &grid(&sizes, &made_up, 1)).unwrap();
    assert!(
        anova
            .shares
            .iter()
            .all(|share| share.p.is_none() && share.chance.is_none())
    );
    assert!(
        anova
            .factors
            .iter()
            .flat_map(|f| &f.levels)
            .all(|level| level.interval.is_none())
    );
    let sum: f64 = anova.shares.iter().map(|share| share.share).sum();
    assert!((sum + anova.rest - 1.0).abs() < 1e-12);
}

#[test]
fn a_grid_with_holes_gives_nearly_the_shares_of_the_whole() {
    // a in four levels, b in three, a product of both, and two factors that do nothing.
    let value = |levels: &[usize], _: usize| {
        2.0 * levels[0] as f64 + levels[1] as f64 + 0.8 * (levels[0] * levels[1]) as f64
    };
    let sizes = [4, 3, 2, 2];
    let mut points = grid(&sizes, &value, 1);
    let whole = Anova::of_points(factors(&sizes), &points).unwrap();
    let mut place = 0;
    points.retain(|_| {
        place += 1;
        place % 7 != 0
    });
    let holed = Anova::of_points(factors(&sizes), &points).unwrap();
    assert_eq!(holed.method, Method::Forest { trees: 64 });
    for title in ["a", "b", "a x b", "c", "d"] {
        let (found, expected) = (share(&holed, title).share, share(&whole, title).share);
        assert!(
            (found - expected).abs() < 0.05,
            "{title}: {found} for {expected}"
        );
    }
    assert_eq!(holed, Anova::of_points(factors(&sizes), &points).unwrap());
}

#[test]
fn what_has_nothing_to_share_out_is_refused_with_a_reason() {
    let flat = |_: &[usize], _: usize| 0.5;
    let refused = |sizes: &[usize]| Anova::of_points(factors(sizes), &grid(sizes, &flat, 2));
    assert!(
        refused(&[3])
            .unwrap_err()
            .contains("needs 4 configurations")
    );
    assert!(
        refused(&[3, 2])
            .unwrap_err()
            .contains("all configurations score the same")
    );
    let points = vec![
        Point {
            levels: Vec::new(),
            values: vec![(1, 0.5)]
        };
        4
    ];
    let refused = Anova::of_points(Vec::new(), &points);
    assert!(refused.unwrap_err().contains("no setting varies"));
}

#[test]
fn settings_that_always_move_together_are_one_factor() {
    use crate::fixtures;
    use sweep_core::trial::Value;
    let mut input = fixtures::empty(&fixtures::GENRES);
    for (at, (lr, dropout)) in [(0.1, 0.0), (0.01, 0.5)].into_iter().enumerate() {
        for width in [8, 16] {
            let settings = [
                ("layers", Value::List(vec![Value::Int(width)])),
                ("lr", Value::Float(lr)),
                ("dropout", Value::Float(dropout)),
            ];
            fixtures::add(
                &mut input,
                Kind::MLP,
                &settings,
                1,
                0.5 + 0.1 * at as f64,
                3,
            );
        }
    }
    let anova = Anova::of(&Summary::of(&input.experiment)).unwrap();
    let names: Vec<&str> = anova
        .factors
        .iter()
        .map(|factor| factor.name.as_str())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"layers"), "{names:?}");
    let together = anova
        .factors
        .iter()
        .find(|factor| factor.name.contains("lr"))
        .unwrap();
    assert!(together.name.contains("dropout"));
    let mut labels: Vec<&str> = together
        .levels
        .iter()
        .map(|level| level.label.as_str())
        .collect();
    labels.sort_unstable();
    assert!(
        labels.iter().all(|label| label.contains(", ")),
        "{labels:?}"
    );
    assert_eq!((anova.method, anova.configurations), (Method::Grid, 4));
}
