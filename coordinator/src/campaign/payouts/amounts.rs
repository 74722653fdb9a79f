//! From prizes in US cents to octas, at a rate that is written down. Integers only.
//!
//! Each recipient's share is rounded **down** to a whole octa. What the rounding leaves of the exact total
//! (less than one octa for each recipient) is not given to anybody: it is named in the batch.

use std::fmt;
use std::str::FromStr;

pub const OCTAS_PER_APT: u64 = 100_000_000;
/// Of an APT.
const APT_DECIMALS: u32 = OCTAS_PER_APT.ilog10();
/// Amounts lie in 64-bit columns with a sign. The chain's own limit is twice as high, and its whole supply
/// a hundredth of this.
pub const OCTAS_MAX: u64 = i64::MAX as u64;
/// A rate has at most that many digits before the point, and behind it.
const RATE_DIGITS_MAX: usize = 9;

/// What one APT costs in US dollars: an exact decimal, kept as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The digits without the point; never zero.
    digits: u64,
    /// How many of them stand behind the point.
    decimals: u32,
}

/// A text that is no rate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is no rate: dollars for one APT, above zero, as a plain decimal such as 4.3712, with at most \
     9 digits on either side of the point"
)]
pub struct BadRate(String);

/// Why prizes cannot be turned into octas.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AmountError {
    #[error("there is nobody to pay")]
    Nobody,
    #[error("the prize of {cents} cents at place {index} of the list is worth less than one octa")]
    Nothing { index: usize, cents: u64 },
    #[error("the prizes come to more than can be paid")]
    TooMuch,
}

/// Who gets how much, in the order of the prizes, and that it adds up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    pub octas: Vec<u64>,
    pub total_cents: u64,
    /// The sum of `octas`.
    pub total_octas: u64,
    /// What the total would be worth beyond that, in whole octas: less than one for each recipient.
    pub left_over_octas: u64,
}

impl Rate {
    /// What `cents` are worth, rounded down.
    fn octas(self, cents: u64) -> Result<u64, AmountError> {
        // cents / 100 dollars, by digits / 10^decimals dollars for each APT, times 10^8. At most
        // 2^64 × 10^15, which is below 2^128.
        let numerator = u128::from(cents) * 10_u128.pow(self.decimals + APT_DECIMALS - 2);
        let octas = numerator / u128::from(self.digits);
        u64::try_from(octas)
            .ok()
            .filter(|octas| *octas <= OCTAS_MAX)
            .ok_or(AmountError::TooMuch)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal(self.digits, self.decimals))
    }
}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let bad = || BadRate(text.chars().take(40).collect());
        let (whole, behind) = match text.split_once('.') {
            Some((_, "")) => return Err(bad()),
            Some(parts) => parts,
            None => (text, ""),
        };
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_short = whole.len() <= RATE_DIGITS_MAX && behind.len() <= RATE_DIGITS_MAX;
        let is_plain = whole == "0" || (!whole.is_empty() && !whole.starts_with('0'));
        if !is_number(whole) || !is_number(behind) || !is_short || !is_plain {
            return Err(bad());
        }
        let digits: u64 = format!("{whole}{behind}").parse().map_err(|_| bad())?;
        if digits == 0 {
            return Err(bad());
        }
        let decimals = behind.len() as u32;
        Ok(Self { digits, decimals })
    }
}

impl TryFrom<String> for Rate {
    type Error = BadRate;

    fn try_from(text: String) -> Result<Self, BadRate> {
        text.parse()
    }
}

/// Turns prizes into shares. Refuses a prize that would come to nothing, and more than can be paid.
pub fn shares(prizes_cents: &[u64], rate: Rate) -> Result<Shares, AmountError> {
    if prizes_cents.is_empty() {
        return Err(AmountError::Nobody);
    }
    let mut octas = Vec::with_capacity(prizes_cents.len());
    let (mut total_cents, mut total_octas) = (0_u64, 0_u64);
    for (index, &cents) in prizes_cents.iter().enumerate() {
        let share = rate.octas(cents)?;
        if share == 0 {
            return Err(AmountError::Nothing { index, cents });
        }
        octas.push(share);
        total_cents = total_cents
            .checked_add(cents)
            .filter(|cents| *cents <= i64::MAX as u64)
            .ok_or(AmountError::TooMuch)?;
        total_octas = total_octas.checked_add(share).ok_or(AmountError::TooMuch)?;
    }
    let exact = rate.octas(total_cents)?;
    let left_over_octas = exact.checked_sub(total_octas).ok_or(AmountError::TooMuch)?;
    Ok(Shares {
        octas,
        total_cents,
        total_octas,
        left_over_octas,
    })
}

/// Octas as people write APT: with all eight decimals.
pub fn apt(octas: u64) -> String {
    decimal(octas, APT_DECIMALS)
}

/// Cents as people write dollars.
pub fn dollars(cents: u64) -> String {
    decimal(cents, 2)
}

