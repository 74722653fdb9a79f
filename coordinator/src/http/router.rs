//! Every route on one screen, grouped by who calls.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_axum::router::OpenApiRouter;

use super::api::{
    blobs, campaign, community, events, fair_play, frames, hearing, jobs, leaderboard, ledger,
    network, operator, payouts, people, quests, reviews, scenes, sessions, sign_in, snapshots,
    system, worker_history, workers,
};
use super::needs;
use super::{agent, pages};
use crate::app::App;
use crate::metrics::RequestLabels;

/// JSON bodies: a report with a full log chunk fits, and nobody sends more.
const JSON_BYTES_MAX: usize = 8 << 20;

#[derive(OpenApi)]
#[openapi(info(
    title = "Pictor coordinator",
    description = "Submit Blender jobs, follow them, fetch their frames; and the conversation with workers. \
                   Errors are RFC 9457 problem documents with a stable `type`."
))]
struct Document;

fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        // people and their scripts
        .merge(sign_in::routes()) //    /api/v1/sign-in[/wallet[/challenge]|/oidc]  /api/v1/identities[/{id}[/pepper]|…]
        .merge(sessions::routes()) //   /api/v1/sessions[/{id}]
        .merge(people::routes()) //     /api/v1/me[/roles]  /api/v1/tokens[/{id}]
        .merge(blobs::routes()) //      /api/v1/blobs/{hash}
        .merge(scenes::routes()) //     /api/v1/scenes[/{id}]
        .merge(jobs::routes()) //       /api/v1/jobs[/{id}[/pause|resume|cancel|retry]]
        .merge(frames::routes()) //     /api/v1/jobs/{id}/frames[/{frame}[/output|thumbnail|log]]  …/output.zip
        .merge(reviews::routes()) //    /api/v1/jobs/{id}/approve|send-back|workers  …/frames/{frame}/attempts/{attempt}/output|thumbnail
        .merge(events::routes()) //     /api/v1/jobs/{id}/events
        .merge(workers::routes()) //    /api/v1/workers[/{id}[/schedule|drain|resume|token|suspend|reinstate]]  /api/v1/demand
        .merge(worker_history::routes()) // /api/v1/workers/{id}/uptime|tasks|earnings|telemetry
        .merge(campaign::routes()) //   /api/v1/campaign[/rules]  /api/v1/operator/campaigns[/{id}/rules|dates|close]
        .merge(fair_play::routes()) //  /api/v1/me/decisions|appeal|export  DELETE /api/v1/me
        .merge(hearing::routes()) //     /api/v1/hearing[/appeal|export]
        .merge(operator::routes()) //   /api/v1/operator/people[/{id}[/standing]]  …/appeals[/{id}]  …/signals  …/audit-log
        .merge(network::routes()) //    /api/v1/network  /api/v1/campaigns  /api/v1/operator/workers|jobs|system
        // operators
        .merge(payouts::routes()) //    /api/v1/operator/payouts[/{id}[/state|approve|withdraw|send|…]]  …/payout-account
        .merge(community::routes()) //  /api/v1/check-ins  /api/v1/referral
        .merge(quests::routes()) //     /api/v1/quests[/{id}/open|claim|webhook]  /api/v1/operator/quest-claims[/{id}/confirm|refuse]
        .merge(snapshots::routes()) //  /api/v1/campaigns/{id}/snapshot[.sig]|ledger.csv  /api/v1/campaign-key  …/operator/…
        .merge(leaderboard::routes()) // /api/v1/leaderboard[/me|/name]
        .merge(ledger::routes()) //     /api/v1/ledger[/entries]  /api/v1/ledger.csv
        // workers
        .merge(agent::routes()) //      /agent/v1/hello|registration|work|report|commands  …/blobs/{hash}  …/challenges/{id}/begin|answer
        // machines that watch
        .merge(system::routes()) //     /healthz  /readyz  /metrics  /api/v1/supported-gpus
}

pub fn router(app: Arc<App>) -> Router {
    let (documented, _) = documented().split_for_parts();
    documented
        .route("/api/v1/openapi.json", get(system::openapi))
        .merge(pages::routes(&app)) //  what browsers show
        .fallback(pages::nothing_here)
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), measure))
        .with_state(app)
}

/// The OpenAPI document of every documented route.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = documented().into_openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    // Named as where there is no TLS; with TLS it has the prefix `__Host-`.
    let cookie = ApiKey::Cookie(ApiKeyValue::new("pictor_session"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let either = ["token", "session"].map(|scheme| SecurityRequirement::new(scheme, [""; 0]));
    document.security = Some(either.into());
    name_operations(&mut document);
    say_who_may(&mut document);
    document
}

/// Operations are named after their handlers, and every module has its `list` and `show`: the tag makes
/// the names unique, such as `jobs_list`, and programs generated from the document readable.
fn name_operations(document: &mut utoipa::openapi::OpenApi) {
    for (_, _, operation) in operations(document) {
        let tag = operation.tags.iter().flatten().next();
        if let (Some(tag), Some(name)) = (tag, &operation.operation_id) {
            operation.operation_id = Some(format!("{tag}_{name}"));
        }
    }
}

/// Which role or token an operation needs is a part of how to use it.
fn say_who_may(document: &mut utoipa::openapi::OpenApi) {
    for (path, method, operation) in operations(document) {
        if let Some(needs) = needs::of(method, path) {
            let described = operation.description.take().map(|text| text + "\n\n");
            operation.description = Some(described.unwrap_or_default() + &needs.describe());
        }
    }
}

/// Every operation, with its path and method.
fn operations(
    document: &mut utoipa::openapi::OpenApi,
) -> impl Iterator<Item = (&str, &'static str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let methods = [
            ("get", &mut item.get),
            ("head", &mut item.head),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        let declared = methods
            .into_iter()
            .filter_map(|(method, operation)| Some((method, operation.as_mut()?)));
        declared.map(|(method, operation)| (path.as_str(), method, operation))
    })
}

async fn measure(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    let held = route.ends_with("/work") || route.ends_with("/commands");
    if !held {
        app.metrics
            .request_seconds
            .observe(began.elapsed().as_secs_f64());
    }
    tracing::debug!(http.route = route, http.status = response.status().as_u16(), elapsed = ?began.elapsed(), "answered");
    app.metrics
        .requests
        .get_or_create(&RequestLabels {
            route,
            status: response.status().as_u16(),
        })
        .inc();
    response
}
