//! Terms hashed into buckets with signs, so that nothing has to be known beforehand.
//!
//! Invariant: bucket and sign of a term are those of scikit-learn's `HashingVectorizer`.

/// Sets `row` [buckets] to the signed counts of the terms that `each` names, brought to length 1;
/// zeros where there are none.
pub(super) fn encode(row: &mut [f64], each: impl FnOnce(&mut dyn FnMut(&str))) {
    row.fill(0.0);
    let buckets = row.len() as u32;
    each(&mut |term| {
        let hash = murmur3(term.as_bytes()) as i32;
        let sign = if hash < 0 { -1.0 } else { 1.0 };
        row[bucket(hash, buckets) as usize] += sign;
    });
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
}

/// `|hash|` modulo `buckets`, with scikit-learn's answer where `|hash|` does not fit 31 bits.
fn bucket(hash: i32, buckets: u32) -> u32 {
    match hash {
        i32::MIN => (i32::MAX as u32 - (buckets - 1)) % buckets,
        _ => hash.unsigned_abs() % buckets,
    }
}

/// MurmurHash3 (x86, 32 bits, seed 0) of Austin Appleby, in the public domain.
fn murmur3(bytes: &[u8]) -> u32 {
    let scramble = |word: u32| {
        word.wrapping_mul(0xcc9e_2d51)
            .rotate_left(15)
            .wrapping_mul(0x1b87_3593)
    };
    let mut hash = 0u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        hash ^= scramble(u32::from_le_bytes(*word));
        hash = hash
            .rotate_left(13)
            .wrapping_mul(5)
            .wrapping_add(0xe654_6b64);
    }
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    hash ^= scramble(u32::from_le_bytes(last));
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_scikit_learn() {
        // sklearn.utils.murmurhash3_32(text, seed=0, positive=True), scikit-learn 1.9.1
        for (text, hash) in [
            ("", 0),
            ("a", 1009084850),
            ("ab", 2613040991),
            ("abc", 3017643002),
            ("abcd", 1139631978),
            ("hello world", 1586663183),
            ("été", 865297935),
        ] {
            assert_eq!(murmur3(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn the_hash_that_has_no_absolute_value_has_a_bucket() {
        for buckets in [1, 2, 3, 7, 1000, 4096] {
            assert!(bucket(i32::MIN, buckets) < buckets);
        }
        assert_eq!(bucket(i32::MIN, 10), 8);
        assert_eq!(bucket(-13, 10), 3);
    }
}
