//! What a GPU of some name can do here, before anybody connects it. Pure.
//!
//! From a name follows the architecture, from that what CUDA calls its compute capability, and from that, by the
//! table that everybody gets (`protocol/gpus.rs`), which Blender renders on it. Sources: NVIDIA's list *CUDA GPU
//! Compute Capability*, Blender's manual *GPU Rendering*. What a slot is given follows from its probe render alone.

use pictor_protocol::blender::Series;
use pictor_protocol::gpus::{Backend, ComputeCapability, SupportedGpus};

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    Nvidia {
        architecture: &'static str,
        capability: ComputeCapability,
    },
    Amd {
        architecture: &'static str,
        /// Cycles' HIP works on it.
        has_hip: bool,
    },
    /// Of a maker whose GPUs nothing here renders with.
    Other { maker: &'static str },
}

/// Whether it can render here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub fit: Fit,
    /// What Blenders would render with on it.
    pub renders: Vec<(Series, Backend)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// At least what is suggested.
    Good,
    Enough,
    /// Blender might use it; this network asks for more.
    TooOld,
    /// The installers know NVIDIA only.
    ByHand,
    No,
}

pub fn verdict(known: &Known, table: &SupportedGpus) -> Verdict {
    let renders = |can: &dyn Fn(&pictor_protocol::gpus::Support) -> bool| {
        let able = table.blenders.iter().filter(|support| can(support));
        able.map(|support| (support.blender, support.backend))
            .collect()
    };
    match known {
        Known::Nvidia { capability, .. } => Verdict {
            fit: if *capability >= table.network.compute_capability_suggested {
                Fit::Good
            } else if *capability >= table.network.compute_capability_min {
                Fit::Enough
            } else {
                Fit::TooOld
            },
            renders: renders(&|support| {
                support
                    .compute_capability_min
                    .is_some_and(|min| min <= *capability)
            }),
        },
        Known::Amd { has_hip, .. } => Verdict {
            fit: if *has_hip { Fit::ByHand } else { Fit::No },
            renders: renders(&|support| *has_hip && support.backend == Backend::Hip),
        },
        Known::Other { .. } => Verdict {
            fit: Fit::No,
            renders: Vec::new(),
        },
    }
}

/// What is known of a GPU's name as people write it, such as `rtx 3060 ti` or `NVIDIA GeForce GTX 1080`.
pub fn find(name: &str) -> Option<Known> {
    let name = name.to_lowercase();
    let words: Vec<&str> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let has = |word: &str| words.contains(&word);
    if has("arc") || has("iris") || has("intel") || has("uhd") {
        return Some(Known::Other { maker: "Intel" });
    }
    if has("apple") || has("m1") || has("m2") || has("m3") {
        return Some(Known::Other { maker: "Apple" });
    }
    amd(&words).or_else(|| nvidia(&words))
}

fn amd(words: &[&str]) -> Option<Known> {
    let has = |word: &str| words.contains(&word);
    let of = |architecture, has_hip| {
        Some(Known::Amd {
            architecture,
            has_hip,
        })
    };
    if has("vega") {
        return of("Vega", false);
    }
    // `rx6800` is one word to some.
    let is_radeon = has("radeon") || words.iter().any(|word| word.starts_with("rx"));
    if !is_radeon {
        return None;
    }
    let model = words
        .iter()
        .find_map(|word| digits(word.trim_start_matches("rx")))?;
    match model {
        400..=599 => of("Polaris", false),
        5_000..=5_999 => of("RDNA 1", true),
        6_000..=6_999 => of("RDNA 2", true),
        7_000..=7_999 => of("RDNA 3", true),
        9_000..=9_999 => of("RDNA 4", true),
        _ => None,
    }
}

/// The number at the beginning of a word.
fn digits(word: &str) -> Option<u32> {
    let end = word.find(|c: char| !c.is_ascii_digit());
    word[..end.unwrap_or(word.len())].parse().ok()
}

const fn nvidia_of(architecture: &'static str, major: u16, minor: u16) -> Known {
    Known::Nvidia {
        architecture,
        capability: ComputeCapability::new(major, minor),
    }
}

