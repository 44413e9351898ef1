//! `patchbay demo`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::demo::DemoFault;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::demo;
use patchbay_engine::error::Error;

use super::zone;
use crate::args::{Demo, Fault};
use crate::output::Output;

pub(super) async fn run(engine: &Arc<Engine>, command: Demo, output: &Output) -> Result<(), Error> {
    match command {
        Demo::Load { attempts, days, seed } => {
            let usual = SampleOptions::default();
            let options = SampleOptions {
                attempts: attempts.unwrap_or(usual.attempts),
                days: days.unwrap_or(usual.days),
                seed: seed.unwrap_or(usual.seed),
            };
            let rows = demo::load(engine, options, zone()).await?;
            output.done(&format!("{rows} sample attempts are loaded. `patchbay demo clear` removes them."));
        }
        Demo::Clear => {
            demo::clear(engine).await?;
            output.done("The Demo provider and its sample data are removed.");
        }
        Demo::Fault { fault } => {
            demo::pretend(engine, fault.into()).await?;
            output.done(match fault {
                Fault::None => "The Demo provider answers again.",
                _ => "The Demo provider fails from now on. `patchbay demo fault none` ends it.",
            });
        }
    }
    Ok(())
}

impl From<Fault> for DemoFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::None => Self::None,
            Fault::Unauthorized => Self::Unauthorized,
            Fault::RateLimited => Self::RateLimited,
            Fault::ServerError => Self::ServerError,
            Fault::SlowFirstByte => Self::SlowFirstByte,
            Fault::CutStream => Self::CutStream,
        }
    }
}
