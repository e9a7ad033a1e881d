//! Piecewise-linear encoding of numbers (Gorishniy, Rubachev and Babenko, "On Embeddings for
//! Numerical Features in Tabular Deep Learning", 2022, section 3.2, with bins from quantiles).
//!
//! A feature with edges e0 < e1 < ... < en becomes n inputs; input i is (x - e(i-1)) / (e(i) - e(i-1)),
//! cut off at 0 and 1. The paper lets the first and last go on beyond the edges; here a value beyond
//! all training rows is as the outermost of them. Invariant: every encoded value is in 0..=1.

use super::simd::{F32x16, Kernel, LANES, Simd, vectors};

/// How each feature is cut into bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Piecewise {
    /// Inputs that all features become.
    pub inputs: usize,
    /// Rising edges of each feature; a single one for a feature that is constant.
    pub edges: Vec<Vec<f32>>,
    /// Of each input: the panel of its feature, and the place in it.
    sources: Vec<[Source; LANES]>,
    /// [inputs]: lower edges.
    low: Vec<F32x16>,
    /// [inputs]: one over the distance of both edges; 0 for what is always 0.
    factor: Vec<F32x16>,
}

/// Where the feature of an input stands in a matrix of features.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Source {
    panel: usize,
    place: usize,
}

/// Encodes a batch.
pub struct Encode<'a> {
    pub rows: usize,
    pub pieces: &'a Piecewise,
    /// [rows, features].
    pub from: &'a [F32x16],
    /// [rows, inputs].
    pub to: &'a mut [F32x16],
}

impl Piecewise {
    /// Edges at the quantiles of the first of the `entries` of each training row in `x`, row-major: of as many
    /// features as there are `bins`, the most that each is cut into. Quantiles are interpolated as `numpy.quantile` does;
    /// equal ones, and bins too narrow to divide by, are one.
    pub fn fit(x: &[f32], entries: usize, bins: &[usize]) -> Piecewise {
        let mut column = Vec::with_capacity(x.len() / entries);
        let edges = bins.iter().enumerate().map(|(feature, bins)| {
            column.clear();
            column.extend(x.iter().skip(feature).step_by(entries).copied());
            column.sort_unstable_by(f32::total_cmp);
            let mut edges: Vec<f32> = Vec::with_capacity(*bins + 1);
            for edge in 0..=*bins {
                let value = quantile(&column, edge, *bins);
                let apart = |last: &f32| (1.0 / (value - last)).is_finite() && value > *last;
                if edges.last().is_none_or(apart) {
                    edges.push(value);
                }
            }
            edges
        });
        Piecewise::new(edges.collect())
    }

    /// The encoding with these edges, at least one a feature, rising.
    pub fn new(edges: Vec<Vec<f32>>) -> Piecewise {
        let widths = edges.iter().map(|edges| (edges.len() - 1).max(1));
        let inputs = widths.sum();
        let mut pieces = Piecewise {
            inputs,
            sources: vec![[Source::default(); LANES]; vectors(inputs)],
            low: vec![F32x16::ZERO; vectors(inputs)],
            factor: vec![F32x16::ZERO; vectors(inputs)],
            edges,
        };
        let mut input = 0;
        for (feature, edges) in pieces.edges.iter().enumerate() {
            for bin in 0..(edges.len() - 1).max(1) {
                let (panel, place) = (input / LANES, input % LANES);
                pieces.sources[panel][place] = Source {
                    panel: feature / LANES,
                    place: feature % LANES,
                };
                pieces.low[panel].0[place] = edges[bin];
                if let Some(high) = edges.get(bin + 1) {
                    pieces.factor[panel].0[place] = 1.0 / (high - edges[bin]);
                }
                input += 1;
            }
        }
        pieces
    }
}

/// The quantile `part` / `parts` of `sorted`, which has at least one number.
fn quantile(sorted: &[f32], part: usize, parts: usize) -> f32 {
    let place = (sorted.len() - 1) as f64 * part as f64 / parts as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    let (a, b) = (f64::from(sorted[low]), f64::from(sorted[high]));
    (a + (b - a) * share) as f32
}

impl Kernel for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (zero, one) = (simd.zero(), simd.splat(1.0));
        let rows = self.rows;
        for (panel, to) in self.to.chunks_exact_mut(rows).enumerate() {
            let sources = &self.pieces.sources[panel];
            let low = simd.load(&self.pieces.low[panel]);
            let factor = simd.load(&self.pieces.factor[panel]);
            for (row, to) in to.iter_mut().enumerate() {
                let mut line = F32x16::ZERO;
                for (value, source) in line.0.iter_mut().zip(sources) {
                    *value = self.from[source.panel * rows + row].0[source.place];
                }
                let share = simd.mul(simd.sub(simd.load(&line), low), factor);
                let share = simd.if_less(share, zero, zero, share);
                simd.store(simd.if_less(one, share, one, share), to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::matrix::Gather;
    use super::super::simd::Isa;
    use super::*;

    #[test]
    fn edges_are_the_quantiles_of_numpy() {
        // numpy.unique(numpy.quantile(column, numpy.linspace(0, 1, 5)))
        let x = [
            1.0, 0.0, 5.0, 2.0, 0.0, 5.0, 4.0, 1.0, 5.0, 8.0, 1.0, 5.0, 16.0, 1.0, 5.0, 32.0, 0.0,
            5.0,
        ];
        let pieces = Piecewise::fit(&x, 3, &[4; 3]);
        assert_eq!(
            pieces.edges,
            [
                vec![1.0, 2.5, 6.0, 14.0, 32.0],
                vec![0.0, 0.5, 1.0],
                vec![5.0]
            ]
        );
        assert_eq!(pieces.inputs, 4 + 2 + 1);
        let pieces = Piecewise::fit(&x, 3, &[1, 4, 4]);
        assert_eq!(pieces.edges[0], [1.0, 32.0]);
    }

    #[test]
    fn values_fill_one_bin_after_the_other() {
        let edges = vec![
            vec![0.0, 1.0, 3.0],
            vec![5.0],
            (0..20).map(|e| e as f32).collect(),
        ];
        let pieces = Piecewise::new(edges);
        let x = [
            -1.0, 5.0, 2.5, 0.25, 4.0, 19.0, 2.0, 6.0, 100.0, 9.0, 5.0, -3.0,
        ];
        let wanted: Vec<Vec<f32>> = x
            .chunks(3)
            .map(|row| {
                let share =
                    |x: f32, low: f32, high: f32| ((x - low) / (high - low)).clamp(0.0, 1.0);
                let mut inputs = vec![share(row[0], 0.0, 1.0), share(row[0], 1.0, 3.0), 0.0];
                inputs.extend((0..19).map(|e| share(row[2], e as f32, (e + 1) as f32)));
                inputs
            })
            .collect();
        for isa in Isa::all() {
            let (mut from, mut to) = ([F32x16::ZERO; 4], [F32x16([f32::NAN; LANES]); 8]);
            isa.run(Gather {
                features: 3,
                from: &x,
                batch: &[0, 1, 2, 3],
                to: &mut from,
            });
            isa.run(Encode {
                rows: 4,
                pieces: &pieces,
                from: &from,
                to: &mut to,
            });
            for (row, wanted) in wanted.iter().enumerate() {
                for place in 0..2 * LANES {
                    let given = to[place / LANES * 4 + row].0[place % LANES];
                    assert_eq!(given, wanted.get(place).copied().unwrap_or(0.0), "{isa:?}");
                }
            }
        }
    }
}
