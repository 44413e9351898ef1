use std::fmt::Write as _;

use super::*;
use crate::code::Code;
use crate::dialect::Failure;

fn openai() -> Subject {
    Subject {
        key: "openai_primary".to_owned(),
        name: "OpenAI primary".to_owned(),
        provider_slug: "openai".to_owned(),
        keys_page: "https://platform.openai.com/api-keys".to_owned(),
        provider_name: "OpenAI".to_owned(),
        protocol: Protocol::Openai,
        key_tail: "7fQ2".to_owned(),
        base_url: "https://api.openai.com/v1".to_owned(),
        default_model: Some("gpt-5-mini".to_owned()),
        local: false,
        host: "api.openai.com".to_owned(),
        port: 443,
    }
}

fn ollama() -> Subject {
    Subject {
        key: "ollama_desk".to_owned(),
        name: "Ollama desk".to_owned(),
        provider_slug: "ollama".to_owned(),
        keys_page: String::new(),
        provider_name: "Ollama".to_owned(),
        protocol: Protocol::Openai,
        key_tail: String::new(),
        base_url: "http://127.0.0.1:11434".to_owned(),
        default_model: Some("llama3.2".to_owned()),
        local: true,
        host: "127.0.0.1".to_owned(),
        port: 11_434,
    }
}

fn other() -> Subject {
    Subject {
        key: "house".to_owned(),
        name: "House model".to_owned(),
        provider_slug: "compatible".to_owned(),
        keys_page: String::new(),
        provider_name: "Other".to_owned(),
        protocol: Protocol::Openai,
        key_tail: String::new(),
        base_url: "https://llm.example.com".to_owned(),
        default_model: None,
        local: false,
        host: "llm.example.com".to_owned(),
        port: 443,
    }
}

fn passed(stage: Stage, started_ms: u32) -> StageReport {
    StageReport {
        stage,
        verdict: Some(Verdict::Passed),
        started_ms,
        took_ms: Some(20),
        evidence: "ok".to_owned(),
    }
}

