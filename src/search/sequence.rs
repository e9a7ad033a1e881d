//! Sobol's sequence with the direction numbers of Joe and Kuo (2008, `new-joe-kuo-6.21201`), in Gray-code order,
//! scrambled by a random lower triangular matrix and a shift (Matoušek 1998). It has `MAX_DIMS` dimensions; those
//! beyond are random.

use crate::random::{Random, Use};

/// Dimensions with direction numbers.
pub(crate) const MAX_DIMS: usize = 40;
const BITS: usize = 32;

/// Degree and coefficients of the primitive polynomial and the initial direction numbers, from the second dimension
/// on; the first is van der Corput's sequence.
const DIRECTIONS: [(u32, u32, &[u32]); MAX_DIMS - 1] = [
    (1, 0, &[1]),
    (2, 1, &[1, 3]),
    (3, 1, &[1, 3, 1]),
    (3, 2, &[1, 1, 1]),
    (4, 1, &[1, 1, 3, 3]),
    (4, 4, &[1, 3, 5, 13]),
    (5, 2, &[1, 1, 5, 5, 17]),
    (5, 4, &[1, 1, 5, 5, 5]),
    (5, 7, &[1, 1, 7, 11, 19]),
    (5, 11, &[1, 1, 5, 1, 1]),
    (5, 13, &[1, 1, 1, 3, 11]),
    (5, 14, &[1, 3, 5, 5, 31]),
    (6, 1, &[1, 3, 3, 9, 7, 49]),
    (6, 13, &[1, 1, 1, 15, 21, 21]),
    (6, 16, &[1, 3, 1, 13, 27, 49]),
    (6, 19, &[1, 1, 1, 15, 7, 5]),
    (6, 22, &[1, 3, 1, 15, 13, 25]),
    (6, 25, &[1, 1, 5, 5, 19, 61]),
    (7, 1, &[1, 3, 7, 11, 23, 15, 103]),
    (7, 4, &[1, 3, 7, 13, 13, 15, 69]),
    (7, 7, &[1, 1, 3, 13, 7, 35, 63]),
    (7, 8, &[1, 3, 5, 9, 1, 25, 53]),
    (7, 14, &[1, 3, 1, 13, 9, 35, 107]),
    (7, 19, &[1, 3, 1, 5, 27, 61, 31]),
    (7, 21, &[1, 1, 5, 11, 19, 41, 61]),
    (7, 28, &[1, 3, 5, 3, 3, 13, 69]),
    (7, 31, &[1, 1, 7, 13, 1, 19, 1]),
    (7, 32, &[1, 3, 7, 5, 13, 19, 59]),
    (7, 37, &[1, 1, 3, 9, 25, 29, 41]),
    (7, 41, &[1, 3, 5, 13, 23, 1, 55]),
    (7, 42, &[1, 3, 7, 3, 13, 59, 17]),
    (7, 50, &[1, 3, 1, 3, 5, 53, 69]),
    (7, 55, &[1, 1, 5, 5, 23, 33, 13]),
    (7, 56, &[1, 1, 7, 7, 1, 61, 123]),
    (7, 59, &[1, 1, 7, 9, 13, 61, 49]),
    (7, 62, &[1, 3, 3, 5, 3, 55, 33]),
    (8, 14, &[1, 3, 1, 15, 31, 13, 49, 245]),
    (8, 21, &[1, 3, 5, 15, 31, 59, 63, 97]),
    (8, 22, &[1, 3, 1, 11, 11, 11, 77, 249]),
];

/// A sequence of points in the unit cube.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    directions: Vec<[u32; BITS]>,
    shifts: Vec<u32>,
    dims: usize,
    random: Option<Random>,
}

impl Sequence {
    #[cfg(test)]
    pub fn plain(dims: usize) -> Sequence {
        Sequence {
            directions: (0..dims.min(MAX_DIMS)).map(directions).collect(),
            shifts: vec![0; dims],
            dims,
            random: None,
        }
    }

    /// The sequence under the scrambling of a seed.
    pub fn scrambled(dims: usize, seed: u64) -> Sequence {
        let random = |dim: usize| Random::new(seed, Use::Scrambling, dim as u32);
        Sequence {
            directions: (0..dims.min(MAX_DIMS))
                .map(|dim| scramble(directions(dim), random(dim)))
                .collect(),
            shifts: (0..dims)
                .map(|dim| random(dim).bits(BITS as u32) as u32)
                .collect(),
            dims,
            random: Some(random(MAX_DIMS)),
        }
    }

