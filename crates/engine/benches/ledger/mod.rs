//! The ledger that every benchmark asks: three years of attempts, made by the generator of the sample data; more than a million are
//! those of a desk. `PATCHBAY_BENCH_ATTEMPTS` says how many (100,000 where nobody says), `PATCHBAY_BENCH_FOLDER` where the ledger is
//! left, to be asked again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use patchbay_core::report::Filter;
use patchbay_core::time::Timestamp;
use patchbay_engine::demo::sample::{self, SampleOptions};
use patchbay_engine::{Engine, VaultChoice, clock, desk};
use patchbay_store::{Store, rollup};
use tempfile::TempDir;

/// Three years.
pub const DAYS: u32 = 1_095;
/// What is measured so often, or for so long, but never less than this.
const TURNS: (usize, Duration, usize) = (15, Duration::from_secs(10), 3);

pub struct Ledger {
    pub engine: Arc<Engine>,
    /// For what no screen asks.
    pub store: Store,
    pub zone: TimeZone,
    /// When its newest attempt began: the present of whoever asks, however old the ledger is.
    pub now: Timestamp,
    pub attempts: u64,
    _scratch: TempDir,
}

impl Ledger {
    /// Opens it, and makes it first where it is not there.
    pub async fn open() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let named: Option<PathBuf> = std::env::var_os("PATCHBAY_BENCH_FOLDER").map(Into::into);
        let folder = named.unwrap_or_else(|| scratch.path().to_owned());
        let engine = Engine::open(&folder, VaultChoice::Memory).unwrap();
        let store = Store::open(&folder).unwrap();
        let zone = TimeZone::system();
        if attempts_in(&store) == 0 {
            fill(&engine, &store, &zone).await;
        }
        let attempts = attempts_in(&store);
        let now =
            store.read(|db| Ok(db.query_row("SELECT max(at) FROM usage", [], |row| row.get(0))?)).unwrap();
        let now = Timestamp(now);
        let ledger = Self { engine, store, zone, now, attempts, _scratch: scratch };
        ledger.settle().await;
        ledger.tell();
        ledger
    }

    /// Sums up what is not yet, and tells how fast where that is all of it.
    async fn settle(&self) {
        let (began, before) = (Instant::now(), bytes_of(&self.store));
        let spans = desk::usage::settle(&self.engine).await.unwrap();
        let (seconds, bytes) = (began.elapsed().as_secs_f64(), bytes_of(&self.store) - before);
        if spans < DAYS {
            return;
        }
        let attempts = f64::from(u32::try_from(self.attempts).unwrap());
        println!(
            "{spans} days, weeks and months settled in {seconds:.1} s: {:.0} attempts/s, {:.1} MB per million attempts",
            attempts / seconds,
            f64::from(i32::try_from(bytes).unwrap()) / attempts
        );
    }

    fn tell(&self) {
        let megabytes = bytes_of(&self.store) / 1_000_000;
        println!("{} attempts up to {}, {megabytes} MB", self.attempts, self.now.to_rfc3339());
    }
}

fn attempts_in(store: &Store) -> u64 {
    store.read(|db| rollup::totals(db, &Filter::default())).unwrap().attempts
}

async fn fill(engine: &Arc<Engine>, store: &Store, zone: &TimeZone) {
    let wanted = std::env::var("PATCHBAY_BENCH_ATTEMPTS").ok().and_then(|count| count.parse().ok());
    let options = SampleOptions { attempts: wanted.unwrap_or(100_000), days: DAYS, seed: 1 };
    desk::demo::connect(engine).await.unwrap();
    let began = Instant::now();
    let rows = sample::load(store, options, clock::now(), zone).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!("{rows} attempts made and entered in {seconds:.1} s: {:.0}/s", f64::from(rows) / seconds);
}

/// Bytes in use.
fn bytes_of(store: &Store) -> i64 {
    let sql = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    store.read(|db| Ok(db.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

/// Milliseconds: the middle of some turns, after one that does not count.
pub async fn median(work: impl AsyncFn()) -> f64 {
    work().await;
    let (most, enough, least) = TURNS;
    let (whole, mut turns) = (Instant::now(), Vec::new());
    while turns.len() < least || (turns.len() < most && whole.elapsed() < enough) {
        let began = Instant::now();
        work().await;
        turns.push(began.elapsed().as_secs_f64() * 1e3);
    }
    turns.sort_by(f64::total_cmp);
    turns[turns.len() / 2]
}
