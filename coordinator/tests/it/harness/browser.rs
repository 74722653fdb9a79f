//! A browser as far as signing in needs one: it keeps cookies by host, follows redirects, and says which page
//! asks.

use std::collections::HashMap;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pictor_protocol::sign_in::{AskForChallenge, OidcRedirect, WalletChallenge};
use serde::Serialize;
use serde_json::json;

use super::client::Answer;

pub struct Browser {
    http: Hyper<HttpConnector, Full<Bytes>>,
    /// The coordinator that it is on.
    site: String,
    /// By host and port, and by name.
    cookies: HashMap<(String, String), String>,
    user_agent: String,
}

impl Browser {
    pub fn on(site: &str) -> Self {
        Self::named(site, "Firefox of the tests")
    }

    pub fn named(site: &str, user_agent: &str) -> Self {
        Self {
            http: Hyper::builder(TokioExecutor::new()).build_http(),
            site: site.into(),
            cookies: HashMap::new(),
            user_agent: user_agent.into(),
        }
    }

    /// Somebody else's, over the same connections.
    pub fn of_somebody_else(&self) -> Self {
        Self {
            http: self.http.clone(),
            site: self.site.clone(),
            cookies: HashMap::new(),
            user_agent: self.user_agent.clone(),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let url = format!("{}{path}", self.site);
        self.send(Method::GET, &url, &[], Vec::new()).await
    }

    /// Asks for a page, as somebody does who opens its address.
    pub async fn look(&mut self, path: &str) -> Answer {
        let url = format!("{}{path}", self.site);
        let said = [("accept", "text/html")];
        self.send(Method::GET, &url, &said, Vec::new()).await
    }

    /// What travels when a browser asks for a page or a file of one.
    pub async fn look_compressed(&mut self, path: &str) -> Answer {
        let url = format!("{}{path}", self.site);
        let said = [("accept", "text/html"), ("accept-encoding", "gzip")];
        self.send(Method::GET, &url, &said, Vec::new()).await
    }

    /// Sends a form of a page of the coordinator, without scripts.
    pub async fn fill(&mut self, path: &str, form: &str) -> Answer {
        let (url, origin) = (format!("{}{path}", self.site), self.site.clone());
        let said = [
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(Method::POST, &url, &said, form.into()).await
    }

    pub async fn post(&mut self, path: &str, body: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.change(Method::POST, path, body).await
    }

    /// Opens a page, as somebody does who clicks a link.
    pub async fn page(&mut self, path: &str) -> Answer {
        let url = format!("{}{path}", self.site);
        self.send(Method::GET, &url, &[("accept", "text/html")], Vec::new())
            .await
    }

    /// Sends a form, as a browser does without scripts; the answer is not followed.
    pub async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let (url, origin) = (format!("{}{path}", self.site), self.site.clone());
        let said = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let body = serde_html_form::to_string(fields).unwrap();
        self.send(Method::POST, &url, &said, body.into_bytes())
            .await
    }

    /// Sends a form with a file, as a browser does without scripts.
    pub async fn send_file(&mut self, path: &str, name: &str, bytes: &[u8]) -> Answer {
        let (url, origin) = (format!("{}{path}", self.site), self.site.clone());
        let said = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html"),
            ("content-type", "multipart/form-data; boundary=of-the-form"),
        ];
        let body = form_with_file("file", name, bytes);
        self.send(Method::POST, &url, &said, body).await
    }

