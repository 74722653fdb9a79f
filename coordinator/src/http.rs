//! HTTP: addresses, who may ask, status codes. A handler extracts, authorises, calls one operation and
//! renders its answer; rules and SQL live elsewhere.

mod agent;
mod api;
mod auth;
mod browser;
mod cursor;
mod extract;
pub mod needs;
mod pages;
pub mod problem;
mod router;

pub use router::{openapi, router};
