//! A scene comes: with scripts in parts, which `static/upload.js` sends to the API; without them in one piece, as a
//! form, which is written to the disk as it arrives.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::{HeaderMap, header};

use super::{Page, Section, Viewer, again, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::api::blobs;
use crate::http::auth::Creator;
use crate::http::extract::FileForm;
use crate::http::problem::Result;
use crate::jobs::JobError;
use crate::jobs::intake::whole::{self, Whole, WholeError};

/// The only field of the form.
const FILE: &str = "file";

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(
        "/jobs/new",
        get(choose_file)
            .post(send_file)
            // How large a scene may be is seen to while it comes.
            .layer(DefaultBodyLimit::disable()),
    )
}

#[derive(Template)]
#[template(path = "jobs/upload.html")]
struct Upload {
    page: Page,
    bytes_max: u64,
    url: String,
    /// Why a file that was sent as a form was not taken.
    refused: Option<String>,
}

async fn choose_file(State(app): State<Arc<App>>, viewer: Viewer) -> Result<Response> {
    viewer.with(Right::Jobs)?;
    page(&app, &viewer, None).await
}

async fn page(app: &App, viewer: &Viewer, refused: Option<String>) -> Result<Response> {
    html(&Upload {
        page: viewer.page(app, Section::Jobs, "New job").await?,
        bytes_max: app.config.scene_bytes_max,
        url: app.url.clone(),
        refused,
    })
}

/// Whoever is refused is heard out: a browser that is cut off while it sends shows no answer.
async fn send_file(
    State(app): State<Arc<App>>,
    creator: Result<Creator>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Result<FileForm>,
) -> Result<Response> {
    let Creator(user) = match creator {
        Ok(creator) => creator,
        Err(refused) => {
            if let Ok(mut form) = form
                && let Ok(mut file) = form.file(FILE).await
            {
                blobs::drain(&mut file, 0).await;
            }
            return Err(refused);
        }
    };
    let mut form = form?;
    let mut file = form.file(FILE).await?;
    let name = file.file_name().unwrap_or_default().to_owned();
    let sent = Whole {
        name: &name,
        request_bytes: length_of(&headers),
    };
    match whole::take_in(&app, user, sent, &mut file).await {
        Ok(scene) => Ok(Redirect::to(&format!("/scenes/{}/new-job", scene.id)).into_response()),
        Err(error) => {
            blobs::drain(&mut file, app.config.scene_bytes_max).await;
            let why = in_words(error)?;
            Ok(again(page(&app, &viewer, Some(why)).await?))
        }
    }
}

fn length_of(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// What the one who sent it can do something about; anything else is refused as a whole.
fn in_words(error: WholeError) -> Result<String> {
    match error {
        WholeError::NoScene(why) | WholeError::Job(JobError::BadScene(why)) => Ok(why),
        WholeError::TooLarge { name, bytes_max } => Ok(format!(
            "{name} is larger than the {} that are taken here. Leave out what no frame needs: old versions, renders, \
             unused textures.",
            show::bytes(bytes_max)
        )),
        WholeError::Job(error) => Err(error.into()),
    }
}
