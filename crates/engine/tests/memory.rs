//! An export takes as much memory for many attempts as for few (trap 10).
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Filter, GroupBy};
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::usage::{self, ExportFormat, Selection};
use patchbay_engine::{Engine, VaultChoice, desk};
use patchbay_store::Store;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const ROWS: u32 = 1_000;
/// More than one group of a Parquet file, so that a full one is among the few already.
const FEW: u32 = 20;
const MANY: u32 = 45;
/// What a file may hold more of by the end: the list of its parts.
const SLACK_KB: f32 = 600.0;

/// As many attempts as there are, so many times.
fn repeat(folder: &Path, times: u32) {
    let store = Store::open(folder).unwrap();
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times})
         INSERT INTO usage (call, attempt, at, series_id, final, signal, requested_model, input_tokens, output_tokens,
             cost_nano_usd, cost_source, total_ms, streamed)
         SELECT randomblob(16), 1, at - 1 - i, series_id, final, signal, requested_model, input_tokens, output_tokens,
             cost_nano_usd, cost_source, total_ms, streamed FROM usage, n WHERE usage.id <= {ROWS}"
    );
    store.write(move |db| Ok(db.execute(&sql, [])?)).unwrap();
}

async fn peak(engine: &Arc<Engine>, folder: &Path, format: ExportFormat) -> (u32, f32) {
    let selection = Selection { filter: Filter::default(), by: GroupBy::App, zone: TimeZone::UTC };
    let path = folder.join(format!("attempts.{}", format.ending()));
    let before = ALLOCATED.current_usage_as_kb();
    ALLOCATED.reset_peak_usage();
    let written = usage::to_file(engine, selection, format, path).await.unwrap();
    (written.entries, ALLOCATED.peak_usage_as_kb() - before)
}

#[tokio::test]
async fn trap_10_an_export_of_many_attempts_takes_no_more_memory_than_one_of_few() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let options = SampleOptions { attempts: ROWS, days: 30, seed: 1 };
    desk::demo::load(&engine, options, TimeZone::UTC).await.unwrap();
    let formats = [ExportFormat::Csv, ExportFormat::Json, ExportFormat::Parquet, ExportFormat::Xlsx];
    repeat(folder.path(), FEW);
    let mut few = Vec::new();
    for format in formats {
        few.push(peak(&engine, folder.path(), format).await);
    }
    repeat(folder.path(), MANY - FEW);
    for (format, (rows, kb)) in formats.into_iter().zip(few) {
        let (many, peak) = peak(&engine, folder.path(), format).await;
        assert_eq!((rows, many), (ROWS * (FEW + 1), ROWS * (MANY + 1)), "{format:?}");
        assert!(peak < kb + SLACK_KB, "{format:?}: {kb} kB for {rows} attempts, {peak} kB for {many}");
    }
}
