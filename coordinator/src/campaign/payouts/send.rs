//! Sends a batch: asks the node, simulates, signs, and stores what will be submitted. Whatever speaks against
//! it is found before anything is stored; and nothing is submitted before it is stored.

use std::io;

use pictor_protocol::{PayoutId, UserId};
use tokio::sync::Notify;

use super::amounts::apt;
use super::batch::{self, Change, Event};
use super::key::{PayoutKey, PayoutKeyError};
use super::node::{Node, NodeError};
use super::transaction::{self, Signed, Terms, Transfer};
use super::{Note, PayoutError, apply, load};
use crate::accounts::aptos::{Address, Chain};
use crate::accounts::full_node::FullNode;
use crate::accounts::outbound::Outbound;
use crate::app::App;
use crate::config::PayoutSettings;
use crate::store::payout_transactions::{self, Hex, NewTransactionRow};
use crate::store::payouts;
use crate::store::{StoreError, Tx};

/// How long the chain may take to carry a transaction out, by its own clock. Until then a lost one cannot be
/// replaced, and after it a congested chain has not taken it.
const LASTS_S: u64 = 300;
/// The chain takes no more for a transaction.
const GAS_MAX: u64 = 2_000_000;
/// A fee beyond 10 APT is a fault of somebody: a hundred new accounts cost about a tenth of one.
const FEE_OCTAS_MAX: u64 = 1_000_000_000;

/// What pays: a key, and a node of the chain that it is for.
#[derive(Debug)]
pub struct Payer {
    pub key: PayoutKey,
    pub chain: Chain,
    pub node: Node,
    /// Rung when a transaction was stored.
    pub(super) sent: Notify,
}

#[derive(Debug, thiserror::Error)]
pub enum PayerError {
    #[error(transparent)]
    Key(#[from] PayoutKeyError),
    #[error("this machine's certificates cannot be read")]
    Certificates(#[source] io::Error),
}

/// Why a batch is not sent; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("this coordinator has no payout key: pay by hand, after the CSV")]
    NoPayer,
    #[error("the node is of chain {found} where {configured} is configured")]
    OtherChain { configured: u8, found: u8 },
    #[error("the account {address} is signed for by another key now, {key}")]
    OtherKey { address: Address, key: Address },
    #[error(
        "the payout account has {} APT; {} APT are to be paid, and up to {} APT for gas",
        apt(*.have), apt(*.total), apt(*.fee)
    )]
    TooLittle { have: u64, total: u64, fee: u64 },
    #[error("the chain would refuse the payout: {0}")]
    Simulated(String),
    #[error("the fee could come to {} APT, which is more than it should ever be", apt(*.0))]
    FeeTooHigh(u64),
    #[error("another payout of this account is on its way; send this one after it")]
    AnotherOnItsWay,
    #[error(transparent)]
    Payout(#[from] PayoutError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("the transaction could not be written")]
    Bcs(#[from] bcs::Error),
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        Self::Payout(error.into())
    }
}

/// A transaction that could be sent.
pub(super) struct Prepared {
    pub sender: Address,
    pub terms: Terms,
    signed: Signed,
}

impl Payer {
    pub fn open(settings: &PayoutSettings) -> Result<Self, PayerError> {
        let outbound = Outbound::new().map_err(PayerError::Certificates)?;
        Ok(Self {
            key: PayoutKey::read(&settings.key_file)?,
            chain: settings.chain,
            node: Node::new(FullNode::new(&settings.node, outbound)),
            sent: Notify::new(),
        })
    }

    /// Makes the transaction that would pay `transfers` now.
    pub(super) async fn prepare(&self, transfers: &[Transfer]) -> Result<Prepared, SendError> {
        let sender = self.key.address();
        let (account, ledger) = self.node.account(sender).await?;
        let (have, ledger_of_balance) = self.node.balance_octas(sender).await?;
        for found in [ledger.chain_id, ledger_of_balance.chain_id] {
            let configured = self.chain.id();
            if found != configured {
                return Err(SendError::OtherChain { configured, found });
            }
        }
        if account.authentication_key != sender {
            let (address, key) = (sender, account.authentication_key);
            return Err(SendError::OtherKey { address, key });
        }
        let gas_price = self.node.gas_price().await?;
        let terms = Terms {
            sequence_number: account.sequence_number,
            // As much as the account could pay for.
            max_gas: have.checked_div(gas_price).unwrap_or(GAS_MAX).min(GAS_MAX),
            gas_price,
            expires_s: ledger.time_us / 1_000_000 + LASTS_S,
            chain_id: self.chain.id(),
        };
        let max_gas = self.simulate(transfers, &terms, have).await?;
        let terms = Terms { max_gas, ..terms };
        let signed = transaction::sign(transfers, &terms, &self.key)?;
        Ok(Prepared {
            sender,
            terms,
            signed,
        })
    }