    /// Sends a form, and goes on to the page that it leads to.
    pub async fn form_to_page(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.form(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let to = answer.headers[header::LOCATION]
            .to_str()
            .unwrap()
            .to_owned();
        self.page(&to).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.change(Method::DELETE, path, Vec::new()).await
    }

    /// Asks anything, as a page of the coordinator would.
    pub async fn ask(&mut self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        self.change(method, path, body).await
    }

    async fn change(&mut self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let (url, origin) = (format!("{}{path}", self.site), self.site.clone());
        let said = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.send(method, &url, &said, body).await
    }

    /// The same of somebody who may be gone.
    pub async fn try_post(&mut self, path: &str) -> Option<Answer> {
        let (url, origin) = (format!("{}{path}", self.site), self.site.clone());
        let said = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.try_send(Method::POST, &url, &said, b"{}".to_vec())
            .await
    }

    /// As a page of another site would make it do.
    pub async fn lured(&mut self, method: Method, path: &str, said: &[(&str, &str)]) -> Answer {
        let url = format!("{}{path}", self.site);
        self.send(method, &url, said, b"{}".to_vec()).await
    }

    async fn send(
        &mut self,
        method: Method,
        url: &str,
        said: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let answer = self.try_send(method, url, said, body).await;
        answer.unwrap_or_else(|| panic!("{url} does not answer"))
    }

    /// Nothing from somebody who is gone.
    async fn try_send(
        &mut self,
        method: Method,
        url: &str,
        said: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Option<Answer> {
        let host = authority(url);
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::USER_AGENT, &self.user_agent);
        if !said.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let cookies = self.cookies.iter().filter(|((of, _), _)| *of == host);
        let cookies: Vec<_> = cookies
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        for (name, value) in said {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        let (parts, body) = self.http.request(request).await.ok()?.into_parts();
        self.keep(&host, &parts.headers);
        Some(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.ok()?.to_bytes(),
        })
    }

    fn keep(&mut self, host: &str, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let key = (host.to_owned(), name.to_owned());
            if value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        let key = (authority(&self.site), name.to_owned());
        self.cookies.get(&key).map(String::as_str)
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        let key = (authority(&self.site), name.to_owned());
        self.cookies.insert(key, value.into());
    }

    /// Follows redirects until `stop` says so of an address, or a page comes.
    pub async fn follow(&mut self, url: &str, stop: impl Fn(&str) -> bool) -> Followed {
        let mut url = url.to_owned();
        for _ in 0..20 {
            if stop(&url) {
                return Followed::Stopped(url);
            }
            let answer = self.send(Method::GET, &url, &[], Vec::new()).await;
            if !answer.status.is_redirection() {
                return Followed::Page(answer);
            }
            let to = answer.headers[header::LOCATION].to_str().unwrap();
            url = if to.starts_with('/') {
                format!("http://{}{to}", authority(&url))
            } else {
                to.to_owned()
            };
        }
        panic!("{url} redirects for ever");
    }

    /// Opens an address and follows redirects to a page.
    pub async fn opened(&mut self, url: &str) -> Answer {
        self.follow(url, |_| false).await.page()
    }

    /// From the first click to the coordinator's last page.
    pub async fn sign_in_with_provider(&mut self) -> Answer {
        let began = format!("{}/sign-in/oidc", self.site);
        self.follow(&began, |_| false).await.page()
    }

    /// Up to the address that the provider sends the browser back to.
    pub async fn back_from_provider(&mut self) -> String {
        let began = format!("{}/sign-in/oidc", self.site);
        self.follow_to_callback(&began).await
    }

    pub async fn follow_to_callback(&mut self, url: &str) -> String {
        let stop = |url: &str| url.contains("/sign-in/oidc/callback");
        match self.follow(url, stop).await {
            Followed::Stopped(url) => url,
            Followed::Page(answer) => panic!("{answer:?}"),
        }
    }

    pub async fn open(&mut self, url: &str) -> Answer {
        self.send(Method::GET, url, &[], Vec::new()).await
    }

    /// Adds an identity at the provider to the account that is signed in.
    pub async fn link_with_provider(&mut self) -> Answer {
        let begun = self.post("/api/v1/identities/oidc", &json!({})).await;
        assert_eq!(begun.status, StatusCode::OK, "{begun:?}");
        let OidcRedirect { url } = begun.json();
        self.follow(&url, |_| false).await.page()
    }

    pub async fn challenge(&mut self, path: &str) -> WalletChallenge {
        let answer = self.post(path, &AskForChallenge::default()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }
}

pub enum Followed {
    Page(Answer),
    Stopped(String),
}

impl Followed {
    fn page(self) -> Answer {
        match self {
            Self::Page(answer) => answer,
            Self::Stopped(url) => panic!("stopped at {url}"),
        }
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The body of a form with one file. Its boundary is `of-the-form`.
pub fn form_with_file(field: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--of-the-form\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--of-the-form--\r\n"].concat()
}

fn authority(url: &str) -> String {
    let url: Uri = url.parse().unwrap();
    url.authority().unwrap().to_string()
}
