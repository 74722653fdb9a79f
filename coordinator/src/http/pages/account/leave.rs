//! The end of an account, asked for with its name.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::people::DeleteAccount;
use serde::Deserialize;

use super::super::layout::{Page, Section, Viewer, again, done, html};
use super::super::{draw, show};
use super::signed_out;
use crate::accounts::delete::{self, DeleteError};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::browser::FreshBrowser;
use crate::http::extract::Form;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/delete", get(ask).post(leave))
}

#[derive(Template)]
#[template(path = "account/delete.html")]
struct Leave {
    page: Page,
    name: String,
    typed: String,
    forfeit: bool,
    /// Of the typed name.
    fault: Option<String>,
    /// Why it is not possible.
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
struct Typed {
    #[serde(default)]
    name: String,
    forfeit: Option<String>,
}

async fn ask(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::SignIn)?;
    html(&page(&app, &viewer, &Typed::default(), None).await?)
}

async fn page(
    app: &App,
    viewer: &Viewer,
    typed: &Typed,
    error: Option<DeleteError>,
) -> Result<Leave> {
    let name = viewer.session().map(|of| of.name.clone());
    let (fault, refusal) = match error {
        Some(error @ DeleteError::OtherName(_)) => (Some(error.to_string()), None),
        Some(DeleteError::WouldForfeit(what)) => {
            let refusal = format!("You would lose {what}. Tick the box if that is what you want.");
            (None, Some(refusal))
        }
        Some(error) => (None, Some(format!("Not now: {error}."))),
        None => (None, None),
    };
    Ok(Leave {
        page: viewer
            .page(app, Section::Account, "Delete your account")
            .await?,
        name: name.unwrap_or_default(),
        typed: typed.name.clone(),
        forfeit: typed.forfeit.is_some(),
        fault,
        refusal,
    })
}

async fn leave(
    State(app): State<Arc<App>>,
    FreshBrowser(of): FreshBrowser,
    viewer: Viewer,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let asked = DeleteAccount {
        name: typed.name.trim().into(),
        forfeit: typed.forfeit.is_some(),
    };
    match delete::delete(&app, of.user_id, &asked).await {
        Ok(_) => {
            let said = "Your account is deleted, with everything that was yours.";
            Ok(signed_out(&app, done("/", said)))
        }
        Err(error) if is_a_fault(&error) => Err(error.into()),
        Err(error) => {
            let shown = page(&app, &viewer, &typed, Some(error)).await?;
            Ok(again(html(&shown)?))
        }
    }
}

/// Of the coordinator, and not of what was asked.
fn is_a_fault(error: &DeleteError) -> bool {
    match error {
        DeleteError::Job(_)
        | DeleteError::Books(_)
        | DeleteError::Store(_)
        | DeleteError::NotFound => true,
        DeleteError::OtherName(_)
        | DeleteError::JobsRun(_)
        | DeleteError::RewardDue
        | DeleteError::LastOperator
        | DeleteError::WouldForfeit(_) => false,
    }
}
