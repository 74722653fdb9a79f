//! The picture of the product: a job whose frames fill in. Colours and movement are the stylesheet's.

use std::fmt::Write;

use askama::filters::Safe;

const COLUMNS: usize = 8;
const FRAMES: usize = 40;
/// From this one on they come while one looks.
const LATE: usize = 16;
const WIDTH: usize = 48;
const HEIGHT: usize = 30;
const STEP_X: usize = WIDTH + 6;
const STEP_Y: usize = HEIGHT + 6;

/// A sun that rises and sets behind hills, and a cube that turns: forty frames of it.
pub fn film() -> Safe<String> {
    let width = COLUMNS * STEP_X - 6;
    let height = FRAMES.div_ceil(COLUMNS) * STEP_Y - 6;
    let mut svg = format!(
        "<svg class=\"film\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"An example: the frames of a job fill in, one after the other\"><defs>\
         <path id=\"film-hills\" d=\"M0 30V22C9 15 17 25 27 19S42 16 48 19V30Z\"/>\
         <clipPath id=\"film-edge\"><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"3\"/></clipPath></defs>"
    );
    for frame in 0..FRAMES {
        push_frame(&mut svg, frame);
    }
    svg.push_str("</svg>");
    Safe(svg)
}

fn push_frame(svg: &mut String, frame: usize) {
    let (x, y) = (frame % COLUMNS * STEP_X, frame / COLUMNS * STEP_Y);
    let time = frame as f64 / (FRAMES - 1) as f64;
    let sun_x = 5.0 + 38.0 * time;
    let sun_y = 25.0 - 19.0 * (std::f64::consts::PI * time).sin();
    let sky = (time * 6.99) as usize;
    let late = match frame.checked_sub(LATE) {
        Some(wait) => format!(" late wait-{wait}"),
        None => String::new(),
    };
    let _ = write!(
        svg,
        "<g transform=\"translate({x} {y})\"><rect class=\"film-empty\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"3\"/>\
         <g class=\"film-picture{late}\" clip-path=\"url(#film-edge)\">\
         <rect class=\"sky-{sky}\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\
         <circle class=\"film-sun\" cx=\"{sun_x:.1}\" cy=\"{sun_y:.1}\" r=\"4\"/>\
         <use class=\"film-hills\" href=\"#film-hills\"/>\
         <rect class=\"film-cube\" x=\"-5\" y=\"-5\" width=\"10\" height=\"10\" rx=\"1.2\" \
         transform=\"translate(24 19) rotate({:.0})\"/></g></g>",
        time * 180.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_forty_frames_some_of_which_come_late() {
        let svg = film().0;
        assert_eq!(svg.matches("film-empty").count(), FRAMES);
        assert_eq!(svg.matches(" late wait-").count(), FRAMES - LATE);
        assert!(!svg.contains("style="), "the policy forbids it");
    }
}
