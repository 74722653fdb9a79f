//! A stand-in for an Aptos full node: a chain with accounts and a clock that the test moves, behind as much of
//! the REST API as paying needs. It reads transactions with code of its own and believes nothing: signature,
//! key, chain, sequence number, expiry and balances are checked as the real chain does. And it can fail in every
//! way in which a real node was seen to fail.

mod read;
mod rest;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ed25519_dalek::{Signature, VerifyingKey};
use read::Transaction;
use sha3::{Digest, Sha3_256};

pub type Address = [u8; 32];

const SUCCESS: &str = "Executed successfully";
const PRICE: u64 = 100;
const START_S: u64 = 1_800_000_000;

/// How a node deals with one submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// The transaction happens, and the answer breaks off.
    LoseAnswer,
    /// It happens, and the answer is status 500.
    FailAfterwards,
    /// Status 500, and it does not happen.
    Fail,
    /// It happens, and the answer takes that long.
    Slow(Duration),
    /// It happens without effect: the chain undoes it and keeps the fee.
    Undo,
    /// It is taken, and never heard of again.
    Forget,
    /// It is taken and waits, until the test releases it.
    Hold,
}

#[derive(Clone)]
pub struct Chain {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone)]
struct Account {
    balance: u64,
    sequence_number: u64,
    authentication_key: Address,
}

/// A transaction of the past.
#[derive(Debug, Clone)]
struct Committed {
    hash: [u8; 32],
    sender: Address,
    sequence_number: u64,
    success: bool,
    vm_status: String,
}

/// That answers stay away.
#[derive(Debug, Clone, Copy)]
struct Freeze {
    /// The number of the request without an answer.
    at: usize,
    is_done: bool,
    has_begun: bool,
}

/// What a node has forgotten.
pub struct Past(Vec<Committed>);

#[derive(Debug, Clone)]
struct State {
    chain_id: u8,
    time_us: u64,
    accounts: BTreeMap<Address, Account>,
    committed: Vec<Committed>,
    pending: Vec<Transaction>,
    /// For the next submissions, and for those after them.
    next: VecDeque<Mishap>,
    always: Option<Mishap>,
    submissions: Vec<Vec<u8>>,
    simulations: usize,
    requests: usize,
    freeze: Option<Freeze>,
    is_down: bool,
}

/// Why a transaction is not taken, in the words of the chain.
type Refused = &'static str;

