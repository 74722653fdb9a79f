//! What is kept of an answer, and whether it is one to its challenge. Pure.
//!
//! Calibrated with Blender on CPU: the middle of every patch showed its very colour, at 1 to 64 samples. What is
//! lit is compared by the mean light of tiles, in which noise drowns: two renders of one stage with other noise and 1
//! to 64 samples were 0.3 to 1.5 of 255 apart in the mean over all tiles; of sixty stages the two that were nearest to
//! each other 10.5, half of the pairs more than 27. Those of Blender 4.2 and 5.0 were 0.3 to 0.5 from those of 4.5.

use pictor_protocol::challenge::{Colour, HEIGHT, PATCH, Stage, WIDTH};

/// How far the middle of a patch may be from its colour: rounding, and what another build rounds otherwise.
const PATCH_TOLERANCE: u32 = 3;
/// Side of a tile, that of a patch: the tiles go on below the patches.
const TILE: usize = PATCH as usize;
const COLUMNS: usize = WIDTH as usize / TILE;
const ROWS: usize = HEIGHT as usize / TILE;
/// Rows of patches.
const PATCH_ROWS: usize = 2;
/// Red, green and blue of every tile below the patches.
pub const TILES: usize = COLUMNS * (ROWS - PATCH_ROWS) * 3;
/// Tiles that are this close to each other are of one colour.
const FLAT: u8 = 8;
/// How far apart two pictures of one stage may be, in 255ths: see above.
const ALIKE: u32 = 5;

/// The pixels of an answer, row by row.
pub type Pixels = [[u8; 3]];

/// Why a picture is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// The patches are not this challenge's.
    OtherStage,
    /// Below them everything is of one colour.
    Blank,
}

/// What is kept of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    /// Mean light of every tile, as a screen shows it.
    pub tiles: Vec<u8>,
    /// Hash of every pixel below the patches: no two renders have one.
    pub print: String,
}

/// Looks at an answer's picture, which has to be of the right size.
pub fn likeness(pixels: &Pixels, stage: &Stage) -> Result<Likeness, NoAnswer> {
    for (at, colour) in stage.patches.iter().enumerate() {
        let (row, column) = (at / COLUMNS, at % COLUMNS);
        if !shows(pixels, row, column, *colour) {
            return Err(NoAnswer::OtherStage);
        }
    }
    let tiles = tiles(pixels);
    let span = |channel: usize| {
        let values = || tiles.iter().skip(channel).step_by(3).copied();
        values().max().unwrap_or(0) - values().min().unwrap_or(0)
    };
    if (0..3).all(|channel| span(channel) <= FLAT) {
        return Err(NoAnswer::Blank);
    }
    let lit = &pixels[PATCH_ROWS * TILE * WIDTH as usize..];
    let print = blake3::hash(lit.as_flattened()).to_hex().to_string();
    Ok(Likeness { tiles, print })
}

/// The middle half of a patch; at its edges the camera's filter blends it with what is beside.
fn shows(pixels: &Pixels, row: usize, column: usize, Colour(wanted): Colour) -> bool {
    let middle = TILE / 4..TILE * 3 / 4;
    let mut sums = [0_u32; 3];
    for y in middle.clone() {
        for x in middle.clone() {
            let pixel = pixels[(row * TILE + y) * WIDTH as usize + column * TILE + x];
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u32::from(value);
            }
        }
    }
    let count = (middle.len() * middle.len()) as u32;
    sums.iter()
        .zip(wanted)
        .all(|(sum, wanted)| (sum / count).abs_diff(wanted.into()) <= PATCH_TOLERANCE)
}

fn tiles(pixels: &Pixels) -> Vec<u8> {
    let light: Vec<f64> = (0..=u8::MAX).map(to_light).collect();
    let mut tiles = Vec::with_capacity(TILES);
    for row in PATCH_ROWS..ROWS {
        for column in 0..COLUMNS {
            let mut sums = [0.0; 3];
            for y in row * TILE..(row + 1) * TILE {
                let from = y * WIDTH as usize + column * TILE;
                for pixel in &pixels[from..from + TILE] {
                    for (sum, value) in sums.iter_mut().zip(pixel) {
                        *sum += light[usize::from(*value)];
                    }
                }
            }
            tiles.extend(sums.map(|sum| to_screen(sum / (TILE * TILE) as f64)));
        }
    }
    tiles
}

