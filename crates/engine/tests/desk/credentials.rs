//! Versions: stored, tested, switched, taken over, erased.

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::credential::{CredentialState as State, Policy, Reminder};
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_engine::clock;
use patchbay_engine::desk::connections::{self, ConnectionEdit};
use patchbay_engine::desk::credentials::{self, Afterwards};
use patchbay_engine::vault::VaultError;

use crate::common::{Desk, NEW, OLD, nobody, open, rotate, secret, states};

#[tokio::test]
async fn k2_a_rotation_tests_before_it_switches() {
    let desk = Desk::open().await;
    let refused = "sk-refused-1234567890ab-BAD9";
    let failed = rotate(&desk.engine, refused).await.unwrap();
    assert_eq!((failed.switched, failed.report.code), (false, Some(Code::KeyRefused)));
    assert_eq!(
        states(&failed.credentials),
        [(2, State::Staged), (1, State::Active)],
        "the old one stays in use"
    );
    assert_eq!(failed.credentials.versions[0].test_verdict.as_deref(), Some("failed"));
    assert_eq!(
        connections::get(&desk.engine, "main", TimeZone::UTC).await.unwrap().last_check.map(|c| c.verdict),
        None
    );

    let passed = rotate(&desk.engine, NEW).await.unwrap();
    assert_eq!((passed.switched, passed.report.verdict), (true, Verdict::Passed));
    assert_eq!(states(&passed.credentials), [(3, State::Active), (2, State::Staged), (1, State::Retiring)]);
    assert_eq!(passed.credentials.rollback_to, Some(1));
    let retired = &passed.credentials.versions[2];
    let week = retired.retired_at.unwrap().plus_ms(7 * 24 * HOUR_MS);
    assert_eq!((retired.erase_at, retired.tail.as_str()), (Some(week), "OLD1"));
    assert_eq!(desk.glass.versions(), [1, 2, 3], "nothing is erased yet");
    assert_eq!(
        desk.log().await,
        [
            "user create main",
            "user stage main v1",
            "user activate main v1",
            "user stage main v2",
            "user test main v2",
            "user stage main v3",
            "user test main v3",
            "user activate main v3",
        ]
    );
}

#[tokio::test]
async fn k2_one_step_back_until_the_secret_is_erased() {
    let desk = Desk::open().await;
    credentials::replace_key(&desk.engine, "main", secret(NEW), TimeZone::UTC).await.unwrap();
    let back = credentials::rollback(&desk.engine, "main").await.unwrap();
    assert_eq!(states(&back), [(2, State::Retiring), (1, State::Active)]);
    credentials::rollback(&desk.engine, "main").await.unwrap();
    let erased = credentials::purge_retired(&desk.engine, "main").await.unwrap();
    assert_eq!((states(&erased), erased.rollback_to), (vec![(2, State::Active), (1, State::Purged)], None));
    assert_eq!(desk.glass.versions(), [2]);
    let none = credentials::rollback(&desk.engine, "main").await.unwrap_err();
    assert_eq!(none.code, Code::NotFound);
    let old = &erased.versions[1];
    assert!(
        old.purged_at.is_some() && old.activated_at.is_some() && !old.fingerprint.is_empty(),
        "dates stay"
    );
    assert!(!old.fingerprint.contains(OLD));
    let log = desk.log().await;
    assert_eq!(
        log[log.len() - 4..],
        ["user rollback main v1", "user rollback main v2", "user revoke main v1", "user purge main v1"]
    );
}

