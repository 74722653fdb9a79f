//! Small pictures as SVG: icons, bars, lines. Pages hold no styles of their own, so widths are attributes.

use std::fmt::Write;

use askama::filters::Safe;

use super::assets;

pub mod chart;
pub mod film;

/// One of `static/icons.svg`; it says nothing to those who do not see it.
pub fn icon(name: &str) -> Safe<String> {
    Safe(format!(
        "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}#{name}\"/></svg>",
        assets::path("icons.svg")
    ))
}

/// The mark: four frames, one of them lit.
pub fn mark() -> Safe<&'static str> {
    Safe(
        "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\">\
         <rect class=\"mark-dim\" x=\"1\" y=\"1\" width=\"10\" height=\"10\" rx=\"2.5\"/>\
         <rect class=\"mark-dim\" x=\"13\" y=\"1\" width=\"10\" height=\"10\" rx=\"2.5\"/>\
         <rect class=\"mark-dim\" x=\"1\" y=\"13\" width=\"10\" height=\"10\" rx=\"2.5\"/>\
         <rect class=\"mark-lit\" x=\"13\" y=\"13\" width=\"10\" height=\"10\" rx=\"2.5\"/></svg>",
    )
}

/// A part of a bar: a class of the stylesheet, and how much of the whole.
pub type Share = (&'static str, f64);

/// A bar of parts, from the left; `label` says the same in words.
pub fn bar(shares: &[Share], label: &str) -> Safe<String> {
    let mut svg = String::from("<svg class=\"bar\" role=\"img\" aria-label=\"");
    push_escaped(&mut svg, label);
    svg.push_str("\" preserveAspectRatio=\"none\">");
    let mut at = 0.0;
    for (class, share) in shares {
        let width = (share * 100.0).clamp(0.0, 100.0 - at);
        if width > 0.0 {
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{at:.2}%\" width=\"{width:.2}%\" height=\"100%\"/>"
            );
        }
        at += width;
    }
    svg.push_str("</svg>");
    Safe(svg)
}

/// A bar of one part: 0 to 1.
pub fn progress(fraction: f64, label: &str) -> Safe<String> {
    bar(&[("active", fraction)], label)
}

/// Text as a part of an attribute or an element.
pub fn push_escaped(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_the_whole_and_its_words_are_text() {
        let svg = bar(&[("done", 0.75), ("failed", 0.5)], "<b>\"half\"</b>").0;
        assert!(svg.contains("width=\"75.00%\"") && svg.contains("width=\"25.00%\""));
        assert!(svg.contains("&lt;b&gt;&quot;half&quot;"), "{svg}");
    }
}
