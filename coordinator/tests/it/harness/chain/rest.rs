//! The REST API of the stand-in: paths, headers and JSON as a real node writes them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State as Shared};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::read::Transaction;
use super::{Address, Committed, Mishap, PRICE, State};

const SIGNED_TRANSACTION: &str = "application/x.aptos.signed_transaction+bcs";

type Node = Arc<Mutex<State>>;

pub async fn serve(state: Node) -> String {
    let router = Router::new()
        .route("/v1/accounts/{address}", get(account))
        .route("/v1/accounts/{address}/balance/{asset}", get(balance))
        .route("/v1/accounts/{address}/transactions", get(of_account))
        .route("/v1/estimate_gas_price", get(gas_price))
        .route("/v1/transactions", post(submit))
        .route("/v1/transactions/simulate", post(simulate))
        .route("/v1/transactions/by_hash/{hash}", get(by_hash))
        .layer(middleware::from_fn_with_state(Arc::clone(&state), count))
        .with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn count(Shared(node): Shared<Node>, request: Request, next: Next) -> Response {
    let freeze = {
        let mut state = node.lock().unwrap();
        state.requests += 1;
        let number = state.requests;
        state.freeze.filter(|freeze| number == freeze.at)
    };
    let Some(freeze) = freeze else {
        return next.run(request).await;
    };
    if freeze.is_done {
        let answer = next.run(request).await;
        frozen(&node).await;
        return answer;
    }
    frozen(&node).await;
    next.run(request).await
}

/// Until it is thawed, or whoever asked has gone.
async fn frozen(node: &Node) {
    if let Some(freeze) = &mut node.lock().unwrap().freeze {
        freeze.has_begun = true;
    }
    while node.lock().unwrap().freeze.is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl State {
    /// With the state of the chain in its headers, as every answer of a node has it.
    fn answer(&self, status: StatusCode, body: &Value) -> Response {
        if self.is_down {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let headers = [
            ("x-aptos-chain-id", self.chain_id.to_string()),
            ("x-aptos-ledger-timestampusec", self.time_us.to_string()),
        ];
        (status, headers, Json(body)).into_response()
    }

    fn missing(&self, code: &str) -> Response {
        let body = json!({ "message": "not found", "error_code": code });
        self.answer(StatusCode::NOT_FOUND, &body)
    }

    fn refusal(&self, words: &str) -> Response {
        let body = json!({
            "message": format!("Invalid transaction: Type: Validation Code: {words}"),
            "error_code": "vm_error",
        });
        self.answer(StatusCode::BAD_REQUEST, &body)
    }
}

async fn account(Shared(node): Shared<Node>, Path(address): Path<String>) -> Response {
    let state = node.lock().unwrap();
    let Some(account) = state.accounts.get(&bytes(&address)) else {
        return state.missing("account_not_found");
    };
    let body = json!({
        "sequence_number": account.sequence_number.to_string(),
        "authentication_key": hex(&account.authentication_key),
    });
    state.answer(StatusCode::OK, &body)
}

async fn balance(
    Shared(node): Shared<Node>,
    Path((address, asset)): Path<(String, String)>,
) -> Response {
    assert_eq!(asset, "0x1::aptos_coin::AptosCoin");
    let state = node.lock().unwrap();
    let account = state.accounts.get(&bytes(&address));
    let balance = account.map_or(0, |account| account.balance);
    state.answer(StatusCode::OK, &json!(balance))
}

#[derive(Deserialize)]
struct Page {
    start: u64,
    limit: usize,
}

async fn of_account(
    Shared(node): Shared<Node>,
    Path(address): Path<String>,
    Query(page): Query<Page>,
) -> Response {
    let state = node.lock().unwrap();
    let of_account =
        |of: &&Committed| of.sender == bytes(&address) && of.sequence_number >= page.start;
    let listed = state.committed.iter().filter(of_account).take(page.limit);
    let body: Vec<Value> = listed.map(transaction).collect();
    state.answer(StatusCode::OK, &json!(body))
}

async fn gas_price(Shared(node): Shared<Node>) -> Response {
    let estimate = json!({
        "gas_estimate": PRICE, "deprioritized_gas_estimate": PRICE, "prioritized_gas_estimate": 2 * PRICE,
    });
    node.lock().unwrap().answer(StatusCode::OK, &estimate)
}

async fn simulate(Shared(node): Shared<Node>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = node.lock().unwrap();
    state.simulations += 1;
    let Some(transaction) = read(&headers, &body) else {
        return state.refusal("FAILED_TO_DESERIALIZE");
    };
    if transaction.signature != [0; 64] {
        return state.refusal("a simulated transaction must not be signed");
    }
    let mut copy = state.clone();
    let body = match copy.commit(&transaction, false) {
        Ok((gas, committed)) => json!([{
            "type": "user_transaction",
            "success": committed.success,
            "vm_status": committed.vm_status,
            "gas_used": gas.to_string(),
        }]),
        Err(vm_status) => json!([{
            "type": "user_transaction", "success": false, "vm_status": vm_status, "gas_used": "0",
        }]),
    };
    state.answer(StatusCode::OK, &body)
}

async fn submit(Shared(node): Shared<Node>, headers: HeaderMap, body: Bytes) -> Response {
    let (mishap, answer) = take(&mut node.lock().unwrap(), &headers, &body);
    match mishap {
        Some(Mishap::LoseAnswer) => {
            let broken = stream::iter([Err::<Bytes, _>(std::io::Error::other("the line is dead"))]);
            (StatusCode::ACCEPTED, Body::from_stream(broken)).into_response()
        }
        Some(Mishap::Fail | Mishap::FailAfterwards) => {
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        Some(Mishap::Slow(time)) => {
            tokio::time::sleep(time).await;
            answer
        }
        Some(Mishap::Undo | Mishap::Forget | Mishap::Hold) | None => answer,
    }
}

fn take(state: &mut State, headers: &HeaderMap, body: &Bytes) -> (Option<Mishap>, Response) {
    state.submissions.push(body.to_vec());
    let Some(transaction) = read(headers, body) else {
        return (None, state.refusal("FAILED_TO_DESERIALIZE"));
    };
    let signed = State::check_signature(&transaction).and_then(|()| state.check(&transaction));
    if let Err(refused) = signed {
        return (None, state.refusal(refused));
    }
    if state.is_down {
        return (None, state.refusal("down"));
    }
    let next = state.next.pop_front();
    let mishap = next.or(state.always);
    match mishap {
        Some(Mishap::Fail | Mishap::Forget) => {}
        Some(Mishap::Hold) => {
            let known = |of: &Transaction| of.hash == transaction.hash;
            if !state.pending.iter().any(known) {
                state.pending.push(transaction.clone());
            }
        }
        Some(Mishap::Undo) => {
            let _checked = state.commit(&transaction, true);
        }
        Some(Mishap::LoseAnswer | Mishap::FailAfterwards | Mishap::Slow(_)) | None => {
            let _checked = state.commit(&transaction, false);
        }
    }
    let body = json!({ "hash": hex(&transaction.hash) });
    (mishap, state.answer(StatusCode::ACCEPTED, &body))
}

async fn by_hash(Shared(node): Shared<Node>, Path(hash): Path<String>) -> Response {
    let state = node.lock().unwrap();
    let hash = bytes(&hash);
    if let Some(committed) = state.committed.iter().find(|of| of.hash == hash) {
        return state.answer(StatusCode::OK, &transaction(committed));
    }
    let now_s = state.time_us / 1_000_000;
    let waits = |of: &&Transaction| of.hash == hash && now_s < of.expires_s;
    match state.pending.iter().find(waits) {
        Some(pending) => {
            let body = json!({
                "type": "pending_transaction",
                "hash": hex(&hash),
                "sequence_number": pending.sequence_number.to_string(),
            });
            state.answer(StatusCode::OK, &body)
        }
        None => state.missing("transaction_not_found"),
    }
}

fn transaction(committed: &Committed) -> Value {
    json!({
        "type": "user_transaction",
        "hash": hex(&committed.hash),
        "sender": hex(&committed.sender),
        "sequence_number": committed.sequence_number.to_string(),
        "success": committed.success,
        "vm_status": committed.vm_status,
    })
}

fn read(headers: &HeaderMap, body: &[u8]) -> Option<Transaction> {
    let media_type = headers.get(header::CONTENT_TYPE)?;
    (media_type == SIGNED_TRANSACTION).then_some(())?;
    Transaction::read(body)
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}

fn bytes(hex: &str) -> Address {
    let digits = hex.strip_prefix("0x").unwrap();
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}
