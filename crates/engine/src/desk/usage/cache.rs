//! What caching of prompts saved.

use std::collections::HashMap;

use patchbay_core::money::NanoUsd;
use patchbay_core::price::PriceBook;
use patchbay_core::report::{Bucket, Column, Columns, Detail, Filter};
use patchbay_core::time::Timestamp;
use patchbay_store::{Db, StoreError, rollup};

/// How much less the tokens read from caches cost than they would have as plain input, less what it cost more to write them there, at the
/// prices of now. Below zero where writing cost more than reading saved.
pub(super) fn saving(
    db: &Db,
    filter: &Filter,
    prices: &PriceBook,
    now: Timestamp,
) -> Result<NanoUsd, StoreError> {
    // In nano-dollars per million tokens, by series: what a token saves that is read, and that is written.
    let mut each: HashMap<usize, (i128, i128)> = HashMap::new();
    let mut saved = 0_i128;
    let detail = Detail::whole(Columns::of(&[Column::CachedTokens, Column::CacheWriteTokens]));
    rollup::scan(db, filter, &detail, |bucket| {
        let (read, written) = (bucket.counts.cached_tokens, bucket.counts.cache_write_tokens);
        if read > 0 || written > 0 {
            let (by_reading, by_writing) =
                *each.entry(bucket.series).or_insert_with(|| differences(bucket, prices, now));
            saved += by_reading * i128::from(read) + by_writing * i128::from(written);
        }
    })?;
    Ok(NanoUsd(i64::try_from(saved / 1_000_000).unwrap_or(i64::MAX)))
}

fn differences(bucket: &Bucket<'_>, prices: &PriceBook, now: Timestamp) -> (i128, i128) {
    let price = prices.find(&bucket.labels.provider, &bucket.labels.model, now, 0);
    price.map_or((0, 0), |price| {
        let than = |other: Option<NanoUsd>| i128::from(price.input.0 - other.unwrap_or(price.input).0);
        (than(price.cached_input), than(price.cache_write))
    })
}
