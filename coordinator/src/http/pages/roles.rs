//! Choosing what one is here: the step after the first sign-in, and any time later.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use bytes::Bytes;
use pictor_protocol::people::Role;

use crate::accounts::acceptance::{self, Choice};
use crate::accounts::rights::Holder;
use crate::app::App;
use crate::campaign::welcome;
use crate::http::browser::Browser;
use crate::http::problem::Result;

/// The box that says which version of the rules is accepted.
const ACCEPT: &str = "accept-rules";

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/account/roles", post(choose))
}

/// The form, with what was chosen before; an operator need not choose.
pub fn choice(holder: &Holder, rules_to_accept: Option<i64>) -> String {
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
        "<form method=post action=/account/roles><p>{question}</p>{}{}<button>Save</button></form>",
        boxes.concat(),
        rules_to_accept.map(acceptance_box).unwrap_or_default()
    )
}

fn acceptance_box(version: i64) -> String {
    format!(
        "<p><label><input type=checkbox name={ACCEPT} value={version} required> I have read and accept \
         <a href=/api/v1/campaign/rules>the campaign's rules</a>, version {version}: no bots, no fake \
         activity; who cheats forfeits points and rewards</label></p>"
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
    let accepted = form
        .split(|byte| *byte == b'&')
        .filter_map(|field| std::str::from_utf8(field).ok()?.split_once('='))
        .find(|(name, _)| *name == ACCEPT);
    let choice = Choice {
        roles: &chosen,
        accept_rules: accepted.and_then(|(_, version)| version.parse().ok()),
    };
    let chosen = acceptance::choose(&app, of.user_id, choice).await?;
    welcome::greet(&app, of.user_id, &chosen).await?;
    Ok(Redirect::to("/").into_response())
}
