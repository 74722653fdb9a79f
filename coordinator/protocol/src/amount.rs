//! Amounts, exactly: integers of a smallest unit, never floating-point numbers.
//!
//! [`Micros`] count credits, points and ratios in millionths, [`Cents`] count money in hundredths. On the
//! wire they are integers whose fields end in `_micros` and `_cents`; people read and write them as decimal
//! numbers such as `12.5`. Arithmetic is checked: nothing wraps, nothing is lost without being asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    #[error("{0:?} is not a decimal number such as 12.5")]
    NotDecimal(String),
    #[error("{text:?} has more than {places} digits behind the point")]
    TooPrecise { text: String, places: u32 },
    #[error("{0:?} is too large")]
    TooLarge(String),
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, places: $places:literal, shown: $shown:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = i64)]
        pub struct $name(i64);

        impl $name {
            pub const ZERO: Self = Self(0);
            /// How many of these make one.
            pub const PER_ONE: i64 = 10_i64.pow($places);

            /// That many of the smallest unit.
            pub const fn new(count: i64) -> Self {
                Self(count)
            }

            /// In the smallest unit.
            pub const fn get(self) -> i64 {
                self.0
            }

            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(count) => Some(Self(count)),
                    None => None,
                }
            }

            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(count) => Some(Self(count)),
                    None => None,
                }
            }

            #[must_use]
            pub const fn checked_neg(self) -> Option<Self> {
                match self.0.checked_neg() {
                    Some(count) => Some(Self(count)),
                    None => None,
                }
            }

            #[must_use]
            pub const fn checked_mul(self, times: i64) -> Option<Self> {
                match self.0.checked_mul(times) {
                    Some(count) => Some(Self(count)),
                    None => None,
                }
            }

            /// `self × numerator ÷ denominator`, rounded towards zero to the smallest unit; `None` when
            /// the result does not fit or the denominator is zero. What is in between cannot overflow.
            #[must_use]
            pub fn checked_ratio(self, numerator: i64, denominator: i64) -> Option<Self> {
                let product = i128::from(self.0) * i128::from(numerator);
                let quotient = product.checked_div(i128::from(denominator))?;
                i64::try_from(quotient).ok().map(Self)
            }

            #[must_use]
            pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
                amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&decimal(self.0, $places, $shown))
            }
        }

        impl FromStr for $name {
            type Err = BadAmount;

            /// Digits, perhaps with a minus before and a point with more digits behind them.
            fn from_str(text: &str) -> Result<Self, BadAmount> {
                count(text, $places).map(Self)
            }
        }
    };
}

amount!(
    /// Millionths of a credit, of a point, or of a ratio.
    Micros,
    places: 6,
    shown: 0
);
amount!(
    /// Hundredths of a unit of money.
    Cents,
    places: 2,
    shown: 2
);

