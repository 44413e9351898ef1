//! `patchbay providers`

use patchbay_engine::desk::providers;

use crate::args::Providers;
use crate::output::{Output, table};

pub(super) fn run(command: &Providers, output: &Output) {
    let Providers::List = command;
    output.document(&providers::list(), |providers| {
        table(
            &["PROVIDER", "NAME", "BASE URL"],
            providers.iter().map(|p| vec![p.slug.clone(), p.name.clone(), p.base_url.clone()]),
        )
    });
}
