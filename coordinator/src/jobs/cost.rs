//! What a job costs: prices, guesses, estimates, and how much has to lie ready for it. Pure.
//!
//! A frame costs what the reference machine would need for it, in minutes, times the price of a minute. Before
//! anything of a job was rendered that is a guess, so only its first frames have to be paid for in advance; with
//! every tenfold of frames that were measured the reserve follows what they took.

use pictor_protocol::job::RenderPlan;
use pictor_protocol::settings::Engine;
use pictor_protocol::{Micros, benchmark};

/// So many frames are a test: they have to be affordable at submit, and their mean is believed.
pub const TEST_FRAMES: u32 = 3;

/// Scenes of people take so many times as long a sample as the benchmark's; between a bare product shot (1) and
/// an interior with glass (20).
const SCENE_FACTOR: f64 = 4.0;
/// Samples of a pixel where neither the request nor the file's facts name them: as many as make a clean
/// picture with a denoiser.
const SAMPLES: u32 = 128;
/// EEVEE and Workbench of the reference machine, which has no GPU, for a million pixels.
const EEVEE_MS: f64 = 10_000.0;
const WORKBENCH_MS: f64 = 1_000.0;
/// What every frame takes beside its pixels: the scene's update, and writing the file.
const FRAME_MS: f64 = 500.0;

/// What a frame may take the reference machine, by what is known before anything was rendered. Milliseconds.
pub fn guess_ms(plan: &RenderPlan, samples: Option<u32>) -> i64 {
    let pixels = f64::from(plan.width) * f64::from(plan.height);
    let by_pixels = match plan.engine {
        Some(Engine::Eevee) => pixels / 1e6 * EEVEE_MS,
        Some(Engine::Workbench) => pixels / 1e6 * WORKBENCH_MS,
        Some(Engine::Cycles) | None => {
            let a_sample_ms =
                benchmark::REFERENCE_MS / (256.0 * 144.0 * f64::from(benchmark::SAMPLES));
            pixels * f64::from(samples.unwrap_or(SAMPLES)) * a_sample_ms * SCENE_FACTOR
        }
    };
    (FRAME_MS + by_pixels) as i64
}

/// What rendering costs that takes the reference machine so long.
pub fn price_of(price_per_minute: Micros, reference_ms: i64) -> Micros {
    // Nobody is charged what no number can hold.
    let price = price_per_minute.checked_ratio(reference_ms.max(0), 60_000);
    price.unwrap_or(Micros::ZERO)
}

/// Where a job stands with its costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// For a minute of the reference machine.
    pub price: Micros,
    pub guess_ms: i64,
    /// Frames whose time on the reference machine is known, and that time.
    pub measured: u32,
    pub measured_ms: i64,
    /// Frames that are still to be rendered, those that render now among them.
    pub open: u32,
    pub charged: Micros,
    pub cap: Option<Micros>,
    /// What lies ready.
    pub reserved: Micros,
}

/// What a job should cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub frame_ms: i64,
    /// By frames of this job, not by a guess.
    pub is_measured: bool,
    pub a_frame: Micros,
    /// Of the open frames together.
    pub rest: Micros,
}

/// What has to happen to a job's reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjust {
    Enough,
    TopUp(Micros),
    GiveBack(Micros),
}

/// Why nothing more of a job can be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Short {
    #[error("its spend cap is reached: raise the cap and resume it")]
    Cap,
    #[error("its creator's credits are used up: earn some and resume it")]
    Credits,
}

impl Standing {
    pub fn estimate(&self) -> Estimate {
        let is_measured = self.measured > 0;
        let frame_ms = match self.measured {
            0 => self.guess_ms,
            frames => self.measured_ms / i64::from(frames),
        };
        let a_frame = price_of(self.price, frame_ms);
        let rest = a_frame.checked_mul(i64::from(self.open));
        Estimate {
            frame_ms,
            is_measured,
            a_frame,
            rest: rest.unwrap_or(Micros::new(i64::MAX)),
        }
    }

    /// What the cap allows to lie ready.
    fn allowed(&self) -> Micros {
        let left = self.cap.and_then(|cap| cap.checked_sub(self.charged));
        match (self.cap, left) {
            (None, _) => Micros::new(i64::MAX),
            (Some(_), left) => left.unwrap_or(Micros::ZERO).max(Micros::ZERO),
        }
    }

    /// What should lie ready: the estimate of the rest, as far as the cap allows it.
    pub fn wanted(&self) -> Micros {
        self.estimate().rest.min(self.allowed())
    }

    /// What has to lie ready before anything is rendered: the test frames, or all if there are fewer.
    pub fn least(&self) -> Micros {
        let frames = i64::from(self.open.min(TEST_FRAMES));
        let least = self.estimate().a_frame.checked_mul(frames);
        least.unwrap_or(Micros::ZERO).min(self.allowed())
    }