    /// The point of an index.
    pub fn point(&self, index: u32) -> Vec<f64> {
        let gray = index ^ (index >> 1);
        (0..self.dims)
            .map(|dim| match self.directions.get(dim) {
                Some(directions) => {
                    let bits = (0..BITS).filter(|bit| gray >> bit & 1 == 1);
                    let word = bits.fold(self.shifts[dim], |word, bit| word ^ directions[bit]);
                    f64::from(word) / (1u64 << BITS) as f64
                }
                None => {
                    let place = index
                        .wrapping_mul(self.dims as u32)
                        .wrapping_add(dim as u32);
                    self.random.map_or(0.0, |random| random.uniform(place))
                }
            })
            .collect()
    }
}

/// Direction numbers of a dimension, by their recurrence; the first bit of the sequence is the highest of the word.
fn directions(dim: usize) -> [u32; BITS] {
    let mut out = [0u32; BITS];
    let Some(&(degree, coefficients, initial)) = dim.checked_sub(1).map(|dim| &DIRECTIONS[dim])
    else {
        return std::array::from_fn(|bit| 1 << (BITS - 1 - bit));
    };
    let degree = degree as usize;
    for bit in 0..BITS {
        out[bit] = if bit < degree {
            initial[bit] << (BITS - 1 - bit)
        } else {
            let first = out[bit - degree] ^ (out[bit - degree] >> degree);
            (1..degree)
                .filter(|k| coefficients >> (degree - 1 - k) & 1 == 1)
                .fold(first, |word, k| word ^ out[bit - k])
        };
    }
    out
}

/// Multiplies by a random lower triangular matrix of bits with ones on its diagonal.
fn scramble(directions: [u32; BITS], random: Random) -> [u32; BITS] {
    let rows: [u32; BITS] = std::array::from_fn(|row| {
        let diagonal = 1u32 << (BITS - 1 - row);
        let above = (!0u32).checked_shl(BITS as u32 - row as u32).unwrap_or(0);
        diagonal | (random.bits(row as u32) as u32 & above)
    });
    directions.map(|word| {
        (0..BITS).fold(0, |out, row| {
            out | ((rows[row] & word).count_ones() & 1) << (BITS - 1 - row)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_sequence_is_that_of_scipy() {
        // scipy 1.17.1: qmc.Sobol(5, scramble=False).random(8)[1:5], and point 777 of qmc.Sobol(64).
        let sequence = Sequence::plain(40);
        let known = [
            [0.5, 0.5, 0.5, 0.5, 0.5],
            [0.75, 0.25, 0.25, 0.25, 0.75],
            [0.25, 0.75, 0.75, 0.75, 0.25],
            [0.375, 0.375, 0.625, 0.875, 0.375],
        ];
        for (index, known) in known.iter().enumerate() {
            assert_eq!(sequence.point(index as u32 + 1)[..5], *known);
        }
        let point = sequence.point(777);
        let found = [0, 1, 2, 9, 20].map(|dim| point[dim]);
        assert_eq!(
            found,
            [
                0.692_382_812_5,
                0.936_523_437_5,
                0.163_085_937_5,
                0.323_242_187_5,
                0.237_304_687_5
            ]
        );
    }

    #[test]
    fn scrambled_points_have_one_in_each_interval_of_each_dimension() {
        let sequence = Sequence::scrambled(MAX_DIMS, 9);
        for dim in 0..MAX_DIMS {
            let mut hit = [false; 256];
            (0..256).for_each(|index| hit[(sequence.point(index)[dim] * 256.0) as usize] = true);
            assert!(hit.iter().all(|&hit| hit), "dimension {dim}");
        }
    }

    #[test]
    fn seeds_differ_and_dimensions_beyond_the_table_are_random_and_not_constant() {
        assert_ne!(
            Sequence::scrambled(3, 1).point(0),
            Sequence::scrambled(3, 2).point(0)
        );
        let wide = Sequence::scrambled(MAX_DIMS + 2, 1);
        assert_ne!(wide.point(4)[MAX_DIMS + 1], wide.point(5)[MAX_DIMS + 1]);
    }
}
