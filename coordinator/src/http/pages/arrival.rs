//! What somebody brings along to the sign-in, for when it is over: where they wanted to go, and who invited them.
//!
//! Cookies, because the way leads past the provider's pages. `Lax`, because it is the provider that sends the
//! browser back.

use http::{HeaderMap, HeaderName, header};

use crate::accounts::Site;
use crate::accounts::oidc::SIGN_IN_US;
use crate::http::browser;

const NEXT: &str = "pictor_next";
const INVITED: &str = "pictor_invited";
/// Who brought one can be entered on the first day only.
const INVITED_SECONDS: i64 = 86_400;
/// Longer than any code that somebody could have been given.
const CODE_CHARS: usize = 40;
/// Where everybody goes who did not say.
pub const HOME: &str = "/dashboard";

/// A cookie of an answer.
pub type Cookie = (HeaderName, String);

/// The address, if it is one of ours. Browsers read `//` and `/\` as another site, and leave out what is no letter.
pub fn own(path: Option<String>) -> Option<String> {
    path.filter(|path| {
        let mut letters = path.chars();
        letters.next() == Some('/')
            && !matches!(letters.next(), Some('/' | '\\'))
            && !path.chars().any(|c| c.is_control() || c.is_whitespace())
    })
}

/// Makes the browser remember where to go.
pub fn remember_next(path: &str, site: &Site) -> Cookie {
    put(NEXT, path, SIGN_IN_US / 1_000_000, site)
}

pub fn forget_next(site: &Site) -> Cookie {
    put(NEXT, "", 0, site)
}

/// Where the person wanted to go.
pub fn next(headers: &HeaderMap, site: &Site) -> Option<String> {
    own(get(NEXT, headers, site))
}

/// Makes the browser remember the code of whoever invited the person; no code, nobody.
pub fn remember_invited(code: &str, site: &Site) -> Cookie {
    let code: String = code.chars().take(CODE_CHARS).collect();
    let seconds = if code.is_empty() { 0 } else { INVITED_SECONDS };
    put(INVITED, &code, seconds, site)
}

pub fn forget_invited(site: &Site) -> Cookie {
    put(INVITED, "", 0, site)
}

/// The code of whoever invited the person.
pub fn invited(headers: &HeaderMap, site: &Site) -> Option<String> {
    get(INVITED, headers, site).filter(|code| !code.is_empty())
}

fn put(name: &str, text: &str, seconds: i64, site: &Site) -> Cookie {
    let name = browser::cookie_name(name, site);
    let value = serde_html_form::to_string([("is", text)]).unwrap_or_default();
    let cookie = browser::set_cookie(&name, &value, "Lax", seconds, site);
    (header::SET_COOKIE, cookie)
}

fn get(name: &str, headers: &HeaderMap, site: &Site) -> Option<String> {
    let value = browser::cookie(headers, &browser::cookie_name(name, site))?;
    let fields: Vec<(String, String)> = serde_html_form::from_str(value).ok()?;
    fields.into_iter().next().map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for elsewhere in [
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "evil",
            "",
        ] {
            assert_eq!(own(Some(elsewhere.into())), None, "{elsewhere:?}");
        }
        for ours in ["/", "/jobs/1?frame=2#log", "/help/%5C"] {
            assert_eq!(own(Some(ours.into())).as_deref(), Some(ours));
        }
    }

    #[test]
    fn what_was_brought_along_comes_back() {
        let site = Site::new("https://render.example.org").unwrap();
        let (_, cookie) = remember_next("/jobs?state=done;x=ü&y=\"", &site);
        let mut headers = HeaderMap::new();
        let sent = cookie.split(';').next().unwrap();
        headers.insert(header::COOKIE, sent.parse().unwrap());
        let next = next(&headers, &site);
        assert_eq!(next.as_deref(), Some("/jobs?state=done;x=ü&y=\""));
        assert_eq!(invited(&headers, &site), None);
    }
}
