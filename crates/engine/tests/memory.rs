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
use patchbay_store::columns::LARGE_GROUP;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const ROWS: u32 = 1_000;
/// Times `ROWS`: few attempts, and many.
const PLAIN: (u32, u32) = (20, 45);
/// The few are more than one group of a Parquet file, so that a whole one is among them already.
const GROUPED: (u32, u32) = (131, 160);
const _: () = assert!(LARGE_GROUP < 132_000, "a whole group is among the few");
/// What a file may hold more of by the end: the list of its parts.
const SLACK_KB: f32 = 600.0;

/// As many attempts again, so many times.
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
    let mut there = 0;
    for (formats, (few, many)) in [
        (&[ExportFormat::Csv, ExportFormat::Json, ExportFormat::Xlsx][..], PLAIN),
        (&[ExportFormat::Parquet][..], GROUPED),
    ] {
        let mut peaks = Vec::new();
        for times in [few, many] {
            repeat(folder.path(), times - std::mem::replace(&mut there, times));
            for format in formats {
                let (rows, kb) = peak(&engine, folder.path(), *format).await;
                assert_eq!(rows, ROWS * (times + 1), "{format:?}");
                peaks.push(kb);
            }
        }
        let (of_few, of_many) = peaks.split_at(formats.len());
        for (format, (few, many)) in formats.iter().zip(of_few.iter().zip(of_many)) {
            assert!(*many < few + SLACK_KB, "{format:?}: {few} kB for few attempts, {many} kB for many");
        }
    }
}
