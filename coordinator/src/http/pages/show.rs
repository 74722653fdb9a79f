//! Numbers, times and states as people read them. Templates call these, with values or with references, as a
//! template has them: `{{ show::amount(…) }}`.

use std::borrow::Borrow;

use askama::filters::Safe;
use chrono::DateTime;
use pictor_protocol::campaign::Campaign;
use pictor_protocol::{Cents, Micros};

use super::draw::push_escaped;

mod states;

pub use states::*;

/// Something that can be counted in micros; also behind references, as templates have it.
pub trait Amount {
    fn micros(&self) -> Micros;
}

impl Amount for Micros {
    fn micros(&self) -> Micros {
        *self
    }
}

impl<T: Amount> Amount for &T {
    fn micros(&self) -> Micros {
        (**self).micros()
    }
}

/// The same of money.
pub trait Price {
    fn cents(&self) -> Cents;
}

impl Price for Cents {
    fn cents(&self) -> Cents {
        *self
    }
}

impl<T: Price> Price for &T {
    fn cents(&self) -> Cents {
        (**self).cents()
    }
}

/// Points or credits: at most two digits behind the point, thousands apart.
pub fn amount(of: impl Amount) -> String {
    let of = of.micros();
    let hundredths = of.get() / 10_000;
    let (whole, rest) = (hundredths / 100, (hundredths % 100).abs());
    let sign = if of.is_negative() && whole == 0 && rest != 0 {
        "\u{2212}"
    } else {
        ""
    };
    let whole = format!("{sign}{}", count(whole));
    match rest {
        0 => whole,
        rest if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        rest => format!("{whole}.{rest:02}"),
    }
}

/// With its sign, for what moved.
pub fn moved(of: impl Amount) -> String {
    let of = of.micros();
    let sign = if of.get() > 0 { "+" } else { "" };
    format!("{sign}{}", amount(of))
}

/// Money: `$200`, `$8.50`, `14.00 EUR`.
pub fn money(of: impl Price, currency: impl AsRef<str>) -> String {
    let cents = of.cents().get();
    let (whole, rest) = (cents / 100, (cents % 100).abs());
    let number = match rest {
        0 => count(whole),
        rest => format!("{}.{rest:02}", count(whole)),
    };
    match currency.as_ref() {
        "USD" => format!("${number}"),
        currency => format!("{number} {currency}"),
    }
}

/// So many points more; never less than it takes.
pub fn needed(of: impl Amount) -> String {
    let hundredths = (of.micros().get().max(0) as u64).div_ceil(10_000);
    let rounded = Micros::new(i64::try_from(hundredths).unwrap_or(i64::MAX / 10_000) * 10_000);
    match rounded.get() {
        1_000_000 => "1 point more".into(),
        _ => format!("{} points more", amount(rounded)),
    }
}

/// A whole number.
pub trait Whole {
    fn whole(&self) -> i64;
}

