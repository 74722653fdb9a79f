//! The snapshot as it is published. Pure.
//!
//! UTF-8 without a byte order mark; each line ends with one line feed, the last one too; numbers are decimal,
//! without signs and leading zeros; hashes are hexadecimal digits, in small letters.
//!
//! ```text
//! pictor campaign snapshot 1
//! campaign 019b7600-0000-7000-8000-000000000001
//! rules 3 3b4c…                 the version at the campaign's end, SHA-256 of its document
//! last_entry 51234              the last entry of the campaign's book that counts
//! taken_at_us 1767225600000000  Unix time
//! currency USD
//! people 2                      who have a rank
//! rank,user,points_micros,last_entry,prize_cents
//! 1,5f2a…,12500000,50100,20000
//! 2,91bc…,12500000,51234,10000
//! 0,07de…,99000000,40000,0
//! ```
//!
//! `user` is a [`Participant`]. `points_micros` is what the postings of the user's available account sum up to,
//! `last_entry` the last one of those. Only who has points has a line. First come the ranks, 1 and up: more points
//! first, of equal ones the smaller `last_entry`, of equal ones the smaller `user`. Then those who are out of the
//! ranking, by `user`: their rank is 0, their prize too.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use pictor_protocol::{CampaignId, Cents, Micros, UserId};
use sha2::{Digest, Sha256};

use crate::campaign::board::{Standing, order};
use crate::campaign::participant::Participant;
use crate::campaign::rules::Prizes;

const TITLE: &str = "pictor campaign snapshot 1";
const COLUMNS: &str = "rank,user,points_micros,last_entry,prize_cents";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub head: Head,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub campaign: CampaignId,
    pub rules_version: i64,
    pub rules_sha256: String,
    pub last_entry: i64,
    pub taken_us: i64,
    pub currency: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// 0 of whoever is out.
    pub rank: u32,
    pub participant: Participant,
    pub points: Micros,
    pub last_entry: i64,
    pub prize: Cents,
}

/// The points of the first ranks, out of the beginning of a text; of a line that is cut off nothing is known.
pub fn points_by_rank(beginning: &str) -> HashMap<i64, Micros> {
    let mut lines = beginning.split_inclusive('\n');
    let found = lines.by_ref().find(|line| line.trim_end() == COLUMNS);
    let of_line = |line: &str| {
        let mut columns = line.strip_suffix('\n')?.split(',');
        let rank: i64 = columns.next()?.parse().ok()?;
        let points: i64 = columns.nth(1)?.parse().ok()?;
        (rank > 0).then_some((rank, Micros::new(points)))
    };
    match found {
        Some(_) => lines.filter_map(of_line).collect(),
        None => HashMap::new(),
    }
}

/// A line, and who it is about.
#[derive(Debug, Clone, Copy)]
pub struct Ranked {
    pub user: UserId,
    pub line: Line,
}

/// The lines of everybody with points.
pub fn rank(
    campaign: CampaignId,
    mut standings: Vec<Standing>,
    out: &HashSet<UserId>,
    prizes: &Prizes,
) -> Vec<Ranked> {
    let line = |rank: u32, of: &Standing| Ranked {
        user: of.user,
        line: Line {
            rank,
            participant: Participant::of(campaign, of.user),
            points: of.points,
            last_entry: of.entry,
            prize: if rank == 0 {
                Cents::ZERO
            } else {
                prizes.for_rank(rank)
            },
        },
    };
    standings.sort_unstable_by(|a, b| order(campaign, a, b));
    let (gone, here): (Vec<_>, Vec<_>) =
        standings.into_iter().partition(|of| out.contains(&of.user));
    let mut lines: Vec<_> = (1..).zip(&here).map(|(rank, of)| line(rank, of)).collect();
    let mut gone: Vec<_> = gone.iter().map(|of| line(0, of)).collect();
    gone.sort_unstable_by_key(|of| of.line.participant);
    lines.extend(gone);
    lines
}

