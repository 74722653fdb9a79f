//! What jobs cost their creators.

use pictor_protocol::{CampaignId, JobId, Micros};
use sqlx::FromRow;

use super::{Result, Tx};

#[derive(Debug, Clone, FromRow)]
pub struct CostRow {
    #[sqlx(try_from = "String")]
    pub job_id: JobId,
    #[sqlx(try_from = "String")]
    pub campaign_id: CampaignId,
    pub rules_version: i64,
    price: i64,
    pub guess_ms: i64,
    spend_cap: Option<i64>,
    pub round: i64,
    charged: i64,
    pub charged_frames: i64,
    pub free_frames: i64,
    /// Rewards for the whole job that went back because frames of it did.
    pub rewards_void: i64,
}

impl CostRow {
    /// For a minute of the reference machine.
    pub fn price(&self) -> Micros {
        Micros::new(self.price)
    }

    pub fn charged(&self) -> Micros {
        Micros::new(self.charged)
    }

    pub fn spend_cap(&self) -> Option<Micros> {
        self.spend_cap.map(Micros::new)
    }
}

/// The cost of a job that is about to be stored.
#[derive(Debug, Clone, Copy)]
pub struct NewCost {
    pub job: JobId,
    pub campaign: CampaignId,
    pub rules_version: i64,
    pub price: Micros,
    pub guess_ms: i64,
    pub spend_cap: Option<Micros>,
}

pub async fn insert(tx: &mut Tx, cost: &NewCost) -> Result<()> {
    execute!(
        tx,
        "INSERT INTO job_costs (job_id, campaign_id, rules_version, price, guess_ms, spend_cap, round) \
         VALUES ($1, $2, $3, $4, $5, $6, 1)",
        cost.job.to_string(),
        cost.campaign.to_string(),
        cost.rules_version,
        cost.price.get(),
        cost.guess_ms,
        cost.spend_cap.map(Micros::get)
    )?;
    Ok(())
}

/// `None` for a job that costs nothing.
pub async fn find(tx: &mut Tx, job: JobId) -> Result<Option<CostRow>> {
    fetch_optional!(
        tx,
        CostRow,
        "SELECT job_id, campaign_id, rules_version, price, guess_ms, spend_cap, round, charged, \
             charged_frames, free_frames, rewards_void \
         FROM job_costs WHERE job_id = $1",
        job.to_string()
    )
}

pub async fn add_charge(tx: &mut Tx, job: JobId, amount: Micros) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET charged = charged + $2, charged_frames = charged_frames + 1 \
         WHERE job_id = $1",
        job.to_string(),
        amount.get()
    )?;
    Ok(())
}

/// Takes back a charge that was refunded.
pub async fn take_charge(tx: &mut Tx, job: JobId, amount: Micros) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET charged = charged - $2, charged_frames = charged_frames - 1 \
         WHERE job_id = $1",
        job.to_string(),
        amount.get()
    )?;
    Ok(())
}

/// A frame that cost nothing is not there any more.
pub async fn take_free(tx: &mut Tx, job: JobId) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET free_frames = free_frames - 1 WHERE job_id = $1",
        job.to_string()
    )?;
    Ok(())
}

/// The reward for the whole job went back.
pub async fn void_reward(tx: &mut Tx, job: JobId) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET rewards_void = rewards_void + 1 WHERE job_id = $1",
        job.to_string()
    )?;
    Ok(())
}

pub async fn add_free(tx: &mut Tx, job: JobId) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET free_frames = free_frames + 1 WHERE job_id = $1",
        job.to_string()
    )?;
    Ok(())
}

pub async fn next_round(tx: &mut Tx, job: JobId) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET round = round + 1 WHERE job_id = $1",
        job.to_string()
    )?;
    Ok(())
}

pub async fn set_spend_cap(tx: &mut Tx, job: JobId, cap: Option<Micros>) -> Result<()> {
    execute!(
        tx,
        "UPDATE job_costs SET spend_cap = $2 WHERE job_id = $1",
        job.to_string(),
        cap.map(Micros::get)
    )?;
    Ok(())
}