/// A test that passed all stages before `failed`, and broke there.
fn findings(failed: Option<(Stage, Cause)>) -> Findings {
    let end = failed.as_ref().map(|(stage, _)| *stage);
    let run = Stage::ALL.into_iter().take_while(|stage| end.is_none_or(|end| *stage < end));
    let models = if end.is_none_or(|end| end >= Stage::Models) {
        names(&["gpt-4.1", "gpt-5-nano", "gpt-5.1-mini"])
    } else {
        Vec::new()
    };
    Findings {
        at: Timestamp(1_763_800_000_000),
        took_ms: 1_314,
        stages: run.zip((0..).step_by(20)).map(|(stage, at)| passed(stage, at)).collect(),
        failed,
        answer: String::new(),
        models,
        cost: end.is_none().then_some(NanoUsd(4_000)),
        learned: Learned::default(),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn http(code: Code, status: u16, message: &str) -> Cause {
    Cause::Http(Failure { status: Some(status), ..Failure::new(code, message) })
}

fn broke(code: Code) -> Cause {
    Cause::Http(Failure::new(code, ""))
}

/// Every cause at a stage where it can arise.
fn causes() -> Vec<(Stage, Cause)> {
    [causes_on_the_path(), causes_in_answers()].concat()
}

fn causes_on_the_path() -> Vec<(Stage, Cause)> {
    use Stage as S;
    vec![
        (S::Dns, Cause::Offline),
        (S::Dns, Cause::NoAddress),
        (S::Tcp, Cause::Tcp(Tcp::Refused)),
        (S::Tcp, Cause::Tcp(Tcp::TimedOut)),
        (S::Tcp, Cause::Tcp(Tcp::Unreachable)),
        (S::Tcp, Cause::ProxyAuth),
        (S::Tls, Cause::Tls(Tls::Expired { on: "2 Dec".to_owned() })),
        (S::Tls, Cause::Tls(Tls::WrongHost)),
        (S::Tls, Cause::Tls(Tls::NotYetValid { on: "2 Dec".to_owned() })),
        (S::Tls, Cause::Tls(Tls::SelfSigned)),
        (S::Tls, Cause::Tls(Tls::UnknownIssuer { issuer: String::new() })),
        (S::Tls, Cause::Tls(Tls::UnknownIssuer { issuer: "House CA".to_owned() })),
        (S::Tls, Cause::Tls(Tls::Reset)),
        (S::Tls, Cause::Tls(Tls::NotTls)),
        (S::Tls, Cause::Tls(Tls::Other("peer is incompatible".to_owned()))),
        (S::Tls, Cause::ClockSkew { seconds: -11_000 }),
    ]
}

fn causes_in_answers() -> Vec<(Stage, Cause)> {
    use Stage as S;
    vec![
        (S::Auth, Cause::NoKey),
        (S::Auth, Cause::VaultLocked),
        (S::Auth, Cause::VaultDenied),
        (S::Auth, Cause::VaultAbsent),
        (S::Auth, Cause::VaultFailed("no reply".to_owned())),
        (S::Auth, http(Code::KeyRefused, 401, "Incorrect API key provided")),
        (S::Auth, http(Code::PermissionDenied, 403, "Country not supported")),
        (S::Auth, http(Code::QuotaExhausted, 429, "You exceeded your current quota")),
        (
            S::Auth,
            Cause::Http(Failure { retry_after_ms: Some(21_400), ..Failure::new(Code::RateLimited, "") }),
        ),
        (S::Auth, http(Code::ModelNotFound, 404, "Not Found")),
        (S::Auth, http(Code::BadRequest, 400, "Bad request.")),
        (S::Auth, http(Code::Overloaded, 503, "Try again later.")),
        (S::Auth, http(Code::UpstreamFailed, 502, "")),
        (S::Auth, broke(Code::TimedOut)),
        (S::Auth, http(Code::BadRequest, 407, "Proxy Authentication Required")),
        (S::Auth, Cause::SignInPage),
        (S::Auth, Cause::Blocked),
        (S::Auth, Cause::WrongPath { better: "https://llm.example.com/v1".to_owned() }),
        (S::Auth, Cause::WrongProtocol { speaks: Protocol::Anthropic }),
        (S::Auth, Cause::WrongProtocol { speaks: Protocol::Gemini }),
        (S::Auth, Cause::Redirected { host: "new.example.com".to_owned(), better: None }),
        (
            S::Auth,
            Cause::Redirected { host: String::new(), better: Some("https://llm.example.com".to_owned()) },
        ),
        (S::Models, Cause::NotAnApi),
        (S::Models, Cause::WrongJson),
        (S::Models, Cause::EmptyModelList),
        (S::Models, Cause::ModelMissing { nearest: names(&["gpt-5-nano"]) }),
        (S::Models, broke(Code::NetworkFailed)),
        (S::Completion, http(Code::ModelNotFound, 404, "The model does not exist")),
        (S::Completion, http(Code::PermissionDenied, 403, "")),
        (S::Completion, http(Code::RateLimited, 429, "")),
        (S::Completion, http(Code::BadRequest, 400, "This is not a chat model")),
        (S::Completion, broke(Code::MalformedAnswer)),
        (S::Completion, broke(Code::TimedOut)),
        (S::Completion, broke(Code::StreamCut)),
        (S::Completion, Cause::EmptyAnswer),
        (S::Completion, broke(Code::Stopped)),
        (S::Completion, Cause::Http(Failure::new(Code::Internal, "lost the thread"))),
        (S::Completion, Cause::Cancelled),
    ]
}

fn check(stage: Stage, cause: Cause, title: &str, code: Code, first: RemedyAction) {
    check_of(&openai(), stage, cause, title, code, first);
}

fn check_of(subject: &Subject, stage: Stage, cause: Cause, title: &str, code: Code, first: RemedyAction) {
    let report = verdict(subject, findings(Some((stage, cause))));
    assert_eq!(report.title, title);
    assert_eq!((report.code, report.remedies[0].action), (Some(code), Some(first)), "{title}");
}

#[test]
fn f8_a_test_names_the_broken_part_of_the_path() {
    use RemedyAction as A;
    use Stage::{Dns, Tcp as TcpStage, Tls as TlsStage};
    check(
        Dns,
        Cause::NoAddress,
        "Failed at DNS: no address found for api.openai.com",
        Code::NetworkFailed,
        A::EditBaseUrl,
    );
    check(Dns, Cause::Offline, "Failed at DNS: this machine has no network", Code::Offline, A::TestAgain);
    let silent = "Failed at TCP: api.openai.com did not answer on port 443";
    check(TcpStage, Cause::Tcp(Tcp::TimedOut), silent, Code::TimedOut, A::TestAgain);
    let closed = "Failed at TCP: port 11434 on this machine is closed";
    check_of(&ollama(), TcpStage, Cause::Tcp(Tcp::Refused), closed, Code::NetworkFailed, A::TestAgain);
    let clock = "Failed at TLS: the clock of this machine is 3 h behind";
    check(TlsStage, Cause::ClockSkew { seconds: -11_000 }, clock, Code::NetworkFailed, A::TestAgain);
    let proxy = "Failed at auth: the proxy asks for a name and a password";
    check(Stage::Auth, http(Code::BadRequest, 407, ""), proxy, Code::NetworkFailed, A::TestAgain);
}

#[test]
fn f8_a_test_names_the_trouble_with_the_key() {
    use RemedyAction as A;
    let refused = "Failed at auth: OpenAI does not accept this key";
    check(Stage::Auth, http(Code::KeyRefused, 401, ""), refused, Code::KeyRefused, A::OpenKeysPage);
    check(
        Stage::Auth,
        Cause::NoKey,
        "Failed at auth: OpenAI primary has no key",
        Code::CredentialMissing,
        A::ReplaceKey,
    );
    let credit = "Failed at auth: your account at OpenAI has no credit left";
    check(Stage::Auth, http(Code::QuotaExhausted, 429, ""), credit, Code::QuotaExhausted, A::OpenKeysPage);
    let own = "Failed at auth: llm.example.com does not accept this key";
    check_of(&other(), Stage::Auth, http(Code::KeyRefused, 401, ""), own, Code::KeyRefused, A::ReplaceKey);
}

#[test]
fn k4_a_closed_keychain_is_not_a_missing_key() {
    use RemedyAction as A;
    let locked = "Failed at auth: the keychain is locked";
    check(Stage::Auth, Cause::VaultLocked, locked, Code::VaultLocked, A::UnlockKeychain);
    check(Stage::Auth, broke(Code::VaultLocked), locked, Code::VaultLocked, A::UnlockKeychain);
    let absent = "Failed at auth: no keychain runs on this system";
    check(Stage::Auth, Cause::VaultAbsent, absent, Code::VaultAbsent, A::TestAgain);
    let denied = "Failed at auth: the keychain does not give out the key";
    check(Stage::Auth, Cause::VaultDenied, denied, Code::VaultDenied, A::UnlockKeychain);
}

#[test]
fn f8_a_test_names_a_model_that_is_not_there() {
    use RemedyAction as A;
    let gone = "Failed at the tiny completion: this key cannot use gpt-5-mini";
    check(Stage::Completion, http(Code::ModelNotFound, 404, ""), gone, Code::ModelNotFound, A::PickModel);
    let empty = "Failed at the model list: Ollama has no model yet";
    check_of(&ollama(), Stage::Models, Cause::EmptyModelList, empty, Code::ModelNotFound, A::TestAgain);
    let report = verdict(&openai(), findings(Some((Stage::Completion, http(Code::ModelNotFound, 404, "")))));
    let near = "Pick one of the 3 that it offers. Closest by name: gpt-5.1-mini, gpt-5-nano, gpt-4.1.";
    assert_eq!(report.remedies[0].text, near);
}

#[test]
fn a_model_that_is_listed_and_refused_is_not_called_missing() {
    let subject = Subject { default_model: Some("gpt-4.1".to_owned()), ..openai() };
    let report = verdict(&subject, findings(Some((Stage::Completion, http(Code::ModelNotFound, 404, "")))));
    assert!(
        report.detail.contains("OpenAI lists gpt-4.1, but answers that it does not exist"),
        "{}",
        report.detail
    );
    let others = "Pick one of the 2 that it offers. Closest by name: gpt-5-nano, gpt-5.1-mini.";
    assert_eq!(report.remedies[0].text, others);
}

#[test]
fn f8_a_404_for_the_list_is_a_wrong_base_url() {
    let not_found = || http(Code::ModelNotFound, 404, "");
    for stage in [Stage::Auth, Stage::Models] {
        let report = verdict(&other(), findings(Some((stage, not_found()))));
        assert_eq!(report.code, Some(Code::MalformedAnswer));
        assert!(
            report.remedies[0].text.ends_with("https://llm.example.com/v1."),
            "{}",
            report.remedies[0].text
        );
        assert_eq!(report.remedies[0].action, Some(RemedyAction::EditBaseUrl));
    }
    let report = verdict(&openai(), findings(Some((Stage::Models, not_found()))));
    assert_eq!(report.remedies[0].text, "Look up the base URL in the documentation of OpenAI.");
}

#[test]
fn r4_limited_is_not_failed() {
    let limit = Cause::Http(Failure { retry_after_ms: Some(21_400), ..Failure::new(Code::RateLimited, "") });
    let report = verdict(&openai(), findings(Some((Stage::Auth, limit))));
    assert_eq!(report.verdict, Verdict::Limited);
    assert_eq!(report.stages[3].verdict, Some(Verdict::Limited));
    assert_eq!(report.title, "Limited at auth: OpenAI takes no more requests for now");
    assert_eq!(report.remedies[0].text, "Wait 22 s, then test again.");
}

#[test]
fn f8_a_passed_test_says_what_it_found_and_cost() {
    let report = verdict(&openai(), findings(None));
    assert_eq!((report.verdict, report.failed_stage, report.code), (Verdict::Passed, None, None));
    assert_eq!(report.title, "OpenAI primary answers");
    assert_eq!(report.detail, "All 6 stages passed in 1.31 s. 3 models found. The test cost $0.000004.");
    assert_eq!(report.cost, Some(DecimalUsd("0.000004".to_owned())));
    assert!(report.remedies.is_empty());
}

#[test]
fn f8_without_leave_to_spend_no_completion_is_missed() {
    let mut free = findings(None);
    free.stages.retain(|report| !matches!(report.stage, Stage::Tls | Stage::Completion));
    (free.cost, free.took_ms) = (None, 640);
    let report = verdict(&ollama(), free);
    assert_eq!(report.detail, "4 stages passed in 640 ms. 3 models found. The test was free.");
    let not_run: Vec<&str> = [2, 5].map(|index: usize| report.stages[index].evidence.as_str()).to_vec();
    assert_eq!(not_run, ["Plain HTTP on this machine", "No spending allowed"]);
}

#[test]
fn trap_11_a_test_of_unknown_price_says_so() {
    let unknown = Findings { cost: None, ..findings(None) };
    let report = verdict(&openai(), unknown);
    assert!(report.detail.ends_with("What the test cost is not known."), "{}", report.detail);
}

#[test]
fn f8_stages_behind_the_broken_one_say_why_they_were_not_run() {
    let mut run = findings(Some((Stage::Auth, http(Code::KeyRefused, 401, ""))));
    run.stages.push(StageReport {
        stage: Stage::Auth,
        verdict: None,
        started_ms: 68,
        took_ms: Some(272),
        evidence: "GET /v1/models answered 401".to_owned(),
    });
    run.stages.reverse();
    let report = verdict(&openai(), run);
    let stages: Vec<Stage> = report.stages.iter().map(|report| report.stage).collect();
    assert_eq!(stages, Stage::ALL);
    let auth = &report.stages[3];
    assert_eq!(
        (auth.verdict, auth.evidence.as_str()),
        (Some(Verdict::Failed), "GET /v1/models answered 401")
    );
    for behind in &report.stages[4..] {
        assert_eq!(
            (behind.verdict, behind.evidence.as_str()),
            (Some(Verdict::NotRun), "Needs a working key")
        );
    }
}

#[test]
fn a_stopped_test_breaks_nothing() {
    let report = verdict(&openai(), findings(Some((Stage::Models, Cause::Cancelled))));
    assert_eq!((report.verdict, report.failed_stage), (Verdict::NotRun, None));
    assert_eq!((report.title.as_str(), report.code), ("Stopped at the model list", Some(Code::Cancelled)));
    assert_eq!(report.stages[5].evidence, "The test was stopped");
}

#[test]
fn nearest_names_come_first() {
    let known = names(&["gpt-4o", "openai/gpt-5-mini", "llama3.2", "gpt-5-nano", "GPT-5"]);
    assert_eq!(nearest("gpt5", &known, 2), ["GPT-5", "gpt-4o"]);
    assert_eq!(nearest("gpt-5-mini", &known, 2), ["openai/gpt-5-mini", "gpt-5-nano"]);
    assert_eq!(nearest("x", &known, 0), [""; 0]);
    assert_eq!(nearest("x", &[], 3), [""; 0]);
}

#[test]
fn a_report_carries_at_most_200_models() {
    let many = Findings { models: (0..331).map(|n| format!("model-{n}")).collect(), ..findings(None) };
    let report = verdict(&openai(), many);
    assert_eq!(report.models.len(), 200);
    assert!(report.detail.contains("331 models found."), "{}", report.detail);
}

#[test]
fn times_are_written_as_the_design_says() {
    for (ms, text) in
        [(0, "0 ms"), (640, "640 ms"), (2_319, "2.31 s"), (99_999, "99.99 s"), (102_400, "1 min 42 s")]
    {
        assert_eq!(took(ms), text);
    }
}

#[test]
fn every_failure_has_words_and_something_to_do() {
    for subject in [openai(), ollama(), other()] {
        for (stage, cause) in causes() {
            let report = verdict(&subject, findings(Some((stage, cause))));
            let text = format!("{} {} {:?}", report.title, report.detail, report.remedies);
            assert!(!report.remedies.is_empty(), "{text}");
            assert!(report.detail.ends_with('.') && !report.title.ends_with('.'), "{text}");
            assert!(report.remedies.iter().all(|remedy| remedy.text.ends_with(['.', '/'])), "{text}");
            assert!(!text.contains('!') && !text.contains("  "), "{text}");
        }
    }
}

#[test]
fn the_window_reads_what_is_sent() {
    let report = verdict(&openai(), findings(Some((Stage::Auth, http(Code::KeyRefused, 401, "")))));
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["failed_stage"], "auth");
    assert_eq!(json["verdict"], "failed");
    assert_eq!(json["stages"][5]["verdict"], "not_run");
    assert_eq!(json["remedies"][0]["action"], "open_keys_page");
    assert_eq!(serde_json::from_value::<CheckReport>(json).expect("a report"), report);
    assert_eq!(serde_json::to_string(&Spend::FreeOnly).expect("JSON"), "\"free_only\"");
}

fn page(subject: &Subject) -> String {
    let mut text = String::new();
    for (stage, cause) in causes() {
        let report = verdict(subject, findings(Some((stage, cause))));
        let code = report.code.map_or("none", Code::as_str);
        let _ = writeln!(text, "{}  [{code}]\n    {}", report.title, report.detail);
        for (number, remedy) in report.remedies.iter().enumerate() {
            let action = remedy.action.map_or_else(|| "-".to_owned(), |action| format!("{action:?}"));
            let _ = writeln!(text, "    {}. {} <{action}>", number + 1, remedy.text);
        }
        let behind = report.stages.iter().find(|report| report.verdict == Some(Verdict::NotRun));
        let _ = writeln!(text, "    behind it: {}\n", behind.map_or("-", |report| report.evidence.as_str()));
    }
    text
}

#[test]
fn f8_the_words_of_every_failure() {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("diagnose_remote", page(&openai()));
        insta::assert_snapshot!("diagnose_local", page(&ollama()));
        insta::assert_snapshot!("diagnose_own_endpoint", page(&other()));
    });
}
