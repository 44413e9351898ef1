//! `patchbay aliases`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::aliases;
use patchbay_engine::error::Error;

use crate::args::Aliases;
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Aliases, output: &Output) -> Result<(), Error> {
    match command {
        Aliases::List => output.document(&aliases::list(engine)?, |list| {
            let row = |one: &aliases::Alias| {
                let note = if one.leads { "" } else { "leads nowhere" };
                vec![one.alias.clone(), one.target.clone(), note.to_owned()]
            };
            table(&["Alias", "Stands for", ""], list.iter().map(row))
        }),
        Aliases::Set { alias, target } => {
            let set = aliases::set(engine, &alias, &target).await?;
            output.document(&set, |set| format!("{} stands for {} now.\n", set.alias, set.target));
        }
        Aliases::Remove { alias } => {
            aliases::remove(engine, &alias).await?;
            output.done(&format!("{alias} is no alias any more."));
        }
    }
    Ok(())
}
