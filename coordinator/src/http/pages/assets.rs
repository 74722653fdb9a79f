//! Styles, scripts and pictures of the pages: part of the program, named by their content, compressed once.
//!
//! An address holds the hash of what is behind it, so browsers keep it for ever and never have an old one. A
//! file may name those before it in [`FILES`] as `./name`: it is given their addresses.

use std::io::Write;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};

use crate::app::App;
use crate::http::extract::Path;
use crate::http::problem::{Refused, Result};

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        /// In the order in which they name each other.
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../static/", $name)))),+];
    };
}

files!(
    "icons.svg",
    "icon.svg",
    "pictor.css",
    "app.js",
    "wallet.js",
    "workers.js",
    "blake3.js",
    "hash.js",
    "upload.js",
    "estimate.js",
    "player.js",
    "job.js",
);

struct Asset {
    name: &'static str,
    /// Such as `app-0123456789abcdef.js`.
    file: String,
    plain: Bytes,
    gzip: Bytes,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets: Vec<Asset> = Vec::new();
    for (name, text) in FILES {
        let mut text = (*text).to_owned();
        for named in &assets {
            text = text.replace(&format!("./{}", named.name), &format!("./{}", named.file));
        }
        assets.push(asset(name, text));
    }
    assets
});

fn asset(name: &'static str, text: String) -> Asset {
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset {
        name,
        file: format!("{stem}-{}.{ending}", &hash[..16]),
        gzip: gzip(text.as_bytes()).unwrap_or_default().into(),
        plain: text.into(),
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// The address of a file; that of nothing if there is none of this name, which the tests look for.
pub fn path(name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.name == name);
    format!("/assets/{}", found.map_or(name, |asset| &asset.file))
}

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>, headers: HeaderMap) -> Result<Response> {
    let asset = ASSETS.iter().find(|asset| asset.file == file);
    let asset = asset.ok_or_else(|| Refused::not_found("file"))?;
    let mut head = HeaderMap::new();
    let media_type = match file.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    };
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    head.insert(header::CACHE_CONTROL, for_ever);
    head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let accepts = headers.get(header::ACCEPT_ENCODING);
    let accepts_gzip = accepts
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    if accepts_gzip && !asset.gzip.is_empty() {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return Ok((head, asset.gzip.clone()).into_response());
    }
    Ok((head, asset.plain.clone()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_a_template_names_is_there() {
        let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut left = vec![templates];
        let mut named = 0;
        while let Some(folder) = left.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for rest in text.split("asset(\"").skip(1) {
                    let name = rest.split('"').next().unwrap();
                    let known = FILES.iter().any(|(file, _)| *file == name);
                    assert!(known, "{} names {name}", path.display());
                    named += 1;
                }
            }
        }
        assert!(named > 0);
    }

    #[test]
    fn an_address_changes_with_what_is_behind_it() {
        let one = asset("app.js", "one".into());
        let other = asset("app.js", "other".into());
        assert_ne!(one.file, other.file);
        assert!(one.file.starts_with("app-") && one.file.ends_with(".js"));
    }
}
