//! All of somebody's workers.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::UserId;
use pictor_protocol::worker::Presence;
use serde::{Deserialize, Serialize};

use super::super::layout::{Page, Section, Viewer, html, part};
use super::super::{draw, show};
use super::row::Row;
use super::watch::{self, Found};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::cursor;
use crate::http::extract::Query;
use crate::http::problem::{Refused, Result};
use crate::workers::shown::{self, Sort, Together, Wanted};

const ON_A_PAGE: usize = 50;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/workers", get(list))
        .route("/workers/live", get(live))
}

/// What is behind the question mark: what the form sends, and the columns' heads.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
struct Asked {
    #[serde(skip_serializing_if = "String::is_empty")]
    search: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    state: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sort: String,
    /// `up` or `down`; the sort's own when empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    order: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    after: String,
}

/// What can be sorted by: its word in the address, and whether the greatest come first.
const SORTS: [(&str, Sort, bool); 5] = [
    ("state", Sort::Presence, false),
    ("name", Sort::Name, false),
    ("earned", Sort::Earned, true),
    ("seen", Sort::Seen, true),
    ("created", Sort::Created, true),
];

const STATES: [(&str, &str); 7] = [
    ("", "All but retired"),
    ("online", "Online"),
    ("offline", "Offline"),
    ("draining", "Paused"),
    ("new", "Never connected"),
    ("suspended", "Suspended"),
    ("retired", "Retired"),
];

impl Asked {
    fn sort(&self) -> (&'static str, Sort, bool) {
        let known = SORTS.into_iter().find(|(word, ..)| *word == self.sort);
        let (word, sort, descending) = known.unwrap_or(SORTS[0]);
        let descending = match self.order.as_str() {
            "up" => false,
            "down" => true,
            _ => descending,
        };
        (word, sort, descending)
    }

    fn presence(&self) -> Result<Option<Presence>> {
        if self.state.is_empty() {
            return Ok(None);
        }
        let all = [
            Presence::New,
            Presence::Online,
            Presence::Offline,
            Presence::Draining,
            Presence::Suspended,
            Presence::Retired,
        ];
        let found = all.into_iter().find(|known| known.as_str() == self.state);
        found
            .map(Some)
            .ok_or_else(|| Refused::unknown_word("state"))
    }

    /// Whether some are left out.
    fn is_narrow(&self) -> bool {
        !(self.search.trim().is_empty() && self.state.is_empty())
    }

    fn address(&self, path: &str) -> String {
        match serde_html_form::to_string(self) {
            Ok(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.into(),
        }
    }
}

/// The list and what stands above it.
struct Listed {
    rows: Vec<Row>,
    together: Together,
    next: Option<String>,
    due_us: i64,
}

async fn load(app: &App, user: UserId, asked: &Asked, points: bool) -> Result<Listed> {
    let (_, sort, descending) = asked.sort();
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let wanted = Wanted {
        presence: asked.presence()?,
        search: &asked.search,
        sort,
        descending,
        after: after.map(cursor::read).transpose()?,
        limit: ON_A_PAGE,
        ..Wanted::default()
    };
    let found = shown::workers(app, user, &wanted).await?;
    let due_us = watch::silence_us(&found.items);
    let row = |worker| Row {
        worker,
        points,
        now_ms: app.now_us() / 1_000,
    };
    Ok(Listed {
        rows: found.items.into_iter().map(row).collect(),
        together: shown::together(app, user).await?,
        next: found.next.map(|place| cursor::write(&place)),
        due_us,
    })
}

#[derive(Template)]
#[template(path = "workers/list.html")]
struct ListPage {
    page: Page,
    asked: Asked,
    listed: Listed,
    points: bool,
}

impl ListPage {
    fn states(&self) -> [(&'static str, &'static str); 7] {
        STATES
    }

    /// `aria-sort` of a column.
    fn sorted(&self, word: &str) -> Option<&'static str> {
        let (now, _, descending) = self.asked.sort();
        (now == word).then_some(if descending {
            "descending"
        } else {
            "ascending"
        })
    }

    /// Where the head of a column leads: the other way round, if it is sorted by that already.
    fn by(&self, word: &str) -> String {
        let (now, _, descending) = self.asked.sort();
        let order = match (now == word, descending) {
            (false, _) => "",
            (true, true) => "up",
            (true, false) => "down",
        };
        let asked = Asked {
            sort: word.into(),
            order: order.into(),
            after: String::new(),
            ..self.asked.clone()
        };
        asked.address("/workers")
    }

    fn first(&self) -> String {
        self.page_after("")
    }

    fn page_after(&self, after: &str) -> String {
        let after = after.to_owned();
        let asked = self.asked.clone();
        Asked { after, ..asked }.address("/workers")
    }

    fn summary(&self) -> Summary {
        Summary {
            together: self.listed.together,
            points: self.points,
        }
    }
}

/// What all of them are and do together.
#[derive(Template)]
#[template(path = "workers/summary.html")]
struct Summary {
    together: Together,
    points: bool,
}

async fn list(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Workers)?;
    let page = viewer.page(&app, Section::Workers, "My Workers").await?;
    let points = has_points(&page);
    let listed = load(&app, user, &asked, points).await?;
    html(&ListPage {
        page: page.live(asked.address("/workers/live")),
        asked,
        listed,
        points,
    })
}

/// Whether there is, or was, something to earn here.
pub fn has_points(page: &Page) -> bool {
    let viewer = page.viewer.as_ref();
    viewer.is_some_and(|viewer| viewer.balances.points.is_some())
}

async fn live(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let user = viewer.with(Right::Workers)?;
    let page = viewer.page(&app, Section::Workers, "My Workers").await?;
    let points = has_points(&page);
    let first: Vec<_> = ids(&load(&app, user, &asked, points).await?.rows);
    let again = Arc::clone(&app);
    Ok(watch::stream(&app, user, move || {
        let (app, asked, first) = (Arc::clone(&again), asked.clone(), first.clone());
        async move {
            let listed = load(&app, user, &asked, points).await?;
            let summary = Summary {
                together: listed.together,
                points,
            };
            // Others, or in another order: all of the rows at once. The summary is last, because a browser
            // that has begun with a table's row reads whatever follows, and not the other way round.
            let mut parts = match ids(&listed.rows) == first {
                true => listed.rows.iter().map(part).collect::<Result<_>>()?,
                false => vec![part(&Rows { rows: &listed.rows })?],
            };
            parts.push(part(&summary)?);
            Ok(Found {
                parts,
                due_us: listed.due_us,
            })
        }
    }))
}

fn ids(rows: &[Row]) -> Vec<pictor_protocol::WorkerId> {
    rows.iter().map(|row| row.worker.id).collect()
}

#[derive(Template)]
#[template(
    source = "<tbody id=\"workers-rows\">{% for row in rows %}{{ row|safe }}{% endfor %}</tbody>",
    ext = "html"
)]
struct Rows<'a> {
    rows: &'a [Row],
}
