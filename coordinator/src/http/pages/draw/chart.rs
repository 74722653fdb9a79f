//! Charts as SVG, written by the server: lines over time, columns, a calendar. Their words are text of the page's
//! size, however wide the chart is: only what is plotted is stretched, in an SVG within the SVG.
//!
//! Whoever cannot see a chart is told its `label`, so that says what the chart shows; whoever points at a part of
//! it is told its exact values.

use std::fmt::Write;

use askama::filters::Safe;
use chrono::{DateTime, Datelike};

use super::push_escaped;

/// Height of what is plotted, and of the words under it, in pixels.
const PLOT: i64 = 150;
const WORDS: i64 = 22;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Values over time.
pub struct Line<'a> {
    pub name: &'a str,
    /// Unix milliseconds and values, the oldest first.
    pub points: &'a [(i64, f64)],
}

pub struct TimeChart<'a> {
    /// What it shows, in words.
    pub label: &'a str,
    pub from_ms: i64,
    pub to_ms: i64,
    /// The axis begins at 0 and goes up to this, or to where the highest value needs it.
    pub top: f64,
    /// Behind every number, such as ` %`.
    pub unit: &'a str,
    /// Points further apart than this are not joined: nothing is known in between.
    pub gap_ms: i64,
    pub lines: &'a [Line<'a>],
}

/// Lines over time, by the clock of UTC.
pub fn over_time(of: &TimeChart<'_>) -> Safe<String> {
    let highest = of.lines.iter().flat_map(|line| line.points);
    let top = top_of(highest.map(|point| point.1).fold(of.top, f64::max));
    let mut svg = begin(of.label);
    grid(&mut svg, top);
    let span = (of.to_ms - of.from_ms).max(1) as f64;
    let across = |ms: i64| (ms - of.from_ms) as f64 / span * 1_000.0;
    begin_plot(&mut svg, 1_000);
    for (at, line) in of.lines.iter().enumerate() {
        for run in line
            .points
            .chunk_by(|one, next| next.0 - one.0 <= of.gap_ms)
        {
            let down = |value: f64| 100.0 - (value / top).clamp(0.0, 1.0) * 100.0;
            let path: String = run
                .iter()
                .enumerate()
                .map(|(at, (ms, value))| {
                    let letter = if at == 0 { 'M' } else { 'L' };
                    format!("{letter}{:.1} {:.1}", across(*ms), down(*value))
                })
                .collect();
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            if of.lines.len() == 1 {
                let (left, right) = (across(first.0), across(last.0));
                let _ = write!(
                    svg,
                    "<path class=\"area\" d=\"{path}L{right:.1} 100L{left:.1} 100Z\"/>"
                );
            }
            // A run of one point is a dot: a line with round ends and no length.
            let dot = if run.len() == 1 { "h0" } else { "" };
            let class = line_class(at);
            let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}{dot}\"/>");
        }
    }
    spots(&mut svg, of, &across);
    svg.push_str("</svg>");
    scale(&mut svg, top, of.unit);
    for (ms, word) in moments(of.from_ms, of.to_ms) {
        let at = across(ms) / 10.0;
        // The words at the ends stay inside.
        if (3.0..=97.0).contains(&at) {
            word_below(&mut svg, at, &word);
        }
    }
    svg.push_str("</svg>");
    Safe(svg)
}

/// What is told of each moment to whoever points at it.
fn spots(svg: &mut String, of: &TimeChart<'_>, across: &impl Fn(i64) -> f64) {
    let mut moments: Vec<_> = of
        .lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.0))
        .collect();
    moments.sort_unstable();
    moments.dedup();
    for (at, ms) in moments.iter().enumerate() {
        let next = moments.get(at + 1).copied().unwrap_or(of.to_ms);
        let width = across(next.min(ms + of.gap_ms)) - across(*ms);
        let (left, width) = (across(*ms), width.max(1.0));
        let _ = write!(
            svg,
            "<rect class=\"spot\" x=\"{left:.1}\" width=\"{width:.1}\" height=\"100\"><title>{}",
            minute(*ms)
        );
        for line in of.lines {
            let Ok(found) = line.points.binary_search_by_key(ms, |point| point.0) else {
                continue;
            };
            svg.push('\n');
            push_escaped(svg, line.name);
            let _ = write!(svg, ": {}{}", number(line.points[found].1), of.unit);
        }
        svg.push_str("</title></rect>");
    }
}