    /// How the reserve follows the estimate, by what its creator has available. It is left alone while it fits
    /// roughly: every change is an entry in the books.
    pub fn adjust(&self, available: Micros) -> Adjust {
        let (reserved, wanted) = (self.reserved.get(), self.wanted().get());
        let is_milestone = matches!(self.measured, 1 | 3 | 10 | 30 | 100 | 300 | 1_000 | 10_000);
        let is_low = reserved < self.least().get();
        let more = (wanted - reserved).min(available.get());
        if (is_milestone || is_low) && more > 0 {
            return Adjust::TopUp(Micros::new(more));
        }
        let surplus = reserved - wanted;
        if is_milestone && surplus > 0 && self.measured >= TEST_FRAMES {
            return Adjust::GiveBack(Micros::new(surplus));
        }
        Adjust::Enough
    }

    /// What has to be added to pay a frame of that price, as far as cap and credits allow it.
    pub fn more_for(&self, price: Micros, available: Micros) -> Micros {
        let lacking = price.min(self.allowed()).get() - self.reserved.get();
        Micros::new(lacking.min(available.get()).max(0))
    }

    /// Whether another frame can be paid from what lies ready.
    pub fn shortage(&self) -> Option<Short> {
        let a_frame = self.estimate().a_frame;
        if self.open == 0 || self.reserved >= a_frame {
            return None;
        }
        Some(if self.allowed() < a_frame {
            Short::Cap
        } else {
            Short::Credits
        })
    }
}

#[cfg(test)]
mod tests {
    use pictor_protocol::settings::Format;
    use proptest::prelude::*;

    use super::*;

    fn plan(engine: Option<Engine>, width: u32, height: u32) -> RenderPlan {
        RenderPlan {
            scene: "Scene".into(),
            engine,
            format: Format::Png,
            width,
            height,
        }
    }

    const FRESH: Standing = Standing {
        price: Micros::new(1_000_000),
        guess_ms: 60_000,
        measured: 0,
        measured_ms: 0,
        open: 10,
        charged: Micros::ZERO,
        cap: None,
        reserved: Micros::ZERO,
    };

    #[test]
    fn a_reference_minute_costs_its_price() {
        let price = Micros::new(1_500_000);
        assert_eq!(price_of(price, 60_000), price);
        assert_eq!(price_of(price, 1), Micros::new(25));
        assert_eq!(price_of(price, -5), Micros::ZERO);
    }

    #[test]
    fn more_pixels_and_samples_are_guessed_to_take_longer() {
        let cycles = |samples| guess_ms(&plan(Some(Engine::Cycles), 1920, 1080), Some(samples));
        assert!(cycles(64) < cycles(128));
        assert_eq!(cycles(128), guess_ms(&plan(None, 1920, 1080), None));
        let eevee = |width| guess_ms(&plan(Some(Engine::Eevee), width, 1080), None);
        assert!(eevee(640) < eevee(1920) && eevee(1920) < cycles(128));
    }

    #[test]
    fn measured_frames_take_the_place_of_the_guess() {
        let measured = Standing {
            measured: 4,
            measured_ms: 8_000,
            ..FRESH
        };
        assert_eq!(FRESH.estimate().rest, Micros::new(10_000_000));
        assert_eq!(measured.estimate().frame_ms, 2_000);
        assert_eq!(measured.estimate().rest, Micros::new(333_330));
    }

    #[test]
    fn only_the_test_frames_have_to_be_affordable() {
        assert_eq!(FRESH.least(), Micros::new(3_000_000));
        assert_eq!(
            Standing { open: 2, ..FRESH }.least(),
            Micros::new(2_000_000)
        );
    }

    #[test]
    fn a_cap_bounds_what_lies_ready_and_says_so_when_it_is_reached() {
        let capped = Standing {
            cap: Some(Micros::new(4_500_000)),
            charged: Micros::new(4_000_000),
            ..FRESH
        };
        assert_eq!(capped.wanted(), Micros::new(500_000));
        assert_eq!(capped.shortage(), Some(Short::Cap));
        assert_eq!(FRESH.shortage(), Some(Short::Credits));
        assert_eq!(Standing { open: 0, ..FRESH }.shortage(), None);
    }

    proptest! {
        #[test]
        fn the_reserve_never_leaves_what_cap_and_credits_allow(
            measured in 0u32..400, measured_ms in 0i64..1_000_000, open in 0u32..1_000,
            charged in 0i64..10_000_000, cap in prop::option::of(0i64..20_000_000),
            reserved in 0i64..20_000_000, available in 0i64..20_000_000,
        ) {
            let standing = Standing {
                measured, measured_ms, open,
                charged: Micros::new(charged),
                cap: cap.map(Micros::new),
                reserved: Micros::new(reserved),
                ..FRESH
            };
            match standing.adjust(Micros::new(available)) {
                Adjust::Enough => {}
                Adjust::TopUp(more) => {
                    prop_assert!(more.get() > 0 && more.get() <= available);
                    if let Some(cap) = cap {
                        prop_assert!(charged + reserved + more.get() <= cap.max(charged));
                    }
                }
                Adjust::GiveBack(less) => {
                    prop_assert!(less.get() > 0 && less.get() <= reserved);
                    prop_assert_eq!(reserved - less.get(), standing.wanted().get());
                }
            }
        }
    }
}