#[tokio::test]
async fn k2_the_key_in_use_is_not_erased_by_mistake() {
    let desk = Desk::open().await;
    let refused = credentials::purge(&desk.engine, "main", 1).await.unwrap_err();
    assert_eq!((refused.code, desk.glass.versions()), (Code::InvalidInput, vec![1]));
    let revoked = credentials::revoke(&desk.engine, "main", None).await.unwrap();
    assert_eq!((states(&revoked), revoked.reminder), (vec![(1, State::Revoked)], None));
    let refused = credentials::promote(&desk.engine, "main", Some(1), Afterwards::Retire).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput, "revoked is for ever");
    let erased = credentials::purge(&desk.engine, "main", 1).await.unwrap();
    assert_eq!((states(&erased), desk.glass.versions()), (vec![(1, State::Purged)], vec![]));
}

#[tokio::test]
async fn k3_a_standby_takes_over_once_and_does_not_come_back() {
    let desk = Desk::open().await;
    assert_eq!(
        credentials::take_over(&desk.engine, "main", 1, Code::KeyRefused).await.unwrap(),
        None,
        "no standby"
    );
    credentials::stage(&desk.engine, "main", secret(NEW)).await.unwrap();
    credentials::stand_by(&desk.engine, "main", None).await.unwrap();
    let off = Policy { use_standby: false, ..Policy::default() };
    credentials::set_policy(&desk.engine, "main", off).await.unwrap();
    assert_eq!(
        credentials::take_over(&desk.engine, "main", 1, Code::KeyRefused).await.unwrap(),
        None,
        "not wanted"
    );
    credentials::set_policy(&desk.engine, "main", Policy::default()).await.unwrap();

    let calls = (0..8).map(|_| credentials::take_over(&desk.engine, "main", 1, Code::QuotaExhausted));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| *answer == Ok(Some(2))), "{answers:?}");
    assert_eq!(desk.states().await, [(2, State::Active), (1, State::Retiring)]);
    let took = desk.log().await.into_iter().filter(|line| line == "router take_over main v2").count();
    assert_eq!(took, 1, "many calls, one switch");
    // Trap 2: a failure of the second does not bring the first back.
    assert_eq!(credentials::take_over(&desk.engine, "main", 2, Code::KeyRefused).await.unwrap(), None);
    assert_eq!(desk.states().await[0], (2, State::Active));
}

#[tokio::test]
async fn k3_age_and_end_remind() {
    let desk = Desk::open().await;
    let fresh = desk.credentials().await;
    assert_eq!(fresh.reminder, Some(Reminder::Fresh));
    assert_eq!(fresh.reminder_at, fresh.versions[0].activated_at.map(|at| at.plus_ms(90 * 24 * HOUR_MS)));
    let soon = clock::now().plus_ms(HOUR_MS);
    let set = credentials::set_expiry(&desk.engine, "main", None, Some(soon)).await.unwrap();
    assert_eq!((set.reminder, set.reminder_at), (Some(Reminder::ExpiresSoon), Some(soon)));
    let past = credentials::set_expiry(&desk.engine, "main", Some(1), Some(Timestamp(1))).await.unwrap();
    assert_eq!(past.reminder, Some(Reminder::Expired));
    let wrong = Policy { erase_days: 366, ..Policy::default() };
    assert_eq!(
        credentials::set_policy(&desk.engine, "main", wrong).await.unwrap_err().code,
        Code::InvalidInput
    );
}

#[tokio::test]
async fn k3_the_same_key_on_two_connections_is_told() {
    let desk = Desk::open().await;
    desk.connect("twin", Some(OLD)).await;
    desk.connect("other", Some(NEW)).await;
    assert_eq!(desk.credentials().await.shared_with, ["The twin"]);
    let notes = connections::get(&desk.engine, "twin", TimeZone::UTC).await.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("The main")), "{notes:?}");
}