/// Whether two answers show one stage.
pub fn are_alike(one: &[u8], other: &[u8]) -> bool {
    distance(one, other) <= ALIKE * TILES as u32
}

/// How far two pictures are apart: over all tiles together.
pub fn distance(one: &[u8], other: &[u8]) -> u32 {
    if one.len() != other.len() {
        return u32::MAX;
    }
    let differences = one
        .iter()
        .zip(other)
        .map(|(a, b)| u32::from(a.abs_diff(*b)));
    differences.sum()
}

/// IEC 61966-2-1.
fn to_light(screen: u8) -> f64 {
    let share = f64::from(screen) / 255.0;
    if share <= 0.040_45 {
        share / 12.92
    } else {
        ((share + 0.055) / 1.055).powf(2.4)
    }
}

fn to_screen(light: f64) -> u8 {
    let share = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (share * 255.0 + 0.5) as u8
}

#[cfg(test)]
pub mod tests {
    use pictor_protocol::ChallengeId;
    use uuid::Uuid;

    use super::super::dice::Dice;
    use super::super::stage::stage;
    use super::*;

    /// What a renderer without much talent makes of a stage: its patches, and below them waves of the stage's colours
    /// with some noise.
    pub fn painted(stage: &Stage, noise: u8) -> Vec<[u8; 3]> {
        let mut dice = Dice::new(&stage.noise.to_string(), "paint");
        let mut pixels = vec![[0; 3]; (WIDTH * HEIGHT) as usize];
        for (at, pixel) in pixels.iter_mut().enumerate() {
            let (x, y) = (at % WIDTH as usize, at / WIDTH as usize);
            if y < PATCH_ROWS * TILE {
                *pixel = stage.patches[y / TILE * COLUMNS + x / TILE].0;
                continue;
            }
            let things = [stage.monkey, stage.ball, stage.drop, stage.lamp];
            let Colour(colour) = things[x * 4 / WIDTH as usize].colour;
            let Colour(sky) = stage.sky;
            for channel in 0..3 {
                let mixed = (usize::from(colour[channel]) * y
                    + usize::from(sky[channel]) * (HEIGHT as usize - y))
                    / HEIGHT as usize;
                let noise = dice.between(-i32::from(noise), noise.into());
                pixel[channel] = (mixed as i32 + noise).clamp(0, 255) as u8;
            }
        }
        pixels
    }

    fn challenge(number: u128) -> ChallengeId {
        ChallengeId::new(Uuid::from_u128(number))
    }

    #[test]
    fn pictures_of_one_stage_are_alike_in_spite_of_noise_and_of_two_stages_are_not() {
        let look = |seed, number, noise| {
            let stage = stage(seed, challenge(number));
            likeness(&painted(&stage, noise), &stage).unwrap()
        };
        let (one, other) = (look("a", 1, 10), look("a", 2, 40));
        assert_eq!(one.tiles.len(), TILES);
        assert!(are_alike(&one.tiles, &other.tiles));
        assert_ne!(one.print, other.print);
        assert!(!are_alike(&one.tiles, &look("b", 1, 10).tiles));
        assert!(!are_alike(&one.tiles, &[]), "what cannot be compared");
    }

    #[test]
    fn a_picture_of_another_challenge_or_of_nothing_is_no_answer() {
        let (mine, other) = (stage("a", challenge(1)), stage("a", challenge(2)));
        let answered = likeness(&painted(&other, 10), &mine);
        assert_eq!(answered, Err(NoAnswer::OtherStage));

        let mut one_wrong = painted(&mine, 10);
        let Colour(last) = mine.patches[PATCH_ROWS * COLUMNS - 1];
        for y in TILE..2 * TILE {
            for pixel in &mut one_wrong[y * 256 + 240..y * 256 + 256] {
                *pixel = last.map(|value| value.wrapping_add(60));
            }
        }
        let answered = likeness(&one_wrong, &mine);
        assert_eq!(answered, Err(NoAnswer::OtherStage));

        let mut blank = painted(&mine, 10);
        blank[2 * TILE * WIDTH as usize..].fill([80, 90, 100]);
        assert_eq!(likeness(&blank, &mine), Err(NoAnswer::Blank));
    }

    #[test]
    fn light_is_read_as_it_is_shown() {
        for value in 0..=u8::MAX {
            assert_eq!(to_screen(to_light(value)), value);
        }
    }
}
