//! The failures that a user can switch on, for drills and tests.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::wire;

/// How long [`DemoFault::SlowFirstByte`] says nothing.
const SLOW: Duration = Duration::from_secs(30);
const RETRY_AFTER_S: &str = "20";

/// What is wrong with the Demo provider. All but [`DemoFault::CutStream`] hit every route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum DemoFault {
    /// Nothing.
    #[default]
    None,
    /// It refuses every key (401).
    Unauthorized,
    /// It has had too many requests (429, try again in 20 s).
    RateLimited,
    /// It fails (500).
    ServerError,
    /// It says nothing for 30 s, then answers.
    SlowFirstByte,
    /// Completions end in the middle: no end of the stream, or half of the body that was announced.
    CutStream,
}

impl DemoFault {
    /// What comes instead of an answer. A caller that leaves ends the wait of the slow one.
    pub(super) async fn strike(self) -> Option<Response> {
        match self {
            Self::None | Self::CutStream => None,
            Self::Unauthorized => Some(wire::key_refused()),
            Self::RateLimited => Some(rate_limited()),
            Self::ServerError => Some(wire::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The Demo provider plays a server error.",
                "server_error",
                None,
            )),
            Self::SlowFirstByte => {
                tokio::time::sleep(SLOW).await;
                None
            }
        }
    }
}

fn rate_limited() -> Response {
    let mut response = wire::error(
        StatusCode::TOO_MANY_REQUESTS,
        "The Demo provider plays a rate limit. Please try again in 20s.",
        "requests",
        Some("rate_limit_exceeded"),
    );
    for (name, value) in [
        ("retry-after", RETRY_AFTER_S),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "20s"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
