//! Extractors whose refusals are problem documents like all others. Use these, not axum's own.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use http::StatusCode;
use pictor_protocol::problem::ProblemKind;
use serde::de::DeserializeOwned;

use super::problem::Refused;

mod file_form;

pub use file_form::FileForm;

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Refused))]
pub struct Json<T>(pub T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let body =
            Bytes::from_request(request, state)
                .await
                .map_err(|rejection| match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => {
                        Refused::new(ProblemKind::TooLarge, rejection.body_text())
                    }
                    _ => Refused::new(ProblemKind::Invalid, rejection.body_text()),
                })?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        let axum::Json(value) = axum::Json::from_bytes(&body).map_err(Refused::from)?;
        Ok(Self(value))
    }
}

/// The fields of a form, each of them once or several times.
#[derive(Debug)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| Refused::new(ProblemKind::TooLarge, rejection.body_text()))?;
        let form = serde_html_form::from_bytes(&body)
            .map_err(|error| Refused::new(ProblemKind::Invalid, error.to_string()))?;
        Ok(Self(form))
    }
}

/// Parameters in the path.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Refused))]
pub struct Path<T>(pub T);

/// Parameters behind the question mark.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Refused))]
pub struct Query<T>(pub T);

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
            _ => ProblemKind::Invalid,
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<PathRejection> for Refused {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ProblemKind::NotFound, rejection.body_text())
    }
}

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ProblemKind::Invalid, rejection.body_text())
    }
}
