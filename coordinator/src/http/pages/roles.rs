//! Choosing what one is here: the step after the first sign-in, and any time later.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use bytes::Bytes;
use pictor_protocol::people::Role;

use crate::accounts::rights::Holder;
use crate::accounts::roles;
use crate::app::App;
use crate::campaign::welcome;
use crate::http::browser::Browser;
use crate::http::problem::Result;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/roles", post(choose))
}

/// The form, with what was chosen before; an operator need not choose.
pub fn choice(holder: &Holder) -> String {
    let question = match (holder.operator, holder.roles.is_empty()) {
        (true, _) => "You are an operator here: everything is open to you. You may also be",
        (false, true) => "Choose what you want to be here, one or several:",
        (false, false) => "You are here as",
    };
    let boxes = Role::ALL.map(|role| {
        let checked = match holder.roles.contains(&role) {
            true => " checked",
            false => "",
        };
        format!(
            "<p><label><input type=checkbox name={role}{checked}> {}</label></p>",
            describe(role)
        )
    });
    format!(
        "<form method=post action=/account/roles><p>{question}</p>{}<button>Save</button></form>",
        boxes.concat()
    )
}

fn describe(role: Role) -> &'static str {
    match role {
        Role::Creator => "<b>Creator</b>: submit Blender jobs",
        Role::WorkerOwner => "<b>Worker owner</b>: let your machines render",
        Role::CommunityMember => "<b>Community member</b>: check in, do tasks, invite others",
        Role::Unknown => "",
    }
}

async fn choose(
    State(app): State<Arc<App>>,
    Browser(of): Browser,
    form: Bytes,
) -> Result<Response> {
    // A browser names the boxes that are checked, and nothing of the others.
    let named = form.split(|byte| *byte == b'&');
    let named: Vec<&[u8]> = named
        .filter_map(|field| field.split(|byte| *byte == b'=').next())
        .collect();
    let chosen: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|role| named.contains(&role.as_str().as_bytes()))
        .collect();
    let chosen = roles::choose(&app.store, of.user_id, &chosen, app.now_us()).await?;
    welcome::greet(&app, of.user_id, &chosen).await?;
    Ok(Redirect::to("/").into_response())
}
