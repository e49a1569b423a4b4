//! The hash of keys in memory: folded 64×64→128 multiplication over 8-byte words (the
//! construction of wyhash and its family). Fixed, so that key groups are the same everywhere.

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd6e8_feb8_6659_fd93;

#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[inline(always)]
fn half(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")))
}

/// Hash of a key's bytes.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let n = bytes.len();
    let seed = K0 ^ n as u64;
    if n <= 16 {
        let (a, b) = if n >= 8 {
            (word(bytes, 0), word(bytes, n - 8))
        } else if n >= 4 {
            (half(bytes, 0), half(bytes, n - 4))
        } else if n > 0 {
            let mixed = u64::from(bytes[0]) << 16 | u64::from(bytes[n / 2]) << 8 | u64::from(bytes[n - 1]);
            (mixed, 0)
        } else {
            (0, 0)
        };
        return fold(fold(a ^ K1, b ^ seed) ^ K0, K1);
    }
    let mut state = seed;
    let mut at = 0;
    while at + 16 < n {
        state = fold(word(bytes, at) ^ K1, word(bytes, at + 8) ^ state);
        at += 16;
    }
    fold(fold(word(bytes, n - 16) ^ K1, word(bytes, n - 8) ^ state) ^ K0, K1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_spread_over_key_groups() {
        let mut groups = std::collections::BTreeSet::new();
        for i in 0..20_000u64 {
            groups.insert(hash_bytes(format!("key-{i}").as_bytes()) >> 54);
        }
        assert!(groups.len() > 1_000, "{} of 1,024 key groups used", groups.len());
    }

    #[test]
    fn every_length_and_byte_matters() {
        let base: Vec<u8> = (0..70).collect();
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..=base.len() {
            assert!(seen.insert(hash_bytes(&base[..n])));
            for at in 0..n {
                let mut other = base[..n].to_vec();
                other[at] ^= 0x80;
                assert!(seen.insert(hash_bytes(&other)), "length {n}, byte {at}");
            }
        }
    }
}
