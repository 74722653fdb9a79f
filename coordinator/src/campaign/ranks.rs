//! The leaderboard as people see it.

use std::collections::HashMap;

use pictor_protocol::leaderboard::{LeaderboardPage, MyRank, PublicName as WireName, Rank, Step};
use pictor_protocol::{CampaignId, Cents, Micros, UserId};

use super::board::{Board, Standing};
use super::current::{Current, CurrentError, current};
use super::leaderboard::Stopping;
use super::participant::Participant;
use super::public_name::{self, BadName, PublicName, unnamed};
use super::rules::{CURRENCY, Prizes};
use super::snapshot::text;
use crate::app::App;
use crate::ledger::{self, Book};
use crate::store::leaderboard::{self, PersonRow};
use crate::store::snapshots::WinnerRow;
use crate::store::{StoreError, Tx, snapshots};

/// So many neighbours are shown on each side.
const NEIGHBOURS: usize = 2;
/// So many ranks of a snapshot are shown.
const WINNERS: i64 = 100;
/// So many characters of a snapshot hold them for sure: a line has fewer than 200.
const BEGINNING: i64 = 200 * (WINNERS + 20);

#[derive(Debug, thiserror::Error)]
pub enum RanksError {
    #[error(transparent)]
    BadName(#[from] BadName),
    #[error("somebody else is called so")]
    NameTaken,
    #[error(transparent)]
    Stopping(#[from] Stopping),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Result<T> = std::result::Result<T, RanksError>;

/// Somebody's place, before it is known what they are called.
#[derive(Debug, Clone, Copy)]
struct Place {
    rank: usize,
    standing: Standing,
}

/// So many ranks from one on, which is 1 and up.
pub async fn page(app: &App, from: usize, count: usize) -> Result<LeaderboardPage> {
    show(app, |board| {
        Ok(places(from.max(1), board.page(from, count)))
    })
    .await
}

/// Those of the people whose public names begin so who have a rank, in the order of their names.
pub async fn search(app: &App, beginning: &str, count: usize) -> Result<LeaderboardPage> {
    let mut tx = app.store.read().await?;
    let users =
        leaderboard::named_like(&mut tx, &public_name::key(beginning), count as i64).await?;
    drop(tx);
    show(app, |board| {
        let place = |user: UserId| {
            let rank = board.rank_of(user)?;
            let standing = *board.page(rank, 1).first()?;
            Some(Place { rank, standing })
        };
        Ok(users.into_iter().filter_map(place).collect())
    })
    .await
}

async fn show(
    app: &App,
    choose: impl FnOnce(&Board) -> Result<Vec<Place>>,
) -> Result<LeaderboardPage> {
    let look = |board: Option<&Board>| match board {
        Some(board) => (board.len(), Some(board.campaign()), choose(board)),
        None => (0, None, Ok(Vec::new())),
    };
    let (people, campaign, places) = app.leaderboard.look(app, look).await?;
    let places = places?;
    let mut tx = app.store.read().await?;
    let Some(of) = Context::of(app, &mut tx, campaign).await? else {
        return Ok(LeaderboardPage {
            campaign: None,
            people: 0,
            currency: None,
            is_final: false,
            ranks: Vec::new(),
        });
    };
    Ok(LeaderboardPage {
        campaign: Some(of.current.id),
        people: people as u64,
        currency: of.currency(),
        is_final: of.is_final,
        ranks: of.ranks(&mut tx, &places, None).await?,
    })
}

/// Who gets something by the snapshot of a campaign, up to the hundredth rank; `None` if it has none.
pub async fn winners(app: &App, campaign: CampaignId) -> Result<Option<LeaderboardPage>> {
    let mut tx = app.store.read().await?;
    let Some(taken) = snapshots::find(&mut tx, campaign).await? else {
        return Ok(None);
    };
    let text = snapshots::beginning(&mut tx, campaign, BEGINNING).await?;
    let points = text::points_by_rank(&text.unwrap_or_default());
    let winners = snapshots::winners(&mut tx, campaign).await?;
    let winners: Vec<_> = winners
        .into_iter()
        .filter(|of| of.rank <= WINNERS)
        .collect();
    let users: Vec<_> = winners.iter().map(|winner| winner.user_id).collect();
    let people = leaderboard::people(&mut tx, campaign, &users).await?;
    let mut people: HashMap<_, _> = people.into_iter().map(|row| (row.id, row)).collect();
    let rank = |winner: &WinnerRow| Rank {
        rank: winner.rank as u64,
        name: shown(campaign, winner.user_id, people.remove(&winner.user_id)),
        points_micros: points.get(&winner.rank).copied().unwrap_or_default(),
        waiting_micros: Micros::ZERO,
        prize_cents: Some(Cents::new(winner.prize_cents)),
        is_me: false,
    };
    Ok(Some(LeaderboardPage {
        campaign: Some(campaign),
        people: taken.people as u64,
        currency: Some(CURRENCY.to_owned()),
        is_final: true,
        ranks: winners.iter().map(rank).collect(),
    }))
}

/// One's own place, those around it, and what is missing to better ones.
pub async fn mine(app: &App, user: UserId) -> Result<MyRank> {
    // What prizes there are is known before the board is looked at, so that the steps fit the place.
    let mut tx = app.store.read().await?;
    let current = current(&app.rules, &mut tx, app.now_us()).await?;
    drop(tx);
    let prizes = current.map(|current| current.rules.prizes.clone());
    let prizes = prizes.unwrap_or_default();
    let look = |board: Option<&Board>| board.map(|board| Mine::of(board, user, &prizes));
    let mine = app.leaderboard.look(app, look).await?;
    let mut tx = app.store.read().await?;
    let campaign = mine.as_ref().map(|mine| mine.campaign);
    let name = name_of(&mut tx, campaign, user).await?.name;
    let (Some(of), Some(mine)) = (Context::of(app, &mut tx, campaign).await?, mine) else {
        return Ok(nowhere(name));
    };
    let balance = ledger::balance(&mut tx, Book::Points(mine.campaign), user).await?;
    Ok(MyRank {
        campaign,
        name,
        participant: Some(Participant::of(mine.campaign, user).to_string()),
        rank: mine.place.map(|place| place.rank as u64),
        // As it was ranked, when it is: an account may have moved since.
        points_micros: mine
            .place
            .map_or(balance.available, |of| of.standing.points),
        waiting_micros: balance.held,
        prize_cents: mine.place.and_then(|place| prize(&prizes, place.rank)),
        to_next_rank: mine.to_next_rank,
        to_next_prize: mine.to_next_prize,
        neighbours: of.ranks(&mut tx, &mine.neighbours, Some(user)).await?,
        people: mine.people as u64,
        currency: of.currency(),
        is_final: of.is_final,
    })
}

fn nowhere(name: String) -> MyRank {
    MyRank {
        campaign: None,
        name,
        participant: None,
        rank: None,
        points_micros: Micros::ZERO,
        waiting_micros: Micros::ZERO,
        prize_cents: None,
        to_next_rank: None,
        to_next_prize: None,
        neighbours: Vec::new(),
        people: 0,
        currency: None,
        is_final: false,
    }
}

/// What one board says of somebody.
struct Mine {
    campaign: CampaignId,
    people: usize,
    place: Option<Place>,
    neighbours: Vec<Place>,
    to_next_rank: Option<Step>,
    to_next_prize: Option<Step>,
}

impl Mine {
    fn of(board: &Board, user: UserId, prizes: &Prizes) -> Self {
        let around = board.neighbours(user, NEIGHBOURS);
        let neighbours = around.map_or(Vec::new(), |(first, found)| places(first, found));
        let place = neighbours
            .iter()
            .find(|of| of.standing.user == user)
            .copied();
        let (to_next_rank, to_next_prize) = match place {
            Some(place) => steps(board, prizes, place),
            None if board.is_out(user) => (None, None),
            None => first_steps(board, prizes),
        };
        Self {
            campaign: board.campaign(),
            people: board.len(),
            place,
            to_next_rank,
            to_next_prize,
            neighbours,
        }
    }
}

/// To the next rank, and to the next prize, from a place.
fn steps(board: &Board, prizes: &Prizes, place: Place) -> (Option<Step>, Option<Step>) {
    let step = |rank: usize| step(board, prizes, place.standing.points, rank);
    let above = (place.rank > 1).then(|| place.rank - 1);
    let now = prize(prizes, place.rank).unwrap_or_default();
    (
        above.and_then(step),
        better_prize(prizes, place.rank, now).and_then(step),
    )
}

/// Whoever has no points needs any to come after everybody.
fn first_steps(board: &Board, prizes: &Prizes) -> (Option<Step>, Option<Step>) {
    let last = board.len() + 1;
    let first = Step {
        rank: last as u64,
        missing_micros: Micros::new(1),
        prize_cents: prize(prizes, last),
    };
    let better = || {
        let rank = better_prize(prizes, last, Cents::ZERO)?;
        step(board, prizes, Micros::ZERO, rank)
    };
    let prize = first.prize_cents.map_or_else(better, |_| Some(first));
    (Some(first), prize)
}

/// The nearest rank above that gets more.
fn better_prize(prizes: &Prizes, rank: usize, now: Cents) -> Option<usize> {
    let above = prizes
        .bands()
        .iter()
        .rev()
        .filter(|band| (band.to as usize) < rank);
    let better = above.into_iter().find(|band| band.each > now);
    better.map(|band| band.to as usize)
}

/// What it takes to stand above whoever has a rank: more points than theirs, since they had them first.
fn step(board: &Board, prizes: &Prizes, points: Micros, rank: usize) -> Option<Step> {
    let theirs = board.page(rank, 1).first()?.points;
    let more = theirs.checked_sub(points)?.checked_add(Micros::new(1))?;
    Some(Step {
        rank: rank as u64,
        missing_micros: more,
        prize_cents: prize(prizes, rank),
    })
}

/// What a rank gets, if it gets something.
fn prize(prizes: &Prizes, rank: usize) -> Option<Cents> {
    let rank = u32::try_from(rank).ok()?;
    Some(prizes.for_rank(rank)).filter(|prize| *prize > Cents::ZERO)
}

fn places(first: usize, standings: &[Standing]) -> Vec<Place> {
    let place = |(index, standing): (usize, &Standing)| Place {
        rank: first + index,
        standing: *standing,
    };
    standings.iter().enumerate().map(place).collect()
}

/// What goes for everybody on the board.
struct Context {
    current: Current,
    is_final: bool,
}

impl Context {
    /// Nothing if the campaign that the board is of is over for another one that just opened.
    async fn of(app: &App, tx: &mut Tx, campaign: Option<CampaignId>) -> Result<Option<Self>> {
        let current = current(&app.rules, tx, app.now_us()).await?;
        let Some(current) = current.filter(|current| Some(current.id) == campaign) else {
            return Ok(None);
        };
        let is_final = snapshots::find(tx, current.id).await?.is_some();
        Ok(Some(Self { current, is_final }))
    }

    fn currency(&self) -> Option<String> {
        let prizes = &self.current.rules.prizes;
        (!prizes.is_empty()).then(|| CURRENCY.to_owned())
    }

    async fn ranks(&self, tx: &mut Tx, places: &[Place], me: Option<UserId>) -> Result<Vec<Rank>> {
        let users: Vec<_> = places.iter().map(|place| place.standing.user).collect();
        let people = leaderboard::people(tx, self.current.id, &users).await?;
        let mut people: HashMap<_, _> = people.into_iter().map(|row| (row.id, row)).collect();
        let rank = |place: &Place| {
            let user = place.standing.user;
            let person = people.remove(&user);
            let waiting = person.as_ref().map_or(0, |person| person.waiting);
            Rank {
                rank: place.rank as u64,
                name: shown(self.current.id, user, person),
                points_micros: place.standing.points,
                waiting_micros: Micros::new(waiting),
                prize_cents: prize(&self.current.rules.prizes, place.rank),
                is_me: me == Some(user),
            }
        };
        Ok(places.iter().map(rank).collect())
    }
}

fn shown(campaign: CampaignId, user: UserId, person: Option<PersonRow>) -> String {
    let chosen = person.and_then(|person| person.public_name);
    chosen.unwrap_or_else(|| unnamed(Some(campaign), user))
}

/// Gives somebody another public name, or none, and answers what everybody sees from now on.
pub async fn choose_name(app: &App, user: UserId, name: Option<&str>) -> Result<WireName> {
    let name = name.map(PublicName::new).transpose()?;
    let key = name.as_ref().map(PublicName::key);
    let mut tx = app.store.write().await?;
    let pair = name.as_ref().map(PublicName::as_str).zip(key.as_deref());
    if !leaderboard::set_public_name(&mut tx, user, pair).await? {
        return Err(RanksError::NameTaken);
    }
    let campaign = current(&app.rules, &mut tx, app.now_us()).await?;
    let named = name_of(&mut tx, campaign.map(|current| current.id), user).await?;
    tx.commit().await?;
    Ok(named)
}

/// What everybody sees somebody as.
pub async fn public_name(app: &App, user: UserId) -> Result<WireName> {
    let mut tx = app.store.read().await?;
    let campaign = current(&app.rules, &mut tx, app.now_us()).await?;
    name_of(&mut tx, campaign.map(|current| current.id), user).await
}

async fn name_of(tx: &mut Tx, campaign: Option<CampaignId>, user: UserId) -> Result<WireName> {
    let chosen = leaderboard::public_name(tx, user).await?;
    Ok(WireName {
        is_chosen: chosen.is_some(),
        name: chosen.unwrap_or_else(|| unnamed(campaign, user)),
    })
}
