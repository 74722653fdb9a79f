//! One's own books: what one has, and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use pictor_protocol::ledger::{Balances, LedgerPage};
use pictor_protocol::problem::{Problem, ProblemKind};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::auth::Person;
use crate::http::extract::Query;
use crate::http::problem::{Refused, Result};
use crate::ledger::{Book, export, view};
use crate::store::ledger::EntryId;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(balances))
        .routes(routes!(entries))
        .routes(routes!(csv))
}

/// What one has: credits, and points of the current campaign
#[utoipa::path(get, path = "/api/v1/ledger", tag = "ledger",
    responses((status = 200, body = Balances), (status = "4XX", body = Problem)))]
async fn balances(State(app): State<Arc<App>>, person: Person) -> Result<Json<Balances>> {
    let mut tx = app.store.read().await?;
    let balances = view::balances(&mut tx, person.user.id, app.now_us()).await?;
    Ok(Json(balances))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// `credits`, or `points/` and a campaign's id; all books when unset
    book: Option<String>,
    /// Entries before this one
    before: Option<i64>,
    /// About how many movements, 1 to 1000 (100 when unset)
    limit: Option<u32>,
}

/// What moved in one's own accounts and why, the latest first
#[utoipa::path(get, path = "/api/v1/ledger/entries", tag = "ledger", params(EntriesQuery),
    responses((status = 200, body = LedgerPage), (status = "4XX", body = Problem)))]
async fn entries(
    State(app): State<Arc<App>>,
    person: Person,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<LedgerPage>> {
    let book = query.book.map(Book::try_from).transpose();
    let book = book.map_err(|error| Refused::new(ProblemKind::Invalid, error.to_string()))?;
    let limit = query.limit.unwrap_or(100).clamp(1, 1_000);
    let before = query.before.map(EntryId);
    let mut tx = app.store.read().await?;
    let page = view::page(&mut tx, person.user.id, book, before, i64::from(limit)).await?;
    Ok(Json(page))
}

/// Everything that ever moved in one's own accounts, as a table
#[utoipa::path(get, path = "/api/v1/ledger.csv", tag = "ledger",
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = Problem)))]
async fn csv(State(app): State<Arc<App>>, person: Person) -> Result<Response> {
    let mut tx = app.store.read().await?;
    let table = export::csv(&mut tx, person.user.id).await?;
    let head = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"ledger.csv\"",
        ),
    ];
    Ok((head, table).into_response())
}
