//! Debian's Chromium, driven by `node/chromium.mjs`: one for all tests, and a window of its own for each.
//!
//! Tests have runtimes of their own, so the conversation with the one browser belongs to a plain thread.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};

use pictor_protocol::UserId;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::harness::World;
use crate::harness::counterparts::node_folder;

/// A browser's tab. What a page in it must never do (ask another host, break the content policy, fail in a script)
/// is collected, and is a failure of the test when the tab is closed.
pub struct Tab {
    id: String,
    /// Its window has no other tab that outlives it.
    is_first: bool,
}

impl Tab {
    /// A window of nobody, on the coordinator.
    pub async fn of_a_stranger(world: &World) -> Self {
        Self::that_may_ask(world, &[]).await
    }

    /// A window of somebody who signed in just now.
    pub async fn of(world: &World, user: UserId) -> Self {
        let tab = Self::of_a_stranger(world).await;
        tab.sign_in_again(world, user).await;
        tab
    }

    /// The window is signed in from now on, as if in another tab of it.
    pub async fn sign_in_again(&self, world: &World, user: UserId) {
        let browser = world.browser_of(user).await;
        let session = browser.cookie("pictor_session").unwrap();
        let cookie = json!({ "name": "pictor_session", "value": session });
        self.order("cookie", cookie).await;
    }

    /// A window whose pages may lead to other sites, such as a provider's.
    pub async fn that_may_ask(world: &World, others: &[&str]) -> Self {
        let window = json!({ "site": world.url, "may_ask": others });
        let id = Chromium::of_all_tests().order("window", window).await;
        Self {
            id: id.as_str().unwrap().into(),
            is_first: true,
        }
    }

    /// Another tab of the same window.
    pub async fn another(&self) -> Self {
        let id = self.order("tab", json!({})).await;
        Self {
            id: id.as_str().unwrap().into(),
            is_first: false,
        }
    }

    /// Opens an address of the coordinator; answers the status.
    pub async fn goto(&self, path: &str) -> u64 {
        let status = self.order("goto", json!({ "path": path })).await;
        status.as_u64().unwrap()
    }

    pub async fn click(&self, selector: &str) {
        self.order("click", json!({ "selector": selector })).await;
    }

    /// A click that leads to another page, and waits for it.
    pub async fn follow(&self, selector: &str) {
        self.order("follow", json!({ "selector": selector })).await;
    }

    /// A click that opens another tab of the same window.
    pub async fn opened(&self, selector: &str) -> Self {
        let id = self.order("opened", json!({ "selector": selector })).await;
        Self {
            id: id.as_str().unwrap().into(),
            is_first: false,
        }
    }

    /// What a person would paste now.
    pub async fn copied(&self) -> String {
        let copied = self.order("copied", json!({})).await;
        copied.as_str().unwrap().into()
    }

    pub async fn type_into(&self, selector: &str, text: &str) {
        let typed = json!({ "selector": selector, "text": text });
        self.order("type", typed).await;
    }

    pub async fn upload(&self, selector: &str, file: &Path) {
        self.order("upload", json!({ "selector": selector, "file": file }))
            .await;
    }

    /// Where what the tab downloads goes.
    pub async fn download_to(&self, folder: &Path) {
        self.order("downloads", json!({ "folder": folder })).await;
    }

    /// Waits until something of that text is to be seen.
    pub async fn see(&self, selector: &str, text: &str) {
        let seen = json!({ "selector": selector, "text": text });
        self.order("see", seen).await;
    }

