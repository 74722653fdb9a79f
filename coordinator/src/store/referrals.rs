//! Referral codes, who brought whom, and what it earned.

use pictor_protocol::{CampaignId, Micros, UserId};
use sqlx::FromRow;

use super::column::MaybeJson;
use super::{Result, Tx};

/// Gives somebody a code unless they have one; false also if somebody else has it.
pub async fn insert_code(tx: &mut Tx, user: UserId, code: &str, now_us: i64) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO referral_codes (user_id, code, made_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        user.to_string(),
        code,
        now_us
    )?;
    Ok(inserted > 0)
}

pub async fn code_of(tx: &mut Tx, user: UserId) -> Result<Option<String>> {
    let row = fetch_optional!(
        tx,
        (String,),
        "SELECT code FROM referral_codes WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(row.map(|(code,)| code))
}

#[derive(Debug, FromRow)]
struct PersonRow {
    #[sqlx(try_from = "String")]
    user_id: UserId,
}

/// Whose code that is.
pub async fn by_code(tx: &mut Tx, code: &str) -> Result<Option<UserId>> {
    let row = fetch_optional!(
        tx,
        PersonRow,
        "SELECT user_id FROM referral_codes WHERE code = $1",
        code
    )?;
    Ok(row.map(|row| row.user_id))
}

/// Enters who brought somebody; false if that is entered.
pub async fn insert(tx: &mut Tx, user: UserId, referrer: UserId, now_us: i64) -> Result<bool> {
    let inserted = execute!(
        tx,
        "INSERT INTO referrals (user_id, referrer_id, at_us) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO NOTHING",
        user.to_string(),
        referrer.to_string(),
        now_us
    )?;
    Ok(inserted > 0)
}

/// Who brought somebody.
pub async fn referrer_of(tx: &mut Tx, user: UserId) -> Result<Option<UserId>> {
    let row = fetch_optional!(
        tx,
        PersonRow,
        "SELECT referrer_id AS user_id FROM referrals WHERE user_id = $1",
        user.to_string()
    )?;
    Ok(row.map(|row| row.user_id))
}

/// Whether somebody brought `user`, or brought whoever did, or further up.
pub async fn is_ancestor(tx: &mut Tx, somebody: UserId, user: UserId) -> Result<bool> {
    let (found,) = fetch_one!(
        tx,
        (i64,),
        "WITH RECURSIVE above (id) AS (\
             SELECT referrer_id FROM referrals WHERE user_id = $1 \
             UNION \
             SELECT referrer_id FROM referrals JOIN above ON user_id = above.id\
         ) SELECT COUNT(*) FROM above WHERE id = $2",
        user.to_string(),
        somebody.to_string()
    )?;
    Ok(found > 0)
}

pub async fn count_of(tx: &mut Tx, referrer: UserId) -> Result<i64> {
    let (count,) = fetch_one!(
        tx,
        (i64,),
        "SELECT COUNT(*) FROM referrals WHERE referrer_id = $1",
        referrer.to_string()
    )?;
    Ok(count)
}

/// What referrals earned somebody in a campaign, and in one week of it.
pub async fn earned(
    tx: &mut Tx,
    referrer: UserId,
    campaign: CampaignId,
    week: i64,
) -> Result<(Micros, Micros)> {
    let (all, in_week) = fetch_one!(
        tx,
        (i64, i64),
        "SELECT CAST(COALESCE(SUM(earned), 0) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN week = $3 THEN earned ELSE 0 END), 0) AS BIGINT) \
         FROM referral_weeks WHERE user_id = $1 AND campaign_id = $2",
        referrer.to_string(),
        campaign.to_string(),
        week
    )?;
    Ok((Micros::new(all), Micros::new(in_week)))
}

pub async fn add_earned(
    tx: &mut Tx,
    referrer: UserId,
    campaign: CampaignId,
    week: i64,
    amount: Micros,
) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO referral_weeks (user_id, campaign_id, week, earned) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, campaign_id, week) \
         DO UPDATE SET earned = referral_weeks.earned + excluded.earned",
        referrer.to_string(),
        campaign.to_string(),
        week,
        amount.get()
    )?;
    Ok(())
}

/// What matters of somebody who wants to enter who brought them.
#[derive(Debug, Clone, Copy, FromRow)]
pub struct NewcomerRow {
    pub created_us: i64,
    /// Whether they earned points in any campaign.
    pub has_points: i64,
}

pub async fn newcomer(tx: &mut Tx, user: UserId) -> Result<Option<NewcomerRow>> {
    fetch_optional!(
        tx,
        NewcomerRow,
        "SELECT created_us, \
             (SELECT COUNT(*) FROM ledger_accounts WHERE owner = users.id AND book <> 'credits') AS has_points \
         FROM users WHERE id = $1",
        user.to_string()
    )
}

/// What the hellos of somebody's workers said.
pub async fn hellos_of(tx: &mut Tx, user: UserId) -> Result<Vec<pictor_protocol::agent::Hello>> {
    let rows = fetch_all!(
        tx,
        HelloRow,
        "SELECT hello FROM workers WHERE owner_id = $1 AND hello IS NOT NULL",
        user.to_string()
    )?;
    Ok(rows.into_iter().filter_map(|row| row.hello.0).collect())
}

#[derive(Debug, FromRow)]
struct HelloRow {
    #[sqlx(try_from = "Option<String>")]
    hello: MaybeJson<pictor_protocol::agent::Hello>,
}
