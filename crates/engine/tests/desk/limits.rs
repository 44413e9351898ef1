//! Limits of a connection: set one by one, and told with what is used of them.

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_engine::desk::connections::{self, LimitEdit, LimitUse, PeriodLimit};

use crate::common::Desk;

#[tokio::test]
async fn k5_a_limit_is_set_alone_and_noted() {
    let desk = Desk::open().await;
    let set = async |edit| connections::set_limit(&desk.engine, "main", edit, TimeZone::UTC).await;
    set(LimitEdit::PerDay(Some(500))).await.unwrap();
    set(LimitEdit::PerPeriod(Some(PeriodLimit { requests: 5, seconds: 10 }))).await.unwrap();
    let shown = set(LimitEdit::AtOnce(Some(2))).await.unwrap().limits;
    assert_eq!(shown.per_day, LimitUse { at_most: Some(500), used: 0 });
    assert_eq!((shown.per_period.at_most, shown.period_s), (Some(5), Some(10)));
    assert_eq!((shown.at_once.at_most, shown.per_minute.at_most), (Some(2), None));
    let shown = set(LimitEdit::PerDay(None)).await.unwrap().limits;
    assert_eq!((shown.per_day.at_most, shown.at_once.at_most), (None, Some(2)));
    let updates = async || desk.log().await.iter().filter(|line| *line == "user update main").count();
    assert_eq!(updates().await, 4);
    set(LimitEdit::PerDay(None)).await.unwrap();
    assert_eq!(updates().await, 4, "what changes nothing is not noted");
    let refused = set(LimitEdit::PerMinute(Some(0))).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}