/// Names of cards for servers and workstations are words of their own.
const WORDS: &[(&[&str], Known)] = &[
    (&["b200", "gb200", "b300"], nvidia_of("Blackwell", 10, 0)),
    (&["blackwell"], nvidia_of("Blackwell", 12, 0)),
    (
        &["h100", "h200", "h800", "gh200", "h20"],
        nvidia_of("Hopper", 9, 0),
    ),
    (
        &["ada", "l4", "l40", "l40s", "l20"],
        nvidia_of("Ada Lovelace", 8, 9),
    ),
    (&["a100", "a30", "a800"], nvidia_of("Ampere", 8, 0)),
    (
        &[
            "a2", "a10", "a10g", "a16", "a40", "a400", "a1000", "a2000", "a3000", "a4000", "a4500",
            "a5000", "a5500", "a6000",
        ],
        nvidia_of("Ampere", 8, 6),
    ),
    (
        &[
            "t4", "t4g", "t400", "t500", "t600", "t1000", "t1200", "t2000",
        ],
        nvidia_of("Turing", 7, 5),
    ),
    (&["v100", "gv100"], nvidia_of("Volta", 7, 0)),
    (&["p100", "gp100"], nvidia_of("Pascal", 6, 0)),
    (
        &[
            "p4", "p40", "p400", "p600", "p1000", "p2000", "p2200", "p4000", "p5000", "p6000",
        ],
        nvidia_of("Pascal", 6, 1),
    ),
    (
        &["m4", "m40", "m60", "m2000", "m4000", "m5000", "m6000"],
        nvidia_of("Maxwell", 5, 2),
    ),
    (
        &["k80", "k40", "k20", "k4200", "k5200", "k6000"],
        nvidia_of("Kepler", 3, 5),
    ),
];

fn nvidia(words: &[&str]) -> Option<Known> {
    let has = |word: &str| words.contains(&word);
    if let Some((_, known)) = WORDS
        .iter()
        .find(|(names, _)| names.iter().any(|name| has(name)))
    {
        return Some(known.clone());
    }
    if has("titan") {
        let titan = if has("rtx") {
            nvidia_of("Turing", 7, 5)
        } else if has("v") {
            nvidia_of("Volta", 7, 0)
        } else if has("xp") {
            nvidia_of("Pascal", 6, 1)
        } else {
            nvidia_of("Maxwell", 5, 2)
        };
        return Some(titan);
    }
    let is_of = |family: &str| words.iter().any(|word| word.starts_with(family));
    // `rtx3060` is one word to some.
    let model = words.iter().find_map(|word| {
        let word = word
            .trim_start_matches("rtx")
            .trim_start_matches("gtx")
            .trim_start_matches("gt");
        digits(word).filter(|number| *number >= 100)
    })?;
    let is_rtx = is_of("rtx") || has("quadro");
    Some(match model {
        // Cards for workstations have round numbers.
        3_000 | 4_000 | 5_000 | 6_000 | 8_000 if is_rtx => nvidia_of("Turing", 7, 5),
        5_050..=5_099 => nvidia_of("Blackwell", 12, 0),
        4_050..=4_099 => nvidia_of("Ada Lovelace", 8, 9),
        3_050..=3_099 => nvidia_of("Ampere", 8, 6),
        2_050..=2_099 => nvidia_of("Turing", 7, 5),
        1_600..=1_699 => nvidia_of("Turing", 7, 5),
        1_000..=1_099 => nvidia_of("Pascal", 6, 1),
        900..=999 => nvidia_of("Maxwell", 5, 2),
        745 | 750 => nvidia_of("Maxwell", 5, 0),
        600..=799 => nvidia_of("Kepler", 3, 0),
        400..=599 => nvidia_of("Fermi", 2, 0),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use pictor_protocol::gpus;

    use super::*;

    fn fit(name: &str) -> Option<Fit> {
        find(name).map(|known| verdict(&known, &gpus::supported()).fit)
    }

    #[test]
    fn names_are_understood_as_people_write_them() {
        for (name, expected) in [
            ("NVIDIA GeForce RTX 4090", Fit::Good),
            ("rtx3060", Fit::Good),
            ("RTX 3060 Ti", Fit::Good),
            ("RTX A4000 Laptop GPU", Fit::Good),
            ("NVIDIA H200", Fit::Good),
            ("RTX 6000 Ada Generation", Fit::Good),
            ("GeForce RTX 5070 Ti", Fit::Good),
            ("GTX 1660 SUPER", Fit::Enough),
            ("Tesla T4", Fit::Enough),
            ("Quadro RTX 4000", Fit::Enough),
            ("GeForce GTX 1080", Fit::Enough),
            ("GTX 970", Fit::TooOld),
            ("GeForce GT 710", Fit::TooOld),
            ("Tesla P100", Fit::TooOld),
            ("AMD Radeon RX 7900 XTX", Fit::ByHand),
            ("RX 580", Fit::No),
            ("Intel Arc A770", Fit::No),
            ("Apple M2", Fit::No),
        ] {
            assert_eq!(fit(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for name in ["", "my GPU", "Voodoo 2", "12", "<b>", "€€€"] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn an_old_card_renders_with_the_blenders_that_still_know_it() {
        let known = find("GTX 780").unwrap();
        let renders = verdict(&known, &gpus::supported()).renders;
        assert!(renders.contains(&(Series::new(4, 5), Backend::Cuda)));
        assert!(
            !renders
                .iter()
                .any(|(blender, _)| *blender >= Series::new(5, 0))
        );
    }
}