/// As a decimal number with at least `shown` digits behind the point.
fn decimal(count: i64, places: usize, shown: usize) -> String {
    let sign = if count < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", count.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let significant = fraction.trim_end_matches('0').len().max(shown);
    match &fraction[..significant] {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

fn count(text: &str, places: u32) -> Result<i64, BadAmount> {
    let quoted = || text.chars().take(40).collect::<String>();
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, text),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(BadAmount::NotDecimal(quoted()));
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > places as usize {
        let text = quoted();
        return Err(BadAmount::TooPrecise { text, places });
    }
    let digits = format!("{whole}{significant:0<width$}", width = places as usize);
    // Longer ones cannot fit, and might not even fit into what they are parsed into.
    let magnitude: i128 = match digits.trim_start_matches('0') {
        "" => 0,
        digits if digits.len() > 20 => return Err(BadAmount::TooLarge(quoted())),
        digits => digits
            .parse()
            .map_err(|_| BadAmount::NotDecimal(quoted()))?,
    };
    i64::try_from(sign * magnitude).map_err(|_| BadAmount::TooLarge(quoted()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let micros = |text: &str| text.parse::<Micros>().map(Micros::get);
        assert_eq!(micros("12.5"), Ok(12_500_000));
        assert_eq!(micros("-0.000001"), Ok(-1));
        assert_eq!(micros("007"), Ok(7_000_000));
        // Zeros at the end say nothing.
        assert_eq!(micros("1.50000000"), Ok(1_500_000));
        assert_eq!(micros("-9223372036854.775808"), Ok(i64::MIN));
        assert_eq!("2000.00".parse(), Ok(Cents::new(200_000)));
    }

    #[test]
    fn what_is_no_exact_decimal_number_is_refused() {
        let not_decimal = [
            "", "-", ".5", "5.", "1e3", "+1", "1_000", " 1", "NaN", "inf", "0x10", "1.2.3", "--1",
            "1.-5", "٣",
        ];
        for text in not_decimal {
            let expected = Err(BadAmount::NotDecimal(text.into()));
            assert_eq!(text.parse::<Micros>(), expected, "{text:?}");
        }
        let long = "9".repeat(60);
        for text in ["9223372036854.775808", "-9223372036854.775809", &long] {
            let refused = text.parse::<Micros>();
            assert!(matches!(refused, Err(BadAmount::TooLarge(_))), "{text}");
        }
        let too_precise = |places| BadAmount::TooPrecise {
            text: "0.0000001".into(),
            places,
        };
        assert_eq!("0.0000001".parse::<Micros>(), Err(too_precise(6)));
        assert_eq!("0.0000001".parse::<Cents>(), Err(too_precise(2)));
    }

    #[test]
    fn amounts_show_as_people_read_them() {
        let shown =
            [10_000_000, 12_500_000, 1, -1, 0, i64::MIN].map(|count| Micros(count).to_string());
        let expected = [
            "10",
            "12.5",
            "0.000001",
            "-0.000001",
            "0",
            "-9223372036854.775808",
        ];
        assert_eq!(shown, expected);
        let shown = [200_000, 1_000, 5, -150].map(|count| Cents(count).to_string());
        assert_eq!(shown, ["2000.00", "10.00", "0.05", "-1.50"]);
        assert_eq!(format!("{:>8}", Cents(5)), "    0.05");
    }

    #[test]
    fn on_the_wire_they_are_integers() {
        assert_eq!(serde_json::to_string(&Micros(-5)).unwrap(), "-5");
        assert_eq!(
            serde_json::from_str::<Cents>("19900").unwrap(),
            Cents(19_900)
        );
        assert!(serde_json::from_str::<Cents>("19900.5").is_err());
    }

    #[test]
    fn nothing_wraps() {
        let most = Micros(i64::MAX);
        assert_eq!(most.checked_add(Micros(1)), None);
        assert_eq!(Micros(i64::MIN).checked_sub(Micros(1)), None);
        assert_eq!(Micros(i64::MIN).checked_neg(), None);
        assert_eq!(most.checked_mul(2), None);
        assert_eq!(most.checked_ratio(3, 2), None);
        assert_eq!(most.checked_ratio(1, 0), None);
        assert_eq!(Micros::checked_sum([most, Micros(1)]), None);
        // A product beyond 64 bits is no reason to refuse a quotient that fits.
        assert_eq!(most.checked_ratio(i64::MAX, i64::MAX), Some(most));
    }

    #[test]
    fn a_ratio_rounds_towards_zero() {
        assert_eq!(Micros(10).checked_ratio(1, 3), Some(Micros(3)));
        assert_eq!(Micros(-10).checked_ratio(1, 3), Some(Micros(-3)));
        assert_eq!(Micros(29).checked_ratio(10, 100), Some(Micros(2)));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same_amount(count: i64) {
            prop_assert_eq!(Micros(count).to_string().parse(), Ok(Micros(count)));
            prop_assert_eq!(Cents(count).to_string().parse(), Ok(Cents(count)));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+.0-9eE_ ]{0,48}|.{0,12}") {
            let _ = text.parse::<Micros>();
        }
    }
}
