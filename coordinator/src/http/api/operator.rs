//! What operators see of people, and decide on them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use pictor_protocol::fair_play::{
    AnswerAppeal, Appeal, AppealList, AppealStatus, DecideStanding, LogPage, PersonFile,
    PersonPage, SignalList,
};
use pictor_protocol::problem::Problem;
use pictor_protocol::{AppealId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::fair_play::appeal::{self, AppealError, Given};
use crate::fair_play::decide::{self, Wanted};
use crate::fair_play::standing::Answer;
use crate::fair_play::{view, watch};
use crate::http::auth::Operator;
use crate::http::extract::{self, Path, Query};
use crate::http::problem::{Refused, Result};

const PAGE: u32 = 50;
const PAGE_MAX: u32 = 1_000;

pub fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(people))
        .routes(routes!(person))
        .routes(routes!(decide_standing))
        .routes(routes!(appeals))
        .routes(routes!(answer))
        .routes(routes!(signals))
        .routes(routes!(audit_log))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PeopleQuery {
    /// A part of a name or of what an identity is known by; or a whole id or address
    #[serde(default)]
    search: String,
    /// `next` of the page before
    #[param(value_type = Option<String>)]
    before: Option<UserId>,
    /// Most people in the answer, 1 to 1000 (50 when unset)
    limit: Option<u32>,
}

/// People, the latest to sign up first
#[utoipa::path(get, path = "/api/v1/operator/people", tag = "operator", params(PeopleQuery),
    responses((status = 200, body = PersonPage), (status = "4XX", body = Problem)))]
async fn people(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<PersonPage>> {
    let mut tx = app.store.read().await?;
    let (text, limit) = (query.search.trim(), page(query.limit));
    Ok(Json(
        view::people(&mut tx, text, query.before, limit).await?,
    ))
}

/// What is known of a person, for a decision
#[utoipa::path(get, path = "/api/v1/operator/people/{id}", tag = "operator",
    params(("id" = String, Path)),
    responses((status = 200, body = PersonFile), (status = "4XX", body = Problem)))]
async fn person(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Path(id): Path<UserId>,
) -> Result<Json<PersonFile>> {
    file(&app, id).await
}

/// Decide how a person stands; the person sees reason and evidence, and may appeal
#[utoipa::path(post, path = "/api/v1/operator/people/{id}/standing", tag = "operator",
    params(("id" = String, Path)), request_body = DecideStanding,
    responses((status = 200, body = PersonFile), (status = "4XX", body = Problem)))]
async fn decide_standing(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(on): Path<UserId>,
    extract::Json(asked): extract::Json<DecideStanding>,
) -> Result<Json<PersonFile>> {
    let verdict = view::wanted(asked.decision).ok_or_else(|| Refused::unknown_word("decision"))?;
    let wanted = Wanted {
        by,
        on,
        verdict,
        reason: asked.reason,
        evidence: asked.evidence,
    };
    decide::decide(&app, &wanted).await?;
    file(&app, on).await
}

/// Appeals that nobody has answered, the oldest first
#[utoipa::path(get, path = "/api/v1/operator/appeals", tag = "operator",
    responses((status = 200, body = AppealList), (status = "4XX", body = Problem)))]
async fn appeals(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<AppealList>> {
    let mut tx = app.store.read().await?;
    Ok(Json(view::open_appeals(&mut tx).await?))
}

/// Answer an appeal: the decision is upheld, or lifted and what it took comes back
#[utoipa::path(post, path = "/api/v1/operator/appeals/{id}", tag = "operator",
    params(("id" = String, Path)), request_body = AnswerAppeal,
    responses((status = 200, body = Appeal), (status = "4XX", body = Problem)))]
async fn answer(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Path(id): Path<AppealId>,
    extract::Json(asked): extract::Json<AnswerAppeal>,
) -> Result<Json<Appeal>> {
    let answer = match asked.answer {
        AppealStatus::Upheld => Answer::Uphold,
        AppealStatus::Lifted => Answer::Lift,
        AppealStatus::Open | AppealStatus::Superseded | AppealStatus::Unknown => {
            return Err(AppealError::BadAnswer.into());
        }
    };
    let given = Given {
        by,
        answer,
        reason: &asked.reason,
    };
    Ok(Json(view::appeal(appeal::answer(&app, id, &given).await?)))
}

/// What looks like cheating, with its evidence; nothing follows from it by itself
#[utoipa::path(get, path = "/api/v1/operator/signals", tag = "operator",
    responses((status = 200, body = SignalList), (status = "4XX", body = Problem)))]
async fn signals(State(app): State<Arc<App>>, _operator: Operator) -> Result<Json<SignalList>> {
    let mut tx = app.store.read().await?;
    Ok(Json(watch::list(&mut tx, app.now_us()).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogQuery {
    /// Rows about this alone, such as person/<id>
    subject: Option<String>,
    /// `next` of the page before
    before: Option<i64>,
    /// Most rows in the answer, 1 to 1000 (50 when unset)
    limit: Option<u32>,
}

/// Who decided what, the latest first
#[utoipa::path(get, path = "/api/v1/operator/audit-log", tag = "operator", params(LogQuery),
    responses((status = 200, body = LogPage), (status = "4XX", body = Problem)))]
async fn audit_log(
    State(app): State<Arc<App>>,
    _operator: Operator,
    Query(query): Query<LogQuery>,
) -> Result<Json<LogPage>> {
    let mut tx = app.store.read().await?;
    let (subject, limit) = (query.subject.as_deref(), page(query.limit));
    Ok(Json(
        view::log(&mut tx, query.before, subject, limit).await?,
    ))
}

async fn file(app: &App, id: UserId) -> Result<Json<PersonFile>> {
    let file = view::file(&mut app.store.read().await?, id).await?;
    Ok(Json(file.ok_or_else(|| Refused::not_found("person"))?))
}

fn page(limit: Option<u32>) -> i64 {
    limit.unwrap_or(PAGE).clamp(1, PAGE_MAX).into()
}