/// Which line is which: of a chart with more than one.
pub fn legend<'a>(names: impl IntoIterator<Item = &'a str>) -> Safe<String> {
    let mut html = String::from("<ul class=\"legend\">");
    for (at, name) in names.into_iter().enumerate() {
        let class = line_class(at);
        let _ = write!(
            html,
            "<li><svg class=\"chart key\" width=\"22\" height=\"8\" aria-hidden=\"true\">\
             <path class=\"line {class}\" d=\"M1 4H21\"/></svg>"
        );
        push_escaped(&mut html, name);
        html.push_str("</li>");
    }
    html.push_str("</ul>");
    Safe(html)
}

const fn line_class(at: usize) -> &'static str {
    match at % 6 {
        0 => "first",
        1 => "second",
        2 => "third",
        3 => "fourth",
        4 => "fifth",
        _ => "sixth",
    }
}

/// One of several things that are compared.
pub struct Column {
    pub value: f64,
    /// Under it; empty where there is no room for all.
    pub word: String,
    /// What is told to whoever points at it.
    pub exactly: String,
}

/// Columns side by side.
pub fn columns(label: &str, unit: &str, of: &[Column]) -> Safe<String> {
    let top = top_of(of.iter().map(|column| column.value).fold(0.0, f64::max));
    let mut svg = begin(label);
    grid(&mut svg, top);
    begin_plot(&mut svg, of.len().max(1) as i64);
    for (at, column) in of.iter().enumerate() {
        let height = (column.value / top).clamp(0.0, 1.0) * 100.0;
        // The whole height can be pointed at: a low column is hard to hit.
        let _ = write!(
            svg,
            "<g class=\"pole\"><rect class=\"spot\" x=\"{at}\" width=\"1\" height=\"100\"/>\
             <rect class=\"column\" x=\"{at}.12\" width=\".76\" y=\"{:.2}\" height=\"{height:.2}\"/><title>",
            100.0 - height
        );
        push_escaped(&mut svg, &column.exactly);
        svg.push_str("</title></g>");
    }
    svg.push_str("</svg>");
    scale(&mut svg, top, unit);
    for (at, column) in of.iter().enumerate() {
        if !column.word.is_empty() {
            let middle = (at as f64 + 0.5) * 100.0 / of.len() as f64;
            word_below(&mut svg, middle, &column.word);
        }
    }
    svg.push_str("</svg>");
    Safe(svg)
}

/// One day of a calendar.
pub struct Day {
    /// Since 1970, in UTC.
    pub day: i64,
    /// How much of what is shown: 0 to 1.
    pub share: f64,
    /// What is told to whoever points at it.
    pub exactly: String,
}

/// Days as squares, a column for each week, which begins on Monday. The days follow each other without gaps.
pub fn calendar(label: &str, days: &[Day]) -> Safe<String> {
    const STEP: i64 = 14;
    const SIDE: i64 = 11;
    const LEFT: i64 = 30;
    const TOP: i64 = 18;
    // 1 January 1970 was a Thursday.
    let week = |day: i64| (day + 3).div_euclid(7);
    let first = days.first().map_or(0, |day| week(day.day));
    let weeks = days.last().map_or(1, |day| week(day.day) - first + 1);
    let (width, height) = (LEFT + weeks * STEP, TOP + 7 * STEP);
    let mut svg = format!(
        "<svg class=\"chart calendar\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\""
    );
    push_escaped(&mut svg, label);
    svg.push_str("\">");
    for (row, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri")] {
        let down = TOP + row * STEP + SIDE - 2;
        let _ = write!(svg, "<text x=\"0\" y=\"{down}\">{name}</text>");
    }
    let mut named = None;
    for day in days {
        let (column, row) = (week(day.day) - first, (day.day + 3).rem_euclid(7));
        let x = LEFT + column * STEP;
        let date = DateTime::from_timestamp_millis(day.day.saturating_mul(DAY_MS));
        // A month is named above its first whole week.
        if let Some(date) = date.filter(|date| row == 0 && date.day() <= 7)
            && named != Some(date.month())
        {
            named = Some(date.month());
            let _ = write!(svg, "<text x=\"{x}\" y=\"11\">{}</text>", date.format("%b"));
        }
        let level = match day.share {
            share if share <= 0.0 => 0,
            share if share < 0.34 => 1,
            share if share < 0.67 => 2,
            share if share < 0.95 => 3,
            _ => 4,
        };
        let y = TOP + row * STEP;
        let _ = write!(
            svg,
            "<rect class=\"level-{level}\" x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\" \
             rx=\"2.5\"><title>"
        );
        push_escaped(&mut svg, &day.exactly);
        svg.push_str("</title></rect>");
    }
    svg.push_str("</svg>");
    Safe(svg)
}

