//! What Blender's status lines say, in the words of all versions from 2.8 to 5.0. Pure.

use serde::Deserialize;

/// How far a frame is. Everything but `id` is what Blender happened to say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "StatusLine")]
pub struct Progress {
    pub id: u64,
    /// 0 to 1, within the view layer that renders now.
    pub fraction: Option<f32>,
    pub samples_done: Option<u32>,
    pub samples: Option<u32>,
    /// Blender's own guess of the time left.
    pub remaining_ms: Option<u64>,
    /// Memory that the engine counts, less than what the process uses.
    pub engine_memory_bytes: Option<u64>,
    /// The step it is at: `Synchronizing object`, `Updating Scene BVH`, `Sample 3/16` …
    pub step: String,
}

#[derive(Deserialize)]
struct StatusLine {
    id: u64,
    text: String,
}

impl From<StatusLine> for Progress {
    fn from(line: StatusLine) -> Self {
        let mut progress = read(&line.text);
        progress.id = line.id;
        progress
    }
}

/// Reads one status line, with or without what 4.x puts before it (`Fra:12 Mem:… | Time:…`).
fn read(text: &str) -> Progress {
    let parts: Vec<&str> = text.split(" | ").map(str::trim).collect();
    let find = |mark: &str| parts.iter().find_map(|part| after(part, mark));
    let (samples_done, samples) = samples(&parts).unzip();
    let tiles = find("Rendered").and_then(pair);
    Progress {
        id: 0,
        fraction: fraction(samples_done.zip(samples), tiles),
        samples_done,
        samples,
        remaining_ms: find("Remaining:").and_then(time_ms),
        engine_memory_bytes: parts
            .iter()
            .rev()
            .find_map(|part| memory_bytes(part.strip_prefix("Mem:")?.trim_start())),
        step: parts.last().copied().unwrap_or_default().to_owned(),
    }
}

/// `Sample 3/16` of Cycles, `Rendering 3 / 64 samples` of EEVEE.
fn samples(parts: &[&str]) -> Option<(u32, u32)> {
    let cycles = || parts.iter().find_map(|part| pair(after(part, "Sample ")?));
    let eevee = || {
        parts.iter().find_map(|part| {
            pair(
                part.strip_prefix("Rendering ")?
                    .trim_end()
                    .strip_suffix("samples")?,
            )
        })
    };
    cycles().or_else(eevee)
}

fn fraction(samples: Option<(u32, u32)>, tiles: Option<(u32, u32)>) -> Option<f32> {
    let share = |(done, all): (u32, u32)| (all > 0).then(|| done as f32 / all as f32);
    let within = samples.and_then(share);
    match tiles {
        None => within,
        Some((done, all)) if done >= all => share((done, all)),
        Some((done, all)) => {
            share((done, all)).map(|tiles| tiles + within.unwrap_or(0.0) / all as f32)
        }
    }
    .map(|fraction| fraction.clamp(0.0, 1.0))
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.find(mark).map(|at| &text[at + mark.len()..])
}

/// `3/16`, `3 / 16`, each with anything but a digit after it.
fn pair(text: &str) -> Option<(u32, u32)> {
    let (done, rest) = text.split_once('/')?;
    let rest = rest.trim_start();
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((done.trim().parse().ok()?, rest[..end].parse().ok()?))
}

/// `01:43.73` or `1:02:43.73`.
fn time_ms(text: &str) -> Option<u64> {
    let text = text.split_whitespace().next()?;
    let seconds = text.split(':').try_fold(0.0, |sum, part| {
        part.parse::<f64>().ok().map(|value| sum * 60.0 + value)
    })?;
    Some((seconds * 1000.0).round() as u64)
}

/// `10.50M (Peak 12.48M)`, `3M`, `1.5G`.
fn memory_bytes(text: &str) -> Option<u64> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let unit = match &text[end..=end] {
        "K" => 1024.0,
        "M" => 1024.0 * 1024.0,
        "G" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some((text[..end].parse::<f64>().ok()? * unit) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_tiles_and_times_of_all_versions_are_read() {
        let cases = [
            (
                "Fra:10 Mem:11.37M (Peak 12.48M) | Time:00:00.19 | Mem:2.07M, Peak:2.07M | Scene, ViewLayer | Sample 8/16",
                Some(0.5),
            ),
            (
                "Remaining: 01:43.73 | Mem: 1699M | Sample 32/128",
                Some(0.25),
            ),
            (
                "Scene, ViewLayer | Rendered 1/4 Tiles, Sample 8/16",
                Some(0.375),
            ),
            ("Scene | Path Tracing Tile 1/4, Sample 8/16", Some(0.5)),
            ("Rendered 4/4 Tiles", Some(1.0)),
            ("Rendering 16 / 64 samples", Some(0.25)),
            ("Mem: 3M | Synchronizing object | Sample the animals", None),
            ("", None),
        ];
        for (text, fraction) in cases {
            assert_eq!(read(text).fraction, fraction, "{text}");
        }
    }

    #[test]
    fn remaining_time_and_memory_are_read() {
        let progress = read("Fra: 1 | Remaining: 1:01:43.73 | Mem: 1699M | Sample 1/128");
        assert_eq!(progress.remaining_ms, Some(3_703_730));
        assert_eq!(progress.engine_memory_bytes, Some(1699 * 1024 * 1024));
        assert_eq!(progress.step, "Sample 1/128");
    }
}
