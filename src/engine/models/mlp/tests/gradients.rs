//! Gradients of every kind of layer against central differences of a network written out in f64.

use super::super::category::{Categories, EmbeddedColumn};
use super::super::init_rng::{Mask, dropout_stream};
use super::super::network::{Draw, Network};
use super::super::shape::Shape;
use super::super::simd::Isa;
use super::rows;
use sweep_core::trial::models::{Activation, Embedding, MlpSpec};
use sweep_data::{CategoryBlock, Rows, Targets};

const FEATURES: usize = 7;
const CLASSES: usize = 4;
const SEED: u64 = 11;
const DRAW: Draw = Draw {
    seed: SEED,
    epoch: 3,
    step: 2,
};

/// The mean loss of a batch by plain loops; `tensors` in the order of `Shape::tensors`, less the
/// running ones.
fn reference_loss(
    spec: &MlpSpec,
    columns: &[EmbeddedColumn],
    tensors: &[Vec<f64>],
    (x, y): (&[f32], &[u32]),
) -> f64 {
    let count = y.len();
    let mut values: Vec<Vec<f64>> = x
        .chunks(FEATURES)
        .map(|row| row.iter().map(|value| f64::from(*value)).collect())
        .collect();
    let mut tensors = tensors.iter();
    let one_hot = values.clone();
    for row in &mut values {
        for column in columns.iter().rev() {
            row.drain(column.block.first..column.block.first + column.block.features);
        }
    }
    match spec.embedding {
        Embedding::None => {}
        Embedding::Ple { bins, .. } => encode(&mut values, bins as usize),
        Embedding::Periodic { .. } if values[0].is_empty() => {}
        Embedding::Periodic { .. } => {
            let [frequency, weight, bias] = [(); 3].map(|()| tensors.next().unwrap());
            embed(&mut values, frequency, weight, bias);
        }
    }
    for EmbeddedColumn { block, width } in columns {
        let table = tensors.next().unwrap();
        for (row, one_hot) in values.iter_mut().zip(&one_hot) {
            // The product with the 0/1 features, of which a lookup is another way.
            let own = &one_hot[block.first..][..block.features];
            let products = |column| own.iter().zip(table[column..].iter().step_by(*width));
            row.extend((0..*width).map(|column| products(column).map(|(a, b)| a * b).sum::<f64>()));
        }
    }
    for (layer, width) in spec.layers.iter().enumerate() {
        values = linear(&values, tensors.next().unwrap(), tensors.next().unwrap());
        if spec.batch_norm {
            normalize(
                &mut values,
                tensors.next().unwrap(),
                tensors.next().unwrap(),
            );
        }
        let stream = dropout_stream(DRAW.seed, DRAW.epoch, DRAW.step, layer);
        for (row, values) in values.iter_mut().enumerate() {
            for (column, value) in values.iter_mut().enumerate() {
                *value = activate(spec.activation, *value);
                let Some(mask) = Mask::of(spec.dropout) else {
                    continue;
                };
                let words = stream.pair((row / 4 * width + column) as u32);
                let bits = [
                    words[0] & 0xFFFF,
                    words[0] >> 16,
                    words[1] & 0xFFFF,
                    words[1] >> 16,
                ];
                let kept = bits[row % 4] >= mask.threshold;
                *value *= if kept { f64::from(mask.scale) } else { 0.0 };
            }
        }
    }
    let scores = linear(&values, tensors.next().unwrap(), tensors.next().unwrap());
    let losses = scores.iter().zip(y).map(|(scores, label)| {
        let even = scores.iter().sum::<f64>() / scores.len() as f64;
        let wanted = (1.0 - spec.label_smoothing) * scores[*label as usize];
        let normalizer = scores.iter().map(|score| score.exp()).sum::<f64>().ln();
        normalizer - wanted - spec.label_smoothing * even
    });
    losses.sum::<f64>() / count as f64
}

/// Piecewise-linear encoding by the definition, with quantiles of `values` themselves.
fn encode(values: &mut [Vec<f64>], bins: usize) {
    let columns: Vec<Vec<f64>> = (0..values[0].len())
        .map(|feature| {
            let mut column: Vec<f64> = values.iter().map(|row| row[feature]).collect();
            column.sort_by(f64::total_cmp);
            let last = (column.len() - 1) as f64;
            let at = |edge: usize| {
                let place = last * edge as f64 / bins as f64;
                let (low, high) = (column[place as usize], column[place.ceil() as usize]);
                low + (high - low) * place.fract()
            };
            (0..=bins).map(at).collect()
        })
        .collect();
    for row in values {
        *row = row
            .iter()
            .zip(&columns)
            .flat_map(|(x, edges)| {
                let share =
                    move |pair: &[f64]| ((x - pair[0]) / (pair[1] - pair[0])).clamp(0.0, 1.0);
                edges.windows(2).map(share)
            })
            .collect();
    }
}