fn begin(label: &str) -> String {
    let height = PLOT + WORDS;
    let mut svg = format!(
        "<svg class=\"chart plot\" width=\"100%\" height=\"{height}\" role=\"img\" aria-label=\""
    );
    push_escaped(&mut svg, label);
    svg.push_str("\">");
    svg
}

/// What is plotted within has 100 units in height, from the top.
fn begin_plot(svg: &mut String, units_across: i64) {
    let _ = write!(
        svg,
        "<svg y=\"1\" width=\"100%\" height=\"{PLOT}\" viewBox=\"0 0 {units_across} 100\" \
         preserveAspectRatio=\"none\">"
    );
}

/// Where the lines at the top, half way, and at 0 are, and what they stand for.
fn levels(top: f64) -> [(i64, f64); 3] {
    [(1, top), (PLOT / 2 + 1, top / 2.0), (PLOT + 1, 0.0)]
}

fn grid(svg: &mut String, top: f64) {
    for (down, _) in levels(top) {
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"{down}\" y2=\"{down}\"/>"
        );
    }
}

/// The numbers of the lines, left of what is plotted: the stylesheet leaves room there, so nothing covers them.
fn scale(svg: &mut String, top: f64, unit: &str) {
    for (down, value) in levels(top) {
        let (down, number) = (down + 4, number(value));
        let _ = write!(svg, "<text class=\"scale\" x=\"-7\" y=\"{down}\">{number}");
        push_escaped(svg, unit);
        svg.push_str("</text>");
    }
}

fn word_below(svg: &mut String, percent: f64, word: &str) {
    let down = PLOT + WORDS - 5;
    let _ = write!(
        svg,
        "<text class=\"middle\" x=\"{percent:.2}%\" y=\"{down}\">"
    );
    push_escaped(svg, word);
    svg.push_str("</text>");
}

