//! What was just done, for the page that comes next: a cookie of a minute, shown once.

use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};

use super::arrival;
use crate::accounts::Site;
use crate::http::browser;

const COOKIE: &str = "pictor_said";
const SECONDS: i64 = 60;

/// A sentence, and what takes back what it tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub text: String,
    /// A form is sent there, empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
}

impl From<&str> for Said {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { text, undo: None }
    }
}

impl Said {
    /// With the address that takes it back.
    #[must_use]
    pub fn or_undo(self, path: impl Into<String>) -> Self {
        Self {
            undo: Some(path.into()),
            ..self
        }
    }
}

/// What the browser brings along.
pub fn of(headers: &HeaderMap, site: &Site) -> Option<Said> {
    let text = browser::cookie(headers, &browser::cookie_name(COOKIE, site))?;
    let said: Said = serde_html_form::from_str(text).ok()?;
    Some(Said {
        undo: arrival::own(said.undo),
        ..said
    })
}

/// Makes the browser bring it along.
pub fn set(headers: &mut HeaderMap, said: &Said, site: &Site) {
    if let Ok(text) = serde_html_form::to_string(said) {
        put(headers, &text, SECONDS, site);
    }
}

/// It was shown.
pub fn forget(headers: &mut HeaderMap, site: &Site) {
    put(headers, "", 0, site);
}

fn put(headers: &mut HeaderMap, text: &str, seconds: i64, site: &Site) {
    let name = browser::cookie_name(COOKIE, site);
    let cookie = browser::set_cookie(&name, text, "Strict", seconds, site);
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(said: &Said) -> Option<Said> {
        let site = Site::new("https://render.example.org").unwrap();
        let mut answer = HeaderMap::new();
        set(&mut answer, said, &site);
        let cookie = answer[header::SET_COOKIE].to_str().unwrap();
        let mut next = HeaderMap::new();
        let sent = cookie.split(';').next().unwrap();
        next.insert(header::COOKIE, sent.parse().unwrap());
        of(&next, &site)
    }

    #[test]
    fn any_text_comes_through_a_cookie() {
        let said = Said::from("“Küche; 7=8, <b>&amp;” is\npaused").or_undo("/jobs/1/resume?a=b");
        assert_eq!(there_and_back(&said), Some(said));
    }

    #[test]
    fn nothing_is_undone_at_another_site() {
        for elsewhere in ["//evil.example/x", "https://evil.example"] {
            let said = Said::from("Done").or_undo(elsewhere);
            assert_eq!(there_and_back(&said), Some(Said::from("Done")));
        }
    }
}
