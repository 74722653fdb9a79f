//! Numbers out of a seed: the same seed throws the same, and nobody without it can tell what comes. Pure.

/// A stream of numbers.
pub struct Dice(blake3::OutputReader);

impl Dice {
    /// Of a secret seed, for one purpose: the streams of two purposes have nothing to do with each other.
    pub fn new(seed: &str, purpose: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("pictor presence challenges 2026");
        for part in [seed, purpose] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize_xof())
    }

    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Less than `end`; 0 if that is 0. The bias is below 2⁻³² for every end that is used here.
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(end)) >> 64) as u64
    }

    /// From `least` to `most`, both included.
    pub fn between(&mut self, least: i32, most: i32) -> i32 {
        let span = (i64::from(most) - i64::from(least)).max(0) as u64 + 1;
        (i64::from(least) + self.below(span) as i64) as i32
    }

    /// True in `of` cases on average `happens` times.
    pub fn happens(&mut self, happens: u64, of: u64) -> bool {
        self.below(of) < happens
    }

    /// Brings a list into any order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = self.below(end as u64 + 1) as usize;
            list.swap(end, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_throws_the_same_for_the_same_purpose_and_else_another() {
        let first = |seed, purpose| Dice::new(seed, purpose).number();
        assert_eq!(first("a", "b"), first("a", "b"));
        assert_ne!(first("a", "b"), first("a", "c"));
        assert_ne!(first("a", "b"), first("ab", ""));
    }

    #[test]
    fn every_number_of_a_span_comes_up_about_as_often() {
        let mut dice = Dice::new("seed", "test");
        let mut counts = [0; 7];
        for _ in 0..7_000 {
            counts[(dice.between(-3, 3) + 3) as usize] += 1;
        }
        assert!(
            counts.iter().all(|count| (800..1_200).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn shuffling_loses_nothing_and_reaches_every_order() {
        let mut dice = Dice::new("seed", "test");
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut list = [1, 2, 3];
            dice.shuffle(&mut list);
            orders.insert(list);
            list.sort_unstable();
            assert_eq!(list, [1, 2, 3]);
        }
        assert_eq!(orders.len(), 6);
    }
}
