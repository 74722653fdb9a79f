//! What a sign-in has on its other side: an OpenID provider and Aptos wallets in Node, a stand-in full node.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};

use axum::extract::{Path as UrlPath, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Method, StatusCode};
use openidconnect::{ClientId, IssuerUrl};
use pictor_coordinator::accounts::oidc::{HiddenSecret, OidcSettings};
use pictor_protocol::sign_in::{WalletChallenge, WalletProof};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::PATIENCE;
use super::client::Client;

/// Where the npm packages are, installed if they are missing or of another lock file.
pub fn node_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/node");
        let lock = std::fs::read(folder.join("package-lock.json")).unwrap();
        let mark = folder.join("node_modules/.installed-lock");
        if std::fs::read(&mark).ok().as_ref() != Some(&lock) {
            let mut npm = std::process::Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--loglevel=error"]);
            let installed = npm.current_dir(&folder).status();
            let installed =
                installed.expect("npm is missing: `install/prerequisites.sh` installs it");
            assert!(
                installed.success(),
                "`npm ci` failed in {}",
                folder.display()
            );
            std::fs::write(mark, lock).unwrap();
        }
        folder
    })
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script).current_dir(node_folder());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // The development warnings of the packages; the errors of the scripts end the conversation.
    command.stderr(Stdio::null()).kill_on_drop(true);
    command
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>, of: &str) -> String {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
    let line = line.unwrap_or_else(|_| panic!("{of} says nothing"));
    line.unwrap().unwrap_or_else(|| panic!("{of} ended"))
}

/// npm's `oidc-provider`.
pub struct OidcProvider {
    _process: Child,
    /// Closed, they would end the process: the package has more to say.
    _lines: Lines<BufReader<ChildStdout>>,
    pub issuer: String,
}

impl OidcProvider {
    pub async fn start() -> Self {
        let mut process = node("provider.mjs").spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = line(&mut lines, "the OpenID provider").await;
        Self {
            _process: process,
            _lines: lines,
            issuer,
        }
    }

    pub fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: IssuerUrl::new(self.issuer.clone()).unwrap(),
            client_id: ClientId::new("pictor".into()),
            client_secret: Some(HiddenSecret("0123456789abcdef0123456789abcdef".into())),
        }
    }

    /// Such as `{"account": "ada"}` or `{"fault": "nonce"}`.
    pub async fn order(&self, order: Value) {
        let done = Client::new(&self.issuer, "").post("/control", &order).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT);
    }
}

/// Wallets of the Aptos SDK.
pub struct Wallets {
    _process: Child,
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Wallets {
    pub async fn start() -> Self {
        let mut process = node("wallet.mjs").spawn().unwrap();
        Self {
            requests: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        }
    }

    /// Signs as `aptos:signIn` does.
    pub async fn sign_in(&mut self, kind: &str, challenge: &WalletChallenge) -> WalletProof {
        let request = json!({ "kind": kind, "sign_in": challenge.sign_in });
        self.sign(challenge, request).await
    }

    /// Signs what `request` says beside the challenge.
    pub async fn sign(&mut self, challenge: &WalletChallenge, request: Value) -> WalletProof {
        let text = format!("{request}\n");
        self.requests.write_all(text.as_bytes()).await.unwrap();
        let answer = line(&mut self.answers, "the wallet").await;
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        answer["nonce"] = challenge.nonce.clone().into();
        serde_json::from_value(answer).unwrap()
    }
}

/// What the Aptos SDK reads in a signed transaction.
pub async fn read_by_sdk(signed: &[u8]) -> Value {
    let mut process = node("transaction.mjs").spawn().unwrap();
    let digits: String = signed.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut requests = process.stdin.take().unwrap();
    let request = format!("{digits}\n");
    requests.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    serde_json::from_str(&line(&mut lines, "the SDK").await).unwrap()
}

/// What Lighthouse says of a page: `scores` by category, and what there is `less` than full.
pub async fn lighthouse(url: &str, session: Option<&str>) -> Value {
    let output = node("lighthouse.mjs").arg(url).args(session).output();
    let output = output.await.unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Answers like an Aptos full node, about the accounts that the test names.
pub struct FullNode {
    pub url: String,
    accounts: Accounts,
}

type Accounts = Arc<Mutex<HashMap<String, (StatusCode, String)>>>;

impl FullNode {
    pub async fn start() -> Self {
        let accounts = Accounts::default();
        let router = axum::Router::new()
            .route("/v1/accounts/{address}", get(account))
            .with_state(Arc::clone(&accounts));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, accounts }
    }

    /// From now on the account has that key.
    pub fn has(&self, address: &str, authentication_key: &str) {
        let account = json!({ "sequence_number": "3", "authentication_key": authentication_key });
        self.answers(address, StatusCode::OK, &account.to_string());
    }

    pub fn answers(&self, address: &str, status: StatusCode, body: &str) {
        let mut accounts = self.accounts.lock().unwrap();
        accounts.insert(address.into(), (status, body.into()));
    }
}

async fn account(State(accounts): State<Accounts>, UrlPath(address): UrlPath<String>) -> Response {
    let known = accounts.lock().unwrap().get(&address).cloned();
    let missing = json!({ "error_code": "account_not_found" }).to_string();
    known
        .unwrap_or((StatusCode::NOT_FOUND, missing))
        .into_response()
}

/// Not a browser, but a program without a token.
pub async fn anybody(url: &str, method: Method, path: &str, body: &Value) -> super::client::Answer {
    let nobody = Client::new(url, "");
    nobody
        .send(method, path, serde_json::to_vec(body).unwrap())
        .await
}