macro_rules! whole {
    ($($number:ty),+) => {
        $(impl Whole for $number {
            fn whole(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        })+
    };
}

whole!(u8, u16, u32, u64, usize, i32, i64);

impl<T: Whole> Whole for &T {
    fn whole(&self) -> i64 {
        (**self).whole()
    }
}

/// Thousands apart by a thin space.
pub fn count(of: impl Whole) -> String {
    let of = of.whole();
    let digits = of.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if of < 0 {
        text.insert(0, '\u{2212}');
    }
    text
}

/// `one` if there is one, `many` otherwise, with the number.
pub fn counted(of: impl Whole, one: &str, many: &str) -> String {
    let of = of.whole();
    format!("{} {}", count(of), if of == 1 { one } else { many })
}

/// US cents as dollars: `$1 234.50`.
pub fn dollars(cents: impl Whole) -> String {
    money(Cents::new(cents.whole()), "USD")
}

/// Octas as APT, exactly: `1.25`.
pub fn apt(octas: impl Whole) -> String {
    let octas = octas.whole();
    let (whole, rest) = (octas / 100_000_000, octas % 100_000_000);
    let rest = format!("{rest:08}");
    match rest.trim_end_matches('0') {
        "" => count(whole),
        rest => format!("{}.{rest}", count(whole)),
    }
}

/// How long: `850 ms`, `4.2 s`, `12 min 30 s`, `3 h 5 min`, `2 d 4 h`.
pub fn duration(ms: impl Whole) -> String {
    let ms = ms.whole();
    let seconds = ms / 1_000;
    let two = |large: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {part}"),
    };
    match ms {
        ..1_000 => format!("{} ms", ms.max(0)),
        1_000..10_000 => format!("{}.{} s", seconds, ms % 1_000 / 100),
        10_000..60_000 => format!("{seconds} s"),
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..86_400_000 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => two(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

/// `812 B`, `4.1 MB`: decimal units, as on the label of a disk.
pub fn bytes(of: impl Whole) -> String {
    let of = of.whole().max(0);
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let mut value = of as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1_000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{of} B"),
        _ if value < 9.95 => format!("{value:.1} {}", units[unit]),
        _ => format!("{value:.0} {}", units[unit]),
    }
}

/// `12 GB` of memory, as makers of GPUs count.
pub fn gibibytes(of: impl Whole) -> String {
    format!("{} GB", of.whole() >> 30)
}

/// A share of 0 to 1 in percent.
pub fn percent(of: impl Borrow<f64>) -> String {
    format!("{:.0} %", of.borrow().clamp(0.0, 1.0) * 100.0)
}

/// How long ago, or how far ahead; the exact time in UTC on hover.
pub fn time(ms: impl Whole, now_ms: impl Whole) -> Safe<String> {
    let (ms, now_ms) = (ms.whole(), now_ms.whole());
    let exact = utc(ms);
    let machine = DateTime::from_timestamp_millis(ms)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default();
    Safe(format!(
        "<time datetime=\"{machine}\" title=\"{exact}\" data-relative>{}</time>",
        relative(ms, now_ms)
    ))
}

/// A part of a sentence, such as the detail of a problem or the reason of a job, as a sentence.
pub fn sentence(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// Words in which commands and names stand between backticks, as advice of workers and problems has them. A
/// backtick without another one stays what it is.
pub fn coded(text: impl AsRef<str>) -> Safe<String> {
    let mut html = String::new();
    let mut rest = text.as_ref();
    while let Some((before, (code, after))) = rest
        .split_once('`')
        .and_then(|(before, after)| Some((before, after.split_once('`')?)))
    {
        push_escaped(&mut html, before);
        html.push_str("<code>");
        push_escaped(&mut html, code);
        html.push_str("</code>");
        rest = after;
    }
    push_escaped(&mut html, rest);
    Safe(html)
}

/// `2026-11-22 21:30:05 UTC`
pub fn utc(ms: impl Whole) -> String {
    DateTime::from_timestamp_millis(ms.whole())
        .map(|time| time.format("%Y-%m-%d %H:%M:%S UTC").to_string())
        .unwrap_or_default()
}

/// `22 Nov 2026`, in UTC.
pub fn day(ms: impl Whole) -> Safe<String> {
    let ms = ms.whole();
    let day = DateTime::from_timestamp_millis(ms)
        .map(|time| time.format("%-d %b %Y").to_string())
        .unwrap_or_default();
    Safe(format!("<time title=\"{}\">{day}</time>", utc(ms)))
}

/// The words of `static/app.js`, which says the same while the page is open.
fn relative(ms: i64, now_ms: i64) -> String {
    let seconds = (ms - now_ms).div_euclid(1_000);
    let (size, unit) = match seconds.unsigned_abs() {
        ..10 => return "just now".into(),
        10..60 => (1, "sec."),
        60..3_600 => (60, "min."),
        3_600..86_400 => (3_600, "hr."),
        86_400..7_776_000 => (86_400, "day"),
        7_776_000..31_536_000 => (2_592_000, "mo."),
        _ => (31_536_000, "yr."),
    };
    let many = seconds.unsigned_abs() / size;
    let plural = if unit == "day" && many != 1 { "s" } else { "" };
    match seconds < 0 {
        true => format!("{many} {unit}{plural} ago"),
        false => format!("in {many} {unit}{plural}"),
    }
}

/// When a campaign ends, or ended.
pub fn ends_ms(of: &Campaign) -> i64 {
    of.closed_early_ms.unwrap_or(of.closes_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        for (micros, text) in [
            (0, "0"),
            (5_000_000, "5"),
            (12_500_000, "12.5"),
            (1_234_567_890_000, "1\u{202f}234\u{202f}567.89"),
            (-1_500_000, "\u{2212}1.5"),
            (-500_000, "\u{2212}0.5"),
            (9_999, "0"),
        ] {
            assert_eq!(amount(Micros::new(micros)), text, "{micros}");
        }
        assert_eq!(moved(Micros::new(2_000_000)), "+2");
    }

    #[test]
    fn money_reads_as_on_a_price_tag() {
        assert_eq!(money(Cents::new(20_000), "USD"), "$200");
        assert_eq!(money(Cents::new(200_050), "USD"), "$2\u{202f}000.50");
        assert_eq!(money(Cents::new(1_400), "EUR"), "14 EUR");
    }

    #[test]
    fn what_is_missing_is_rounded_up() {
        assert_eq!(needed(Micros::new(1)), "0.01 points more");
        assert_eq!(needed(Micros::new(1_000_000)), "1 point more");
        assert_eq!(needed(Micros::new(12_345_678)), "12.35 points more");
    }

    #[test]
    fn what_stands_between_backticks_is_code_and_nothing_is_markup() {
        let advice = coded("run `doctor --fix <b>` & look; a ` alone stays").0;
        assert_eq!(
            advice,
            "run <code>doctor --fix &lt;b&gt;</code> &amp; look; a ` alone stays"
        );
        assert_eq!(
            sentence("waiting for a free slot"),
            "Waiting for a free slot."
        );
        assert_eq!(sentence("It ends itself!"), "It ends itself!");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ms, text) in [
            (850, "850 ms"),
            (4_250, "4.2 s"),
            (59_000, "59 s"),
            (750_000, "12 min 30 s"),
            (3_600_000, "1 h"),
            (187_200_000, "2 d 4 h"),
        ] {
            assert_eq!(duration(ms), text);
        }
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(bytes(812_u64), "812 B");
        assert_eq!(bytes(4_130_000_u64), "4.1 MB");
        assert_eq!(bytes(10_000_000_000_u64), "10 GB");
    }

    #[test]
    fn a_moment_is_told_from_now() {
        let now = 1_700_000_000_000;
        assert_eq!(relative(now - 3_000, now), "just now");
        assert_eq!(relative(now - 180_000, now), "3 min. ago");
        assert_eq!(relative(now + 172_800_000, now), "in 2 days");
        // Of three months all but a second are not two.
        assert_eq!(relative(now + 7_775_999_000, now), "in 89 days");
        assert_eq!(relative(now + 7_776_000_000, now), "in 3 mo.");
        assert!(time(now, now).0.contains("2023-11-14 22:13:20 UTC"));
    }
}