impl Chain {
    /// The chain id is that of local networks.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            chain_id: 4,
            time_us: START_S * 1_000_000,
            accounts: BTreeMap::new(),
            committed: Vec::new(),
            pending: Vec::new(),
            next: VecDeque::new(),
            always: None,
            submissions: Vec::new(),
            simulations: 0,
            requests: 0,
            freeze: None,
            is_down: false,
        }));
        let url = rest::serve(Arc::clone(&state)).await;
        Self { url, state }
    }

    pub fn fund(&self, address: Address, octas: u64) {
        self.state().credit(address, octas);
    }

    pub fn balance(&self, address: Address) -> u64 {
        let state = self.state();
        state.accounts.get(&address).map_or(0, |of| of.balance)
    }

    /// Everything that everybody has.
    pub fn supply(&self) -> u64 {
        self.state().accounts.values().map(|of| of.balance).sum()
    }

    /// Another key signs for the account from now on.
    pub fn rotate_key(&self, address: Address, key: Address) {
        let mut state = self.state();
        let account = state.accounts.get_mut(&address).unwrap();
        account.authentication_key = key;
    }

    /// Somebody else who has the key uses the account.
    pub fn use_sequence_number(&self, sender: Address) {
        let mut state = self.state();
        let account = state.accounts.get_mut(&sender).unwrap();
        let sequence_number = account.sequence_number;
        account.sequence_number += 1;
        let hash = Sha3_256::digest(sequence_number.to_le_bytes()).into();
        state.committed.push(Committed {
            hash,
            sender,
            sequence_number,
            success: true,
            vm_status: SUCCESS.into(),
        });
    }

    pub fn passes(&self, seconds: u64) {
        self.state().time_us += seconds * 1_000_000;
    }

    pub fn becomes(&self, chain_id: u8) {
        self.state().chain_id = chain_id;
    }

    pub fn is_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// What happens to the next submission for which nothing was said yet.
    pub fn next(&self, mishap: Mishap) {
        self.state().next.push_back(mishap);
    }

    /// What happens to every submission after those.
    pub fn always(&self, mishap: Option<Mishap>) {
        self.state().always = mishap;
    }

    /// What was held happens now, unless it cannot any more.
    pub fn release(&self) {
        let mut state = self.state();
        for transaction in std::mem::take(&mut state.pending) {
            let _refused = state.commit(&transaction, false);
        }
    }

    /// Nodes keep the past for some weeks only. Answers what is forgotten.
    pub fn forget(&self) -> Past {
        Past(std::mem::take(&mut self.state().committed))
    }

    /// As a node that keeps everything does.
    pub fn remember(&self, past: Past) {
        self.state().committed.splice(0..0, past.0);
    }

    /// The bytes of every submission, those that came to nothing too.
    pub fn submissions(&self) -> Vec<Vec<u8>> {
        self.state().submissions.clone()
    }

    /// The `nth` request from now on gets no answer before it is thawed: it is done before that, or after it.
    pub fn freeze(&self, nth: usize, is_done: bool) {
        let mut state = self.state();
        let at = state.requests + nth;
        let has_begun = false;
        state.freeze = Some(Freeze {
            at,
            is_done,
            has_begun,
        });
    }

    pub fn thaw(&self) {
        self.state().freeze = None;
    }

    /// Whether somebody waits in vain.
    pub fn is_frozen(&self) -> bool {
        self.state().freeze.is_some_and(|freeze| freeze.has_begun)
    }

    pub fn simulations(&self) -> usize {
        self.state().simulations
    }

    /// How many transactions the chain has, and how many of them had an effect.
    pub fn committed(&self) -> (usize, usize) {
        let state = self.state();
        let successes = state.committed.iter().filter(|of| of.success).count();
        (state.committed.len(), successes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn credit(&mut self, address: Address, octas: u64) {
        let account = self.accounts.entry(address).or_insert(Account {
            balance: 0,
            sequence_number: 0,
            authentication_key: address,
        });
        account.balance += octas;
    }

    /// What validators check before they execute anything.
    fn check(&self, transaction: &Transaction) -> Result<(), Refused> {
        let account = self.accounts.get(&transaction.sender);
        let account = account.ok_or("SENDING_ACCOUNT_DOES_NOT_EXIST")?;
        if transaction.chain_id != self.chain_id {
            return Err("BAD_CHAIN_ID");
        }
        if self.time_us / 1_000_000 >= transaction.expires_s {
            return Err("TRANSACTION_EXPIRED");
        }
        let key = Sha3_256::new().chain_update(transaction.public_key);
        let key: Address = key.chain_update([0]).finalize().into();
        if key != account.authentication_key {
            return Err("INVALID_AUTH_KEY");
        }
        if transaction.sequence_number < account.sequence_number {
            return Err("SEQUENCE_NUMBER_TOO_OLD");
        }
        if transaction.sequence_number > account.sequence_number {
            return Err("SEQUENCE_NUMBER_TOO_NEW");
        }
        if transaction.max_gas == 0 || transaction.max_gas > 2_000_000 {
            return Err("MAX_GAS_UNITS_OUT_OF_BOUNDS");
        }
        if transaction.gas_price < PRICE {
            return Err("GAS_UNIT_PRICE_BELOW_MIN_BOUND");
        }
        if account.balance < transaction.max_gas * transaction.gas_price {
            return Err("INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE");
        }
        Ok(())
    }

    fn check_signature(transaction: &Transaction) -> Result<(), Refused> {
        let key = VerifyingKey::from_bytes(&transaction.public_key);
        let key = key.map_err(|_| "INVALID_SIGNATURE")?;
        let signature = Signature::from_bytes(&transaction.signature);
        key.verify_strict(&transaction.signing_message(), &signature)
            .map_err(|_| "INVALID_SIGNATURE")
    }

    /// Executes a transaction; the units of gas and what became of it.
    fn commit(
        &mut self,
        transaction: &Transaction,
        undo: bool,
    ) -> Result<(u64, Committed), Refused> {
        self.check(transaction)?;
        let before = self.accounts.clone();
        let mut gas = 5;
        let mut vm_status = SUCCESS;
        for (to, octas) in &transaction.transfers {
            let is_new = !self.accounts.contains_key(to);
            gas += if is_new { 1_000 } else { 10 };
            let sender = self.accounts.get_mut(&transaction.sender).unwrap();
            match sender.balance.checked_sub(*octas) {
                Some(rest) => sender.balance = rest,
                None => {
                    vm_status = "Move abort in 0x1::fungible_asset: EINSUFFICIENT_BALANCE(0x10004)";
                    break;
                }
            }
            self.credit(*to, *octas);
        }
        if gas > transaction.max_gas {
            (gas, vm_status) = (transaction.max_gas, "Out of gas");
        }
        if undo {
            vm_status = "Move abort in 0x1::aptos_account: 0x60001";
        }
        let fee = gas * transaction.gas_price;
        if vm_status == SUCCESS && self.accounts[&transaction.sender].balance < fee {
            vm_status = "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE";
        }
        if vm_status != SUCCESS {
            self.accounts = before;
        }
        let sender = self.accounts.get_mut(&transaction.sender).unwrap();
        sender.balance -= fee;
        sender.sequence_number += 1;
        let committed = Committed {
            hash: transaction.hash,
            sender: transaction.sender,
            sequence_number: transaction.sequence_number,
            success: vm_status == SUCCESS,
            vm_status: vm_status.into(),
        };
        self.committed.push(committed.clone());
        Ok((gas, committed))
    }
}