/// Periodic embedding by the definition.
fn embed(values: &mut [Vec<f64>], frequency: &[f64], weight: &[f64], bias: &[f64]) {
    let features = values[0].len();
    let (count, width) = (frequency.len() / features, bias.len() / features);
    for row in values {
        let mut inputs = Vec::new();
        for (feature, x) in row.iter().enumerate() {
            let around = |f: &f64| std::f64::consts::TAU * f * x;
            let own = &frequency[feature * count..][..count];
            let cosines = own.iter().map(|f| around(f).cos());
            let waves: Vec<f64> = cosines.chain(own.iter().map(|f| around(f).sin())).collect();
            for input in 0..width {
                let weights = weight[feature * 2 * count * width..].iter().skip(input);
                let products = waves.iter().zip(weights.step_by(width)).map(|(a, b)| a * b);
                let sum = bias[feature * width + input] + products.sum::<f64>();
                inputs.push(sum.max(0.0));
            }
        }
        *row = inputs;
    }
}

fn linear(values: &[Vec<f64>], weight: &[f64], bias: &[f64]) -> Vec<Vec<f64>> {
    let of_row = |row: &Vec<f64>| {
        let inputs = row.len();
        let sums = bias.iter().enumerate().map(|(output, bias)| {
            let weights = &weight[output * inputs..][..inputs];
            bias + weights.iter().zip(row).map(|(w, x)| w * x).sum::<f64>()
        });
        sums.collect()
    };
    values.iter().map(of_row).collect()
}

fn normalize(values: &mut [Vec<f64>], gamma: &[f64], beta: &[f64]) {
    let count = values.len() as f64;
    for column in 0..gamma.len() {
        let mean = values.iter().map(|row| row[column]).sum::<f64>() / count;
        let variance = values
            .iter()
            .map(|row| (row[column] - mean).powi(2))
            .sum::<f64>()
            / count;
        for row in values.iter_mut() {
            let normal = (row[column] - mean) / (variance + 1e-5).sqrt();
            row[column] = normal * gamma[column] + beta[column];
        }
    }
}

/// GELU's normal distribution function by Simpson's rule over the density.
fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Gelu => {
            const STEPS: u32 = 60;
            let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
            let step = x / f64::from(STEPS);
            let sum: f64 = (0..=STEPS)
                .map(|i| match i {
                    0 | STEPS => density(step * f64::from(i)),
                    _ => density(step * f64::from(i)) * if i % 2 == 1 { 4.0 } else { 2.0 },
                })
                .sum();
            x * (0.5 + sum * step / 3.0)
        }
    }
}

/// Compares loss and all gradients of one step, within `relative` of each.
fn assert_gradients(isa: Isa, spec: &MlpSpec, count: usize, relative: f64) {
    assert_gradients_of(isa, spec, &[], count, relative);
}

/// The same where `columns` have vectors: as many categories as features, and rows with none of them.
fn assert_gradients_of(
    isa: Isa,
    spec: &MlpSpec,
    columns: &[EmbeddedColumn],
    count: usize,
    relative: f64,
) {
    let (mut x, y) = rows(5, count, FEATURES, CLASSES);
    for (row, x) in x.chunks_mut(FEATURES).enumerate() {
        for EmbeddedColumn { block, .. } in columns {
            let own = &mut x[block.first..][..block.features];
            own.fill(0.0);
            let number = (row * row + 3 * row) % (block.features + 2);
            own.iter_mut().skip(number).take(1).for_each(|x| *x = 1.0);
        }
    }
    let data = Rows {
        x: &x,
        y: Targets::Classes(&y),
        weights: None,
        missing: None,
    };
    let batch: Vec<u32> = (0..count as u32).collect();
    let categories = Categories::read(FEATURES, columns.to_vec()).unwrap();
    let shape = Shape::fitted(spec, data, (categories, &[]), CLASSES);
    let mut network = Network::new(isa, spec, shape.clone(), count, SEED);
    // Gammas and betas at their start would hide errors.
    for (place, line) in network.parameters.iter_mut().enumerate() {
        for value in line.0.iter_mut().filter(|value| **value == 1.0) {
            *value = 0.8 + 0.01 * (place % 40) as f32;
        }
    }
    let entries = shape.categories.entries_of(&x);
    let data = Rows {
        x: &entries,
        ..data
    };
    let loss = network.step(data, &batch, DRAW) / count as f64;

    let named: Vec<_> = shape.tensors().into_iter().filter(|t| !t.running).collect();
    let mut tensors: Vec<Vec<f64>> = named
        .iter()
        .map(|tensor| {
            tensor
                .read(&network.parameters)
                .into_iter()
                .map(f64::from)
                .collect()
        })
        .collect();
    let wanted = reference_loss(spec, columns, &tensors, (&x, &y));
    assert!(
        (loss - wanted).abs() < 1e-5,
        "{isa:?} {spec:?}: loss {loss} for {wanted}"
    );
    for (number, tensor) in named.iter().enumerate() {
        for (place, given) in tensor.read(&network.gradients).into_iter().enumerate() {
            const STEP: f64 = 1e-6;
            let middle = tensors[number][place];
            let mut at = |value: f64| {
                tensors[number][place] = value;
                reference_loss(spec, columns, &tensors, (&x, &y))
            };
            let wanted = (at(middle + STEP) - at(middle - STEP)) / (2.0 * STEP);
            tensors[number][place] = middle;
            assert!(
                (f64::from(given) - wanted).abs() < 1e-5 + relative * wanted.abs(),
                "{isa:?} {spec:?} {count} rows: {}[{place}]: {given} for {wanted}",
                tensor.name
            );
        }
    }
}

