//! A small HTTP server that a test drives request by request; it can break off anywhere.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Listens until the test ends. Each request has a connection of its own.
pub struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

/// One request, and the means to answer it or not.
pub struct Exchange {
    pub method: String,
    /// Without `/api/v1` and the query.
    pub path: String,
    pub query: String,
    headers: HashMap<String, String>,
    stream: BufReader<TcpStream>,
}

impl Server {
    pub fn start(answer: impl Fn(&mut Exchange) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&log);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || {
                    let Some(mut exchange) = Exchange::read(stream) else {
                        return;
                    };
                    let line = format!("{} {}", exchange.method, exchange.path);
                    requests.lock().unwrap().push(line);
                    answer(&mut exchange);
                });
            }
        });
        Self { address, log }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `METHOD /path` of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn count(&self, request: &str) -> usize {
        self.requests().iter().filter(|one| *one == request).count()
    }
}

impl Exchange {
    fn read(stream: TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix("/api/v1").unwrap_or(path).to_owned();
        let query = query.to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        Some(Self {
            method,
            path,
            query,
            headers,
            stream,
        })
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn number(&self, header: &str) -> u64 {
        self.header(header).unwrap().parse().unwrap()
    }

    /// The body, or its first `most` bytes.
    pub fn body(&mut self, most: u64) -> Vec<u8> {
        let length = self
            .header("content-length")
            .map_or(0, |n| n.parse().unwrap());
        let mut body = Vec::new();
        let limited = (&mut self.stream).take(most.min(length));
        { limited }.read_to_end(&mut body).unwrap();
        body
    }

    pub fn json_body(&mut self) -> Value {
        serde_json::from_slice(&self.body(u64::MAX)).unwrap()
    }

    pub fn json(&mut self, status: u16, value: &Value) {
        self.bytes(status, "application/json", value.to_string().as_bytes());
    }

    pub fn problem(&mut self, status: u16, kind: &str, detail: &str) {
        let problem = json!({ "type": format!("urn:pictor:problem:{kind}"), "title": kind,
            "status": status, "detail": detail });
        let body = problem.to_string();
        self.bytes(status, "application/problem+json", body.as_bytes());
    }

    pub fn bytes(&mut self, status: u16, media_type: &str, body: &[u8]) {
        self.head(
            status,
            &format!(
                "content-type: {media_type}\r\ncontent-length: {}\r\n",
                body.len()
            ),
        );
        self.write(body);
    }

    /// Status and headers, each with its line end.
    pub fn head(&mut self, status: u16, headers: &str) {
        let head = format!("HTTP/1.1 {status} X\r\n{headers}connection: close\r\n\r\n");
        self.write(head.as_bytes());
    }

    /// Starts a stream of events, which lasts until the exchange is dropped.
    pub fn events(&mut self) {
        self.head(200, "content-type: text/event-stream\r\n");
    }

    pub fn event(&mut self, name: &str, id: i64, data: &Value) {
        self.write(format!("event: {name}\nid: {id}\ndata: {data}\n\n").as_bytes());
    }

    /// Keeps the connection open until the other side closes it.
    pub fn hold(&mut self) {
        let _ = self.stream.read_to_end(&mut Vec::new());
    }

    pub fn write(&mut self, bytes: &[u8]) {
        // The other side may have gone on purpose.
        let _ = self.stream.get_mut().write_all(bytes);
    }
}
