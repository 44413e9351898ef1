//! Providers that refuse the key, fail, or answer wrongly.

use patchbay_core::code::Code;
use patchbay_core::diagnose::RemedyAction::{
    EditBaseUrl, PickModel, RaiseTimeout, ReplaceKey, TestAgain, TurnOff,
};
use patchbay_core::diagnose::Stage;

use super::{ANSWERS, COMMON, Fault, json, listed, page, streamed};
use crate::bad::Reply;
use crate::upstream::{stream_head, token, whole};

pub(super) const ANSWER: &[Fault] = &[
    // The key and its account.
    Fault {
        id: "key_refused",
        about: "The key is refused, with the provider's code (401)",
        answer: |_| {
            json(
                401,
                r#"{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            )
        },
        title: "Failed at auth: llm.example.com does not accept this key",
        code: Code::KeyRefused,
        remedies: &[ReplaceKey, EditBaseUrl, TurnOff],
        ..COMMON
    },
    Fault {
        id: "key_refused_plainly",
        about: "The key is refused, in plain text (401)",
        answer: |_| Reply::Say(whole(401, &[("content-type", "text/plain")], "Unauthorized")),
        title: "Failed at auth: llm.example.com does not accept this key",
        code: Code::KeyRefused,
        remedies: &[ReplaceKey, EditBaseUrl, TurnOff],
        ..COMMON
    },
    Fault {
        id: "key_refused_as_400",
        about: "The key is refused, in disguise (400)",
        answer: |_| {
            json(
                400,
                r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided"}"#,
            )
        },
        title: "Failed at auth: llm.example.com does not accept this key",
        code: Code::KeyRefused,
        remedies: &[ReplaceKey, EditBaseUrl, TurnOff],
        ..COMMON
    },
    Fault {
        id: "denied",
        about: "The key may not enter (403)",
        answer: |_| json(403, r#"{"error":{"message":"Country not supported","type":"request_forbidden"}}"#),
        title: "Failed at auth: llm.example.com does not let this key in",
        code: Code::PermissionDenied,
        remedies: &[ReplaceKey, TurnOff],
        ..COMMON
    },
    Fault {
        id: "no_credit",
        about: "The account has no credit (402)",
        answer: |_| json(402, r#"{"error":{"message":"Insufficient credits"}}"#),
        title: "Failed at auth: your account at llm.example.com has no credit left",
        code: Code::QuotaExhausted,
        remedies: &[TestAgain, TurnOff],
        ..COMMON
    },
    Fault {
        id: "quota",
        about: "The quota is used up (429 with that code)",
        answer: |request| {
            listed(request, || {
                json(
                    429,
                    r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota"}}"#,
                )
            })
        },
        title: "Failed at the tiny completion: your account at llm.example.com has no credit left",
        code: Code::QuotaExhausted,
        remedies: &[TestAgain, TurnOff],
        ..ANSWERS
    },
    Fault {
        id: "rate",
        about: "Too many requests for now (429 with Retry-After)",
        answer: |request| {
            listed(request, || {
                let head = [("content-type", "application/json"), ("retry-after", "21")];
                Reply::Say(whole(
                    429,
                    &head,
                    r#"{"error":{"message":"Slow down","type":"rate_limit_error"}}"#,
                ))
            })
        },
        title: "Limited at the tiny completion: llm.example.com takes no more requests for now",
        code: Code::RateLimited,
        remedies: &[TestAgain],
        ..ANSWERS
    },
    // The server.
    Fault {
        id: "broken",
        about: "The server fails (500)",
        answer: |_| json(500, r#"{"error":{"message":"Internal error"}}"#),
        title: "Failed at auth: llm.example.com answered 500",
        code: Code::UpstreamFailed,
        remedies: &[TestAgain, TurnOff],
        ..COMMON
    },
    Fault {
        id: "overloaded",
        about: "The server is overloaded (503)",
        answer: |_| page(503, "<html>Service Unavailable</html>"),
        title: "Failed at auth: llm.example.com is overloaded",
        code: Code::Overloaded,
        remedies: &[TestAgain, TurnOff],
        ..COMMON
    },
    // The models.
    Fault {
        id: "no_models",
        about: "The list of models is empty",
        answer: |_| json(200, r#"{"object":"list","data":[]}"#),
        title: "Failed at the model list: llm.example.com lists no model for this key",
        stage: Stage::Models,
        code: Code::ModelNotFound,
        remedies: &[PickModel],
        ..COMMON
    },
    Fault {
        id: "model_missing",
        about: "The default model is not on the list",
        answer: |_| json(200, r#"{"object":"list","data":[{"id":"gpt-5-nano","object":"model"}]}"#),
        title: "Failed at the model list: this key cannot use gpt-5",
        stage: Stage::Models,
        code: Code::ModelNotFound,
        remedies: &[PickModel],
        ..COMMON
    },
    Fault {
        id: "model_gone",
        about: "The default model is listed, but not found (404)",
        answer: |request| {
            listed(request, || {
                json(404, r#"{"error":{"message":"The model does not exist","code":"model_not_found"}}"#)
            })
        },
        title: "Failed at the tiny completion: this key cannot use gpt-5",
        code: Code::ModelNotFound,
        remedies: &[PickModel],
        ..ANSWERS
    },
    Fault {
        id: "model_denied",
        about: "The key may not use the default model (403)",
        answer: |request| {
            listed(request, || json(403, r#"{"error":{"message":"Project has no access to model gpt-5"}}"#))
        },
        title: "Failed at the tiny completion: this key may not use gpt-5",
        code: Code::PermissionDenied,
        remedies: &[PickModel, ReplaceKey, TurnOff],
        ..ANSWERS
    },
    Fault {
        id: "model_not_for_chat",
        about: "The default model takes no chat (400)",
        answer: |request| {
            listed(request, || json(400, r#"{"error":{"message":"This is not a chat model"}}"#))
        },
        title: "Failed at the tiny completion: gpt-5 does not take the test question",
        code: Code::BadRequest,
        remedies: &[PickModel, TestAgain],
        ..ANSWERS
    },
    Fault {
        id: "answer_unreadable",
        about: "The answer is JSON that is no answer",
        answer: |request| listed(request, || json(200, r#"{"result":"OK"}"#)),
        title: "Failed at the tiny completion: llm.example.com answered with something that is no answer",
        remedies: &[TestAgain, EditBaseUrl, PickModel],
        ..ANSWERS
    },
    Fault {
        id: "answer_empty",
        about: "The answer has no word in it",
        answer: |request| {
            listed(request, || {
                json(200, r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#)
            })
        },
        title: "Failed at the tiny completion: gpt-5 answered with nothing",
        remedies: &[TestAgain, PickModel],
        ..ANSWERS
    },
    Fault {
        id: "stream_hung",
        patience_s: 1,
        about: "A stream says nothing after its first token",
        answer: |request| streamed(request, || Reply::Hang(format!("{}{}", stream_head(), token("O")))),
        title: "Failed at the stream: llm.example.com did not answer in time",
        stage: Stage::Stream,
        code: Code::TimedOut,
        remedies: &[TestAgain, RaiseTimeout],
        ..ANSWERS
    },
    Fault {
        id: "stream_reset",
        about: "The connection is reset in the middle of a stream",
        answer: |request| streamed(request, || Reply::Reset(format!("{}{}", stream_head(), token("O")))),
        title: "Failed at the stream: the connection to llm.example.com broke off",
        stage: Stage::Stream,
        code: Code::StreamCut,
        remedies: &[TestAgain],
        ..ANSWERS
    },
];