fn decimal(digits: u64, decimals: u32) -> String {
    if decimals == 0 {
        return digits.to_string();
    }
    let one = 10_u64.pow(decimals);
    let width = decimals as usize;
    format!("{}.{:0width$}", digits / one, digits % one)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The original's table: rank 1, 2–5, 6–15, 16–50, 51–100.
    fn original() -> Vec<u64> {
        let bands = [
            (1, 20_000),
            (4, 10_000),
            (10, 5_000),
            (35, 1_400),
            (50, 800),
        ];
        bands
            .into_iter()
            .flat_map(|(ranks, cents)| std::iter::repeat_n(cents, ranks))
            .collect()
    }

    #[test]
    fn the_originals_table_is_paid_to_the_last_octa() {
        let shares = shares(&original(), "4.3712".parse().unwrap()).unwrap();
        assert_eq!(shares.octas.len(), 100);
        // 200 / 4.3712 = 45.754026354319180…
        assert_eq!(apt(shares.octas[0]), "45.75402635");
        // 100 / 4.3712 = 22.877013177159590…
        assert_eq!(apt(shares.octas[1]), "22.87701317");
        // 8 / 4.3712 = 1.830161054172767…
        assert_eq!(apt(shares.octas[99]), "1.83016105");
        // The table names $2,000 and gives $1,990.
        assert_eq!(dollars(shares.total_cents), "1990.00");
        // 1990 / 4.3712 = 455.252562225475841…
        assert_eq!(shares.total_octas + shares.left_over_octas, 45_525_256_222);
        assert!(shares.left_over_octas < 100);
    }

    #[test]
    fn a_rate_is_a_plain_decimal_above_zero() {
        for text in [
            "4.3712",
            "1",
            "0.5",
            "999999999.999999999",
            "0.000000001",
            "7.50",
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "0",
            "0.0",
            ".5",
            "5.",
            "05",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "1.2.3",
            "NaN",
            "１",
            "1234567890",
            "1.1234567890",
        ] {
            assert_eq!(text.parse::<Rate>(), Err(BadRate(text.into())));
        }
    }

    #[test]
    fn a_prize_that_comes_to_nothing_and_one_beyond_all_money_are_refused() {
        let dear: Rate = "999999999".parse().unwrap();
        let nothing = AmountError::Nothing { index: 1, cents: 1 };
        assert_eq!(shares(&[5_000, 1], dear), Err(nothing));
        let cheap: Rate = "0.000000001".parse().unwrap();
        assert_eq!(shares(&[u64::MAX], cheap), Err(AmountError::TooMuch));
        let one: Rate = "1".parse().unwrap();
        let half = OCTAS_MAX / 1_000_000;
        assert!(shares(&[half], one).is_ok());
        assert_eq!(shares(&[half, half], one), Err(AmountError::TooMuch));
        assert_eq!(shares(&[], one), Err(AmountError::Nobody));
    }

    proptest! {
        /// Against the definition: the most octas that cost no more than the prize.
        #[test]
        fn a_share_is_the_most_that_the_prize_pays_for(
            cents in 1..1_000_000_000_000_u64, digits in 1..1_000_000_000_000_u64, decimals in 0..=9_u32,
        ) {
            let rate = Rate { digits, decimals };
            if let Ok(octas) = rate.octas(cents) {
                // octas / 10^8 × digits / 10^decimals dollars, against cents / 100.
                let cost = |octas: u64| u128::from(octas) * u128::from(digits);
                let prize = u128::from(cents) * 10_u128.pow(6 + decimals);
                prop_assert!(cost(octas) <= prize && prize < cost(octas + 1));
            }
        }

        #[test]
        fn shares_add_up_and_leave_less_than_an_octa_for_each(
            prizes in prop::collection::vec(1..100_000_000_u64, 1..200),
            digits in 1..10_000_000_u64, decimals in 0..=6_u32,
        ) {
            match shares(&prizes, Rate { digits, decimals }) {
                Ok(shares) => {
                    prop_assert_eq!(shares.total_cents, prizes.iter().sum::<u64>());
                    prop_assert_eq!(shares.total_octas, shares.octas.iter().sum::<u64>());
                    prop_assert!(shares.left_over_octas < prizes.len() as u64);
                    prop_assert!(shares.octas.iter().all(|octas| *octas > 0));
                }
                Err(AmountError::Nothing { index, .. }) => {
                    let worth = u128::from(prizes[index]) * 10_u128.pow(6 + decimals);
                    prop_assert!(worth < u128::from(digits));
                }
                Err(error) => prop_assert_eq!(error, AmountError::TooMuch),
            }
        }

        #[test]
        fn a_written_rate_is_read_again(digits in 1..1_000_000_000_000_000_u64, decimals in 6..=9_u32) {
            let rate = Rate { digits, decimals };
            prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
        }

        #[test]
        fn any_text_is_a_rate_or_refused(text in "[0-9.+e, -]{0,24}") {
            if let Ok(rate) = text.parse::<Rate>() {
                prop_assert_eq!(rate.to_string(), text);
            }
        }
    }
}
