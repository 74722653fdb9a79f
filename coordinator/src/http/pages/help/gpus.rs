//! Can my GPU render here?

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use pictor_protocol::blender::Series;
use pictor_protocol::gpus::{self, Backend, SupportedGpus};
use serde::Deserialize;

use crate::app::App;
use crate::http::extract::Query;
use crate::http::pages::layout::{Page, Section, Viewer, html};
use crate::http::pages::{draw, show};
use crate::http::problem::Result;
use crate::workers::known_gpus::{self, Fit, Known, Verdict};

/// Nobody's GPU has a longer name.
const NAME_MAX: usize = 80;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/help/gpus", get(supported))
}

#[derive(Template)]
#[template(path = "help/gpus.html")]
struct Gpus {
    page: Page,
    table: SupportedGpus,
    /// What was asked for.
    name: String,
    /// None where the name says nothing to us.
    found: Option<Found>,
}

struct Found {
    known: Known,
    verdict: Verdict,
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    name: String,
}

async fn supported(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let name: String = asked.name.trim().chars().take(NAME_MAX).collect();
    let table = gpus::supported();
    let found = known_gpus::find(&name).map(|known| Found {
        verdict: known_gpus::verdict(&known, &table),
        known,
    });
    html(&Gpus {
        page: viewer.page(&app, Section::Help, "Supported GPUs").await?,
        table,
        name,
        found,
    })
}

const fn backend(of: &Backend) -> &'static str {
    match of {
        Backend::Cuda => "CUDA",
        Backend::Optix => "OptiX",
        Backend::Hip => "HIP",
        Backend::Unknown => "another back end",
    }
}

/// `Blender 4.2: CUDA, OptiX`, a line for each Blender.
fn by_blender(renders: &[(Series, Backend)]) -> Vec<String> {
    let same = |one: &(Series, Backend), other: &(Series, Backend)| one.0 == other.0;
    let line = |of: &[(Series, Backend)]| {
        let names: Vec<_> = of.iter().map(|(_, back_end)| backend(back_end)).collect();
        let blender = of.first().map(|(blender, _)| blender.to_string());
        format!(
            "Blender {}: {}",
            blender.unwrap_or_default(),
            names.join(", ")
        )
    };
    renders.chunk_by(same).map(line).collect()
}
