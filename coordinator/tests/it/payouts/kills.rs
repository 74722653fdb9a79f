//! A coordinator process that is killed (`kill -9`) again and again while it pays.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use http::Method;
use pictor_coordinator::accounts::aptos::Address;
use pictor_protocol::payout::{PayoutDetails, PayoutStatus};

use super::{Bank, EXPIRY_S, PAYOUTS, key_file, path, payer, state};
use crate::harness::chain::Mishap;
use crate::harness::client::Client;
use crate::harness::eventually;
use crate::harness::process::{Process, program, written};

/// How the node deals with what it is handed, while the coordinator is killed at the first request to it, at
/// the second, and so on.
const MOODS: [Mishap; 6] = [
    Mishap::Fail,
    Mishap::Hold,
    Mishap::Fail,
    Mishap::Forget,
    Mishap::Fail,
    Mishap::Forget,
];
/// Account, balance, price of gas and simulation: asked before anything is stored.
const ASKED_FIRST: usize = 4;

#[tokio::test]
async fn a_coordinator_that_is_killed_at_any_request_to_the_node_pays_once() {
    let bank = Bank::open().await;
    let id = bank.approved(&[20_000, 10_000, 800]).await;
    let (chain, token) = (bank.chain.clone(), bank.ada.token().to_owned());
    let data = bank.world.data().to_owned();
    let _stopped = bank.world.stop().await;
    let (_dir, key_file) = key_file();
    let place = Place {
        data,
        key_file,
        node: chain.url.clone(),
        token,
    };
    for is_done in [false, true] {
        for (nth, mood) in (1..).zip(MOODS) {
            let (mut process, operator) = place.start().await;
            let before = state(&operator, id).await;
            if !is_done && nth <= ASKED_FIRST + 1 {
                assert_eq!(before.transactions, [], "stored too early");
            }
            chain.always(Some(mood));
            chain.freeze(nth, is_done);
            let sent = path(id, "send");
            // Whether it is answered before the end does not matter.
            let order = operator.try_open(Method::POST, &sent, &[], b"{}".to_vec());
            let killed = async {
                eventually("a request without an answer", async || {
                    chain
                        .is_frozen()
                        .then_some(())
                        .ok_or("everything is answered")
                })
                .await;
                process.kill();
            };
            let (_order, ()) = tokio::join!(order, killed);
            chain.thaw();
            if nth == 3 {
                chain.passes(EXPIRY_S);
            }
        }
    }
    // What waited happens now, unless it has expired; and an answer is lost once more.
    chain.release();
    chain.always(None);
    chain.next(Mishap::LoseAnswer);
    let (_process, operator) = place.start().await;
    let sent = path(id, "send");
    operator.post(&sent, &serde_json::json!({})).await;
    let paid = eventually("a payout that is confirmed", async || {
        let payout = state(&operator, id).await;
        if payout.status == PayoutStatus::Confirmed {
            Ok(payout)
        } else {
            Err(payout)
        }
    });
    let transactions = paid.await.transactions.len();
    assert!(transactions > 1, "nothing had to be replaced");
    let details: PayoutDetails = operator.get(&format!("{PAYOUTS}/{id}")).await.json();
    for item in &details.items {
        let address: Address = item.address.parse().unwrap();
        assert_eq!(chain.balance(*address.bytes()), item.octas);
    }
    let paid = chain.supply() - chain.balance(payer());
    assert_eq!(paid, details.payout.total_octas);
    assert_eq!(chain.committed(), (1, 1));
}

/// What a coordinator process needs.
struct Place {
    data: PathBuf,
    key_file: PathBuf,
    node: String,
    token: String,
}

impl Place {
    async fn start(&self) -> (Process, Client) {
        let ready = self.data.join("ready");
        let _not_there = std::fs::remove_file(&ready);
        let mut command = Command::new(program("pictor-coordinator"));
        command.args(["serve", "--bind", "127.0.0.1:0", "--payout-chain", "local"]);
        command.args(["--payout-node", &self.node]);
        command.arg("--payout-key-file").arg(&self.key_file);
        command.arg("--data").arg(&self.data);
        command.arg("--ready-file").arg(&ready);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::start("the coordinator", &mut command);
        let url = written(&ready).await;
        (process, Client::new(&url, &self.token))
    }
}
