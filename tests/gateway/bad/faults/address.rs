//! Addresses that answer, but not as the API that the connection expects.

use patchbay_core::diagnose::RemedyAction::{AddInstead, EditBaseUrl, TestAgain, TurnOff, UseBaseUrl};
use patchbay_core::diagnose::Stage;

use super::{COMMON, Fault, LIST, Setting, json, moved, only_at, page};

pub(super) const ADDRESS: &[Fault] = &[
    // The address.
    Fault {
        id: "redirect",
        about: "A redirect leads to a web page elsewhere (301)",
        answer: |_| moved("https://www.example.com/welcome"),
        title: "Failed at auth: the address has moved to www.example.com",
        remedies: &[EditBaseUrl],
        ..COMMON
    },
    Fault {
        id: "redirect_https",
        about: "A redirect leads to https on the same host",
        answer: |request| moved(&format!("https://llm.example.com{}", request.path)),
        title: "Failed at auth: the address has moved to https://llm.example.com/v1",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("https://llm.example.com/v1"),
        ..COMMON
    },
    Fault {
        id: "path_missing",
        about: "The base URL lacks /v1",
        setting: Setting::Elsewhere("http://llm.example.com"),
        answer: |request| only_at(request, "/v1/models", LIST),
        title: "Failed at auth: the API is at http://llm.example.com/v1",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://llm.example.com/v1"),
        ..COMMON
    },
    Fault {
        id: "path_doubled",
        about: "The base URL has /v1 twice",
        setting: Setting::Elsewhere("http://llm.example.com/v1/v1"),
        answer: |request| only_at(request, "/v1/models", LIST),
        title: "Failed at auth: the API is at http://llm.example.com/v1",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://llm.example.com/v1"),
        ..COMMON
    },
    Fault {
        id: "path_pasted",
        about: "The base URL is the address of another page",
        setting: Setting::Here("/docs"),
        answer: |request| match request.path.as_str() {
            "/v1/models" => json(200, LIST),
            _ => page(200, "<!doctype html><title>Documentation</title>"),
        },
        title: "Failed at auth: the API is at http://127.0.0.1:PORT/v1",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://127.0.0.1:PORT/v1"),
        ..COMMON
    },
    Fault {
        id: "path_missing_bad_key",
        about: "The base URL lacks /v1, and the key is wrong as well",
        setting: Setting::Elsewhere("http://llm.example.com/api"),
        answer: |request| match request.path.as_str() {
            "/api/v1/models" => json(401, r#"{"error":{"message":"Bad key","type":"auth","code":"no"}}"#),
            _ => json(404, "{}"),
        },
        title: "Failed at auth: the API is at http://llm.example.com/api/v1",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://llm.example.com/api/v1"),
        ..COMMON
    },
    Fault {
        id: "path_anthropic",
        about: "An Anthropic address with the route behind it",
        setting: Setting::Elsewhere("http://claude.example.com/v1/messages"),
        provider: "anthropic",
        answer: |request| {
            let list = r#"{"data":[{"type":"model","id":"claude-x","display_name":"X"}],"has_more":false}"#;
            only_at(request, "/v1/models", list)
        },
        title: "Failed at auth: the API is at http://claude.example.com",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://claude.example.com"),
        ..COMMON
    },
    Fault {
        id: "path_gemini",
        about: "A Gemini address without /v1beta",
        setting: Setting::Elsewhere("http://gemini.example.com"),
        provider: "gemini",
        answer: |request| {
            let list =
                r#"{"models":[{"name":"models/gemini-x","supportedGenerationMethods":["generateContent"]}]}"#;
            only_at(request, "/v1beta/models", list)
        },
        title: "Failed at auth: the API is at http://gemini.example.com/v1beta",
        remedies: &[UseBaseUrl, EditBaseUrl],
        value: Some("http://gemini.example.com/v1beta"),
        ..COMMON
    },
    Fault {
        id: "no_api",
        about: "Nothing on the server is an API (404)",
        answer: |_| json(404, r#"{"detail":"Not Found"}"#),
        title: "Failed at auth: no API answers at http://llm.example.com/v1",
        remedies: &[EditBaseUrl, TestAgain],
        ..COMMON
    },
    Fault {
        id: "web_page",
        about: "A web page answers with 200",
        answer: |_| page(200, "<!doctype html><title>It works</title>"),
        title: "Failed at auth: no API answers at http://llm.example.com/v1",
        remedies: &[EditBaseUrl, TestAgain],
        ..COMMON
    },
    Fault {
        id: "wrong_json",
        about: "JSON comes that is no list of models",
        answer: |_| json(200, r#"{"status":"up"}"#),
        title: "Failed at the model list: llm.example.com answers with something other than a list of models",
        stage: Stage::Models,
        remedies: &[EditBaseUrl, TestAgain],
        ..COMMON
    },
    Fault {
        id: "speaks_anthropic",
        about: "An Anthropic address in an OpenAI-compatible connection",
        answer: |request| match request.header("x-api-key") {
            Some(_) => json(404, "{}"),
            None => json(
                401,
                r#"{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"}}"#,
            ),
        },
        title: "Failed at auth: llm.example.com speaks Anthropic's protocol, not OpenAI's protocol",
        remedies: &[AddInstead, EditBaseUrl, TurnOff],
        value: Some("anthropic"),
        ..COMMON
    },
    Fault {
        id: "speaks_gemini",
        about: "A Gemini address in an OpenAI-compatible connection",
        setting: Setting::Elsewhere("http://llm.example.com/v1beta"),
        answer: |request| match (request.header("x-goog-api-key"), request.path.as_str()) {
            (Some(_), "/v1beta/models") => json(200, r#"{"models":[{"name":"models/gemini-x"}]}"#),
            (_, "/v1beta/models") => {
                json(401, r#"{"error":{"code":401,"message":"No credentials","status":"UNAUTHENTICATED"}}"#)
            }
            _ => json(404, "{}"),
        },
        title: "Failed at auth: llm.example.com speaks Gemini's protocol, not OpenAI's protocol",
        remedies: &[AddInstead, EditBaseUrl, TurnOff],
        value: Some("gemini"),
        ..COMMON
    },
    Fault {
        id: "speaks_openai",
        about: "An OpenAI address in an Anthropic connection",
        provider: "anthropic",
        answer: |request| match request.header("authorization") {
            Some(_) => json(200, LIST),
            None => json(
                401,
                r#"{"error":{"message":"No key provided","type":"invalid_request_error","code":null}}"#,
            ),
        },
        title: "Failed at auth: llm.example.com speaks OpenAI's protocol, not Anthropic's protocol",
        remedies: &[AddInstead, EditBaseUrl, TurnOff],
        value: Some("compatible"),
        ..COMMON
    },
];
