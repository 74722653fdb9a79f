//! Which version of the rules holds at a moment, and from when a new one may. Pure.

/// A version of a campaign's rules, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// 1 and up.
    pub number: i64,
    pub effective_us: i64,
    /// BLAKE3 of the document.
    pub hash: String,
}

/// Why rules cannot change at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooEarly {
    #[error("rules cannot change in the past: what happened is judged by the rules of its time")]
    InThePast,
    #[error("version {number}, which is announced already, takes effect later than that")]
    BeforeLatest { number: i64, effective_us: i64 },
}

/// The version that holds at a moment: the last one that has taken effect.
pub fn rules_at(versions: &[Version], at_us: i64) -> Option<&Version> {
    versions
        .iter()
        .filter(|version| version.effective_us <= at_us)
        .max_by_key(|version| (version.effective_us, version.number))
}

/// From when a new version holds: as asked, or as soon as it can. One that takes effect together with an
/// earlier one takes its place.
pub fn effect_of(
    versions: &[Version],
    asked_us: Option<i64>,
    now_us: i64,
) -> Result<i64, TooEarly> {
    let latest = latest(versions);
    let earliest_us = latest.map_or(now_us, |latest| latest.effective_us.max(now_us));
    let effective_us = asked_us.unwrap_or(earliest_us);
    match latest {
        _ if effective_us < now_us => Err(TooEarly::InThePast),
        Some(latest) if effective_us < latest.effective_us => Err(TooEarly::BeforeLatest {
            number: latest.number,
            effective_us: latest.effective_us,
        }),
        Some(_) | None => Ok(effective_us),
    }
}

/// The last one that was made.
pub fn latest(versions: &[Version]) -> Option<&Version> {
    versions.iter().max_by_key(|version| version.number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_version_holds_from_its_effect_until_the_next_ones() {
        let versions = [version(1, 10), version(2, 20), version(3, 20)];
        let numbers = [9, 10, 19, 20, 99].map(|at| rules_at(&versions, at).map(|of| of.number));
        assert_eq!(numbers, [None, Some(1), Some(1), Some(3), Some(3)]);
    }

    #[test]
    fn a_change_takes_effect_when_asked_but_neither_in_the_past_nor_before_what_is_announced() {
        let versions = [version(1, 10), version(2, 40)];
        assert_eq!(effect_of(&versions[..1], None, 30), Ok(30));
        assert_eq!(effect_of(&versions[..1], Some(30), 30), Ok(30));
        assert_eq!(
            effect_of(&versions[..1], Some(29), 30),
            Err(TooEarly::InThePast)
        );
        let announced = TooEarly::BeforeLatest {
            number: 2,
            effective_us: 40,
        };
        assert_eq!(effect_of(&versions, Some(39), 30), Err(announced));
        assert_eq!(effect_of(&versions, Some(40), 30), Ok(40));
        assert_eq!(effect_of(&versions, None, 30), Ok(40));
    }

    proptest! {
        /// A campaign's rules change again and again, while time goes on.
        #[test]
        fn no_change_alters_the_rules_of_a_moment_before_its_effect(
            steps in prop::collection::vec((0..20_i64, prop::option::of(-10..40_i64)), 1..12),
        ) {
            let mut versions: Vec<Version> = Vec::new();
            let mut now = 0;
            for (passes, asked) in steps {
                now += passes;
                let Ok(effect) = effect_of(&versions, asked.map(|asked| now + asked), now) else {
                    continue;
                };
                prop_assert!(effect >= now);
                let before = versions.clone();
                versions.push(version(1 + before.len() as i64, effect));
                for at in -5..effect {
                    prop_assert_eq!(rules_at(&versions, at), rules_at(&before, at));
                }
                prop_assert_eq!(rules_at(&versions, effect), versions.last());
            }
        }
    }

    fn version(number: i64, effective_us: i64) -> Version {
        Version {
            number,
            effective_us,
            hash: format!("hash of {number}"),
        }
    }
}