    /// The texts, or the values of fields, that are there now.
    pub async fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.order("texts", json!({ "selector": selector })).await;
        serde_json::from_value(texts).unwrap()
    }

    /// An attribute of everything that is there now.
    pub async fn attributes(&self, selector: &str, name: &str) -> Vec<Option<String>> {
        let asked = json!({ "selector": selector, "name": name });
        serde_json::from_value(self.order("attributes", asked).await).unwrap()
    }

    pub async fn url(&self) -> String {
        let url = self.order("url", json!({})).await;
        url.as_str().unwrap().into()
    }

    /// The address without the coordinator's own.
    pub async fn path(&self) -> String {
        let url: http::Uri = self.url().await.parse().unwrap();
        url.path_and_query().unwrap().to_string()
    }

    /// Runs a script in the page, and answers what it is worth.
    pub async fn run(&self, script: &str) -> Value {
        self.order("run", json!({ "script": script })).await
    }

    /// The whole page as a picture.
    pub async fn screenshot(&self, file: &Path) {
        self.order("screenshot", json!({ "file": file })).await;
    }

    /// What axe-core finds to be an obstacle for people.
    pub async fn obstacles(&self) -> Vec<String> {
        serde_json::from_value(self.order("axe", json!({})).await).unwrap()
    }

    /// With or without JavaScript from the next page on.
    pub async fn set_scripts(&self, are: bool) {
        self.order("scripts", json!({ "are": are })).await;
    }

    /// `light` or `dark`.
    pub async fn set_scheme(&self, name: &str) {
        self.order("scheme", json!({ "name": name })).await;
    }

    pub async fn set_size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height });
        self.order("size", size).await;
    }

    /// Installs an Aptos wallet of the SDK: every page that is opened from now on finds it. `wallet_in_page.mjs`
    /// says what it can be.
    pub async fn install_wallet(&self, wallet: Value) {
        self.order("wallet", wallet).await;
    }

    /// What the tab's pages did that none may, since it was asked last.
    pub async fn faults(&self) -> Vec<String> {
        serde_json::from_value(self.order("faults", json!({})).await).unwrap()
    }

    /// Closes it; its pages did nothing that none may.
    pub async fn close(self) {
        assert_eq!(self.faults().await, Vec::<String>::new());
    }

    async fn order(&self, order: &str, mut rest: Value) -> Value {
        rest["tab"] = self.id.as_str().into();
        Chromium::of_all_tests().order(order, rest).await
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let order = if self.is_first { "end" } else { "close" };
        drop(Chromium::of_all_tests().send(order, json!({ "tab": self.id })));
    }
}

type Answer = Result<Value, String>;
type Waiting = HashMap<u64, oneshot::Sender<Answer>>;

struct Chromium {
    orders: Mutex<ChildStdin>,
    waiting: &'static Mutex<Waiting>,
    next: AtomicU64,
}

impl Chromium {
    /// It ends with the process of the tests, which is the end of its input.
    fn of_all_tests() -> &'static Self {
        static ONE: OnceLock<Chromium> = OnceLock::new();
        ONE.get_or_init(Self::start)
    }

    #[expect(
        clippy::zombie_processes,
        reason = "it ends with the process of the tests, after which nobody could wait"
    )]
    fn start() -> Self {
        static WAITING: OnceLock<Mutex<Waiting>> = OnceLock::new();
        let waiting = WAITING.get_or_init(Mutex::default);
        let mut process = Command::new("node")
            .arg("chromium.mjs")
            .current_dir(node_folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = process.stdout.take().unwrap();
        let (is_there, there) = mpsc::channel();
        std::thread::spawn(move || hear(answers, waiting, &is_there));
        there
            .recv()
            .expect("Chromium is missing: `install/prerequisites.sh chromium` installs it");
        Self {
            orders: Mutex::new(process.stdin.take().unwrap()),
            waiting,
            next: AtomicU64::new(1),
        }
    }

    async fn order(&self, order: &str, rest: Value) -> Value {
        let answer = self.send(order, rest).await;
        match answer.expect("Chromium's process ended") {
            Ok(value) => value,
            Err(fault) => panic!("{fault}"),
        }
    }

    fn send(&self, order: &str, mut rest: Value) -> oneshot::Receiver<Answer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, answered);
        rest["id"] = id.into();
        rest["order"] = order.into();
        // Gone, its answers end as well, and the receiver says so.
        let _ = writeln!(self.orders.lock().unwrap(), "{rest}");
        answer
    }
}

/// Passes answers on to whoever waits for them, until the process ends.
fn hear(answers: ChildStdout, waiting: &Mutex<Waiting>, is_there: &mpsc::Sender<String>) {
    for line in BufReader::new(answers).lines() {
        let mut answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = answer["id"].as_u64().unwrap();
        if id == 0 {
            let _ = is_there.send(answer["ok"].to_string());
            continue;
        }
        let result = match answer["fault"].as_str() {
            Some(fault) => Err(fault.to_owned()),
            None => Ok(answer["ok"].take()),
        };
        if let Some(waits) = waiting.lock().unwrap().remove(&id) {
            let _ = waits.send(result);
        }
    }
    waiting.lock().unwrap().clear();
}