#[test]
fn gradients_are_those_of_central_differences() {
    for isa in Isa::all() {
        for activation in [
            Activation::Relu,
            Activation::Gelu,
            Activation::Silu,
            Activation::Tanh,
        ] {
            for batch_norm in [false, true] {
                for dropout in [0.0, 0.4] {
                    let spec = MlpSpec {
                        layers: vec![5, 18],
                        activation,
                        batch_norm,
                        dropout,
                        ..MlpSpec::default()
                    };
                    assert_gradients(isa, &spec, 13, 1e-4);
                }
            }
        }
    }
}

#[test]
fn gradients_of_embeddings_and_smoothed_labels_are_right() {
    let periodic = |frequencies, width| Embedding::Periodic {
        frequencies,
        sigma: 0.4,
        width,
    };
    for isa in Isa::all() {
        for embedding in [
            Embedding::None,
            Embedding::Ple {
                bins: 5,
                text: true,
            },
            periodic(8, 4),
            periodic(16, 8),
            periodic(24, 16),
            periodic(8, 48),
        ] {
            for layers in [vec![], vec![5, 18]] {
                let spec = MlpSpec {
                    layers,
                    embedding,
                    label_smoothing: 0.2,
                    batch_norm: true,
                    activation: Activation::Silu,
                    dropout: 0.2,
                    ..MlpSpec::default()
                };
                assert_gradients(isa, &spec, 13, 1e-3);
            }
        }
    }
}

#[test]
fn gradients_of_odd_shapes_are_right() {
    for isa in Isa::all() {
        for (layers, count) in [
            (vec![], 9),
            (vec![1], 6),
            (vec![33, 1, 16], 5),
            (vec![6], 1),
        ] {
            for batch_norm in [false, true] {
                let spec = MlpSpec {
                    layers: layers.clone(),
                    activation: Activation::Tanh,
                    batch_norm: batch_norm && count > 1,
                    dropout: 0.25,
                    ..MlpSpec::default()
                };
                // Few rows of one unit vary little: normalising them costs digits.
                assert_gradients(isa, &spec, count, 2e-3);
            }
        }
    }
}

#[test]
fn gradients_of_vectors_of_categories_are_right() {
    let column = |first: usize, features, width| EmbeddedColumn {
        block: CategoryBlock {
            column: first.to_string(),
            first,
            features,
            base: false,
        },
        width,
    };
    let periodic = Embedding::Periodic {
        frequencies: 8,
        sigma: 0.4,
        width: 4,
    };
    for columns in [
        vec![column(2, 4, 3)],
        vec![column(0, 3, 17), column(4, 3, 1)],
        // No other feature, and more than a panel.
        vec![column(0, 3, 5), column(3, 4, 20)],
    ] {
        for embedding in [
            Embedding::None,
            Embedding::Ple {
                bins: 5,
                text: true,
            },
            periodic,
        ] {
            for layers in [vec![], vec![5, 18]] {
                let spec = MlpSpec {
                    layers,
                    embedding,
                    batch_norm: true,
                    activation: Activation::Silu,
                    dropout: 0.2,
                    ..MlpSpec::default()
                };
                for isa in Isa::all() {
                    assert_gradients_of(isa, &spec, &columns, 13, 1e-3);
                }
            }
        }
    }
}