#[tokio::test]
async fn k2_what_retired_is_erased_when_its_time_has_come() {
    let desk = Desk::open().await;
    credentials::set_policy(&desk.engine, "main", Policy { erase_days: 0, ..Policy::default() })
        .await
        .unwrap();
    credentials::replace_key(&desk.engine, "main", secret(NEW), TimeZone::UTC).await.unwrap();
    assert_eq!(desk.glass.versions(), [1, 2]);
    let next = open(desk.folder.path(), &desk.glass);
    assert_eq!(desk.glass.versions(), [2], "the next start erases it");
    let found = credentials::list(&next, "main").await.unwrap();
    assert_eq!(states(&found), [(2, State::Active), (1, State::Purged)]);
    let log = desk.log().await;
    assert_eq!(log[log.len() - 2..], ["scheduler revoke main v1", "scheduler purge main v1"]);
}

#[tokio::test]
async fn k4_a_vault_that_would_not_erase_is_tried_again() {
    let desk = Desk::open().await;
    credentials::replace_key(&desk.engine, "main", secret(NEW), TimeZone::UTC).await.unwrap();
    desk.glass.watch(Some(Box::new(|_, _| Err(VaultError::Locked))));
    let refused = credentials::purge(&desk.engine, "main", 1).await.unwrap_err();
    assert_eq!(refused.code, Code::VaultLocked);
    assert_eq!(
        desk.states().await,
        [(2, State::Active), (1, State::Revoked)],
        "not erased is not called erased"
    );
    desk.glass.watch(None);
    let _next = open(desk.folder.path(), &desk.glass);
    assert_eq!(
        (desk.states().await, desk.glass.versions()),
        (vec![(2, State::Active), (1, State::Purged)], vec![2])
    );
}

#[tokio::test]
async fn k5_another_server_asks_for_the_key_again_and_forgets_all_versions() {
    let desk = Desk::open().await;
    credentials::stage(&desk.engine, "main", secret(NEW)).await.unwrap();
    let elsewhere = ConnectionEdit::BaseUrl(Some("http://127.0.0.1:9/v1".into()));
    let edited = connections::edit(&desk.engine, "main", elsewhere, TimeZone::UTC).await.unwrap();
    assert!(edited.credential.is_none());
    assert_eq!(
        (desk.states().await, desk.glass.versions()),
        (vec![(2, State::Purged), (1, State::Purged)], vec![])
    );
}

#[tokio::test]
async fn trap6_an_edit_that_changes_nothing_leaves_key_settings_and_log_alone() {
    let desk = Desk::open().await;
    let (before, log) =
        (connections::get(&desk.engine, "main", TimeZone::UTC).await.unwrap(), desk.log().await);
    for edit in [
        ConnectionEdit::Name(before.name.clone()),
        ConnectionEdit::BaseUrl(Some(before.base_url.clone())),
        ConnectionEdit::DefaultModel(before.default_model.clone()),
        ConnectionEdit::MaxRetries(before.max_retries),
        ConnectionEdit::IsDefault(before.is_default),
    ] {
        let after = connections::edit(&desk.engine, "main", edit, TimeZone::UTC).await.unwrap();
        assert_eq!((after.base_url, after.name), (before.base_url.clone(), before.name.clone()));
        assert_eq!(after.credential.map(|key| key.version), Some(1));
    }
    assert_eq!((desk.log().await, desk.glass.versions()), (log, vec![1]));
}

#[tokio::test]
async fn trap8_a_key_that_cannot_be_read_is_not_no_key() {
    let desk = Desk::open().await;
    for (error, code) in [
        (VaultError::Locked, Code::VaultLocked),
        (VaultError::Absent, Code::VaultAbsent),
        (VaultError::PassphraseMissing, Code::VaultLocked),
        (VaultError::WrongPassphrase, Code::VaultDenied),
    ] {
        desk.glass.watch(Some(Box::new(move |_, _| Err(error.clone()))));
        let report = connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
        assert_eq!(report.code, Some(code));
        assert_eq!(desk.credentials().await.versions[0].state, State::Active, "every setting is kept");
    }
    desk.glass.watch(None);
    desk.glass.secrets.lock().unwrap().clear();
    let report = connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(report.code, Some(Code::CredentialMissing), "and this is");
}
