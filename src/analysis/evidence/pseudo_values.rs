//! Scores of rows for metrics that are no means over rows.
//!
//! A pseudo-value of a row is the metric plus the influence of the row on it: by how much the metric would change, per weight of
//! the row, if the row weighed a little more (the infinitesimal jackknife: Efron and Tibshirani, "An introduction to the bootstrap",
//! 1993, chapter 21). Their mean is the metric, and the variance of their mean is that of the metric, so everything
//! that holds for means of scores holds for them. All results are [rows].

use super::units::Units;

/// Of the root of the mean of `squares` [rows], as RMSE of squared errors.
pub fn root_mean(squares: &[f32]) -> Vec<f32> {
    let mean = mean(squares.iter().map(|value| f64::from(*value)));
    let root = mean.sqrt();
    if root == 0.0 {
        return vec![0.0; squares.len()];
    }
    let of = |square: &f32| (root + (f64::from(*square) - mean) / (2.0 * root)) as f32;
    squares.iter().map(of).collect()
}

/// Of the coefficient of determination R², from squared errors and targets [rows]. Targets must not all be equal.
pub fn r_squared(squares: &[f32], targets: &[f32]) -> Vec<f32> {
    let centre = mean(targets.iter().map(|value| f64::from(*value)));
    let from_centre = |target: f32| (f64::from(target) - centre).powi(2);
    let variance = mean(targets.iter().map(|target| from_centre(*target)));
    let unexplained = mean(squares.iter().map(|value| f64::from(*value))) / variance;
    let of = |(square, target): (&f32, &f32)| {
        let beyond = f64::from(*square) - unexplained * from_centre(*target);
        (1.0 - unexplained - beyond / variance) as f32
    };
    squares.iter().zip(targets).map(of).collect()
}

/// Of the area under the ROC curve, from scores (higher for positive rows) and classes [rows]; ties count half. Both classes must
/// have rows. Variance as of DeLong, DeLong and Clarke-Pearson ("Comparing the areas under two or more correlated receiver
/// operating characteristic curves", Biometrics 44, 1988).
pub fn auc(scores: &[f32], is_positive: &[bool]) -> Vec<f32> {
    let of_class = |class: bool| {
        let rows = scores.iter().zip(is_positive).filter(|row| *row.1 == class);
        let mut values: Vec<f32> = rows.map(|(score, _)| *score).collect();
        values.sort_unstable_by(f32::total_cmp);
        values
    };
    let (negative, positive) = (of_class(false), of_class(true));
    // Share of the other class that the row is on the right side of.
    let placement = |score: f32, is_positive: bool| {
        let others = if is_positive { &negative } else { &positive };
        let below = others.partition_point(|other| *other < score) as f64;
        let up_to = others.partition_point(|other| *other <= score) as f64;
        let share = 0.5 * (below + up_to) / others.len() as f64;
        if is_positive { share } else { 1.0 - share }
    };
    let rows = || scores.iter().zip(is_positive);
    let positives = rows().filter(|row| *row.1);
    let area = mean(positives.map(|(score, _)| placement(*score, true)));
    let of = |(score, is_positive): (&f32, &bool)| {
        let class = if *is_positive { &positive } else { &negative };
        let weight = scores.len() as f64 / class.len() as f64;
        (area + weight * (placement(*score, *is_positive) - area)) as f32
    };
    rows().map(of).collect()
}

/// Of macro F1, from predicted and actual classes below `classes` [rows]; classes without either do not count.
pub fn macro_f1(predicted: &[u32], actual: &[u32], classes: usize) -> Vec<f32> {
    let (mut right, mut either) = (vec![0.0f64; classes], vec![0.0f64; classes]);
    for (predicted, actual) in predicted.iter().zip(actual) {
        either[*predicted as usize] += 1.0;
        either[*actual as usize] += 1.0;
        right[*actual as usize] += f64::from(u8::from(predicted == actual));
    }
    let present = either.iter().filter(|rows| **rows > 0.0).count() as f64;
    let f1 = |class: usize| match either[class] > 0.0 {
        true => 2.0 * right[class] / either[class],
        false => 0.0,
    };
    let mean = (0..classes).map(f1).sum::<f64>() / present;
    let all = actual.len() as f64;
    let of = |(predicted, actual): (&u32, &u32)| {
        let (predicted, actual) = (*predicted as usize, *actual as usize);
        let is_right = if predicted == actual { 1.0 } else { 0.0 };
        let influence = (is_right - f1(predicted)) / either[predicted]
            + (is_right - f1(actual)) / either[actual];
        (mean + influence * all / present) as f32
    };
    predicted.iter().zip(actual).map(of).collect()
}

/// Of any smooth `metric` of the weights of rows [rows], by leaving out each unit in turn: one evaluation for each, for which
/// [`Units::blocks`] makes few of many. The evidence has to be computed with the same `units`.
pub fn jackknife(units: &Units, mut metric: impl FnMut(&[f32]) -> f64) -> Vec<f32> {
    let rows = units.row_count();
    let mut weights = vec![1.0f32; rows];
    let whole = metric(&weights);
    let mut members = vec![Vec::new(); units.count()];
    (0..rows).for_each(|row| members[units.of_row(row)].push(row));
    let mut influence = vec![0.0; units.count()];
    for (unit, members) in members.iter().enumerate() {
        members.iter().for_each(|row| weights[*row] = 0.0);
        let size = members.len() as f64;
        influence[unit] = (whole - metric(&weights)) * (rows as f64 - size) / size;
        members.iter().for_each(|row| weights[*row] = 1.0);
    }
    // Their mean is the bias of the jackknife, which is not taken off: scores are compared as they are reported.
    let bias = mean((0..rows).map(|row| influence[units.of_row(row)]));
    (0..rows)
        .map(|row| (whole + influence[units.of_row(row)] - bias) as f32)
        .collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for value in values {
        sum += value;
        count += 1.0;
    }
    sum / count
}
