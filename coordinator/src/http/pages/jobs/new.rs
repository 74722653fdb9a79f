//! A new job: a scene says what it is, gets its settings, and is submitted.
//!
//! The form has its job's id in its address. So whoever goes back and sends it again, sends it twice, or has it
//! open in two tabs, has one job.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use pictor_protocol::blender::Series;
use pictor_protocol::scene::{Scene, SceneInFile};
use pictor_protocol::settings::{Engine, Fault};
use pictor_protocol::{JobId, Micros, SceneId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use super::form::{self, ENGINES, FORMATS, Faults, JobForm};
use super::{Page, Section, Viewer, again, done, draw, html, show};
use crate::accounts::rights::Right;
use crate::app::App;
use crate::http::auth::Creator;
use crate::http::extract::{Form, Path, Query};
use crate::http::problem::{Refused, Result};
use crate::jobs::charge::ChargeError;
use crate::jobs::submit::{self, Preview, Submitted};
use crate::jobs::{JobError, overview};

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/scenes/{id}/new-job", get(settings).post(send))
        .route("/scenes/{id}/new-job/estimate", post(estimate))
}

/// What the job is going to be and to cost; changes while one types.
#[derive(Template)]
#[template(path = "jobs/estimate.html")]
struct Estimate {
    preview: Option<Preview>,
    faults: Faults,
    available: Option<Micros>,
    samples: Option<u32>,
    cap: Option<Micros>,
}

impl Estimate {
    fn frames(&self) -> usize {
        let planned = self.preview.as_ref().map(|of| of.planned.frames.as_slice());
        planned.map_or(0, <[i32]>::len)
    }

    fn engine(&self) -> &'static str {
        let preview = self.preview.as_ref();
        form::engine_name(preview.and_then(|of| of.planned.render.engine))
    }

    fn format(&self) -> &'static str {
        let format = self.preview.as_ref().map(|of| of.planned.render.format);
        format.map_or("", form::format_name)
    }

    /// What the guess is made of, beside the size.
    fn samples_guessed(&self) -> Option<String> {
        let engine = self.preview.as_ref()?.planned.render.engine?;
        (engine == Engine::Cycles).then(|| match self.samples {
            Some(samples) => format!("{samples} samples"),
            None => "128 samples, as nothing else is set".into(),
        })
    }

    /// Whether it pauses before it is done, as far as can be told.
    fn stops_early(&self) -> bool {
        let estimate = self.preview.as_ref().and_then(|of| of.estimate.as_ref());
        let most = [self.cap, self.available].into_iter().flatten().min();
        estimate
            .zip(most)
            .is_some_and(|(of, most)| most < of.estimate_micros)
    }
}

#[derive(Template)]
#[template(path = "jobs/settings.html")]
struct Settings {
    page: Page,
    scene: Scene,
    key: JobId,
    /// The job that was submitted with this form already.
    before: Option<JobId>,
    form: JobForm,
    faults: Faults,
    blenders: Vec<Series>,
    estimate: Estimate,
    has_economy: bool,
}

impl Settings {
    /// The scene inside the file whose settings stand behind empty fields.
    fn own(&self) -> Option<&SceneInFile> {
        let name = Some(self.form.scene.trim()).filter(|name| !name.is_empty());
        let facts = &self.scene.facts;
        facts.scene(name).or_else(|| facts.scene(None))
    }

    fn is_chosen(&self, scene: &str) -> bool {
        match self.form.scene.as_str() {
            "" => scene == self.scene.facts.active_scene,
            chosen => scene == chosen,
        }
    }

    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.of(field)
    }

    fn found(&self) -> usize {
        let dependencies = &self.scene.facts.dependencies;
        dependencies.iter().filter(|of| of.found).count()
    }

    /// The Blender versions that would not lose what is new in the file.
    fn fit(&self) -> impl Iterator<Item = &Series> {
        let file = self.scene.facts.blender;
        self.blenders.iter().filter(move |series| **series >= file)
    }
}

#[derive(Deserialize)]
struct Keyed {
    key: Option<JobId>,
}

async fn settings(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<SceneId>,
    Query(keyed): Query<Keyed>,
) -> Result<Response> {
    let user = viewer.with(Right::Jobs)?;
    let scene = scene_of(&app, user, id).await?;
    let Some(key) = keyed.key else {
        let fresh = JobId::new(Uuid::now_v7());
        return Ok(Redirect::to(&format!("/scenes/{id}/new-job?key={fresh}")).into_response());
    };
    let before = overview::job(&app, user, key).await?.map(|job| job.id);
    let form = JobForm::default();
    let seen = look(&app, user, id, &form).await?;
    page(&app, viewer, scene, key, before, form, seen).await
}

