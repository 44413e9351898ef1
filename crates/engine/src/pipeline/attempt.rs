//! One attempt at one connection: key, request, answer.

use std::sync::Arc;

use patchbay_core::code::Code;
use patchbay_core::diagnose::{ToldLimit, told_limits};
use patchbay_core::dialect::models::ModelLimits;
use patchbay_core::dialect::relay::{self, Relayed};
use patchbay_core::dialect::takes::untaken_by_model;
use patchbay_core::dialect::{Failure, Stamp, Target};
use patchbay_core::ledger::UsageType;
use patchbay_core::route::Candidate;
use reqwest::Response;

use super::{Answer, End, Head, Whole, stream};
use crate::call::Call;
use crate::gauges::InFlight;
use crate::pass::Pass;
use crate::trail::Trail;
use crate::upstream::{self, Refused};
use crate::{Engine, clock};

/// Makes one attempt, up to its answer or the first token of it. A failure comes back with its trail, because only the caller
/// knows whether another attempt follows.
pub(super) async fn attempt(
    engine: &Arc<Engine>,
    call: &Arc<Call>,
    candidate: &Candidate<'_>,
    head: &Head,
    mut trail: Trail,
) -> Result<Opened, (Trail, Failure)> {
    let target = target(call, candidate);
    let work = async {
        if let Some((counted, notice)) = call.inbound.count_here(&target) {
            return Ok((Begun::Whole(Box::new(counted)), vec![notice.to_owned()], Vec::new()));
        }
        let sent = request(engine, call, candidate, &target, &mut trail).await?;
        let begun = if call.is_streamed() {
            let opened = stream::open(sent.response, call, candidate, &target, sent.pass, &mut trail);
            Begun::Stream(Box::new(opened.await?))
        } else {
            let mut relayed = whole(sent.response, call, candidate, &target, sent.pass, &mut trail).await?;
            engine.keepsakes.keep(std::mem::take(&mut relayed.keepsake));
            Begun::Whole(Box::new(relayed))
        };
        Ok((begun, sent.notices, sent.limits))
    };
    let begun = tokio::select! {
        begun = work => begun,
        () = engine.gauges.stopped() => Err(Failure::new(Code::Stopped, "All traffic was stopped.")),
    };
    match begun {
        Ok((begun, notices, limits)) => {
            Ok(Opened { begun, limits, head: Head { notices, ..head.clone() }, trail })
        }
        Err(failure) => Err((trail, failure)),
    }
}

/// An attempt that answers.
pub(super) struct Opened {
    begun: Begun,
    limits: Vec<ToldLimit>,
    head: Head,
    trail: Trail,
}

impl Opened {
    /// Where two were made: it is the one that answered.
    pub(super) fn win(&mut self) {
        self.trail.leave_race();
    }

    /// Hands the answer on: a whole one once it is in the ledger, a streamed one from a task of its own.
    pub(super) async fn answer(self, engine: &Arc<Engine>, guard: InFlight) -> Answer {
        match self.begun {
            Begun::Whole(relayed) => finish_whole(*relayed, (self.head, self.limits), self.trail).await,
            Begun::Stream(opened) => opened.run(engine, self.head, self.trail, guard),
        }
    }
}

enum Begun {
    Whole(Box<Relayed>),
    Stream(Box<stream::Opened>),
}

/// A request that was answered with a success.
struct Sent {
    response: Response,
    pass: Pass,
    notices: Vec<String>,
    /// Read for tests only.
    limits: Vec<ToldLimit>,
}

fn target<'a>(call: &Call, candidate: &'a Candidate<'_>) -> Target<'a> {
    let connection = candidate.connection;
    Target {
        protocol: connection.protocol_for(call.inbound.protocol),
        model: candidate.model,
        quirks: connection.quirks,
        limits: ModelLimits { max_output: candidate.max_output },
        untaken: untaken_by_model(&connection.provider, candidate.model),
    }
}

async fn request(
    engine: &Engine,
    call: &Call,
    candidate: &Candidate<'_>,
    target: &Target<'_>,
    trail: &mut Trail,
) -> Result<Sent, Failure> {
    let connection = candidate.connection;
    let encoded = call.inbound.for_provider(target, |id| engine.keepsakes.of(id))?;
    let pass = engine.keys.of(connection).await.map_err(|error| Failure::new(error.code, error.message))?;
    let notices = encoded.notices.clone();
    trail.sent();
    let said = (target.protocol, call.inbound.headers_for(target), encoded);
    let answered = engine.upstream.post(connection, &pass, said, candidate.first_byte_ms).await;
    let response = answered.map_err(|Refused { failure, limits }| {
        trail.heard(limits);
        // Refused before a byte was sent: nothing can have been billed.
        if failure.status.is_none() && matches!(failure.code, Code::NetworkFailed | Code::Offline) {
            trail.not_sent();
        }
        failure
    })?;
    trail.heard(upstream::limits(&response));
    let id = request_id(&response).map(|id| pass.redact(id));
    trail.answered_with(response.status().as_u16(), id);
    let limits = match call.usage_type {
        UsageType::Test => told_limits(|name| response.headers().get(name)?.to_str().ok()),
        _ => Vec::new(),
    };
    Ok(Sent { response, pass, notices, limits })
}

/// The provider's own id of a request, by which its support finds it.
fn request_id(response: &Response) -> Option<&str> {
    let id = |name| response.headers().get(name).and_then(|id| id.to_str().ok());
    id("x-request-id").or_else(|| id("request-id"))
}

async fn whole(
    response: Response,
    call: &Call,
    candidate: &Candidate<'_>,
    target: &Target<'_>,
    pass: Pass,
    trail: &mut Trail,
) -> Result<Relayed, Failure> {
    let body = upstream::read_whole(response, candidate.connection).await?;
    trail.received();
    let id = call.id.to_string();
    let stamp = Stamp { model: &call.inbound.model, id: &id, created: clock::now().0 / 1_000 };
    let relayed = relay::whole(&call.inbound, target, body, stamp)
        .map_err(|failure| upstream::redacted(failure, &pass))?;
    trail.first_token();
    trail.progress(relayed.usage, relayed.text.len());
    trail.estimate_where_unreported();
    Ok(relayed)
}

/// Enters a whole answer into the ledger, and only then hands it on.
async fn finish_whole(relayed: Relayed, (head, limits): (Head, Vec<ToldLimit>), trail: Trail) -> Answer {
    let end = End {
        usage: trail.usage(),
        cost: trail.cost(),
        total_ms: trail.elapsed_ms(),
        first_token_ms: None,
        finish_reason: relayed.finish_reason.clone(),
    };
    trail.answered(relayed.finish_reason).await;
    Answer::Whole(Box::new(Whole { head, body: relayed.body.into(), text: relayed.text, end, limits }))
}
