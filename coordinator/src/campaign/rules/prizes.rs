//! What the ranks get of the pool.

use pictor_protocol::Cents;
use pictor_protocol::settings::Fault;

/// What prizes are counted in: the recorded rate of a payout is in it.
pub const CURRENCY: &str = "USD";
/// What prizes are paid in.
pub const PAID_IN: &str = "APT";
/// Ranks beyond this get nothing.
pub const RANKS_MAX: u32 = 1_000;

/// Prizes that add up. [`Prizes::default`] gives nothing to anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prizes {
    pool: Cents,
    bands: Vec<Band>,
    remainder: Cents,
}

/// Ranks that get the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    pub from: u32,
    /// Included.
    pub to: u32,
    pub each: Cents,
}

/// A band as it was entered, with the sum that it may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entered {
    pub(super) band: Band,
    pub(super) total: Option<Cents>,
}

impl Band {
    pub const fn ranks(self) -> u32 {
        self.to - self.from + 1
    }

    fn pays(self) -> Option<Cents> {
        self.each.checked_mul(i64::from(self.ranks()))
    }
}

impl Prizes {
    /// What a rank gets; the first one is 1.
    pub fn for_rank(&self, rank: u32) -> Cents {
        let band = self
            .bands
            .iter()
            .find(|band| (band.from..=band.to).contains(&rank));
        band.map_or(Cents::ZERO, |band| band.each)
    }

    /// How many ranks get something, or are named at least.
    pub fn ranks(&self) -> u32 {
        self.bands.last().map_or(0, |band| band.to)
    }

    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }

    pub fn pool(&self) -> Cents {
        self.pool
    }

    /// Without gaps, from rank 1 on.
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// What all ranks get together.
    pub fn pays(&self) -> Cents {
        self.pool.checked_sub(self.remainder).unwrap_or_default()
    }

    /// What nobody gets of the pool.
    pub fn remainder(&self) -> Cents {
        self.remainder
    }

    /// Bands that follow each other and add up to the pool, together with the remainder if one is named.
    pub(super) fn check(
        pool: Cents,
        entered: &[Entered],
        remainder: Option<Cents>,
    ) -> Result<Self, Vec<Fault>> {
        let order = order(entered);
        if !order.is_empty() {
            // Sums over ranks that are there twice, or not at all, say nothing.
            return Err(order);
        }
        let mut faults = totals(entered, remainder);
        faults.extend(sum(pool, entered, remainder));
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            pool,
            bands: entered.iter().map(|entered| entered.band).collect(),
            remainder: remainder.unwrap_or_default(),
        })
    }
}

/// What is wrong with the ranks and with the order of the amounts.
fn order(entered: &[Entered]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut expected = 1;
    let mut before: Option<Cents> = None;
    for (index, Entered { band, .. }) in entered.iter().enumerate() {
        let mut fault = |key: &str, message: String| faults.push(fault_of(index, key, message));
        let Band { from, to, each } = *band;
        if from > expected {
            let missing = ranks(expected, from - 1);
            fault("from", format!("no band has {missing}"));
        } else if from < expected {
            let last = (expected - 1).min(to.max(from));
            fault("from", format!("a band before has {}", ranks(from, last)));
        }
        if to < from {
            fault("to", format!("the band ends before it begins, at {from}"));
        }
        if let Some(before) = before.filter(|before| each > *before) {
            let message = format!("{each} is more than the {before} of the better ranks before");
            fault("each", message);
        }
        expected = expected.max(to.saturating_add(1));
        before = Some(each);
    }
    if entered.is_empty() {
        faults.push(Fault {
            field: "prizes.bands".into(),
            message: "there is none; leave [prizes] out if there are no prizes".into(),
        });
    }
    faults
}

/// What is wrong with the sums that bands name. They may be short only of what is named as the remainder.
fn totals(entered: &[Entered], remainder: Option<Cents>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut shorts = Vec::new();
    for (index, Entered { band, total }) in entered.iter().enumerate() {
        let (Some(total), Some(pays)) = (total, band.pays()) else {
            continue;
        };
        let Some(short) = total.checked_sub(pays) else {
            continue;
        };
        let (number, each) = (band.ranks(), band.each);
        let product = format!("{number} × {each} are {pays}, not {total}");
        if short.is_negative() {
            faults.push(fault_of(index, "total", product));
        } else if short > Cents::ZERO && remainder.is_none() {
            let message = format!(
                "{product}: name the {short} that nobody gets as prizes.remainder, or leave the total out"
            );
            faults.push(fault_of(index, "total", message));
        } else {
            shorts.push(short);
        }
    }
    let short = Cents::checked_sum(shorts);
    if let (Some(remainder), Some(short)) = (remainder, short)
        && short > remainder
    {
        faults.push(Fault {
            field: "prizes.remainder".into(),
            message: format!("the bands' totals are {short} more than they pay, not {remainder}"),
        });
    }
    faults
}

/// What is wrong with the sum of everything.
fn sum(pool: Cents, entered: &[Entered], remainder: Option<Cents>) -> Option<Fault> {
    let fault = |field: &str, message: String| {
        Some(Fault {
            field: format!("prizes.{field}"),
            message,
        })
    };
    let pays = entered.iter().map(|entered| entered.band.pays());
    let pays = pays
        .collect::<Option<Vec<_>>>()
        .and_then(Cents::checked_sum);
    let left = pays.and_then(|pays| Some((pays, pool.checked_sub(pays)?)));
    let Some((pays, left)) = left else {
        return fault("bands", "they pay more than can be counted".into());
    };
    if left.is_negative() {
        return fault(
            "bands",
            format!("they pay {pays}, more than the pool of {pool}"),
        );
    }
    match remainder {
        None if left > Cents::ZERO => fault(
            "remainder",
            format!(
                "the bands pay {pays} of the pool of {pool}: name the {left} that nobody gets, as \
                 remainder = \"{left}\""
            ),
        ),
        Some(remainder) if remainder != left => fault(
            "remainder",
            format!(
                "the bands pay {pays} of the pool of {pool}, which leaves {left}, not {remainder}"
            ),
        ),
        None | Some(_) => None,
    }
}

fn fault_of(index: usize, key: &str, message: String) -> Fault {
    Fault {
        field: format!("prizes.bands[{index}].{key}"),
        message,
    }
}

fn ranks(from: u32, to: u32) -> String {
    if from == to {
        format!("rank {from}")
    } else {
        format!("ranks {from} to {to}")
    }
}