/// A number that halves well and is not below this one.
fn top_of(highest: f64) -> f64 {
    if !highest.is_finite() || highest <= 0.0 {
        return 1.0;
    }
    let unit = 10_f64.powf(highest.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    // A hair more, for what the division loses.
    let fits = |step: &f64| step * unit >= highest * (1.0 - 1e-9);
    steps.into_iter().find(fits).unwrap_or(10.0) * unit
}

/// As short as it is exact enough.
fn number(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

/// Whole hours or days between two moments, at most seven, and their words.
fn moments(from_ms: i64, to_ms: i64) -> Vec<(i64, String)> {
    const STEPS: [i64; 9] = [1, 2, 3, 6, 12, 24, 48, 168, 720];
    let steps = STEPS.map(|hours| hours * HOUR_MS);
    // A little more than a whole number of steps has no more words than the number.
    let few = |step: &i64| (to_ms - from_ms) as f64 / (*step as f64) < 7.5;
    let Some(step) = steps.into_iter().find(few) else {
        return Vec::new();
    };
    let format = if step < DAY_MS { "%H:%M" } else { "%-d %b" };
    let first = from_ms.div_euclid(step) + 1;
    (first..=to_ms.div_euclid(step))
        .filter_map(|at| {
            let date = DateTime::from_timestamp_millis(at * step)?;
            Some((at * step, date.format(format).to_string()))
        })
        .collect()
}

fn minute(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map(|date| date.format("%-d %b %H:%M UTC").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 22 November 2026, 00:00 UTC, a Sunday.
    const SUNDAY_MS: i64 = 20_779 * DAY_MS;

    #[test]
    fn what_is_unknown_is_a_gap_and_what_is_known_can_be_read() {
        let at = |hour: i64| SUNDAY_MS + hour * HOUR_MS;
        let points = [(at(1), 10.0), (at(2), 30.0), (at(8), 95.0)];
        let chart = TimeChart {
            label: "Utilisation <b>",
            from_ms: at(0),
            to_ms: at(24),
            top: 100.0,
            unit: " %",
            gap_ms: HOUR_MS,
            lines: &[Line {
                name: "GPU \"0\"",
                points: &points,
            }],
        };
        let svg = over_time(&chart).0;
        assert!(svg.contains("aria-label=\"Utilisation &lt;b&gt;\""));
        assert_eq!(svg.matches("class=\"line first\"").count(), 2, "{svg}");
        assert!(
            svg.contains("d=\"M41.7 90.0L83.3 70.0\""),
            "an hour is a 24th of the width: {svg}"
        );
        assert!(
            svg.contains("d=\"M333.3 5.0h0\""),
            "a point alone is a dot: {svg}"
        );
        assert!(
            svg.contains("<title>22 Nov 02:00 UTC\nGPU &quot;0&quot;: 30 %</title>"),
            "{svg}"
        );
        assert!(svg.contains(">12:00</text>"), "{svg}");
    }

    #[test]
    fn an_axis_ends_at_a_number_that_people_can_halve() {
        for (highest, top) in [
            (0.0, 1.0),
            (f64::NAN, 1.0),
            (0.7, 0.8),
            (1.0, 1.0),
            (7.2, 8.0),
            (100.0, 100.0),
            (101.0, 120.0),
            (2_345.0, 3_000.0),
        ] {
            assert!((top_of(highest) - top).abs() < 1e-9, "{highest}");
        }
    }

    #[test]
    fn a_column_is_as_high_as_its_value() {
        let column = |value: f64| Column {
            value,
            word: String::new(),
            exactly: format!("<{value}>"),
        };
        let svg = columns("Frames", "", &[column(50.0), column(100.0), column(0.0)]).0;
        assert!(svg.contains("y=\"50.00\" height=\"50.00\"/>"), "{svg}");
        assert!(svg.contains("<title>&lt;100&gt;</title>"), "{svg}");
        let nothing = columns("Frames", "", &[column(0.0)]).0;
        assert!(nothing.contains("height=\"0.00\""), "{nothing}");
    }

    #[test]
    fn a_calendar_has_a_column_for_each_week_from_monday_on() {
        let day = |day: i64, share: f64| Day {
            day: 20_779 + day,
            share,
            exactly: format!("day {day}"),
        };
        let svg = calendar("Uptime", &[day(0, 1.0), day(1, 0.5), day(2, 0.0)]).0;
        let square = |level: u8, x: i64, y: i64| {
            format!("<rect class=\"level-{level}\" x=\"{x}\" y=\"{y}\"")
        };
        assert!(svg.contains(&square(4, 30, 102)), "Sunday is last: {svg}");
        assert!(svg.contains(&square(2, 44, 18)), "{svg}");
        assert!(svg.contains(&square(0, 44, 32)), "{svg}");
    }

    #[test]
    fn moments_are_whole_and_few() {
        let day = moments(SUNDAY_MS + 1, SUNDAY_MS + DAY_MS);
        let words: Vec<_> = day.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, ["06:00", "12:00", "18:00", "00:00"]);
        let week = moments(SUNDAY_MS, SUNDAY_MS + 7 * DAY_MS);
        assert_eq!(week.len(), 7);
        assert_eq!(week[0].1, "23 Nov");
        assert_eq!(moments(0, 10_000 * DAY_MS), []);
    }
}
