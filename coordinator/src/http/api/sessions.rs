//! Where one is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use pictor_protocol::people::{Session, SessionList};
use pictor_protocol::problem::Problem;
use pictor_protocol::{SessionId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::sessions::view;
use crate::app::App;
use crate::http::browser::Browser;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};
use crate::store::sessions::{self, SessionOf};

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list, end_all))
        .routes(routes!(end))
}

/// The browsers in which one is signed in, the latest first
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", security(("session" = [])),
    responses((status = 200, body = SessionList), (status = "4XX", body = Problem)))]
async fn list(State(app): State<Arc<App>>, Browser(of): Browser) -> Result<Json<SessionList>> {
    let sessions = of_person(&app, &of).await?;
    Ok(Json(SessionList { sessions }))
}

/// Sign one browser out
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions", params(("id" = String, Path)),
    security(("session" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn end(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    Path(id): Path<SessionId>,
) -> Result<StatusCode> {
    end_one(&app, of.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out everywhere, here too
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "sessions", security(("session" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
async fn end_all(State(app): State<Arc<App>>, Browser(of): Browser) -> Result<StatusCode> {
    end_everywhere(&app, of.user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The sessions of whoever asks with one of them.
pub async fn of_person(app: &App, of: &SessionOf) -> Result<Vec<Session>> {
    let mut tx = app.store.read().await?;
    let rows = sessions::of_user(&mut tx, of.user_id, app.now_us()).await?;
    let sessions = rows.into_iter().map(|row| view(row, Some(&of.session)));
    Ok(sessions.collect())
}

pub async fn end_one(app: &App, user: UserId, id: SessionId) -> Result<()> {
    let mut tx = app.store.write().await?;
    if !sessions::delete(&mut tx, user, id).await? {
        return Err(Refused::not_found("session"));
    }
    Ok(tx.commit().await?)
}

pub async fn end_everywhere(app: &App, user: UserId) -> Result<()> {
    let mut tx = app.store.write().await?;
    sessions::delete_all(&mut tx, user).await?;
    Ok(tx.commit().await?)
}