impl Snapshot {
    /// How many have a rank.
    pub fn people(&self) -> usize {
        self.lines.iter().filter(|line| line.rank > 0).count()
    }

    /// What all of them get.
    pub fn prizes(&self) -> Option<Cents> {
        Cents::checked_sum(self.lines.iter().map(|line| line.prize))
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.head;
        writeln!(f, "{TITLE}")?;
        writeln!(f, "campaign {}", head.campaign)?;
        writeln!(f, "rules {} {}", head.rules_version, head.rules_sha256)?;
        writeln!(f, "last_entry {}", head.last_entry)?;
        writeln!(f, "taken_at_us {}", head.taken_us)?;
        writeln!(f, "currency {}", head.currency)?;
        writeln!(f, "people {}", self.people())?;
        writeln!(f, "{COLUMNS}")?;
        for line in &self.lines {
            let (points, prize) = (line.points.get(), line.prize.get());
            let (rank, user, entry) = (line.rank, line.participant, line.last_entry);
            writeln!(f, "{rank},{user},{points},{entry},{prize}")?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSnapshot {
    #[error("line {0} is not what it has to be")]
    Line(usize),
    #[error("line {0} stands in the wrong place")]
    Order(usize),
    #[error("it is not written as it has to be: no other bytes may say the same")]
    NotCanonical,
}

impl FromStr for Snapshot {
    type Err = BadSnapshot;

    /// Reads exactly what [`Snapshot`] writes, in the right order.
    fn from_str(text: &str) -> Result<Self, BadSnapshot> {
        let mut rows = text
            .lines()
            .enumerate()
            .map(|(index, row)| (index + 1, row));
        let mut next = |name: &str| {
            let (number, row) = rows.next().unwrap_or((0, ""));
            let value = row.strip_prefix(name).ok_or(BadSnapshot::Line(number))?;
            Ok((number, value.trim_start_matches(' ')))
        };
        next(TITLE)?;
        let campaign = next("campaign").and_then(parsed)?;
        let (number, rules) = next("rules")?;
        let (version, rules_sha256) = rules.split_once(' ').ok_or(BadSnapshot::Line(number))?;
        let head = Head {
            campaign,
            rules_version: parsed((number, version))?,
            rules_sha256: rules_sha256.to_owned(),
            last_entry: next("last_entry").and_then(parsed)?,
            taken_us: next("taken_at_us").and_then(parsed)?,
            currency: next("currency").and_then(parsed)?,
        };
        next("people")?;
        next(COLUMNS)?;
        let lines = rows.map(|(number, row)| line(row).ok_or(BadSnapshot::Line(number)));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        in_order(&lines)?;
        let snapshot = Self { head, lines };
        if snapshot.to_string() == text {
            Ok(snapshot)
        } else {
            Err(BadSnapshot::NotCanonical)
        }
    }
}

fn parsed<T: FromStr>((number, value): (usize, &str)) -> Result<T, BadSnapshot> {
    value.parse().map_err(|_| BadSnapshot::Line(number))
}

fn line(row: &str) -> Option<Line> {
    let mut fields = row.split(',');
    let mut next = || fields.next();
    let line = Line {
        rank: next()?.parse().ok()?,
        participant: next()?.parse().ok()?,
        points: Micros::new(next()?.parse().ok()?),
        last_entry: next()?.parse().ok()?,
        prize: Cents::new(next()?.parse().ok()?),
    };
    let is_whole = fields.next().is_none();
    let is_sane = line.points > Micros::ZERO && !line.prize.is_negative();
    (is_whole && is_sane).then_some(line)
}

/// Ranks without gaps, in the order of points; then who is out.
fn in_order(lines: &[Line]) -> Result<(), BadSnapshot> {
    // After eight lines of the head.
    let first = 9;
    let mut known = HashSet::new();
    for (index, line) in lines.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &lines[before]);
        let is_right = match (before, line.rank) {
            (None, 0) => line.prize == Cents::ZERO,
            (Some(before), 0) => {
                let is_first = before.rank > 0;
                line.prize == Cents::ZERO && (is_first || before.participant < line.participant)
            }
            (None, rank) => rank == 1,
            (Some(before), rank) => {
                let key = |of: &Line| (-of.points.get(), of.last_entry, of.participant);
                before.rank > 0 && rank == before.rank + 1 && key(before) < key(line)
            }
        };
        if !is_right || !known.insert(line.participant) {
            return Err(BadSnapshot::Order(first + index));
        }
    }
    Ok(())
}

/// In hexadecimal digits. Not BLAKE3, which scenes go by: every language's library has this one, and anybody
/// shall be able to check a snapshot.
pub fn sha256(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Text in memory takes everything.
        let _always = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::campaign::Rules;
    use crate::campaign::rules::DEFAULT;

    #[test]
    fn a_snapshot_is_read_as_it_is_written() {
        let snapshot = sample();
        let text = snapshot.to_string();
        assert_eq!(text.parse(), Ok(snapshot));
        assert!(text.starts_with("pictor campaign snapshot 1\ncampaign 0"));
        assert!(text.ends_with(",0\n"));
    }

    #[test]
    fn ranks_are_by_points_then_by_who_was_first_and_whoever_is_out_gets_nothing() {
        let lines = sample().lines;
        let ranks: Vec<_> = lines
            .iter()
            .map(|of| (of.rank, of.points.get(), of.prize.get()))
            .collect();
        assert_eq!(
            ranks,
            [
                (1, 700, 20_000),
                (2, 500, 10_000),
                (3, 500, 10_000),
                (0, 900, 0)
            ]
        );
        assert!(lines[1].last_entry < lines[2].last_entry);
    }

    #[test]
    fn what_was_written_in_another_way_or_changed_is_no_snapshot() {
        let text = sample().to_string();
        let row = |number: usize| text.lines().nth(number - 1).unwrap();
        let swapped = text
            .replace(row(10), "x")
            .replace(row(11), row(10))
            .replace("x\n", &format!("{}\n", row(11)));
        for (changed, why) in [
            (text.replace('\n', "\r\n"), BadSnapshot::NotCanonical),
            (text.trim_end().to_owned(), BadSnapshot::NotCanonical),
            (
                text.replace("people 3", "people 4"),
                BadSnapshot::NotCanonical,
            ),
            (
                text.replace("taken_at_us 5", "taken_at_us +5"),
                BadSnapshot::NotCanonical,
            ),
            (
                text.replace("campaign 0", "campaign x"),
                BadSnapshot::Line(2),
            ),
            (text.replace(",700,", ",499,"), BadSnapshot::Order(10)),
            (text.replace(",700,", ",-700,"), BadSnapshot::Line(9)),
            (text.replace("\n2,", "\n3,"), BadSnapshot::Order(10)),
            (swapped, BadSnapshot::Order(9 + 1)),
            (text.replace("\n0,", "\n4,"), BadSnapshot::Order(12)),
            (String::new(), BadSnapshot::Line(0)),
        ] {
            assert_eq!(changed.parse::<Snapshot>(), Err(why), "{changed}");
        }
    }

    fn sample() -> Snapshot {
        let campaign = CampaignId::new(Uuid::from_u128(7));
        let standing = |number: u128, points, entry| Standing {
            user: UserId::new(Uuid::from_u128(number)),
            points: Micros::new(points),
            entry,
        };
        let all = vec![
            standing(1, 500, 12),
            standing(2, 500, 11),
            standing(3, 900, 4),
            standing(4, 700, 13),
        ];
        let out = HashSet::from([all[2].user]);
        let prizes = Rules::read(DEFAULT).unwrap().prizes;
        let ranked = rank(campaign, all, &out, &prizes);
        Snapshot {
            head: Head {
                campaign,
                rules_version: 3,
                rules_sha256: sha256(DEFAULT.as_bytes()),
                last_entry: 13,
                taken_us: 5,
                currency: "USD".into(),
            },
            lines: ranked.into_iter().map(|of| of.line).collect(),
        }
    }
}