/// Submits, or looks again at what the settings mean.
async fn send(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    viewer: Viewer,
    Path(id): Path<SceneId>,
    Query(keyed): Query<Keyed>,
    Form(form): Form<JobForm>,
) -> Result<Response> {
    let scene = scene_of(&app, user, id).await?;
    let key = keyed.key.unwrap_or_else(|| JobId::new(Uuid::now_v7()));
    let (new, faults) = form.read(id);
    if form.wants_submit() && faults.is_empty() {
        match submit::submit_as(&app, user, key, &new).await {
            Ok(Submitted::Now) => {
                let to = format!("/jobs/{key}");
                return Ok(done(
                    &to,
                    "Your job is submitted. Its frames appear here as they are rendered.",
                ));
            }
            Ok(Submitted::Before) => {
                let said = "This was submitted before, and it is this job. For another one, choose “New job with this scene”.";
                return Ok(done(&format!("/jobs/{key}"), said));
            }
            Err(error) => {
                let faults = faults_of(error)?;
                let mut seen = look(&app, user, id, &form).await?;
                seen.faults.add(faults);
                return page(&app, viewer, scene, key, None, form, seen).await;
            }
        }
    }
    let seen = look(&app, user, id, &form).await?;
    page(&app, viewer, scene, key, None, form, seen).await
}

/// The same as a part of the page, for its script.
async fn estimate(
    State(app): State<Arc<App>>,
    Creator(user): Creator,
    Path(id): Path<SceneId>,
    Form(form): Form<JobForm>,
) -> Result<Response> {
    scene_of(&app, user, id).await?;
    html(&look(&app, user, id, &form).await?)
}

async fn scene_of(app: &App, user: UserId, id: SceneId) -> Result<Scene> {
    let scene = overview::scene(app, user, id).await?;
    scene.ok_or_else(|| Refused::not_found("scene"))
}

async fn look(app: &App, user: UserId, scene: SceneId, form: &JobForm) -> Result<Estimate> {
    let (new, mut faults) = form.read(scene);
    let preview = match submit::preview(app, user, &new).await {
        Ok(preview) => Some(preview),
        Err(error) => {
            faults.add(faults_of(error)?);
            None
        }
    };
    Ok(Estimate {
        available: submit::available(app, user).await?,
        samples: new.settings.samples,
        cap: new.spend_cap_micros,
        preview,
        faults,
    })
}

/// What the one who typed it can do something about; anything else is refused as a whole.
fn faults_of(error: JobError) -> Result<Vec<Fault>> {
    let one = |field: &str, message: String| {
        let field = field.into();
        Ok(vec![Fault { field, message }])
    };
    match error {
        JobError::Invalid(faults) => Ok(faults),
        JobError::NewerThanEveryRuntime(why) => one("blender", why),
        JobError::Charge(ChargeError::NotEnough { needed, available }) => {
            let needed = show::amount(needed);
            let available = show::amount(available);
            let why = format!("the first frames need {needed} credits, and you have {available}");
            one("credits", why)
        }
        JobError::Charge(ChargeError::Short(why)) => one("spend_cap_micros", why.to_string()),
        other @ (JobError::NotFound(_)
        | JobError::BadScene(_)
        | JobError::NotNow(_)
        | JobError::Review(_)
        | JobError::Charge(_)
        | JobError::Earn(_)
        | JobError::Rules(_)
        | JobError::Blobs(_)
        | JobError::Store(_)) => Err(other.into()),
    }
}

async fn page(
    app: &App,
    viewer: Viewer,
    scene: Scene,
    key: JobId,
    before: Option<JobId>,
    form: JobForm,
    estimate: Estimate,
) -> Result<Response> {
    // A form that nothing was typed into complains about nothing that its file lacks, but in the estimate.
    let faults = estimate.faults.clone();
    let is_refused = !faults.is_empty() && !form.what.is_empty();
    let has_economy = estimate.available.is_some();
    let title = format!("New job: {}", scene.name);
    let settings = Settings {
        page: viewer.page(app, Section::Jobs, title).await?,
        blenders: submit::known_blenders(app).await?,
        scene,
        key,
        before,
        form,
        faults,
        estimate,
        has_economy,
    };
    let shown = html(&settings)?;
    Ok(if is_refused { again(shown) } else { shown })
}
