//! Every answer that a provider of any protocol gave, to a caller of every protocol, over real HTTP: what the caller reads,
//! and what the ledger keeps, is what the provider said.

mod caller;
mod played;

use std::collections::BTreeMap;
use std::path::Path;

use patchbay_core::catalog::Protocol;
use patchbay_core::secret::Secret;
use patchbay_engine::desk::connections;

use crate::exchanges::recordings;
use crate::upstream::Upstream;
use crate::world::{World, draft};
use played::Played;

/// All of them, in the order in which they are tried.
const PROTOCOLS: [Protocol; 4] =
    [Protocol::Openai, Protocol::Responses, Protocol::Anthropic, Protocol::Gemini];

#[tokio::test]
async fn answers_written_by_hand_reach_callers_of_every_protocol() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/gateway/exchanges");
    let counts = replay(&folder).await;
    assert!(counts.values().sum::<usize>() >= 32, "the folder is read: {counts:?}");
}

#[tokio::test]
async fn answers_recorded_from_providers_reach_callers_of_every_protocol() {
    match recordings() {
        Some(folder) => {
            let counts = replay(&folder).await;
            println!("replayed recorded answers, by the protocol of provider and caller: {counts:?}");
            for provider in ["openai", "responses", "anthropic", "gemini"] {
                assert!(counts.keys().any(|pair| pair.starts_with(provider)), "{provider} is among them");
            }
        }
        None => println!("skipped: there is no folder of recorded exchanges (PATCHBAY_EXCHANGES names one)"),
    }
}

/// Plays every exchange below a folder to every caller, and answers how often each pair of protocols was tried.
async fn replay(folder: &Path) -> BTreeMap<String, usize> {
    let world = World::open().await;
    let mut counts = BTreeMap::new();
    for played in Played::all(folder) {
        let upstream = Upstream::answering(played.exchange.steps()).await;
        let mut draft = draft("it", &upstream.base_url);
        draft.provider.clone_from(&played.exchange.provider);
        draft.default_model = Some("some-model".into());
        draft.secret = Some(Secret::new("sk-of-the-test-0123456789".into()));
        world.add(draft).await;
        for caller in PROTOCOLS.iter().filter(|caller| played.is_asked_by(**caller)) {
            println!("{} to {}", played.exchange.name, caller.as_str());
            played.check(&world, &upstream, *caller).await;
            *counts.entry(format!("{} to {}", played.protocol.as_str(), caller.as_str())).or_default() += 1;
        }
        connections::remove(&world.engine, "it").await.unwrap();
    }
    counts
}
