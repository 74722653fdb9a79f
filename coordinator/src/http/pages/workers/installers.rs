//! The installers of workers, as they lie in `install/`: whoever has a machine gets them where they got the config.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../../../install/", $name)))),+];
    };
}

files!(
    "install-worker.sh",
    "install-nvidia-container-toolkit.sh",
    "run-install-worker.bat",
);

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/install/{file}", get(serve))
}

async fn serve(Path(file): Path<String>) -> Result<Response> {
    let found = FILES.iter().find(|(name, _)| *name == file);
    let (name, text) = found.ok_or_else(|| Refused::not_found("file"))?;
    let mut head = HeaderMap::new();
    // Not as a script: whoever opens the address in a browser wants the file.
    let media_type = HeaderValue::from_static("application/octet-stream");
    head.insert(header::CONTENT_TYPE, media_type);
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        head.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok((head, *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_installer_that_a_page_names_is_served_and_whole() {
        let page = include_str!("../../../../templates/workers/connect.html");
        let mut named = 0;
        for rest in page.split("/install/").skip(1) {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c)));
            let name = &rest[..end.unwrap_or(rest.len())];
            assert!(FILES.iter().any(|(file, _)| *file == name), "{name}");
            named += 1;
        }
        assert!(named >= 3);
        let (_, batch) = FILES[2];
        assert!(batch.contains("rem The last line of run-install-worker.bat"));
    }
}