    /// How much gas may be used, if the account has enough for everything.
    async fn simulate(
        &self,
        transfers: &[Transfer],
        terms: &Terms,
        have: u64,
    ) -> Result<u64, SendError> {
        let unsigned = transaction::for_simulation(transfers, terms, &self.key)?;
        let simulated = self.node.simulate(unsigned).await?;
        let total = transfers
            .iter()
            .fold(0, |sum: u64, of| sum.saturating_add(of.octas));
        let max_gas = with_margin(simulated.gas_used);
        let fee = max_gas.saturating_mul(terms.gas_price);
        if have < total.saturating_add(fee) {
            return Err(SendError::TooLittle { have, total, fee });
        }
        if !simulated.success {
            return Err(SendError::Simulated(simulated.vm_status));
        }
        if fee > FEE_OCTAS_MAX {
            return Err(SendError::FeeTooHigh(fee));
        }
        Ok(max_gas)
    }
}

/// Half as much again: between simulation and execution recipients' accounts may come into being.
fn with_margin(gas_used: u64) -> u64 {
    gas_used
        .saturating_add(gas_used.div_ceil(2))
        .clamp(1, GAS_MAX)
}

/// Sends an approved batch, or one that failed, once more. One that is on its way, or paid, stays as it is.
pub async fn send(app: &App, id: PayoutId, by: UserId) -> Result<(), SendError> {
    let mut tx = app.store.read().await?;
    if is_sent(&mut tx, id).await? {
        return Ok(());
    }
    let transfers = transfers(&mut tx, id).await?;
    drop(tx);
    let payer = app.payer.as_ref().ok_or(SendError::NoPayer)?;
    let prepared = match payer.prepare(&transfers).await {
        Ok(prepared) => prepared,
        // What speaks against it may be that somebody else has sent it meanwhile, and it was paid.
        Err(_) if is_sent(&mut app.store.read().await?, id).await? => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut tx = app.store.write().await?;
    let order = Order {
        by: Some(by),
        renewals: 0,
    };
    // Of two who send it at once, the second finds it signed.
    if store_transaction(&mut tx, id, prepared, order, app.now_us()).await? {
        tx.commit().await?;
        payer.sent.notify_one();
    }
    Ok(())
}

/// Whether a batch is on its way or paid already; refuses one that cannot be sent.
async fn is_sent(tx: &mut Tx, id: PayoutId) -> Result<bool, PayoutError> {
    let (_, batch) = load(tx, id).await?;
    Ok(batch::apply(&batch, Event::Sign)? == Change::Unchanged)
}

/// Who wants a transaction, and how many were made for it before.
pub(super) struct Order {
    /// An operator; nobody if the coordinator makes it again.
    pub by: Option<UserId>,
    pub renewals: u32,
}

/// Stores a transaction as the next attempt; false if one is on its way already.
pub(super) async fn store_transaction(
    tx: &mut Tx,
    id: PayoutId,
    prepared: Prepared,
    order: Order,
    now_us: i64,
) -> Result<bool, SendError> {
    let Prepared {
        sender,
        terms,
        signed,
    } = prepared;
    let what = format!("transaction signed: {}", signed.hash);
    let note = Note {
        by: order.by,
        ..Note::of_ours(&what)
    };
    let Some(batch) = apply(tx, id, Event::Sign, &note, now_us).await? else {
        return Ok(false);
    };
    let column =
        |number: u64| i64::try_from(number).map_err(|_| NodeError::Number(number.to_string()));
    let new = NewTransactionRow {
        payout: id,
        attempt: batch.attempts,
        renewals: order.renewals,
        chain_id: terms.chain_id,
        sender,
        sequence_number: column(terms.sequence_number)?,
        max_gas: column(terms.max_gas)?,
        gas_price: column(terms.gas_price)?,
        expires_s: column(terms.expires_s)?,
        hash: signed.hash,
        bytes: &Hex(signed.bytes),
        now_us,
    };
    if !payout_transactions::insert(tx, &new).await? {
        return Err(SendError::AnotherOnItsWay);
    }
    Ok(true)
}

/// Who gets what, by rank.
pub(super) async fn transfers(tx: &mut Tx, id: PayoutId) -> Result<Vec<Transfer>, StoreError> {
    let items = payouts::items(tx, id).await?;
    let transfer = |item: &payouts::ItemRow| Transfer {
        to: item.address,
        octas: item.octas,
    };
    Ok(items.iter().map(transfer).collect())
}
